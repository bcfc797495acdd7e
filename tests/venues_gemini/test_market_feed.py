"""The market feed over real sockets: snapshots, deltas, cuts, silence, crossings and nonsense."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from domain.clock import SystemClock
from domain.errors import BadInputError, NotFoundError
from guardrails.sandbox_lock import PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini import recordings
from tests.venues_gemini.market_frames import delta, feed, snapshot, trade
from tests.venues_gemini.socket_server import Peer, background, serving, until
from tests.venues_gemini.streams import synthetic
from venues.gemini.market_feed import MarketFeed

D = Decimal


async def test_run_snapshot_then_deltas_then_trades_in_view() -> None:
    told: list[str] = []

    async def session(peer: Peer) -> None:
        wanted = await peer.hear()
        assert wanted == {
            "type": "subscribe",
            "subscriptions": [{"name": "l2", "symbols": ["BTCUSD", "ETHUSD"]}],
        }
        early = delta(["buy", "1.00", "9"])  # a delta before any snapshot belongs to no book of ours
        old = [trade(2, "99", 2000), trade(1, "98", 1000)]  # newest first, as in 2021
        await peer.say(early, snapshot(trades=old), snapshot("ETHUSD", "7", "8"))
        await peer.say(delta(["buy", "100.00", "0.0"], ["buy", "99.99", "3"]), trade(3, "100.01", 3000))
        await peer.say(
            snapshot("DOGEUSD"),
            {"type": "candles_1m_updates", "symbol": "BTCUSD", "changes": [[1, 2.0, 3, 4, 5, 6]]},
        )
        await peer.say({"type": "heartbeat", "timestamp": 1})
        await peer.stay()

    async with serving(session) as server:
        live = feed(server, "btcusd", "ethusd", on_change=told.append)
        assert live.view("btcusd").age_s is None
        assert not live.status().synced
        async with background(live.run()):
            await until(lambda: "3" in {t.trade_id for t in live.recent_trades("btcusd")})
            view = live.view("btcusd", 5)
            assert (view.bid, view.ask, view.synced) == (D("99.99"), D("100.01"), True)
            assert view.bids == ((D("99.99"), D("3")),)
            assert view.age_s is not None
            assert view.age_s < 2
            assert [t.trade_id for t in live.recent_trades("btcusd")] == ["1", "2", "3"]
            assert live.view("ethusd").mid == D("7.5")
            last, status = live.last_trade("btcusd"), live.status()
            assert last is not None
            assert last.price == D("100.01")
            assert (status.connected, status.synced, status.reconnects) == (True, True, 0)
    assert {"btcusd", "ethusd"} <= set(told)
    assert server.requests[0].path == "/v2/marketdata"
    assert "Sec-WebSocket-Extensions" not in server.requests[0].headers


async def test_run_cut_out_of_sync_until_the_next_snapshot() -> None:
    go = asyncio.Event()
    told: list[bool] = []

    async def first(peer: Peer) -> None:
        await peer.hear()
        await peer.say(snapshot())
        await go.wait()
        go.clear()
        await peer.cut()

    async def second(peer: Peer) -> None:
        await peer.hear()
        await peer.say(delta(["buy", "100.005", "9"]))
        await go.wait()
        await peer.say(snapshot(bid="200", ask="201"))
        await peer.stay()

    async with serving(first, second) as server:
        live: MarketFeed = feed(server, on_change=lambda s: told.append(live.view(s).synced))
        async with background(live.run()):
            await until(lambda: live.view("btcusd").synced)
            go.set()
            await until(lambda: server.played == 2)
            await asyncio.sleep(0.02)
            view = live.view("btcusd")
            assert (view.synced, view.bids) == (False, ())
            assert not live.status().synced
            go.set()
            await until(lambda: live.view("btcusd").synced)
            assert live.view("btcusd").bid == 200
            assert live.status().reconnects == 1
            assert "closed the connection" in live.status().last_error
    assert told[:3] == [True, False, True]


async def test_run_silence_reconnects() -> None:
    async def mute(peer: Peer) -> None:
        await peer.hear()
        await peer.say(snapshot())
        await peer.stay()

    async with serving(mute) as server:
        live = feed(server, silence_s=0.05)
        async with background(live.run()):
            await until(lambda: server.played >= 3)
            assert live.status().last_error == "no frame for 0.05 seconds"


async def test_run_heartbeat_keeps_age_low() -> None:
    async def calm(peer: Peer) -> None:
        await peer.hear()
        await peer.say(snapshot())
        for _ in range(50):
            await asyncio.sleep(0.02)
            await peer.say({"type": "heartbeat", "timestamp": 1})
        await peer.stay()

    async with serving(calm) as server:
        live = feed(server, silence_s=0.4)
        async with background(live.run()):
            await asyncio.sleep(0.6)
            assert (live.view("btcusd").age_s or 9) < 0.4
            assert live.status().reconnects == 0


async def test_run_crossed_book_only_that_symbol_asked_for_again() -> None:
    heard: list[dict[str, Any]] = []

    async def session(peer: Peer) -> None:
        await peer.hear()
        await peer.say(snapshot(), snapshot("ETHUSD", "7", "8"), delta(["buy", "100.01", "1"]))
        await peer.say(delta(["buy", "100.01", "0"]))
        for _ in range(5):
            await asyncio.sleep(0.02)
            await peer.say({"type": "heartbeat", "timestamp": 1})
        heard.extend([await peer.hear(), await peer.hear()])
        await peer.say(snapshot(bid="50", ask="51"))
        await peer.stay()

    async with serving(session) as server:
        live = feed(server, "btcusd", "ethusd", ask_again_s=0.02)
        async with background(live.run()):
            await until(lambda: live.status().last_error != "")
            assert live.status().last_error == "the book of btcusd crossed"
            assert (live.view("btcusd").synced, live.view("ethusd").synced) == (False, True)
            await until(lambda: live.view("btcusd").synced)
            assert live.view("btcusd").bid == 50
            assert server.played == 1
    assert [h["type"] for h in heard] == ["unsubscribe", "subscribe"]
    assert all(h["subscriptions"] == [{"name": "l2", "symbols": ["BTCUSD"]}] for h in heard)


@pytest.mark.parametrize(
    "frame",
    [
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"",
        {"type": "l2_updates", "symbol": "BTCUSD", "changes": [["bid", "1", "1"]]},
        {"type": "l2_updates", "symbol": "BTCUSD", "changes": [["buy", 1, "1"]]},
        {"type": "l2_updates", "symbol": 5},
        {"type": "trade", "symbol": "BTCUSD"},
        {
            "type": "trade",
            "symbol": "BTCUSD",
            "event_id": 1,
            "timestamp": 1,
            "price": "1e9",
            "quantity": "1",
            "side": "buy",
        },
        {
            "type": "trade",
            "symbol": "BTCUSD",
            "event_id": 1,
            "timestamp": 10**30,
            "price": "1",
            "quantity": "1",
            "side": "buy",
        },
    ],
)
async def test_run_nonsense_new_connection(frame: Any) -> None:
    async def bad(peer: Peer) -> None:
        await peer.hear()
        await peer.say(snapshot(), frame)
        await peer.stay()

    async def good(peer: Peer) -> None:
        await peer.hear()
        await peer.say(snapshot(bid="5", ask="6"))
        await peer.stay()

    async with serving(bad, good) as server:
        live = feed(server)
        async with background(live.run()):
            await until(lambda: live.view("btcusd").bid == 5)
            assert live.status().last_error == "a frame could not be read"


@pytest.mark.parametrize("change", [["buy", "1e5", "1"], ["buy", "", "1"]])
async def test_run_price_that_makes_no_sense_book_lost_socket_kept(change: list[str]) -> None:
    async def session(peer: Peer) -> None:
        await peer.hear()
        await peer.say(snapshot(), delta(change))
        await peer.stay()

    async with serving(session) as server:
        live = feed(server)
        async with background(live.run()):
            await until(lambda: live.status().last_error != "")
            assert not live.view("btcusd").synced
            assert live.status().connected


async def test_view_size_that_makes_no_sense_book_lost() -> None:
    async def session(peer: Peer) -> None:
        await peer.hear()
        await peer.say(snapshot(), delta(["buy", "100.00", "1e9"]))
        await peer.stay()

    async with serving(session) as server:
        live = feed(server)
        async with background(live.run()):
            await until(lambda: not live.view("btcusd").synced and live.status().last_error != "")
            assert live.view("btcusd").bids == ()


async def test_run_refused_subscription_each_symbol_asks_for_itself() -> None:
    async def refuse(peer: Peer) -> None:
        assert len((await peer.hear())["subscriptions"][0]["symbols"]) == 2
        await peer.say({"result": "error", "reason": "NoValidTradingPairs"})
        await peer.stay()

    async def serve_one(peer: Peer) -> None:
        names = [(await peer.hear())["subscriptions"][0]["symbols"] for _ in range(2)]
        assert names == [["BTCUSD"], ["NOSUCHUSD"]]
        await peer.say(
            snapshot(), {"result": "error", "reason": "NoValidTradingPairs"}, {"type": "heartbeat"}
        )
        await peer.stay()

    async with serving(refuse, serve_one) as server:
        live = feed(server, "btcusd", "nosuchusd")
        async with background(live.run()):
            await until(lambda: live.view("btcusd").synced)
            assert not live.view("nosuchusd").synced
            assert "NoValidTradingPairs" in live.status().last_error


async def test_run_many_symbols_in_batches() -> None:
    heard: list[int] = []

    async def session(peer: Peer) -> None:
        while sum(heard) < 45:
            heard.append(len((await peer.hear())["subscriptions"][0]["symbols"]))
        await peer.stay()

    async with serving(session) as server:
        live = feed(server, *(f"aa{n}usd" for n in range(45)))
        async with background(live.run()):
            await until(lambda: sum(heard) == 45)
    assert heard == [20, 20, 5]


def test_view_symbol_not_watched_not_found() -> None:
    held = endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=9))
    live = MarketFeed(held, ["btcusd"], SystemClock())
    for symbol in ("ethusd", "BTCUSD"):
        with pytest.raises(NotFoundError):
            live.view(symbol)
    with pytest.raises(BadInputError):
        MarketFeed(held, ["BTC/USD"], SystemClock())


async def test_run_fast_stream_nothing_lost() -> None:
    frames = synthetic(Random(11), levels=300, messages=3000)

    async def session(peer: Peer) -> None:
        await peer.hear()
        await peer.say(*frames, trade(1, "1", 1))
        await peer.stay()

    async with serving(session) as server:
        live, slow = feed(server), feed(server)
        async with background(live.run()):
            await until(lambda: live.last_trade("btcusd") is not None, within_s=10)
            for frame in frames:
                slow.take(frame)
            assert live.view("btcusd", 999).bids == slow.view("btcusd", 999).bids
            assert live.view("btcusd", 999).asks == slow.view("btcusd", 999).asks


async def test_run_real_capture_over_a_socket_final_tops_as_published() -> None:
    frames = recordings.frames_2026()

    async def session(peer: Peer) -> None:
        await peer.hear()
        await peer.say(*frames, json.dumps(trade(5, "1", 9_999_999_999_999)))
        await peer.stay()

    async with serving(session) as server:
        live = feed(server, "btcusd", "solusd")
        async with background(live.run()):
            await until(lambda: "5" in {t.trade_id for t in live.recent_trades("btcusd")})
            assert (live.view("btcusd").bid, live.view("btcusd").ask) == (D("65206.28"), D("65206.29"))
            assert (live.view("solusd").bid, live.view("solusd").ask) == (D("77.423"), D("77.439"))
