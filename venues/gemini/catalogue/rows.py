"""How a row is written down: short words for roles, defaults by the kind of call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from venues.gemini.catalogue.kinds import Auth, Call, Host, Money, RateClass, Role, fields, kind

_ROLES: Final[Mapping[str, Role]] = {
    "T": Role.TRADER,
    "FM": Role.FUND_MANAGER,
    "A": Role.AUDITOR,
    "Adm": Role.ADMINISTRATOR,
}


def public(
    name: str,
    path: str,
    *,
    query: str = "",
    answer: str = "json",
    tier: int = 1,
    rate: RateClass = RateClass.PUBLIC,
    sim: str = "",
) -> Call:
    """Return a public read."""
    return Call(
        name=name,
        method="GET",
        path=path,
        auth=Auth.NONE,
        roles=frozenset(),
        scope="",
        money=Money.READS,
        rate=rate,
        tier=tier,
        query=fields(query),
        answer=kind(answer),
        sim=sim,
    )


def private(
    name: str,
    path: str,
    *,
    roles: str,
    scope: str = "",
    money: str = "-",
    method: str = "POST",
    query: str = "",
    request: str = "",
    answer: str = "json",
    tier: int = 1,
    rate: RateClass = RateClass.PRIVATE,
    is_repeatable: bool = True,
    sim: str = "",
) -> Call:
    """Return a signed call. `roles` is `any` or names such as `T/A`; `m:` before it means group keys only."""
    is_master_only = roles.startswith("m:")
    named = roles.removeprefix("m:")
    return Call(
        name=name,
        method=method,
        path=path,
        auth=Auth.SIGNED,
        roles=_roles("" if named == "any" else named),
        scope=scope,
        money=Money(money),
        rate=rate,
        tier=tier,
        is_master_only=is_master_only,
        # What moves money is never sent twice either.
        is_repeatable=is_repeatable and Money(money) is not Money.MOVES,
        query=fields(query),
        request=fields(request),
        answer=kind(answer),
        sim=sim,
    )


def socket(
    name: str,
    path: str,
    *,
    roles: str = "",
    scope: str = "",
    query: str = "",
    asks: str = "null",
    answer: str = "json",
    host: Host = Host.REST,
    sim: str = "",
) -> Call:
    """Return a socket; `roles` empty means that anyone may open it."""
    return Call(
        name=name,
        method="WS",
        path=path,
        auth=Auth.SIGNED if roles else Auth.NONE,
        roles=_roles(roles),
        scope=scope,
        money=Money.READS,
        rate=RateClass.SOCKET,
        tier=1,
        host=host,
        query=fields(query),
        asks=kind(asks),
        answer=kind(answer),
        sim=sim,
    )


def stream_method(
    name: str,
    path: str,
    *,
    roles: str = "",
    scope: str = "",
    money: str = "-",
    request: str = "",
    asks: str = "null",
    answer: str = "null",
    sim: str = "",
) -> Call:
    """Return a method of the stream socket: `request` its named parameters, `asks` those of an array."""
    return Call(
        name=name,
        method="CALL",
        path=path,
        auth=Auth.SIGNED if roles else Auth.NONE,
        roles=_roles(roles),
        scope=scope,
        money=Money(money),
        rate=RateClass.SOCKET,
        tier=1,
        host=Host.STREAM,
        is_repeatable=Money(money) is not Money.TRADES,
        request=fields(request),
        asks=kind(asks),
        answer=kind(answer),
        sim=sim,
    )


def site(
    name: str,
    path: str,
    *,
    method: str = "GET",
    query: str = "",
    request: str = "",
    answer: str = "file",
    is_repeatable: bool = True,
    sim: str = "",
) -> Call:
    """Return a page or form of the venue's web site; `request` are the form's fields."""
    return Call(
        name=name,
        method=method,
        path=path,
        auth=Auth.NONE,
        roles=frozenset(),
        scope="",
        money=Money.READS if method == "GET" else Money.WRITES,
        rate=RateClass.PUBLIC,
        tier=1,
        host=Host.SITE,
        is_repeatable=is_repeatable,
        query=fields(query),
        request=fields(request),
        answer=kind(answer),
        sim=sim,
    )


def _roles(names: str) -> frozenset[Role]:
    return frozenset(_ROLES[role] for role in names.split("/")) if names else frozenset()
