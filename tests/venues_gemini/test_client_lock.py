"""The REST client reaches its endpoint and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.clock import ManualClock
from domain.errors import (
    LockedError,
    VenueRejectedError,
)
from guardrails.sandbox_lock import PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini.connected import on
from tests.venues_gemini.fault_server import Act, ok, running
from tests.venues_gemini.samples import START
from venues.gemini import feed
from venues.gemini.client import GeminiRest
from venues.gemini.transport import Transport, tls

D = Decimal
HANG = Act(wait_s=30)


async def test_client_environment_proxy_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with running(always=ok([])) as server, on(server) as (client, _):
        assert await client.open_orders() == []


async def test_transport_other_host_locked_before_any_byte() -> None:
    async with running(always=ok([])) as server, running(always=ok([])) as other:
        transport = Transport(server.endpoint, ManualClock(START))
        for url in (
            f"http://127.0.0.1:{other.port}/v1/symbols",
            f"http://localhost:{server.port}/v1/symbols",
        ):
            with pytest.raises(LockedError):
                await transport._client.get(url)
        await transport.close()
        assert not server.requests
        assert not other.requests


async def test_redirect_to_the_same_host_not_followed() -> None:
    away = Act(status=302, body=b"", headers=("Location: /v1/account",))
    async with running(always=away) as server, on(server) as (client, _):
        with pytest.raises(VenueRejectedError, match="redirects are never followed"):
            await client.symbols()
        assert [r.target for r in server.requests] == ["/v1/symbols"]


def test_client_endpoint_not_from_the_lock_refused() -> None:
    held = endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=8080))
    object.__setattr__(held, "host", "example.org")
    with pytest.raises(LockedError):
        GeminiRest(held, None, None, ManualClock(START))


@pytest.mark.parametrize(
    ("header", "skew"),
    [
        ("Date: Fri, 20 Nov 2026 08:29:30 GMT", 29.0),
        ("Date: Fri, 20 Nov 2026 08:30:00 GMT", 0.0),
        ("Date: Fri, 20 Nov 2026 08:30:05 GMT", -5.0),
        ("Date: nonsense", None),
        ("X-Other: 1", None),
    ],
)
async def test_clock_skew_measured_from_the_date_header(header: str, skew: float | None) -> None:
    async with running(always=Act(body=b"[]", headers=(header,))) as server, on(server) as (client, _):
        await client.symbols()
        assert client.clock_skew_s == skew


async def test_cookies_of_the_venue_not_kept() -> None:
    answer = Act(body=b"[]", headers=("Set-Cookie: a=1; Path=/",))
    async with running(always=answer) as server, on(server) as (client, _):
        for _ in range(2):
            await client.symbols()
        assert ["cookie" in request.headers for request in server.requests] == [False, False]


@pytest.mark.parametrize("mode", [Mode.SANDBOX, Mode.PAPER])
async def test_socket_trusts_what_https_trusts_whatever_the_environment_says(
    mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    async def connect(_: str, **options: Any) -> None:
        asked.append(options)

    monkeypatch.setattr(feed, "_Direct", connect)
    await feed.open_socket(endpoint(mode, PaperAddress(host="127.0.0.1", port=8080)), "/", {})
    assert asked[0]["ssl"] is (tls() if mode is Mode.SANDBOX else None)
