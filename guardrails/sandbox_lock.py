"""The sandbox lock: the only place that knows a venue's hosts, and it knows no live one.

A client can only be built for an `Endpoint`, and only `endpoint` makes one. Whoever opens a socket asks
`check_host` right before, so that no URL, redirect, proxy, setting or answer can point it elsewhere.
Whoever sends a call asks `check_call`, so that what moves money needs the person and what trades the order
path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from types import MappingProxyType
from typing import Final

from domain.errors import LockedError
from guardrails.snapshot import Mode

_SANDBOX_HOSTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rest": "api.sandbox.gemini.com",
        "stream": "ws.sandbox.gemini.com",
        "site": "exchange.sandbox.gemini.com",
    }
)
"""By the kind of host that the catalogue of endpoints names. docs.sandbox.gemini.com, read 2026-11."""
_HTTPS = 443
_SEAL = object()


class Asker(StrEnum):
    """On whose behalf a call is sent."""

    DESK = "desk"
    """The desk itself: reads, keeps its session alive."""
    ORDER_PATH = "order path"
    """The path of an order that the gate has let through."""
    PERSON = "person"
    """A person's own click or command."""


_ASKERS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "-": frozenset(Asker),
        "w": frozenset(Asker),
        "$": frozenset({Asker.ORDER_PATH}),
        "$$": frozenset({Asker.PERSON}),
    }
)
"""Who may send a call, by the money class of its row in the catalogue. What is not here nobody may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperAddress:
    """Where the embedded exchange listens: a loopback IP literal and a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One kind of host of a venue that may be spoken to.

    Made by `endpoint`; the seal stops one from being built by accident.
    """

    mode: Mode
    venue: str
    kind: str
    rest_url: str
    ws_url: str
    host: str
    port: int
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        """Refuse an endpoint that the lock did not make."""
        if seal is not _SEAL:
            raise LockedError(
                "SANDBOX_LOCK",
                "an endpoint can only come from the sandbox lock",
                "Call sandbox_lock.endpoint.",
            )


def endpoint(mode: Mode, paper: PaperAddress | None = None, host: str = "rest") -> Endpoint:
    """Return the endpoint of `mode` for a kind of host: `rest`, `stream` or `site`.

    In paper all of them are the one exchange on this machine, its site under `/web`. Raises `LockedError` for
    live, for an unknown mode or kind, for paper without an address, and for a paper address that is not a
    loopback IP literal (a name could be made to point elsewhere).
    """
    _check_mode(mode)
    if host not in _SANDBOX_HOSTS:
        raise LockedError(
            "HOST_UNKNOWN", f"unknown kind of host {host!r:.40}", f"Use one of {', '.join(_SANDBOX_HOSTS)}."
        )
    if mode is Mode.PAPER:
        return _paper(paper, host)
    name = _SANDBOX_HOSTS[host]
    return Endpoint(
        mode=mode,
        venue="gemini",
        kind=host,
        rest_url=f"https://{name}",
        ws_url=f"wss://{name}",
        host=name,
        port=_HTTPS,
        seal=_SEAL,
    )


def check_call(mode: Mode, money: str, asker: object) -> None:
    """Raise `LockedError` unless `asker` may send a call of this money class in this mode.

    `money` is the class as the catalogue writes it: `-` reads, `w` writes what is no money, `$` trades, `$$`
    moves value. In live nothing may be sent, and an unknown class or asker may never.
    """
    _check_mode(mode)
    if not isinstance(asker, Asker) or asker not in _ASKERS.get(money, frozenset()):
        raise LockedError(
            "MONEY_LOCKED",
            f"a call of money class {money!r:.8} is not open to {asker!s:.20}",
            "Orders go through the gate; what moves money a person does in their own channel.",
        )


def _check_mode(mode: Mode) -> None:
    if mode is Mode.LIVE:
        raise LockedError(
            "LIVE_LOCKED", "live trading is locked in this version", 'Use mode = "paper" or mode = "sandbox".'
        )
    if mode is not Mode.PAPER and mode is not Mode.SANDBOX:
        raise LockedError("MODE_UNKNOWN", f"unknown mode {mode!r:.40}", "Use paper or sandbox.")


def check_host(endpoint: Endpoint, host: object, port: object) -> None:
    """Raise `LockedError` unless `host:port` is the endpoint's own, and the endpoint is one we hand out."""
    wanted = _expected_host(endpoint)
    if not isinstance(host, str) or host.lower() != wanted or port != endpoint.port:
        raise LockedError(
            "HOST_LOCKED",
            f"a connection to {host!r:.80}:{port!r:.8} is not allowed in {endpoint.mode} mode",
            f"Only {wanted}:{endpoint.port} may be reached. Proxies and redirects are off on purpose.",
        )


def _expected_host(made: Endpoint) -> str:
    if made.mode is Mode.SANDBOX and made.port == _HTTPS and made.host == _SANDBOX_HOSTS.get(made.kind):
        return made.host
    if made.mode is Mode.PAPER and _is_loopback(made.host):
        return made.host
    raise LockedError(
        "SANDBOX_LOCK", f"{made.mode} mode has no host that may be reached", "Use paper or sandbox."
    )


def _paper(paper: PaperAddress | None, kind: str) -> Endpoint:
    if paper is None:
        raise LockedError(
            "PAPER_ADDRESS", "the paper exchange has no address yet", "Start it: matrix exchange."
        )
    is_port = type(paper.port) is int and 0 < paper.port < 65536
    if not _is_loopback(paper.host) or not is_port:
        raise LockedError(
            "PAPER_NOT_LOOPBACK",
            f"the paper exchange must listen on this machine, not on {paper.host!r:.80}:{paper.port!r:.8}",
            "Give a loopback address such as 127.0.0.1 and a port from 1 to 65535.",
        )
    shown = f"[{paper.host}]" if ":" in paper.host else paper.host
    return Endpoint(
        mode=Mode.PAPER,
        venue="paper",
        kind=kind,
        rest_url=f"http://{shown}:{paper.port}{'/web' if kind == 'site' else ''}",
        ws_url=f"ws://{shown}:{paper.port}",
        host=paper.host,
        port=paper.port,
        seal=_SEAL,
    )


def _is_loopback(host: object) -> bool:
    if not isinstance(host, str) or "%" in host:
        return False
    try:
        address = ip_address(host)
    except ValueError:
        return False
    # An IPv4 address inside an IPv6 one is read differently by different resolvers, so only ::1 passes.
    return address == IPv6Address(1) if address.version == 6 else address.is_loopback
