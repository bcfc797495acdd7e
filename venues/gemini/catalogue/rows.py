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
        roles=frozenset() if named == "any" else frozenset(_ROLES[role] for role in named.split("/")),
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
    host: Host = Host.REST,
    sim: str = "",
) -> Call:
    """Return a socket; `roles` empty means that anyone may open it."""
    return Call(
        name=name,
        method="WS",
        path=path,
        auth=Auth.SIGNED if roles else Auth.NONE,
        roles=frozenset(_ROLES[role] for role in roles.split("/")) if roles else frozenset(),
        scope=scope,
        money=Money.READS,
        rate=RateClass.SOCKET,
        tier=1,
        host=host,
        query=fields(query),
        sim=sim,
    )
