"""Who may talk to our loopback servers: a pure judgement over the facts of one request.

A web page in the same browser can reach 127.0.0.1. It cannot fake `Host`, `Origin` or `Sec-Fetch-*`
(the browser writes them), so these three decide. A program without a browser sends none of the last two;
it is stopped by the token instead.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What one request says about where it comes from; every header with all its values."""

    method: str
    hosts: tuple[str, ...]
    origins: tuple[str, ...] = ()
    fetch_sites: tuple[str, ...] = ()
    fetch_modes: tuple[str, ...] = ()
    fetch_dests: tuple[str, ...] = ()
    is_websocket: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An HTTP status and an error in the shape that every API of ours answers."""

    status: int
    code: str
    message: str
    cure: str

    def as_json(self) -> dict[str, dict[str, str]]:
        """Return `{"error": {"code", "message", "cure"}}`."""
        return {"error": {"code": self.code, "message": self.message, "cure": self.cure}}


def judge(facts: RequestFacts, hosts: frozenset[str]) -> Refusal | None:
    """Return why the request is refused, or None. `hosts` are the allowed `name:port` values, lower case."""
    host = facts.hosts[0].lower() if len(facts.hosts) == 1 else ""
    if host not in hosts:
        return Refusal(
            status=421,
            code="HOST_REFUSED",
            message="this server does not answer under that name",
            cure="Open it under the address that it printed at start.",
        )
    if facts.origins and facts.origins != (f"http://{host}",):
        return Refusal(
            status=403,
            code="ORIGIN_REFUSED",
            message="a page of another origin may not use this server",
            cure="Use the page that this server serves itself.",
        )
    if facts.fetch_sites and not _is_own_page(facts):
        return Refusal(
            status=403,
            code="CROSS_SITE_REFUSED",
            message="another site may not read from or write to this server",
            cure="Open the address directly, or follow a plain link to it.",
        )
    return None


def _is_own_page(facts: RequestFacts) -> bool:
    if facts.fetch_sites in {("same-origin",), ("none",)}:
        return True
    # Following a link from elsewhere opens the page in a tab of its own; framing or fetching does not pass.
    return (
        facts.fetch_sites in {("same-site",), ("cross-site",)}
        and facts.fetch_modes == ("navigate",)
        and facts.fetch_dests == ("document",)
        and facts.method in {"GET", "HEAD"}
        and not facts.is_websocket
    )
