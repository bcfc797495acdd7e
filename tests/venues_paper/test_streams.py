"""The new WebSocket API: requests, names, and the public streams."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from domain.instrument import Side
from tests.venues_paper.signed import Client
from tests.venues_paper.socket_clients import (
    Api,
    plain_socket,
    receive,
    silence,
    still,
    stream_socket,
    trader_socket,
    upgrade_headers,
)
from venues.paper.matching.book import OrderBook
from venues.paper.opening import AUDITOR, MASTER, STRANGER, TIME_NONCE, credentials_of
from venues.paper.server import RunningExchange

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def running(shared: tuple[RunningExchange, httpx.AsyncClient]) -> RunningExchange:
    """One exchange for the module."""
    return shared[0]


@pytest.fixture
def desk(shared_desk: Client) -> Client:
    return shared_desk


class DepthBook:
    """A book kept from depth frames by the rule of the contract: stale frames are dropped, gaps fail."""

    def __init__(self, first: dict[str, Any]) -> None:
        assert first["U"] == first["u"]
        self.last = first["u"]
        self.sides: dict[str, dict[Decimal, Decimal]] = {"b": {}, "a": {}}
        self._take(first)

    def apply(self, frame: dict[str, Any]) -> None:
        assert frame["U"] == self.last, "the frames of a market join"
        assert frame["u"] > self.last
        self.last = frame["u"]
        self._take(frame)

    def _take(self, frame: dict[str, Any]) -> None:
        assert list(frame) == ["e", "E", "s", "U", "u", "b", "a"]
        assert (frame["e"], frame["s"]) == ("depthUpdate", "btcusd")
        for name, side in self.sides.items():
            for price, amount in frame[name]:
                side[Decimal(price)] = Decimal(amount)
                if not Decimal(amount):
                    del side[Decimal(price)]

    def equals(self, book: OrderBook) -> bool:
        sides = {"b": Side.BUY, "a": Side.SELL}
        return self.sides == {name: dict(book.side(side).depth(0)) for name, side in sides.items()}


async def test_utility_requests_echo_ids_of_either_kind(running: RunningExchange) -> None:
    async with stream_socket(running) as socket:
        await socket.send('{"id":"one","method":"ping"}')
        assert await receive(socket) == {"id": "one", "status": 200}
        await socket.send('{"id":9007199254740993,"method":"ping","params":{}}')
        assert await receive(socket) == {"id": 9007199254740993, "status": 200}
        api = Api(socket)
        now_ms = running.exchange.timeline.now_ms()
        assert await api.do("time") == {"serverTime": now_ms}
        answer = await api.ask("conninfo")
        assert set(answer) == {"id", "status", "rateLimits"}
        assert {row["rateLimitType"] for row in answer["rateLimits"]} >= {"REQUEST_WEIGHT", "ORDERS"}
        assert set(answer["rateLimits"][0]) == {
            "rateLimitType", "interval", "intervalNum", "limit", "count",
        }  # fmt: skip


async def test_api_is_served_at_the_root_and_at_ws(running: RunningExchange) -> None:
    for path in ("/", "", "/ws", "/ws/?snapshot=-1"):
        async with plain_socket(running, path) as socket:
            assert (await Api(socket).ask("ping"))["status"] == 200


async def test_subscriptions_are_listed_and_ended(running: RunningExchange) -> None:
    async with stream_socket(running) as socket:
        api = Api(socket)
        answer = await api.ask("SUBSCRIBE", ["BTCUSD@bookTicker", "btcusd@depth@100ms", "ethusd@trade"])
        assert answer == {"id": 1, "status": 200}
        names = ["btcusd@bookTicker", "btcusd@depth@100ms", "ethusd@trade"]
        assert await api.do("list_subscriptions") == names
        await api.do("unsubscribe", ["btcusd@depth@100ms", "ltcusd@trade"])
        assert await api.do("LIST_SUBSCRIPTIONS") == [names[0], names[2]]
        assert running.exchange.feeds.watched == {"btcusd", "ethusd"}
    async with stream_socket(running) as socket:
        await Api(socket).do("ping")
        assert running.exchange.feeds.watched == frozenset(), "who leaves is forgotten"


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("subscribe", {"streams": ["btcusd@trade"]}, (-1013, 400)),
        ("subscribe", None, (-1013, 400)),
        ("subscribe", [], (-1013, 400)),
        ("subscribe", [7], (-1013, 400)),
        ("subscribe", ["btcusd@trade", "nope@trade"], (-1013, 400)),
        ("subscribe", ["btcusd@markPrice@1s"], (-1013, 400)),
        ("subscribe", ["btcusd@depth7"], (-1013, 400)),
        ("subscribe", ["contractStatus"], (-1013, 400)),
        ("subscribe", ["orders@account@btcusd"], (-1013, 400)),
        ("subscribe", ["\ud800@trade"], (-1013, 400)),
        ("subscribe", ["btcusd@trade", "orders@account"], (-1002, 401)),
        ("unsubscribe", ["nope"], (-1013, 400)),
        ("depth", {"symbol": "nope"}, (-1013, 400)),
        ("depth", {"symbol": 5}, (-1013, 400)),
        ("depth", {"symbol": "btcusd", "limit": 0}, (-1013, 400)),
        ("depth", {"symbol": "btcusd", "limit": 5001}, (-1013, 400)),
        ("depth", {"symbol": "btcusd", "limit": True}, (-1013, 400)),
        ("depth", ["btcusd"], (-1013, 400)),
        ("depth", None, (-1013, 400)),
        ("order.place", {}, (-1002, 401)),
        ("order.amend", {}, (-1020, 400)),
        ("PING", None, (-1020, 400)),
        ("", None, (-1020, 400)),
    ],
)
async def test_bad_requests_get_a_documented_error(
    running: RunningExchange, method: str, params: Any, error: tuple[int, int]
) -> None:
    async with stream_socket(running) as socket:
        api = Api(socket)
        assert await api.refused(method, params) == error
        assert await api.do("list_subscriptions") == [], "one bad stream rejects the whole frame"


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", "7", "null", '"ping"', "[" * 100_000, b"\x00\x01", '{"method":"ping"}',
        '{"id":true,"method":"ping"}', '{"id":1.5,"method":"ping"}', '{"id":[1],"method":"ping"}',
        json.dumps({"id": 10**40, "method": "ping"}), json.dumps({"id": "x" * 300, "method": "ping"}),
        '{"id":NaN}',
    ],
)  # fmt: skip
async def test_frames_that_are_no_requests_are_answered_and_the_socket_lives(
    running: RunningExchange, text: str | bytes
) -> None:
    async with stream_socket(running) as socket:
        await socket.send(text)
        answer = await receive(socket)
        assert (answer["id"], answer["status"], answer["error"]["code"]) == (None, 400, -1013)
        await socket.send('{"id":1,"method":7}')
        assert (await receive(socket))["error"]["code"] == -1013
        await socket.send('{"id":"\\ud800","method":"ping"}')
        assert (await receive(socket))["status"] == 200


@pytest.mark.parametrize("name", ["btcusd@depth@100ms", "btcusd@depth"])
async def test_depth_frames_join_and_rebuild_the_book(
    running: RunningExchange, desk: Client, name: str
) -> None:
    async with stream_socket(running, "?snapshot=-1") as socket:
        await socket.send(json.dumps({"id": 1, "method": "subscribe", "params": [name]}))
        book = DepthBook(await receive(socket))
        assert await receive(socket) == {"id": 1, "status": 200}, "the book comes before the answer"
        frames = 0
        for _ in range(12):
            await desk.get("/v1/symbols")
        while not book.equals(running.book("btcusd")):
            if await silence_soon(socket):
                await desk.get("/v1/symbols")
                continue
            book.apply(RECEIVED.pop())
            frames += 1
        assert frames >= 3


RECEIVED: list[Any] = []


async def silence_soon(socket: Any) -> bool:
    """Whether nothing comes at once; what comes is put into `RECEIVED`."""
    try:
        RECEIVED.append(json.loads(await asyncio.wait_for(socket.recv(), 0.1)))
    except TimeoutError:
        return True
    return False


async def test_second_reader_of_a_depth_stream_gets_frames_that_join_too(
    running: RunningExchange, desk: Client
) -> None:
    async with (
        stream_socket(running, "?snapshot=-1") as first,
        stream_socket(running, "?snapshot=3") as second,
    ):
        one, two = Api(first), Api(second)
        await one.do("subscribe", ["btcusd@depth"])
        while running.exchange.feeds.update_id("btcusd") <= one.events[0]["u"] + 3:
            await desk.get("/v1/symbols")
        await two.do("subscribe", ["btcusd@depth"])
        snapshot = two.events.pop(0)
        assert (len(snapshot["b"]), len(snapshot["a"])) == (3, 3)
        book = DepthBook(one.events.pop(0))
        assert book.last < snapshot["u"]
        seen: list[Any] = []
        while len(seen) < 3:
            await desk.get("/v1/symbols")
            if not await silence_soon(second):
                seen.append(RECEIVED.pop())
        assert seen[0]["U"] == snapshot["u"]
        while book.last < seen[-1]["u"]:
            book.apply(await one.event())
        assert book.last == seen[-1]["u"]


async def test_without_snapshot_the_first_depth_frame_is_a_difference(
    running: RunningExchange, desk: Client
) -> None:
    async with stream_socket(running) as socket:
        api = Api(socket)
        await api.do("subscribe", ["btcusd@depth@100ms"])
        assert api.events == []
        assert await silence(socket), "nothing is sent while the book rests"
        for _ in range(20):
            await desk.get("/v1/symbols")
        first = await api.event()
        assert first["U"] < first["u"]


async def test_ticker_follows_the_top_and_names_the_last_trade(
    running: RunningExchange, desk: Client
) -> None:
    async with stream_socket(running) as socket:
        api = Api(socket)
        await api.do("subscribe", ["btcusd@bookTicker"])
        ticker = api.events.pop(0)
        assert {"u", "E", "s", "b", "B", "a", "A"} <= set(ticker)
        for _ in range(10):
            await desk.get("/v1/symbols")
        with still(running):
            best = running.book("btcusd").asks.best - Decimal("0.01")
            await desk.order(amount="0.0002", price=str(best), options=["maker-or-cancel"])
        while ticker["b"] != str(best):
            before, ticker = ticker, await api.event()
            assert ticker["u"] > before["u"]
            assert (ticker["b"], ticker["B"], ticker["a"], ticker["A"]) != (
                before["b"], before["B"], before["a"], before["A"],
            )  # fmt: skip
        assert (ticker["s"], ticker["B"]) == ("btcusd", "0.00020000")
        await desk.post("/v1/order/cancel/all")


async def test_trades_name_the_maker(running: RunningExchange, desk: Client) -> None:
    async with stream_socket(running) as socket:
        api = Api(socket)
        await api.do("subscribe", ["btcusd@trade"])
        with still(running):
            await desk.order(amount="0.0001", price=str(running.book("btcusd").asks.best))
        trade = await api.event()
        while trade["q"] != "0.00010000":
            trade = await api.event()
    assert list(trade) == ["E", "s", "t", "p", "q", "m"]
    assert (trade["s"], trade["m"]) == ("btcusd", False)
    assert trade["E"] == running.exchange.timeline.now_ms() * 1_000_000


async def test_partial_books_repeat_in_their_interval(running: RunningExchange, desk: Client) -> None:
    async with stream_socket(running) as socket:
        api = Api(socket)
        await api.do("subscribe", ["btcusd@depth5", "btcusd@depth10@100ms"])
        assert [len(book["bids"]) for book in api.events] == [5, 10]
        api.events.clear()
        for _ in range(4):
            await desk.get("/v1/symbols")
        books = [await api.event() for _ in range(6)]
        assert sorted(len(book["asks"]) for book in books) == [5, 5, 10, 10, 10, 10]
        assert list(books[0]) == ["lastUpdateId", "symbol", "bids", "asks"]
        newest = books[-1]
        bids = running.book("btcusd").bids.depth(len(newest["bids"]))
        assert [(Decimal(p), Decimal(q)) for p, q in newest["bids"]] == bids
        assert await api.do("depth", {"symbol": "BTCUSD", "limit": 2}) == {
            "lastUpdateId": newest["lastUpdateId"],
            "bids": newest["bids"][:2],
            "asks": newest["asks"][:2],
        }


async def test_depth_request_shows_a_hundred_levels_unless_told(running: RunningExchange) -> None:
    async with stream_socket(running) as socket:
        api = Api(socket)
        whole = await api.do("depth", {"symbol": "ethusd"})
        book = running.book("ethusd")
        assert len(whole["bids"]) == min(100, len(book.bids.depth(0)))
        later = await api.do("depth", {"symbol": "ethusd", "limit": 5000})
        assert later["lastUpdateId"] >= whole["lastUpdateId"]


async def test_upgrade_wants_an_account_key_with_time_based_nonces(running: RunningExchange) -> None:
    exchange = running.exchange
    now = exchange.timeline.now_ms() // 1000
    good, plain = credentials_of(exchange, TIME_NONCE), credentials_of(exchange, STRANGER)
    master = credentials_of(exchange, MASTER)
    cases = {
        "master": (master.api_key, master.api_secret, str(now)),
        "incremental": (plain.api_key, plain.api_secret, str(now)),
        "secret": (good.api_key, "wrong", str(now)),
        "unknown": ("account-none", "x", str(now)),
        "late": (good.api_key, good.api_secret, str(now - 31)),
        "early": (good.api_key, good.api_secret, str(now + 31)),
        "millis": (good.api_key, good.api_secret, str(now * 1000)),
        "words": (good.api_key, good.api_secret, "soon"),
    }
    for name, case in cases.items():
        with pytest.raises(InvalidStatus) as refused:
            async with plain_socket(running, "/", additional_headers=upgrade_headers(*case)):
                pass
        response = refused.value.response
        assert response.status_code == 401, name
        body = json.loads(response.body)
        assert body["result"] == "error"
        assert good.api_secret not in body["message"]
    headers = upgrade_headers(good.api_key, good.api_secret, str(now - 29))
    for _ in range(2):
        async with plain_socket(running, "/", additional_headers=headers) as socket:
            await Api(socket).do("subscribe", ["orders@account"])


async def test_connection_query_is_judged_before_the_upgrade(running: RunningExchange) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with stream_socket(running, "?snapshot=all"):
            pass
    assert refused.value.response.status_code == 400


async def test_auditor_reads_streams_but_places_nothing(running: RunningExchange) -> None:
    key = credentials_of(running.exchange, AUDITOR)
    key_of = running.exchange.keys[key.api_key]
    mode = key_of.nonce_mode
    key_of.nonce_mode = running.exchange.keys[credentials_of(running.exchange, TIME_NONCE).api_key].nonce_mode
    try:
        async with stream_socket(running, label=AUDITOR) as socket:
            api = Api(socket)
            await api.do("subscribe", ["orders@account", "positions@account", "balances@account"])
            assert await api.refused("order.cancel_all") == (-1002, 401)
    finally:
        key_of.nonce_mode = mode


async def test_positions_of_a_spot_account_are_empty(running: RunningExchange) -> None:
    async with trader_socket(running) as socket:
        api = Api(socket)
        await api.do("subscribe", ["positions@account", "positions@account@1s"])
        report = api.events[0]
    assert list(report) == ["e", "E", "u", "A", "P"]
    assert (report["e"], report["P"]) == ("positionReport", [])
    assert report["A"] == running.exchange.accounts[STRANGER].account_id
