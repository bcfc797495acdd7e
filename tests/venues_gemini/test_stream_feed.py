"""The new WebSocket API's client over real sockets: signed upgrade, acknowledgements, depth, orders."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from itertools import count, pairwise
from random import Random
from typing import Any

import pytest

from domain.clock import SystemClock
from domain.errors import BadInputError, LockedError, NotFoundError, VenueRetryableError
from domain.order import Balance
from guardrails.sandbox_lock import PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini.samples import KEY, SECRET
from tests.venues_gemini.socket_server import Peer, SocketServer, background, refusal, serving, until
from venues.gemini.session.pacing import Patience
from venues.gemini.signing import Credentials
from venues.gemini.streams.names import Method, request
from venues.gemini.streams.stream_feed import Listeners, Login, StreamFeed
from venues.gemini.streams.stream_parse import Balances, OrderStatus, OrderUpdate

D = Decimal
HASTE = Patience(first_s=0.005, longest_s=0.02)
NS = 1_700_000_000_123_000_000


class Desk:
    """Notes in which order things reach it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.orders: list[OrderUpdate] = []
        self.balances: list[Balance] = []
        self.changed: list[str] = []
        self.fail_next: BaseException | None = None

    async def on_order(self, update: OrderUpdate) -> None:
        self.orders.append(update)
        self.log.append(f"order {update.venue_order_id}")
        if self.fail_next is not None:
            fault, self.fail_next = self.fail_next, None
            raise fault

    async def on_balances(self, update: Balances) -> None:
        self.balances += update.changed

    async def on_connected(self) -> None:
        self.log.append("connected")

    @property
    def listeners(self) -> Listeners:
        return Listeners(
            on_change=self.changed.append,
            on_order=self.on_order,
            on_balances=self.on_balances,
            on_connected=self.on_connected,
        )


def feed(server: SocketServer, *names: str, desk: Desk | None = None, **options: Any) -> StreamFeed:
    held = endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=server.port), "stream")
    nonces = count(1_700_000_000)
    settings = {
        "random": Random(3),
        "patience": HASTE,
        "login": Login(credentials=Credentials(KEY, SECRET), nonce=lambda: next(nonces)),
        **options,
    }
    return StreamFeed(held, names, SystemClock(), (desk or Desk()).listeners, **settings)


def ok(asked: dict[str, Any]) -> dict[str, Any]:
    return {"id": asked["id"], "status": 200}


def no(asked: dict[str, Any], status: int = 400, code: int = -1013) -> dict[str, Any]:
    return {"id": asked["id"], "status": status, "error": {"code": code, "msg": f"no {KEY}"}}


def depth(first: int, last: int, bids: list[Any], asks: list[Any] | None = None) -> dict[str, Any]:
    return {"e": "depthUpdate", "E": NS, "s": "btcusd", "U": first, "u": last, "b": bids, "a": asks or []}


def book(number: int = 5, bid: str = "100.00") -> dict[str, Any]:
    return depth(number, number, [[bid, "1.00000000"]], [["101.00", "2.00000000"]])


def order(**changes: Any) -> dict[str, Any]:
    return {
        "e": "orderUpdate",
        "E": NS,
        "s": "btcusd",
        "i": 147258369147258369,
        "X": "NEW",
        "T": NS,
        **changes,
    }


async def test_run_upgrade_signed_as_the_vector_and_snapshot_before_the_acknowledgement() -> None:
    async def session(peer: Peer) -> None:
        asked = await peer.hear()
        assert asked == {
            "id": "1",
            "method": "subscribe",
            "params": ["btcusd@depth", "btcusd@bookTicker", "orders@account"],
        }
        await peer.say(book(), ok(asked), depth(5, 6, [["100.50", "3.00"]]))
        await peer.say({"u": 9, "E": NS, "s": "btcusd", "b": "100.50", "B": "3", "a": "", "A": ""})
        await peer.stay()

    desk = Desk()
    async with serving(session) as server:
        live = feed(server, "btcusd@depth", "btcusd@bookTicker", "orders@account", desk=desk)
        assert not live.status().synced
        async with background(live.run()):
            await until(lambda: live.top("btcusd") is not None)
            view, top = live.view("btcusd", 1), live.top("btcusd")
            assert (view.bid, view.ask, view.synced) == (D("100.50"), D("101.00"), True)
            assert top is not None
            assert (top.bids, top.asks) == (((D("100.50"), D(3)),), ())
            assert live.status().synced
            assert set(live.ages()) == {"btcusd@depth", "btcusd@bookTicker"}
            assert max(live.ages().values()) < 2
    assert desk.log == ["connected"]
    (seen,) = server.requests
    assert seen.path == "/?snapshot=-1"
    assert {k.upper(): v for k, v in seen.headers.items() if "gemini" in k} == {
        "X-GEMINI-APIKEY": KEY,
        "X-GEMINI-NONCE": "1700000000",
        "X-GEMINI-PAYLOAD": "MTcwMDAwMDAwMA==",
        "X-GEMINI-SIGNATURE": "b6eeec5817617cd29da70b735373eee2dfe031d05ba8fe90a9f13610424eab38"
        "04a14629133c63948ab40642d2a314ba",
    }
    assert "Sec-WebSocket-Extensions" not in seen.headers


async def test_run_public_streams_no_key_sent() -> None:
    async def session(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()))
        await peer.say({"E": NS, "s": "btcusd", "t": 7, "p": "100.00", "q": "0.50", "m": True})
        await peer.say({"E": NS, "s": "ethusd", "t": 8, "p": "100.00", "q": "0.50", "m": True})
        await peer.stay()

    async with serving(session) as server:
        live = feed(server, "btcusd@trade")
        async with background(live.run()):
            await until(lambda: live.recent_trades("btcusd") != [])
            (trade,) = live.recent_trades("btcusd")
            assert (trade.trade_id, trade.side, trade.price, trade.amount) == ("7", "sell", D(100), D("0.5"))
            assert trade.at.microsecond == 123_000
    assert not any("gemini" in name.lower() for name in server.requests[0].headers)


@pytest.mark.parametrize("name", ["orderUpdate", "executionReport"])
async def test_run_order_updates_cumulative_fill_is_amount_less_remaining(name: str) -> None:
    common = {"e": name, "c": "m-1", "S": "BUY", "o": "LIMIT", "p": "100.00", "q": "3.00"}
    frames = [
        order(**common, z="3.00"),
        order(**common, X="PARTIALLY_FILLED", z="2.00", Z="1.00", L="99.90", t="71", n="0.40", m=False),
        order(**common, X="PARTIALLY_FILLED", z="0.50", Z="1.50", L="99.95", t=72, n="", m=True),
        order(**common, X="FILLED", Z="0.50", L="100.00", t="73", n="0.2", m=True),  # z is zero: left out
        order(X="CANCELED", q="3.00", z="2.00", Z="1.00", r="SelfCrossPrevented"),
        order(X="CANCELED", q="3.00", Z="1.00"),  # z left out although something remains
        order(X="CANCELED", q="3.00"),
        order(X="REJECTED", r="InsufficientFunds"),
        order(X="FILLED"),
        order(X="MODIFIED", q="3.00", z="3.00"),
    ]

    async def session(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()), *frames)
        await peer.stay()

    desk = Desk()
    async with serving(session) as server, background(feed(server, "orders@session", desk=desk).run()):
        await until(lambda: len(desk.orders) == len(frames))
    assert [u.executed for u in desk.orders] == [0, 1, D("2.5"), 3, 1, 1, 0, 0, None, 0]
    assert [u.fill and (u.fill.trade_id, u.fill.amount, u.fill.is_maker) for u in desk.orders] == [
        None,
        ("71", 1, False),
        ("72", D("1.5"), True),
        ("73", D("0.5"), True),
        *[None] * 6,
    ]
    first, rejected = desk.orders[0], desk.orders[7]
    assert (first.venue_order_id, first.client_order_id, first.side) == ("147258369147258369", "m-1", "buy")
    assert desk.orders[-1].status is OrderStatus.MODIFIED
    assert (rejected.status, rejected.reason) == (OrderStatus.REJECTED, "InsufficientFunds")
    assert desk.log[0] == "connected"


async def test_run_balances_only_what_changed() -> None:
    async def session(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()))
        changed = [{"a": "USD", "f": "90.00", "c": "100.00"}]
        await peer.say({"e": "balanceUpdate", "E": NS, "u": NS, "B": changed})
        await peer.say({"e": "positionReport", "E": NS}, {"e": "contractStatus"}, {})
        await peer.stay()

    desk = Desk()
    async with serving(session) as server:
        live = feed(server, "balances@account@1s", desk=desk)
        async with background(live.run()):
            await until(lambda: desk.balances != [])
            assert live.status().connected
    assert desk.balances == [Balance(currency="usd", amount=D(100), available=D(90))]


async def test_run_gap_left_and_asked_for_again_on_the_same_connection() -> None:
    heard: list[Any] = []

    async def session(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()), book(), depth(8, 9, [["100.50", "1"]]))
        heard.append(await peer.hear())
        await peer.say(depth(9, 10, [["100.60", "1"]]), book(11, "77.00"))  # not yet left: belongs to no book
        await peer.say(ok(heard[0]))
        heard.append(await peer.hear())
        await peer.say(book(20, "99.00"), ok(heard[1]), depth(20, 21, [["99.50", "1"]]))
        await peer.stay()

    desk = Desk()
    async with serving(session) as server:
        live = feed(server, "btcusd@depth@100ms", desk=desk)
        async with background(live.run()):
            await until(lambda: live.view("btcusd").bid == D("99.50"))
            assert live.status().synced
            assert live.status().last_error == "the book of btcusd is lost: updates 6 to 7 are missing"
            assert server.played == 1
    assert [h["method"] for h in heard] == ["unsubscribe", "subscribe"]
    assert all(h["params"] == ["btcusd@depth@100ms"] for h in heard)


async def test_run_gap_again_and_again_asked_for_ever_more_slowly() -> None:
    times: list[float] = []

    async def session(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()))
        while True:
            times.append(asyncio.get_running_loop().time())
            await peer.say(book(), depth(8, 9, []))
            for _ in range(2):
                await peer.say(ok(await peer.hear()))

    async with serving(session) as server:
        live = feed(server, "btcusd@depth", patience=Patience(first_s=0.02, longest_s=0.3))
        async with background(live.run()):
            await until(lambda: len(times) >= 5)
    waits = [after - before for before, after in pairwise(times)]
    assert waits[0] < 0.1
    assert waits[3] > waits[0]
    assert waits[3] >= 0.08


async def test_run_one_bad_name_others_run() -> None:
    heard: list[Any] = []

    async def session(peer: Peer) -> None:
        await peer.say(no(await peer.hear()))
        for _ in range(2):
            asked = await peer.hear()
            heard.append(asked["params"])
            await peer.say(no(asked) if "nosuch@trade" in asked["params"] else ok(asked))
        await peer.say(book())
        await peer.stay()

    async with serving(session) as server:
        live = feed(server, "btcusd@depth", "nosuch@trade")
        async with background(live.run()):
            await until(lambda: live.view("btcusd").synced)
            assert not live.status().synced
            assert live.status().last_error == "the exchange refused nosuch@trade (400, -1013)"
    assert heard == [["btcusd@depth"], ["nosuch@trade"]]


@pytest.mark.parametrize(("status", "code"), [(429, -1003), (500, -1000)])
async def test_run_trouble_of_the_moment_asked_again(status: int, code: int) -> None:
    async def session(peer: Peer) -> None:
        for _ in range(3):
            await peer.say(no(await peer.hear(), status, code))
        await peer.say(ok(await peer.hear()))
        await peer.stay()

    async with serving(session) as server:
        live = feed(server, "btcusd@trade")
        async with background(live.run()):
            await until(lambda: live.status().synced)
            assert KEY not in live.status().last_error
            assert str(code) in live.status().last_error


async def test_run_quiet_asks_for_a_sign_of_life_and_silence_reconnects() -> None:
    heard: list[Any] = []

    async def session(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()))
        for _ in range(3):
            heard.append(await peer.hear())
            await peer.say(ok(heard[-1]))
        await peer.stay()

    async with serving(session) as server:
        live = feed(server, "btcusd@trade", quiet_s=0.03, silence_s=0.12)
        async with background(live.run()):
            await until(lambda: server.played >= 2)
            assert live.status().last_error == "no frame for 0.12 seconds"
    assert [h["method"] for h in heard[:3]] == ["ping"] * 3
    assert "params" not in heard[0]


async def test_run_cut_books_out_of_sync_and_everything_asked_for_again() -> None:
    go = asyncio.Event()

    async def first(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()), book())
        await peer.say({"lastUpdateId": 4, "bids": [["9.00", "1"]], "asks": []})
        await go.wait()
        await peer.cut()

    async def second(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()), depth(5, 6, []), book(9, "50.00"))
        await peer.say(ok(await peer.hear()))
        await peer.say(ok(await peer.hear()), book(9, "51.00"))
        await peer.stay()

    desk = Desk()
    async with serving(first, second) as server:
        live = feed(server, "btcusd@depth", "ethusd@depth5", "orders@account", desk=desk)
        async with background(live.run()):
            await until(lambda: live.view("btcusd").synced and live.view("ethusd").bid == 9)
            go.set()
            await until(lambda: not live.view("btcusd").synced)
            assert (live.view("btcusd").bids, live.view("ethusd").synced) == ((), False)
            await until(lambda: live.view("btcusd").bid == 51)
            assert live.status().reconnects == 1
    assert desk.log.count("connected") == 2
    assert {"btcusd", "ethusd"} <= set(desk.changed)


@pytest.mark.parametrize(
    "frame",
    [
        "nonsense",
        "[]",
        {"e": "depthUpdate", "s": "btcusd"},
        order(X="LOST"),
        order(i=1.5),
        order(p="1e400"),
        {"E": 10**30, "s": "btcusd", "t": 1, "p": "1", "q": "1", "m": True},
        {"lastUpdateId": 1, "bids": [["x", "1"]], "asks": []},
        {"lastUpdateId": 1, "bids": [["9.00", "-1"]], "asks": []},
        {"lastUpdateId": 1, "bids": [["0.00", "1"]], "asks": []},
        order(X="FILLED", q="1", z="0", Z="-1", L="9.00", t=7),
        {"e": "balanceUpdate", "B": [{"a": "USD"}]},
    ],
)
async def test_run_nonsense_new_connection(frame: Any) -> None:
    async def bad(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()), frame)
        await peer.stay()

    async def good(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()))
        await peer.stay()

    async with serving(bad, good) as server:
        live = feed(server, "btcusd@depth5", "ethusd@depth5", "orders@account")
        async with background(live.run()):
            await until(lambda: server.played == 2 and live.status().synced)
            assert live.status().last_error == "a frame could not be read"


async def test_run_levels_without_symbol_and_two_that_it_could_be_new_connection() -> None:
    async def session(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()), {"lastUpdateId": 4, "bids": [["9.00", "1"]], "asks": []})
        await peer.stay()

    async with serving(session) as server:
        live = feed(server, "btcusd@depth5", "ethusd@depth20@100ms")
        async with background(live.run()):
            await until(lambda: server.played >= 2)
            assert "without a symbol" in live.status().last_error


async def test_run_refused_key_says_so_and_shows_no_header() -> None:
    async def session(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()))
        await peer.stay()

    body = json.dumps({"result": "error", "reason": "InvalidSignature", "message": f"key {KEY}"})
    async with serving(session, refusals=(refusal(401, body),)) as server:
        live = feed(server, "orders@account", patience=Patience(first_s=0.1, longest_s=0.1))
        async with background(live.run()):
            await until(lambda: live.status().last_error != "")
            assert live.status().last_error == "the exchange refused the connection with 401 InvalidSignature"
            await until(lambda: live.status().synced)


async def test_run_clock_off_waits_and_goes_on() -> None:
    async def session(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()))
        await peer.stay()

    nonces = iter([None, 1_700_000_000])

    def nonce() -> int:
        found = next(nonces)
        if found is None:
            raise LockedError("CLOCK_OFF", "the clock is 40 s ahead", "Set it.")
        return found

    async with serving(session) as server:
        live = feed(server, "orders@account", login=Login(credentials=Credentials(KEY, SECRET), nonce=nonce))
        async with background(live.run()):
            await until(lambda: live.status().synced)
            assert live.status().last_error == "the clock is 40 s ahead"


async def test_run_venue_error_in_a_listener_new_connection_and_fault_of_ours_raised() -> None:
    async def session(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()), order())
        await peer.stay()

    desk = Desk()
    desk.fail_next = VenueRetryableError("VENUE_TROUBLE", "down")
    async with serving(session) as server:
        async with background(feed(server, "orders@account", desk=desk).run()):
            await until(lambda: len(desk.orders) == 2)
        desk.fail_next = ZeroDivisionError("a bug")
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(3):
                await feed(server, "orders@account", desk=desk).run()
    assert desk.log[:4] == ["connected", "order 147258369147258369"] * 2


def test_nothing_that_trades_can_be_sent() -> None:
    assert {method.value for method in Method} == {"ping", "subscribe", "unsubscribe"}
    for word in ("order.place", "order.cancel", "order.cancel_all", "SUBSCRIBE", ""):
        with pytest.raises(ValueError, match="is not a valid"):
            request(word, 1)  # type: ignore[arg-type]  # what a careless caller could do
    public = {name for name in vars(StreamFeed) if not name.startswith("_")}
    assert public == {"run", "view", "top", "recent_trades", "ages", "status"}


def test_streams_refused_before_anything_is_opened() -> None:
    held = endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=9), "stream")
    clock = SystemClock()
    for names in (
        ["BTCUSD@trade"],
        ["btcusd@kline"],
        ["order.place"],
        ["btcusd@depth7"],
        ["positions@account"],
        ["btcusd@depth", "btcusd@depth@100ms"],
        ["btcusd@trade", "btcusd@trade"],
    ):
        with pytest.raises(BadInputError):
            StreamFeed(held, names, clock)
    with pytest.raises(BadInputError, match="needs a key"):
        StreamFeed(held, ["orders@account"], clock)
    with pytest.raises(BadInputError) as fault:
        Login(credentials=Credentials("master-TESTKEY0123456789", SECRET), nonce=lambda: 1)
    assert SECRET not in str(fault.value)
    with pytest.raises(NotFoundError):
        StreamFeed(held, ["btcusd@trade"], clock).view("ethusd")
    with pytest.raises(LockedError):
        StreamFeed(endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=9)), ["btcusd@trade"], clock)


@pytest.mark.parametrize("kind", ["bookTicker", "depth5"])
async def test_view_whole_book_crossed_or_old_not_shown_as_in_sync(kind: str) -> None:
    def told(number: int, bid: str, ask: str) -> dict[str, Any]:
        if kind == "bookTicker":
            return {"u": number, "E": NS, "s": "btcusd", "b": bid, "B": "1", "a": ask, "A": "1"}
        bids, asks = [["1.00", "1"], [bid, "1"]], [["99.00", "1"], [ask, "1"]]
        return {"lastUpdateId": number, "symbol": "btcusd", "bids": bids, "asks": asks}

    peers: list[Peer] = []

    async def session(peer: Peer) -> None:
        await peer.say(ok(await peer.hear()))
        peers.append(peer)
        await peer.stay()

    async with serving(session) as server:
        live = feed(server, f"btcusd@{kind}")
        async with background(live.run()):
            await until(lambda: bool(peers))
            await peers[0].say(told(7, "10", "11"))
            await until(lambda: live.view("btcusd").synced)
            await peers[0].say(told(8, "12", "12"))
            await until(lambda: not live.view("btcusd").synced)
            await peers[0].say(told(9, "10.5", "11"))
            await until(lambda: live.view("btcusd").synced)
            assert (live.view("btcusd").bid, live.view("btcusd").ask) == (D("10.5"), 11)
            await peers[0].say(told(6, "3", "4"), told(10, "10.6", "11"))
            await until(lambda: live.view("btcusd").bid != D("10.5"))
            assert live.view("btcusd").bid == D("10.6")
