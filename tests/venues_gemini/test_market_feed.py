"""The market feed over real sockets: snapshots, deltas, cuts, silence, crossings and nonsense."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from domain.clock import ManualClock, SystemClock
from domain.errors import BadInputError, NotFoundError
from guardrails.sandbox_lock import PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini import recordings
from tests.venues_gemini.market_frames import HASTE, delta, feed, snapshot, trade
from tests.venues_gemini.samples import START
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


async def test_run_refused_for_its_rate_connection_kept() -> None:
    async def session(peer: Peer) -> None:
        await peer.hear()
        await peer.say({"result": "error", "reason": "RateLimit"}, snapshot())
        await peer.stay()

    async with serving(session) as server:
        live = feed(server)
        async with background(live.run()):
            await until(lambda: live.view("btcusd").synced)
            assert live.status().last_error == "the exchange refused the subscription (RateLimit)"
            await asyncio.sleep(0.05)
            assert server.played == 1


async def test_run_candles_mark_price_and_funding_exact_in_one_request() -> None:
    first_minute, ns = 1_700_000_040_000, 1_700_000_100_123_456_789

    async def session(peer: Peer) -> None:
        wanted = await peer.hear()
        both, perp = ["BTCUSD", "BTCGUSDPERP"], ["BTCGUSDPERP"]
        assert wanted["subscriptions"] == [
            {"name": "l2", "symbols": both},
            {"name": "candles_1m", "symbols": both},
            {"name": "candles_1h", "symbols": both},
            {"name": "mark_price", "symbols": perp},
            {"name": "funding_amount", "symbols": perp},
        ]
        newest_first = "[[1700000100000,2,2,2,2,0],[1700000040000,60000.000000000000000001,4,1,3,2.5e-7]]"
        for kind in ("candles_1m", "candles_1hr", "candles_9w"):
            await peer.say(f'{{"type":"{kind}_updates","symbol":"BTCUSD","changes":{newest_first}}}')
        changed = [[first_minute, 9, 9, 9, 9, 9]]
        await peer.say({"type": "candles_1m_updates", "symbol": "BTCUSD", "changes": changed})
        await peer.say({"type": "candles_1h_updates", "symbol": "BTCUSD", "changes": []})
        marks = [
            {"timestamp": ns, "mark_price": "64000.1", "spot_index": "64000.05"},
            {"timestamp": ns - 10**9, "mark_price": "1"},
        ]
        await peer.say({"type": "mark_price_updates", "symbol": "BTCGUSDPERP", "changes": marks})
        fundings = [
            {
                "timestamp": ns,
                "funding_amount": "-0.51692",
                "funding_date_time": 1_700_003_600 * 10**9,
                "funding_interval_in_minutes": 60,
                "is_realized": False,
                "funding_rate": "0.0001",
            }
        ]
        await peer.say({"type": "funding_amount_updates", "symbol": "BTCGUSDPERP", "changes": fundings})
        await peer.say({"type": "mark_price_updates", "symbol": "BTCGUSDPERP", "changes": []})
        await peer.stay()

    async with serving(session) as server:
        live = feed(server, "btcusd", "btcgusdperp", candles=["1m", "1h"], perpetuals=["btcgusdperp"])
        async with background(live.run()):
            await until(lambda: live.funding("btcgusdperp") is not None)
            minutes, hours = live.candles("btcusd", "1m"), live.candles("btcusd", "1h")
            assert [c.open for c in minutes] == [9, 2]
            assert (hours[0].open, hours[0].volume) == (D("60000.000000000000000001"), D("2.5E-7"))
            mark, funding = live.mark_price("btcgusdperp"), live.funding("btcgusdperp")
            assert mark is not None
            assert funding is not None
            assert (mark.price, mark.index, mark.at.microsecond) == (D("64000.1"), D("64000.05"), 123_456)
            assert (funding.amount, funding.rate, funding.interval_min) == (D("-0.51692"), D("0.0001"), 60)
            assert (funding.due.minute, funding.is_realized, funding.mark_price) == (13, False, None)
            assert live.candles("btcgusdperp", "1m") == []
            assert live.mark_price("btcusd") is None
            assert set(live.ages("btcusd")) == {"candles_1m", "candles_1h"}
            assert {"mark_price", "funding_amount"} == set(live.ages("btcgusdperp"))


async def test_take_candles_without_end_only_the_newest_kept() -> None:
    async with serving() as server:
        live = feed(server, candles=["1m"])
        for start in range(0, 4000, 100):
            changes = [[(start + n) * 60_000, 1, 1, 1, 1, 1] for n in range(100)]
            live.take(
                json.dumps({"type": "candles_1m_updates", "symbol": "BTCUSD", "changes": changes}).encode()
            )
        kept = live.candles("btcusd", "1m")
        assert len(kept) == 1500
        assert kept[-1].start.timestamp() == 3999 * 60


async def test_ages_each_symbol_has_its_own() -> None:
    clock = ManualClock(START)
    held = endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=9))
    live = MarketFeed(held, ["btcusd", "ethusd"], clock)
    live.take(json.dumps(snapshot()).encode())
    live.take(json.dumps(snapshot("ETHUSD", "7", "8")).encode())
    clock.advance(9)
    live.take(json.dumps(delta(["buy", "6", "1"], symbol="ETHUSD")).encode())
    live.take(json.dumps(trade(1, "1", 1)).encode())
    clock.advance(1)
    assert live.ages("btcusd") == {"l2": 10, "trade": 1}
    assert live.ages("ethusd") == {"l2": 1}


async def test_status_heartbeats_overdue_counted() -> None:
    clock = ManualClock(START)
    go = asyncio.Event()

    async def session(peer: Peer) -> None:
        await peer.hear()
        await peer.say(snapshot())
        await go.wait()
        await peer.say({"type": "heartbeat", "timestamp": 1})
        await peer.stay()

    async with serving(session) as server:
        live = MarketFeed(server.endpoint, ["btcusd"], clock, patience=HASTE)
        assert live.status().missed_heartbeats == 0
        async with background(live.run()):
            await until(lambda: live.view("btcusd").synced)
            seen = []
            for _ in range(4):
                clock.advance(3)
                seen.append(live.status().missed_heartbeats)
            assert seen == [0, 1, 1, 2]
            go.set()
            await until(lambda: live.status().missed_heartbeats == 0)
        assert live.status().missed_heartbeats == 0


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
    with pytest.raises(BadInputError, match="width"):
        MarketFeed(held, ["btcusd"], SystemClock(), candles=["1hr"])
    with pytest.raises(BadInputError, match="not watched"):
        MarketFeed(held, ["btcusd"], SystemClock(), perpetuals=["btcgusdperp"])


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
