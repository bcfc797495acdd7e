"""One HTTP exchange with the venue: held to the endpoint's host, bounded in time and size, never repeated.

Redirects and proxies are off. Whether the request's bytes may have left is recorded from the connection
itself, because that alone tells "nothing was sent" from "the outcome is unknown".
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import httpx

from domain.clock import Clock
from guardrails.sandbox_lock import Endpoint, check_host
from venues.gemini.session.clock_light import ClockLight, skew_s

_MAX_BODY = 8 * 1024 * 1024
_TIMEOUT = httpx.Timeout(connect=5.0, read=10.0, write=5.0, pool=5.0)
# Kept-alive connections are dropped before the usual server idle time of five seconds: an order written into
# a connection that the server is closing would end in an unknown outcome for nothing. There are more
# connections than the pacing lets hang unanswered at once: silent reads leave one for a cancel.
_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=8, keepalive_expiry=3.0)


class Mishap(StrEnum):
    """Why no reply came."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    CUT = "cut"
    TOO_BIG = "too_big"
    CLOSED = "closed"


class NoReplyError(Exception):
    """No reply. `may_have_left` says whether the venue may have got the request."""

    def __init__(self, mishap: Mishap, *, may_have_left: bool) -> None:
        super().__init__(mishap.value)
        self.mishap = mishap
        self.may_have_left = may_have_left


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the venue answered. `retry_after_s` is its own wish, None when it has none."""

    status: int
    body: bytes
    retry_after_s: float | None
    content_type: str = ""


class Flight:
    """What the connection tells about one request on its way."""

    def __init__(self) -> None:
        self.may_have_left = False
        self.sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        """Take the HTTP library's progress reports."""
        if event.endswith(".send_request_headers.started"):
            self.may_have_left = True
        elif event.endswith(".send_request_body.complete") and not self.sent.done():
            self.sent.set_result(None)


class _HeldToHost(httpx.AsyncBaseTransport):
    """Asks the sandbox lock before each request reaches the pool that opens connections."""

    def __init__(self, endpoint: Endpoint, inner: httpx.AsyncBaseTransport) -> None:
        self._endpoint = endpoint
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        check_host(self._endpoint, url.host, url.port or (443 if url.scheme == "https" else 80))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class Transport:
    """A connection pool for one endpoint. Each reply's time goes to `light`."""

    def __init__(self, endpoint: Endpoint, clock: Clock, light: ClockLight | None = None) -> None:
        check_host(endpoint, endpoint.host, endpoint.port)
        self._clock = clock
        self._light = light or ClockLight(clock)
        self.clock_skew_s: float | None = None
        inner = httpx.AsyncHTTPTransport(verify=tls(), trust_env=False, limits=_LIMITS, retries=0)
        self._client = httpx.AsyncClient(
            base_url=endpoint.rest_url,
            transport=_HeldToHost(endpoint, inner),
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": "crypto-matrix", "Accept-Encoding": "identity"},
        )
        # Kept cookies would make every request longer, for as long as the venue sends new ones.
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))

    async def send(
        self,
        method: str,
        path: str,
        *,
        flight: Flight,
        within_s: float,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request and return the whole reply.

        Raises `NoReplyError`, or `LockedError` for a wrong host.
        """
        if self._client.is_closed:
            raise NoReplyError(Mishap.CLOSED, may_have_left=False)
        request = self._client.build_request(
            method, path, params=params, headers=headers, extensions={"trace": flight.trace}
        )
        try:
            async with asyncio.timeout(within_s):
                response = await self._client.send(request, stream=True)
                try:
                    body = await _bounded(response, flight)
                finally:
                    await response.aclose()
        except _TROUBLE as error:
            raise NoReplyError(_mishap(error, flight), may_have_left=flight.may_have_left) from error
        self._hear_time(response.headers.get("Date"))
        return Reply(
            status=response.status_code,
            body=body,
            retry_after_s=_seconds(response.headers.get("Retry-After")),
            content_type=response.headers.get("Content-Type", ""),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    def _hear_time(self, date: str | None) -> None:
        try:
            theirs = parsedate_to_datetime(date or "")
            self.clock_skew_s = skew_s(self._clock.now(), theirs)
        except (TypeError, ValueError, OverflowError):  # unreadable, without a zone, or no time at all
            self.clock_skew_s = None
        else:
            self._light.note(theirs)


async def _bounded(response: httpx.Response, flight: Flight) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _MAX_BODY:
            raise NoReplyError(Mishap.TOO_BIG, may_have_left=flight.may_have_left)
    return bytes(body)


@cache
def tls() -> ssl.SSLContext:
    """Return what HTTPS and WSS trust: our own list of authorities, whatever the environment says.

    Made once a process, as reading the certificates takes tens of milliseconds.
    """
    return httpx.create_ssl_context(trust_env=False)


_TROUBLE: Final = (OSError, httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, httpx.CookieConflict)
"""Every error of the HTTP library (a test walks its tree), and those of TLS that it lets through."""


def _mishap(error: Exception, flight: Flight) -> Mishap:
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return Mishap.TIMEOUT
    return Mishap.CUT if flight.may_have_left else Mishap.UNREACHABLE


def _seconds(text: str | None) -> float | None:
    # Retry-After may also be a date; the venue's own libraries only ever read seconds.
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
