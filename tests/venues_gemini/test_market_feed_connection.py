"""The market feed connects to its endpoint and nowhere else, whatever it is told."""

from __future__ import annotations

from decimal import Decimal

import pytest
from websockets.asyncio.client import connect

from domain.clock import SystemClock
from domain.errors import LockedError
from guardrails.sandbox_lock import PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini.market_frames import HASTE, feed, snapshot
from tests.venues_gemini.socket_server import Peer, background, refusal, serving, until
from venues.gemini.feed import _Direct
from venues.gemini.market_feed import MarketFeed

D = Decimal


async def quiet(peer: Peer) -> None:
    await peer.hear()
    await peer.say(snapshot())
    await peer.stay()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_run_redirect_not_followed(status: int) -> None:
    async with serving(quiet) as other, serving(quiet) as server:
        server.refusals += [
            refusal(status, "", Location=f"ws://127.0.0.1:{other.port}/v2/marketdata"),
            refusal(status, "", Location="/v1/elsewhere"),
        ]
        live = feed(server)
        async with background(live.run()):
            await until(lambda: live.view("btcusd").synced)
    assert not other.requests
    assert [r.path for r in server.requests] == ["/v2/marketdata"] * 3
    assert str(status) in live.status().last_error


async def test_run_nobody_listens_says_so_and_keeps_trying() -> None:
    async with serving() as server:
        pass
    live = feed(server)
    async with background(live.run()):
        await until(lambda: live.status().reconnects >= 3)
        assert live.status().last_error == "the exchange cannot be reached"


async def test_run_frame_beyond_all_bounds_new_connection() -> None:
    async def flood(peer: Peer) -> None:
        await peer.hear()
        await peer.say(snapshot(), b"x" * (8 * 1024 * 1024 + 1))
        await peer.stay()

    async with serving(flood, quiet) as server:
        live = feed(server)
        async with background(live.run()):
            await until(lambda: server.played == 2 and live.view("btcusd").synced)
            assert live.status().last_error == "the exchange closed the connection"


async def test_run_environment_proxy_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "WS_PROXY", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async with serving(quiet) as server:
        live = feed(server)
        async with background(live.run()):
            await until(lambda: live.view("btcusd").synced)
            assert live.status().reconnects == 0


async def test_run_endpoint_bent_locked_and_not_retried() -> None:
    held = endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=9))
    object.__setattr__(held, "host", "example.org")
    with pytest.raises(LockedError):
        await MarketFeed(held, ["btcusd"], SystemClock(), patience=HASTE).run()


def test_redirect_hook_of_the_library_is_still_there() -> None:
    """If the library renamed it, ours would be called no more and redirects would be followed."""
    assert _Direct.process_redirect is not connect.process_redirect
    assert issubclass(_Direct, connect)
