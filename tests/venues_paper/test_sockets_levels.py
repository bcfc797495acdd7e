"""Market data v1: one market by path, many by query."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import ccxt.pro
import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from domain.instrument import Side
from domain.money import ZERO
from tests.venues_paper.signed import Client
from tests.venues_paper.socket_clients import plain_socket, receive, silence, still, without_orders
from venues.paper.matching.book import OrderBook
from venues.paper.server import RunningExchange

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def running(shared: tuple[RunningExchange, httpx.AsyncClient]) -> RunningExchange:
    """One exchange for the module; nobody has an order when a test begins."""
    return without_orders(shared[0])


@pytest.fixture
def desk(shared_desk: Client) -> Client:
    return shared_desk


MULTI = "/v1/multimarketdata?symbols="


class LevelBook:
    """A book kept from change events, which checks each of them against what it holds."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[Decimal, Decimal]] = {"bid": {}, "ask": {}}

    def apply(self, event: dict[str, Any]) -> None:
        price, remaining = Decimal(event["price"]), Decimal(event["remaining"])
        side = self.sides[event["side"]]
        assert side.get(price, ZERO) + Decimal(event["delta"]) == remaining, event
        if remaining:
            side[price] = remaining
        else:
            del side[price]

    def equals(self, book: OrderBook, levels: int = 0) -> bool:
        return self.sides == {
            name: dict(book.side(side).depth(levels))
            for name, side in (("bid", Side.BUY), ("ask", Side.SELL))
        }


async def updates_until_idle(socket: ClientConnection) -> list[dict[str, Any]]:
    found = []
    while True:
        try:
            found.append(await receive_soon(socket))
        except TimeoutError:
            return found


async def receive_soon(socket: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), 0.2))


async def test_changes_rebuild_the_book_and_tell_why(running: RunningExchange, desk: Client) -> None:
    book = LevelBook()
    async with plain_socket(running, "/v1/marketdata/btcusd") as socket:
        first = await receive(socket)
        assert {event["reason"] for event in first["events"]} == {"initial"}
        assert all(event["delta"] == event["remaining"] for event in first["events"])
        for _ in range(60):
            await desk.get("/v1/symbols")
        resting = await desk.order(price="60000.01")
        await desk.post("/v1/order/cancel", order_id=resting["order_id"])
        with still(running):
            await desk.order(amount="0.0001", price=str(running.book("btcusd").asks.best))
        messages = [first, *await updates_until_idle(socket)]
    events = [event for message in messages for event in message["events"]]
    for event in events:
        if event["type"] == "change":
            book.apply(event)
    assert book.equals(running.book("btcusd"))
    assert [message["socket_sequence"] for message in messages] == list(range(len(messages)))
    ids = [message["eventId"] for message in messages]
    assert ids == sorted(ids)
    assert {message["timestampms"] // 1000 - message["timestamp"] for message in messages} == {0}
    assert not any("symbol" in event for event in events)
    assert {event["reason"] for event in events if event["type"] == "change"} == {
        "initial", "place", "cancel", "trade",
    }  # fmt: skip
    own = [(e["reason"], e["delta"], e["remaining"]) for e in events if e.get("price") == "60000.01"]
    assert own == [("place", "0.001", "0.001"), ("cancel", "-0.001", "0")]
    last = messages[-1]["events"]
    assert [event["type"] for event in last] == ["trade", "change"]
    assert (last[0]["makerSide"], last[0]["amount"]) == ("ask", "0.0001")
    assert (last[1]["side"], last[1]["reason"], last[1]["delta"]) == ("ask", "trade", "-0.0001")


async def test_many_markets_come_each_in_frames_of_its_own(running: RunningExchange, desk: Client) -> None:
    books = {"BTCUSD": LevelBook(), "ETHUSD": LevelBook(), "SOLUSD": LevelBook()}
    async with plain_socket(running, f"{MULTI}BTCUSD,ethusd,solusd&heartbeat=true") as socket:
        messages = [await receive(socket) for _ in books]
        for _ in range(25):
            await desk.get("/v1/symbols")
        messages += await updates_until_idle(socket)
    beats = [message for message in messages if message["type"] == "heartbeat"]
    assert [set(beat) for beat in beats] == [{"type", "timestampms", "socket_sequence"}] * 2
    for message in messages:
        assert len({event["symbol"] for event in message.get("events", [])}) <= 1
        for event in message.get("events", []):
            if event["type"] == "change":
                books[event["symbol"]].apply(event)
    for symbol, book in books.items():
        assert book.equals(running.book(symbol.lower()))
    assert [message["socket_sequence"] for message in messages] == list(range(len(messages)))


async def test_top_of_book_is_one_level_a_side(running: RunningExchange, desk: Client) -> None:
    book = LevelBook()
    async with plain_socket(running, f"{MULTI}btcusd&top_of_book=true&bids=true&offers=true") as socket:
        first = await receive(socket)
        assert len(first["events"]) == 2
        for _ in range(10):
            await desk.get("/v1/symbols")
        with still(running):
            best = str(running.book("btcusd").asks.best - Decimal("0.01"))
            await desk.order(amount="0.0002", price=best, options=["maker-or-cancel"])
        messages = [first, *await updates_until_idle(socket)]
    for message in messages:
        for event in message["events"]:
            assert event["reason"] == ("initial" if message is first else "top-of-book")
            book.apply(event)
        assert all(len(side) <= 1 for side in book.sides.values())
    assert book.equals(running.book("btcusd"), 1)


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("trades=true", {"trade"}),
        ("bids=true", {"bid"}),
        ("offers=true&trades=false", {"ask"}),
        ("heartbeat=false", {"bid", "ask", "trade"}),
        ("auctions=true", set()),
    ],
)
async def test_entries_that_are_not_named_are_off_once_any_is(
    running: RunningExchange, desk: Client, query: str, kinds: set[str]
) -> None:
    async with plain_socket(running, f"{MULTI}btcusd&{query}") as socket:
        messages = [await receive(socket)]
        for _ in range(30):
            await desk.get("/v1/symbols")
        messages += await updates_until_idle(socket)
    events = [event for message in messages for event in message["events"]]
    assert {event.get("side", event["type"]) for event in events} == kinds


async def test_unknown_markets_are_refused_before_the_upgrade(running: RunningExchange) -> None:
    for path in ("/v1/marketdata/nope", f"{MULTI}btcusd,nope", MULTI, "/v1/multimarketdata"):
        with pytest.raises(InvalidStatus) as refused:
            async with plain_socket(running, path):
                pass
        assert refused.value.response.status_code == 400, path
        assert json.loads(refused.value.response.body)["reason"] == "Bad Request"


async def test_what_a_client_says_is_ignored(running: RunningExchange, desk: Client) -> None:
    async with plain_socket(running, f"{MULTI}btcusd&trades=true") as socket:
        await receive(socket)
        for text in ("{", "[" * 10_000, b"\x00", "hello"):
            await socket.send(text)
        assert await silence(socket)
        with still(running):
            await desk.order(amount="0.0001", price=str(running.book("btcusd").asks.best))
        assert (await receive(socket))["type"] == "update"


async def test_ccxt_pro_watches_books_tops_and_trades(running: RunningExchange, desk: Client) -> None:
    stranger = ccxt.pro.gemini({"aiohttp_trust_env": False})
    stranger.urls["api"].update(
        {
            "public": running.url,
            "private": running.url,
            "web": running.url,
            "webExchange": f"{running.url}/web",
            "ws": running.ws_url,
        }
    )
    pairs = ["BTC/USD", "ETH/USD"]
    try:
        book = await stranger.watch_order_book_for_symbols(pairs)
        tops = await stranger.watch_bids_asks(pairs)
        amounts: list[float] = []
        while 0.0001 not in amounts:
            watching = asyncio.ensure_future(stranger.watch_trades_for_symbols(pairs))
            await asyncio.sleep(0.1)
            with still(running):
                await desk.order(amount="0.0001", price=str(running.book("btcusd").asks.best))
            amounts += [trade["amount"] for trade in await asyncio.wait_for(watching, 10)]
    finally:
        await stranger.close()
    assert len(book["bids"]) > 3
    [top] = tops.values()
    assert top["bid"] < top["ask"]
