"""The sandbox lock: the only place that knows a venue's hosts, and it knows no live one.

A client can only be built for an `Endpoint`, and only `endpoint` makes one. Whoever opens a socket asks
`check_host` right before, so that no URL, redirect, proxy, setting or answer can point it elsewhere.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from ipaddress import IPv6Address, ip_address

from domain.errors import LockedError
from guardrails.snapshot import Mode

_SANDBOX_HOST = "api.sandbox.gemini.com"
"""docs.sandbox.gemini.com, read 2026-11."""
_HTTPS = 443
_SEAL = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperAddress:
    """Where the embedded exchange listens: a loopback IP literal and a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A venue that may be spoken to. Made by `endpoint`; the seal stops one from being built by accident."""

    mode: Mode
    venue: str
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


def endpoint(mode: Mode, paper: PaperAddress | None = None) -> Endpoint:
    """Return the endpoint of `mode`.

    Raises `LockedError` for live, for an unknown mode, for paper without an address, and for a paper
    address that is not a loopback IP literal (a name could be made to point elsewhere).
    """
    if mode is Mode.PAPER:
        return _paper(paper)
    if mode is Mode.SANDBOX:
        return Endpoint(
            mode=mode,
            venue="gemini",
            rest_url=f"https://{_SANDBOX_HOST}",
            ws_url=f"wss://{_SANDBOX_HOST}",
            host=_SANDBOX_HOST,
            port=_HTTPS,
            seal=_SEAL,
        )
    if mode is Mode.LIVE:
        raise LockedError(
            "LIVE_LOCKED", "live trading is locked in this version", 'Use mode = "paper" or mode = "sandbox".'
        )
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
    if made.mode is Mode.SANDBOX and made.host == _SANDBOX_HOST and made.port == _HTTPS:
        return _SANDBOX_HOST
    if made.mode is Mode.PAPER and _is_loopback(made.host):
        return made.host
    raise LockedError(
        "SANDBOX_LOCK", f"{made.mode} mode has no host that may be reached", "Use paper or sandbox."
    )


def _paper(paper: PaperAddress | None) -> Endpoint:
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
        rest_url=f"http://{shown}:{paper.port}",
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
