"""The new WebSocket API: placing and cancelling, and what the account's streams tell of it."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio

from domain.clock import ManualClock
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.signed import ORDER, Client
from tests.venues_paper.socket_clients import (
    Api,
    limit_order,
    market_socket,
    order_socket,
    plain_socket,
    receive,
    receive_until,
    silence,
    still,
    stream_socket,
    subscribe,
    trader_socket,
    without_orders,
)
from tests.venues_paper.test_sockets_levels import updates_until_idle
from venues.paper.opening import STRANGER
from venues.paper.server import RunningExchange, running_exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def running(shared: tuple[RunningExchange, httpx.AsyncClient]) -> RunningExchange:
    """One exchange for the module; nobody has an order when a test begins."""
    return without_orders(shared[0])


@pytest.fixture
def stranger(shared_stranger: Client) -> Client:
    return shared_stranger


@pytest_asyncio.fixture(loop_scope="module")
async def api(running: RunningExchange) -> AsyncIterator[Api]:
    """A trader who reads the orders of his account."""
    async with trader_socket(running) as socket:
        found = Api(socket)
        await found.do("subscribe", ["orders@account"])
        yield found


def price_at(running: RunningExchange, distance: int) -> str:
    """A price so far above the best ask, below it when negative."""
    return str(running.book("btcusd").asks.best + distance)


async def test_resting_order_is_new_then_open_and_durable_before_the_answer(
    running: RunningExchange, api: Api, stranger: Client
) -> None:
    result = await api.do("order.place", limit_order(clientOrderId="mine-1"))
    assert set(result) == {"orderId", "clientOrderId"}
    account = running.exchange.accounts[STRANGER]
    stored = running.exchange.store.order(account, int(result["orderId"]))
    assert stored is not None
    assert stored.is_live
    new, opened = await api.event(), await api.event()
    at_ns = running.exchange.timeline.now_ms() * 1_000_000
    assert new == {
        "e": "orderUpdate", "E": at_ns, "s": "btcusd", "i": int(result["orderId"]), "c": "mine-1",
        "S": "BUY", "o": "LIMIT", "X": "NEW", "p": "60000.00", "q": "0.00100000", "z": "0.00100000",
        "T": at_ns,
    }  # fmt: skip
    assert opened == {**new, "X": "OPEN"}
    seen = await stranger.post("/v1/order/status", order_id=result["orderId"])
    assert (seen["client_order_id"], seen["type"], seen["is_live"]) == ("mine-1", "exchange limit", True)
    cancelled = await api.do("order.cancel", {"orderId": int(result["orderId"])})
    assert cancelled == result
    gone = await api.event()
    assert (gone["X"], gone["r"], gone["z"]) == ("CANCELED", "Requested", "0.00100000")
    assert "Z" not in gone


async def test_last_and_cumulative_executed_amounts(running: RunningExchange, api: Api) -> None:
    asks = running.book("dogeusd").asks.depth(1)
    quantity = asks[0][1] + 10
    with still(running):
        order = limit_order(symbol="dogeusd", quantity=str(quantity), price=str(asks[0][0]))
        await api.do("order.place", order)
        updates = [await api.event()]
        while updates[-1]["X"] != "OPEN":
            updates.append(await api.event())
        fills, left = updates[1:-1], quantity
        assert fills
        for fill in fills:
            assert (fill["X"], fill["m"]) == ("PARTIALLY_FILLED", False)
            left -= Decimal(fill["Z"])
            assert Decimal(fill["z"]) == left
            assert Decimal(fill["n"]) == Decimal(fill["L"]) * Decimal(fill["Z"]) * Decimal("0.004")
            assert isinstance(fill["t"], int)
        await api.do("order.cancel_session")
    gone = await api.event()
    assert (gone["X"], gone["r"]) == ("CANCELED", "Requested")
    assert Decimal(gone["Z"]) == Decimal(gone["q"]) - Decimal(gone["z"]) == asks[0][1]


async def test_market_order_takes_what_there_is(running: RunningExchange, api: Api, stranger: Client) -> None:
    async with order_socket(running, stranger, "?heartbeat=false") as events:
        await receive(events)
        params = limit_order(type="MARKET", quantity="0.0002", timeInForce="IOC")
        del params["price"]
        with still(running):
            result = await api.do("order.place", params)
        seen = await receive_until(events, "closed")
    new, filled = await api.event(), await api.event()
    assert (new["o"], new["X"]) == ("MARKET", "NEW")
    assert "p" not in new
    assert (filled["X"], filled["Z"], filled["i"]) == ("FILLED", "0.00020000", int(result["orderId"]))
    assert "z" not in filled
    assert [event["type"] for event in seen] == ["accepted", "fill", "closed"]
    assert {event["order_type"] for event in seen} == {"market buy"}


async def test_market_order_on_an_empty_side_is_rejected(running: RunningExchange, api: Api) -> None:
    market = running.exchange.engine.markets["yfiusd"]
    with running.exchange.operation():
        for price in list(market.book.asks.prices()):
            for order in list(market.book.asks.levels[price].orders.values()):
                market.book.asks.remove(order)
                order.is_live = False
    with still(running):
        params = limit_order(symbol="yfiusd", type="MARKET", quantity="0.001")
        del params["price"]
        assert await api.refused("order.place", params) == (-2010, 400)
        rejected = await api.event()
        assert (rejected["X"], rejected["r"]) == ("REJECTED", "InsufficientLiquidity")


@pytest.mark.parametrize(
    ("side", "price", "stop"), [("BUY", 200, 200), ("SELL", -300, -300), ("BUY", 300, 200)]
)
async def test_stop_may_equal_its_limit_here(
    running: RunningExchange, api: Api, side: str, price: int, stop: int
) -> None:
    await api.do(
        "order.place",
        limit_order(
            side=side, quantity="0.0001", price=price_at(running, price), stopPrice=price_at(running, stop)
        ),
    )
    new = await api.event()
    assert (new["o"], new["X"]) == ("STOP_LIMIT", "NEW")
    assert Decimal(new["P"]) <= Decimal(new["p"]) if side == "BUY" else Decimal(new["P"]) >= Decimal(new["p"])
    assert await silence(api.socket), "a waiting stop is not open"


REJECTIONS: list[tuple[dict[str, Any], str]] = [
    ({"symbol": "nopeusd"}, "UnknownInstrument"),
    ({"quantity": "0.000000001"}, "InvalidQuantity"),
    ({"quantity": "-1"}, "InvalidQuantity"),
    ({"quantity": "9" * 60}, "InvalidQuantity"),
    ({"price": "60000.001"}, "LimitPriceOffTick"),
    ({"price": "0"}, "InvalidPrice"),
    ({"price": "NaN"}, "InvalidPrice"),
    ({"price": "٦"}, "InvalidPrice"),
    ({"price": "60000", "stopPrice": "61000"}, "InvalidStopPrice"),
    ({"price": "60000", "stopPrice": "10000"}, "InvalidStopPrice"),
    ({"price": "60000", "stopPrice": "59999.001"}, "InvalidStopPrice"),
    ({"quantity": "9"}, "InsufficientFunds"),
    ({"symbol": "gusdusd", "quantity": "1.00", "price": "1.00"}, "MarketNotOpen"),
]


@pytest.mark.parametrize(("fields", "reason"), REJECTIONS)
async def test_refused_order_is_answered_and_told(
    running: RunningExchange, api: Api, fields: dict[str, Any], reason: str
) -> None:
    held = running.exchange.accounts[STRANGER].fund("USD").held
    assert await api.refused("order.place", limit_order(clientOrderId="no", **fields)) == (-2010, 400)
    update = await api.event()
    assert (update["e"], update["X"], update["r"], update["c"]) == ("orderUpdate", "REJECTED", reason, "no")
    assert {"E", "s", "i", "T"} <= set(update)
    assert running.exchange.accounts[STRANGER].fund("USD").held == held
    assert not running.exchange.engine.live


async def test_refused_order_over_rest_is_told_on_every_socket_of_its_account(
    running: RunningExchange, api: Api, stranger: Client
) -> None:
    cases = [
        ({"price": "60000.001"}, "InvalidPrice", "LimitPriceOffTick"),
        ({"price": "0.00"}, "InvalidPrice", "InvalidPrice"),
        ({"amount": "0.000000001"}, "InvalidQuantity", "InvalidQuantity"),
        ({"type": "exchange stop limit", "stop_price": "60001"}, "InvalidStopPriceBuy", "InvalidStopPrice"),
        ({"amount": "9"}, "InsufficientFunds", "InsufficientFunds"),
    ]
    async with order_socket(running, stranger, "?heartbeat=false") as events:
        await receive(events)
        for fields, reason, stream_reason in cases:
            order = {**ORDER, "client_order_id": "no", **fields}
            assert (await stranger.refused("/v1/order/new", **order))[1] == reason
            [event] = await receive(events)
            assert (event["type"], event["reason"], event["is_live"]) == ("rejected", reason, False)
            assert (Decimal(event["price"]), event["original_amount"], event["client_order_id"]) == (
                Decimal(order["price"]), order["amount"], "no",
            )  # fmt: skip
            assert (event["executed_amount"], event["api_session"]) == ("0", stranger.key)
            update = await api.event()
            assert (update["X"], update["r"], update["i"]) == (
                "REJECTED", stream_reason, int(event["order_id"]),
            )  # fmt: skip
            assert (Decimal(update["p"]), update["c"]) == (Decimal(order["price"]), "no")
        over_socket = limit_order(price="60000.001", clientOrderId="no")
        assert await api.refused("order.place", over_socket) == (-2010, 400)
        [event] = await receive(events)
        update = await api.event()
        assert (event["reason"], event["price"]) == ("InvalidPrice", "60000.001")
        assert (update["r"], update["i"]) == ("LimitPriceOffTick", int(event["order_id"]))
    assert not running.exchange.engine.live


async def test_client_order_id_is_good_for_one_order(api: Api) -> None:
    await api.do("order.place", limit_order(clientOrderId="once"))
    await api.do("order.cancel_all")
    assert await api.refused("order.place", limit_order(clientOrderId="once")) == (-2010, 400)
    updates = [await api.event() for _ in range(4)]
    assert (updates[-1]["X"], updates[-1]["r"]) == ("REJECTED", "DuplicateOrder")


@pytest.mark.parametrize(
    "fields",
    [
        {"symbol": None}, {"side": "buy"}, {"side": ["BUY"]}, {"type": "STOP"}, {"timeInForce": "GTD"},
        {"timeInForce": {}}, {"quantity": 1}, {"quantity": None}, {"price": None}, {"price": 60000.0},
        {"type": "MARKET"}, {"clientOrderId": 7}, {"eventOutcome": "YES"},
        {"stopPrice": "59000", "timeInForce": "IOC"},
        {"type": "MARKET", "price": None, "timeInForce": "MOC"},
    ],
)  # fmt: skip
async def test_malformed_parameters_are_no_orders(api: Api, fields: dict[str, Any]) -> None:
    assert await api.refused("order.place", limit_order(**fields)) == (-1013, 400)
    assert await silence(api.socket, 0.05)


async def test_options_that_cannot_be_honoured_cancel_at_once(running: RunningExchange, api: Api) -> None:
    take = price_at(running, 500)
    cases = [("MOC", take, "MakerOrCancelWouldTake"), ("IOC", "60000.00", "ImmediateOrCancelWouldPost"),
             ("FOK", "60000.00", "FillOrKillWouldNotFill")]  # fmt: skip
    for time_in_force, price, reason in cases:
        await api.do("order.place", limit_order(timeInForce=time_in_force, price=price, quantity="0.0001"))
        new, gone = await api.event(), await api.event()
        assert (new["X"], gone["X"], gone["r"]) == ("NEW", "CANCELED", reason)


async def test_cancelling_what_is_not_open_is_refused_and_told_to_the_events_socket(
    running: RunningExchange, api: Api, stranger: Client
) -> None:
    result = await api.do("order.place", limit_order())
    await api.do("order.cancel", result | {"orderId": result["orderId"]})
    async with order_socket(running, stranger, "?heartbeat=false") as events:
        await receive(events)
        assert await api.refused("order.cancel", {"orderId": result["orderId"]}) == (-2010, 400)
        [refused] = await receive(events)
        assert await api.refused("order.cancel", {"orderId": "5"}) == (-2010, 400)
        assert await silence(events)
    assert (refused["type"], refused["reason"]) == ("cancel_rejected", "OrderNotFound")
    assert "cancel_command_id" in refused
    for wrong in (None, "x", 1.5, -1, True, [1], "9" * 40):
        expected = (-1013, 400)
        assert await api.refused("order.cancel", {"orderId": wrong}) == expected, wrong


async def test_session_is_the_key_and_all_is_the_account(
    running: RunningExchange, api: Api, stranger: Client
) -> None:
    rest = await stranger.order(price="60000.00", amount="0.0001")
    async with trader_socket(running) as other:
        session = Api(other)
        await session.do("subscribe", ["orders@session"])
        mine = await api.do("order.place", limit_order(quantity="0.0001"))
        again = await stranger.order(price="60000.00", amount="0.0001")
        assert (await session.event())["i"] == int(mine["orderId"])
        assert (await session.event())["X"] == "OPEN"
        assert await silence(other), "orders of other keys are not this session's"
        done = await session.do("order.cancel_session")
        assert done == {"cancelledOrders": [int(mine["orderId"])], "cancelRejects": []}
        done = await session.do("order.cancel_all")
        assert set(done["cancelledOrders"]) == {int(rest["order_id"]), int(again["order_id"])}


async def test_cancel_on_disconnect_takes_what_this_connection_placed(
    running: RunningExchange, api: Api
) -> None:
    kept = await api.do("order.place", limit_order())
    async with trader_socket(running, "?cancelOnDisconnect=true") as socket:
        lost = await Api(socket).do("order.place", limit_order())
    updates = []
    while not updates or updates[-1]["X"] != "CANCELED":
        updates.append(await api.event())
    assert updates[-1]["i"] == int(lost["orderId"])
    assert list(running.exchange.engine.live) == [int(kept["orderId"])]
    async with trader_socket(running) as socket:
        await Api(socket).do("order.place", limit_order())
    assert await silence(api.socket) is False
    assert len(running.exchange.engine.live) == 2


async def test_balances_tell_what_changed(running: RunningExchange, api: Api, stranger: Client) -> None:
    await api.do("subscribe", ["balances@account", "balances@account@1s"])
    everything = [frame for frame in api.events if frame["e"] == "balanceUpdate"]
    assert len(everything) == 2
    assert all({row["a"] for row in frame["B"]} >= {"BTC", "ETH", "USD"} for frame in everything)
    api.events.clear()
    await stranger.order(price="60000.00", amount="0.001")
    changes = []
    while not changes:
        frame = await api.event()
        if frame["e"] == "balanceUpdate":
            changes.append(frame)
    assert list(changes[0]) == ["e", "E", "u", "B"]
    [row] = changes[0]["B"]
    funds = running.exchange.accounts[STRANGER].fund("USD")
    assert (row["a"], Decimal(row["f"]), Decimal(row["c"])) == ("USD", funds.available, funds.amount)
    for _ in range(3):
        await stranger.post("/v1/heartbeat")
    slow = await api.event()
    while slow["e"] != "balanceUpdate":
        slow = await api.event()
    assert slow["B"] == [row]
    await api.do("unsubscribe", ["balances@account", "balances@account@1s"])
    await stranger.post("/v1/order/cancel/all")
    assert (await api.event())["e"] == "orderUpdate"
    assert await silence(api.socket)


async def test_other_accounts_stay_out_of_sight(
    running: RunningExchange, api: Api, shared_desk: Client
) -> None:
    await api.do("subscribe", ["balances@account"])
    api.events.clear()
    order = await shared_desk.order()
    assert await silence(api.socket)
    assert await api.refused("order.cancel", {"orderId": order["order_id"]}) == (-2010, 400)


async def test_perpetuals_tell_mark_price_and_funding(running: RunningExchange, stranger: Client) -> None:
    async with stream_socket(running) as socket:
        api = Api(socket)
        assert await api.refused("subscribe", ["btcusd@markPrice"]) == (-1013, 400)
        await api.do("subscribe", ["btcgusdperp@markPrice", "btcgusdperp@fundingAmount"])
        mark = await api.event()
        assert list(mark) == ["e", "E", "s", "p", "i"]
        assert (mark["e"], mark["s"]) == ("markPrice", "btcgusdperp")
        middle = running.book("btcusd").mid
        assert abs(Decimal(mark["p"]) / middle - 1) < Decimal("0.01")
        assert Decimal(mark["i"]) / 100 == middle.quantize(Decimal("0.001"))
        funding = None
        marks = 0
        for _ in range(130):
            await stranger.get("/v1/symbols")
        while funding is None:
            frame = await api.event()
            marks += frame["e"] == "markPrice"
            funding = frame if frame["e"] == "fundingAmount" else None
    assert marks >= 5
    assert list(funding) == ["e", "E", "s", "T", "i", "f", "r", "p", "R"]
    assert (funding["i"], funding["R"], funding["E"] % (3_600_000 * 1_000_000)) == (60, False, 0)


async def test_same_seed_and_requests_give_the_same_frames(tmp_path_factory: pytest.TempPathFactory) -> None:
    tapes = []
    for turn in range(2):
        home = tmp_path_factory.mktemp(f"twin{turn}") / "home"
        async with (
            running_exchange(home=home, seed=5, clock=ManualClock(MORNING)) as running,
            httpx.AsyncClient(trust_env=False, timeout=20) as http,
        ):
            tapes.append(await tape(running, http))
    assert tapes[0] == tapes[1]
    assert len(tapes[0]) > 150


async def tape(running: RunningExchange, http: httpx.AsyncClient) -> list[Any]:
    client = Client(running.url, running.stranger.api_key, running.stranger.api_secret, http)
    async with (
        trader_socket(running, "?snapshot=-1") as socket,
        order_socket(running, client, nonce=7) as events,
        market_socket(running) as market,
        plain_socket(running, "/v1/multimarketdata?symbols=btcusd,ethusd&heartbeat=true") as levels,
    ):
        names_v2 = ["l2", "candles_1m", "mark_price", "funding_amount"]
        await market.send(subscribe(*((name, ["BTCUSD", "ETHUSD", "BTCGUSDPERP"]) for name in names_v2)))
        await receive(market)
        api, found = Api(socket), [await receive(events)]
        names = ["btcusd@depth", "ethusd@bookTicker", "btcusd@trade", "btcusd@depth5@100ms"]
        await api.do("subscribe", [*names, "orders@account", "balances@account@1s"])
        for number in range(12):
            await api.do("order.place", limit_order(quantity="0.0001", price=f"{65000 + 40 * number}.00"))
        await api.do("order.cancel_all")
        await api.do("ping")
        found += api.events
        for each in (events, market, levels):
            found += await updates_until_idle(each)
    return found
