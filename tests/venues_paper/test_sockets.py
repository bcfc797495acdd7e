from decimal import Decimal
from itertools import pairwise

import httpx
import pytest

from tests.venues_paper.signed import Client
from tests.venues_paper.socket_clients import market_socket, receive, receive_until, subscribe, without_orders
from venues.paper.server import RunningExchange

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def running(shared: tuple[RunningExchange, httpx.AsyncClient]) -> RunningExchange:
    """One exchange for the module; nobody has an order when a test begins."""
    return without_orders(shared[0])


@pytest.fixture
def desk(shared_desk: Client) -> Client:
    return shared_desk


async def test_snapshot_and_deltas_rebuild_the_engines_book(running: RunningExchange, desk: Client) -> None:
    levels: dict[str, dict[Decimal, Decimal]] = {"buy": {}, "sell": {}}
    async with market_socket(running) as socket:
        await socket.send(subscribe(("l2", ["BTCUSD"])))
        snapshot = await receive(socket)
        assert {"changes", "trades", "auction_events"} <= set(snapshot)
        for _ in range(40):
            await desk.get("/v1/symbols")
        await desk.order(price="60000.01")
        messages = [snapshot]
        mark = ["buy", "60000.01", "0.001"]
        while mark not in messages[-1].get("changes", []):
            messages.append(await receive(socket))
    for message in messages:
        for side, price, amount in message.get("changes", ()):
            levels[side][Decimal(price)] = Decimal(amount)
            if message is not snapshot and amount == "0":
                del levels[side][Decimal(price)]
    book = running.book("btcusd")
    assert levels["buy"] == {price: level.total for price, level in book.bids.levels.items()}
    assert levels["sell"] == {price: level.total for price, level in book.asks.levels.items()}
    trades = [message for message in messages if message["type"] == "trade"]
    assert trades
    assert set(trades[0]) == {
        "type", "symbol", "event_id", "tid", "timestamp", "price", "quantity", "side",
    }  # fmt: skip


async def test_candle_stream_starts_with_history_and_follows_trades(
    running: RunningExchange, desk: Client
) -> None:
    async with market_socket(running) as socket:
        await socket.send(subscribe(("candles_1m", ["BTCUSD"]), ("candles_1hr", ["BTCUSD"])))
        first, second = await receive(socket), await receive(socket)
        assert (first["type"], second["type"]) == ("candles_1m_updates", "candles_1hr_updates")
        assert len(first["changes"]) > 1440
        while True:
            ask = str(running.book("btcusd").asks.best + 5)
            await desk.order(amount="0.00001", price=ask)
            update = (await receive_until(socket, "candles_1m_updates"))[-1]
            if update["changes"][0][5]:
                break
        assert len(update["changes"]) == 1


FAULTY_FRAMES = [
    (subscribe(("l2", ["btcusd"])), "NoValidTradingPairs"),
    (subscribe(("l2", ["NOPEUSD"])), "NoValidTradingPairs"),
    (subscribe(("l9", ["BTCUSD"])), "NoValidTradingPairs"),
    (subscribe(("candles_2m", ["BTCUSD"])), "NoValidTradingPairs"),
    (subscribe(("l2", [5])), "NoValidTradingPairs"),
    ("{", "InvalidJson"),
    ("[]", "InvalidJson"),
    ('{"type":"subscribe","subscriptions":7}', "InvalidJson"),
    ("[" * 50_000, "InvalidJson"),
    (subscribe(("l2", ["BTCUSD"]), kind="buy"), "InvalidParameterValue"),
    (subscribe(("l2", ["BTCUSD"] * 300)), "InvalidParameterValue"),
    (b"\x00\x01", "InvalidJson"),
]


async def test_faulty_frames_get_an_error_and_the_socket_lives(running: RunningExchange) -> None:
    async with market_socket(running) as socket:
        for frame, reason in FAULTY_FRAMES:
            await socket.send(frame)
            assert (await receive(socket))["reason"] == reason, frame[:60]
        await socket.send(subscribe(("l2", ["BTCUSD"])))
        assert (await receive(socket))["type"] == "l2_updates"


async def test_unsubscribe_ends_one_stream_only(running: RunningExchange, desk: Client) -> None:
    async with market_socket(running) as socket:
        await socket.send(subscribe(("l2", ["BTCUSD", "ETHUSD"])))
        await socket.send(subscribe(("l2", ["BTCUSD"]), kind="unsubscribe"))
        await socket.send(subscribe(("l2", ["SOLUSD"])))
        seen = [await receive(socket) for _ in range(3)]
        assert [message["symbol"] for message in seen] == ["BTCUSD", "ETHUSD", "SOLUSD"]
        for _ in range(20):
            await desk.get("/v1/symbols")
        later = [(await receive(socket))["symbol"] for _ in range(12)]
        assert set(later) <= {"ETHUSD", "SOLUSD"}


async def test_heartbeat_comes_every_five_seconds_of_the_exchanges_time(
    running: RunningExchange, desk: Client
) -> None:
    async with market_socket(running) as socket:
        await socket.send(subscribe(("l2", ["DOGEUSD"])))
        await receive(socket)
        began = running.exchange.timeline.now_ms()
        for _ in range(21):
            await desk.get("/v1/symbols")
        beats = [await receive_until(socket, "heartbeat") for _ in range(2)]
    assert [beat[-1]["timestamp"] - began for beat in beats] == [5_000, 10_000]
    assert set(beats[0][-1]) == {"type", "timestamp"}


async def test_second_reader_joins_with_the_book_as_it_stands(running: RunningExchange, desk: Client) -> None:
    async with market_socket(running) as first, market_socket(running) as second:
        await first.send(subscribe(("l2", ["BTCUSD"])))
        await receive(first)
        for _ in range(3):
            await desk.get("/v1/symbols")
        await second.send(subscribe(("l2", ["BTCUSD"])))
        snapshot = await receive(second)
        assert len(snapshot["trades"]) <= 50
        book = running.book("btcusd")
        assert len(snapshot["changes"]) == len(book.bids.depth(0)) + len(book.asks.depth(0))
        await desk.order(price="60000.02")
        mark = ["buy", "60000.02", "0.001"]
        while mark not in (await receive(first)).get("changes", []):
            pass
        while mark not in (await receive(second)).get("changes", []):
            pass


async def test_day_candles_follow_the_minutes(running: RunningExchange, desk: Client) -> None:
    async with market_socket(running) as socket:
        await socket.send(subscribe(("candles_1day", ["BTCUSD"]), ("candles_1m", ["BTCUSD"])))
        days, _ = await receive(socket), await receive(socket)
        shown = days["changes"][0]
        for _ in range(130):
            await desk.get("/v1/symbols")
        async with market_socket(running) as late:
            await late.send(subscribe(("candles_1day", ["BTCUSD"])))
            fresh = (await receive(late))["changes"][0]
        while shown != fresh:
            message = await receive(socket)
            if message["type"] == "candles_1day_updates":
                [shown] = message["changes"]
    assert days["type"] == "candles_1day_updates"


async def test_perpetuals_have_mark_prices_and_funding(running: RunningExchange, desk: Client) -> None:
    async with market_socket(running) as socket:
        await socket.send(subscribe(("mark_price", ["BTCUSD"])))
        assert (await receive(socket))["reason"] == "NoValidTradingPairs"
        await socket.send(subscribe(("mark_price", ["BTCGUSDPERP"]), ("funding_amount", ["BTCGUSDPERP"])))
        first, funding = await receive(socket), await receive(socket)
        for _ in range(130):
            await desk.get("/v1/symbols")
        marks, later = [first], []
        while len(marks) < 10 or not later:
            message = await receive(socket)
            if message["type"] == "mark_price_updates":
                marks.append(message)
            elif message["type"] == "funding_amount_updates":
                later = message["changes"]
    assert (first["type"], first["symbol"]) == ("mark_price_updates", "BTCGUSDPERP")
    stamps = [mark["changes"][0]["timestamp"] for mark in marks]
    assert {b - a for a, b in pairwise(stamps)} == {5_000_000_000}
    assert set(first["changes"][0]) == {"mark_price", "spot_index", "timestamp"}
    [change] = funding["changes"]
    assert set(change) == {
        "timestamp", "funding_amount", "funding_date_time", "funding_interval_in_minutes", "funding_rate",
        "mark_price", "is_realized",
    }  # fmt: skip
    assert later[-1]["timestamp"] % 60_000_000_000 == 0
