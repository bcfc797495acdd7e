"""What the sockets tell of orders and books, put together again, is what REST and the engine say."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection

from domain.clock import ManualClock
from domain.instrument import InstrumentStatus
from domain.money import ZERO
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.signed import Client
from tests.venues_paper.socket_clients import (
    Api,
    market_socket,
    order_socket,
    plain_socket,
    receive,
    stream_socket,
    subscribe,
    trader_socket,
)
from tests.venues_paper.test_sockets_levels import LevelBook, updates_until_idle
from venues.paper.server import RunningExchange, running_exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")

D = Decimal
SYMBOL = "dogeusd"
Levels = dict[Decimal, Decimal]
Sides = tuple[Levels, Levels]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningExchange]:
    home: Path = tmp_path_factory.mktemp("truth") / "home"
    async with running_exchange(home=home, seed=21, clock=ManualClock(MORNING)) as running:
        exchange = running.exchange
        with exchange.operation():
            for account in exchange.accounts.values():
                account.fund("DOGE").amount = D(100_000)
                exchange.engine.batch.accounts.add(account)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(running: RunningExchange) -> AsyncIterator[list[Client]]:
    """Desk and stranger."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        yield [Client(running.url, k.api_key, k.api_secret, http) for k in (running.desk, running.stranger)]


def book_of(running: RunningExchange, levels: int = 0) -> Sides:
    book = running.book(SYMBOL)
    return dict(book.bids.depth(levels)), dict(book.asks.depth(levels))


class Trader:
    """Sends the orders of one seed: every kind, over REST and over the socket, some of them hopeless."""

    def __init__(self, running: RunningExchange, clients: list[Client], api: Api, seed: int) -> None:
        self.running, self.clients, self.api, self.chance = running, clients, api, Random(seed)
        self.orders: list[tuple[Client, str]] = []

    async def act(self) -> None:
        roll = self.chance.random()
        if roll < 0.15 and self.orders:
            client, order_id = self.chance.choice(self.orders)
            await client.try_post("/v1/order/cancel", order_id=order_id)
        elif roll < 0.18:
            await self.chance.choice(self.clients).post("/v1/order/cancel/all")
        elif roll < 0.21:
            await self.close_and_open()
        elif roll < 0.6:
            await self.place_over_rest()
        else:
            await self.place_over_socket()

    async def close_and_open(self) -> None:
        exchange = self.running.exchange
        for status in (InstrumentStatus.CLOSED, InstrumentStatus.OPEN):
            with exchange.operation():
                exchange.engine.set_status(SYMBOL, status)
            await self.place_over_rest()

    def price(self) -> Decimal:
        market = self.running.exchange.engine.markets[SYMBOL]
        tick = market.instrument.price_tick
        reach = self.chance.choice([1, 3, 10, 3000])
        return max(tick, (market.last + tick * self.chance.randint(-reach, reach)).quantize(tick))

    def fields(self) -> dict[str, Any]:
        amount = self.chance.choice(["1", "40", "900", "20000", "90000"])
        return {"symbol": SYMBOL, "price": str(self.price()), "amount": amount}

    async def place_over_rest(self) -> None:
        client, fields = self.chance.choice(self.clients), self.fields()
        fields["side"] = self.chance.choice(["buy", "sell"])
        option = self.chance.choice([None, None, "maker-or-cancel", "immediate-or-cancel", "fill-or-kill"])
        if option:
            fields["options"] = [option]
        elif self.chance.random() < 0.2:
            fields["type"] = "exchange stop limit"
            fields["stop_price"] = str(self.price())
        answer = (await client.try_post("/v1/order/new", **{"type": "exchange limit", **fields})).json()
        if "order_id" in answer:
            self.orders.append((client, answer["order_id"]))

    async def place_over_socket(self) -> None:
        fields = self.fields()
        params = {
            "symbol": SYMBOL,
            "side": self.chance.choice(["BUY", "SELL"]),
            "quantity": fields["amount"],
            "timeInForce": self.chance.choice(["GTC", "IOC", "FOK", "MOC"]),
        }
        if self.chance.random() < 0.25:
            params |= {"type": "MARKET", "timeInForce": self.chance.choice(["GTC", "IOC", "FOK"])}
        else:
            params |= {"type": "LIMIT", "price": fields["price"]}
        answer = await self.api.ask("order.place", params)
        if answer["status"] == 200:
            self.orders.append((self.clients[1], answer["result"]["orderId"]))


async def events_before(socket: ClientConnection, last: dict[str, Any]) -> list[dict[str, Any]]:
    """All events until the order `last` has closed."""
    found: list[dict[str, Any]] = []
    while not found or (found[-1]["order_id"], found[-1]["type"]) != (last["order_id"], "closed"):
        found += await receive(socket)
    return found


def check_events(events: list[dict[str, Any]], truth: dict[str, Any]) -> None:
    """Compare the events of one order with its REST status."""
    kinds = [event["type"] for event in events]
    assert kinds[0] == "accepted"
    assert kinds.count("closed") == (0 if truth["is_live"] else 1)
    assert kinds.count("booked") <= 1
    assert truth["is_live"] or kinds[-1] == "closed"
    assert kinds.count("cancelled") == truth["is_cancelled"]
    fills = [event for event in events if event["type"] == "fill"]
    executed = notional = ZERO
    for event in fills:
        executed += D(event["fill"]["amount"])
        notional += D(event["fill"]["amount"]) * D(event["fill"]["price"])
        assert D(event["executed_amount"]) == executed
        assert D(event["remaining_amount"]) == D(truth["original_amount"]) - executed
        assert abs(D(event["avg_execution_price"]) - notional / executed) < D("1e-10")
    last = events[-1]
    for name in ("executed_amount", "remaining_amount", "original_amount", "avg_execution_price", "is_live"):
        assert last[name] == truth[name], name
    assert last["is_cancelled"] == truth["is_cancelled"]
    assert [e.get("reason") for e in events if e["type"] == "cancelled"] == (
        [truth["reason"]] if truth["is_cancelled"] else []
    )
    told = [(e["fill"]["trade_id"], e["fill"]["price"], e["fill"]["amount"], e["fill"]["fee"]) for e in fills]
    assert sorted(told) == sorted(
        (str(t["tid"]), t["price"], t["amount"], t["fee_amount"]) for t in truth["trades"]
    )
    assert {(t["tid"], t["aggressor"]) for t in truth["trades"]} == {
        (int(e["fill"]["trade_id"]), e["fill"]["liquidity"] == "Taker") for e in fills
    }


def check_updates(updates: list[dict[str, Any]], truth: dict[str, Any]) -> None:
    """Compare the order updates of one order with its REST status; `Z` means two things."""
    assert updates[0]["X"] == "NEW"
    executed = ZERO
    for update in updates:
        last = D(update.get("Z", "0"))
        if update["X"] in {"PARTIALLY_FILLED", "FILLED"}:
            executed += last
            assert (update["X"] == "FILLED") == ("z" not in update)
        else:
            assert last == executed
        assert D(update["q"]) - D(update.get("z", "0")) == executed
    assert executed == D(truth["executed_amount"])
    state = updates[-1]["X"]
    if truth["is_cancelled"]:
        assert (state, updates[-1]["r"]) == ("CANCELED", truth["reason"])
    else:
        assert (state == "FILLED") == (not truth["is_live"])
    told = [(u["t"], D(u["L"]), D(u["Z"]), D(u.get("n", "0")), u["m"]) for u in updates if "t" in u]
    trades = [
        (t["tid"], D(t["price"]), D(t["amount"]), D(t["fee_amount"]), not t["aggressor"])
        for t in truth["trades"]
    ]
    assert sorted(told) == sorted(trades)


async def test_events_and_updates_add_up_to_the_orders_status(
    running: RunningExchange, clients: list[Client]
) -> None:
    for client in clients:
        await client.post("/v1/order/cancel/all")
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(order_socket(running, client, "?heartbeat=false"))
            for client in clients
        ]
        for socket in sockets:
            assert (await receive(socket))["type"] == "subscription_ack"
        api = Api(await stack.enter_async_context(trader_socket(running)))
        await api.do("subscribe", ["orders@account"])
        trader = Trader(running, clients, api, 7)
        for _ in range(150):
            await trader.act()
        events = []
        for client, socket in zip(clients, sockets, strict=True):
            await client.post("/v1/order/cancel/all")
            last = await client.order(options=["immediate-or-cancel"])
            trader.orders.append((client, last["order_id"]))
            events.append(await events_before(socket, last))
        await api.do("ping")
    truths = {
        order_id: await client.post("/v1/order/status", order_id=int(order_id), include_trades=True)
        for client, order_id in trader.orders
    }
    by_order: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for found in events:
        assert [event["socket_sequence"] for event in found] == list(range(len(found)))
        for event in found:
            by_order[event["order_id"]].append(event)
    refused = {order_id for order_id, found in by_order.items() if found[0]["type"] == "rejected"}
    assert by_order.keys() - refused == truths.keys()
    for order_id, truth in truths.items():
        check_events([e for e in by_order[order_id] if e["type"] != "cancel_rejected"], truth)
    updates: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for update in api.events:
        updates[str(update["i"])].append(update)
    mine = {order_id for client, order_id in trader.orders if client is clients[1]}
    rejected = {order_id for order_id, found in updates.items() if found[0]["X"] == "REJECTED"}
    assert updates.keys() - rejected == mine
    assert rejected <= refused
    for order_id in mine:
        check_updates(updates[order_id], truths[order_id])
    reasons = {truth.get("reason") for truth in truths.values()}
    assert {
        None, "Requested", "MarketClosed", "SelfCrossPrevented", "MakerOrCancelWouldTake",
        "ImmediateOrCancelWouldPost", "FillOrKillWouldNotFill",
    } <= reasons  # fmt: skip
    assert len(refused) > 3
    assert sum(len(truth["trades"]) > 1 for truth in truths.values()) > 3


class Depth:
    """A book kept from depth frames by the rule of the contract."""

    def __init__(self, levels: int) -> None:
        self.sides: Sides = ({}, {})
        self.last = 0
        self.levels = levels

    def apply(self, frame: dict[str, Any]) -> None:
        if self.last and frame["u"] <= self.last:
            return
        assert not self.last or frame["U"] <= self.last, "a gap"
        self.last = frame["u"]
        for side, rows in zip(self.sides, (frame["b"], frame["a"]), strict=True):
            for price, amount in rows:
                if D(amount):
                    side[D(price)] = D(amount)
                else:
                    side.pop(D(price), None)


async def caught_up(socket: ClientConnection) -> list[dict[str, Any]]:
    """All frames of a v2 socket that left before now."""
    await socket.send("?")
    found = []
    while (message := await receive(socket)).get("reason") != "InvalidJson":
        found.append(message)
    return found


def apply_l2(sides: Sides, messages: list[dict[str, Any]]) -> None:
    for message in messages:
        if "trades" in message:
            for side in sides:
                side.clear()
        for kind, price, amount in message.get("changes", []):
            side = sides[kind == "sell"]
            if D(amount):
                side[D(price)] = D(amount)
            else:
                side.pop(D(price), None)  # it may have come and gone in one operation


async def test_every_feed_rebuilds_the_engines_book_at_every_step(
    running: RunningExchange, clients: list[Client]
) -> None:
    truth: dict[int, tuple[Sides, Sides]] = {}
    name = f"{SYMBOL}@depth@100ms"
    async with AsyncExitStack() as stack:
        l2 = await stack.enter_async_context(market_socket(running))
        paths = [f"/v1/marketdata/{SYMBOL}", f"/v1/multimarketdata?symbols={SYMBOL},btcusd"]
        levels = [await stack.enter_async_context(plain_socket(running, path)) for path in paths]
        top = await stack.enter_async_context(
            plain_socket(
                running, f"/v1/multimarketdata?symbols={SYMBOL}&top_of_book=true&bids=true&offers=true"
            )
        )
        queries = ["?snapshot=-1", "?snapshot=0", "?snapshot=3"]
        depths = [Api(await stack.enter_async_context(stream_socket(running, query))) for query in queries]
        for api in depths:
            await api.do("subscribe", [name, f"{SYMBOL}@bookTicker", f"{SYMBOL}@depth5@100ms"])
        asked = await depths[1].do("depth", {"symbol": SYMBOL, "limit": 5000})
        trader = Trader(running, clients, Api(await stack.enter_async_context(trader_socket(running))), 9)
        sides: Sides = ({}, {})
        for step in range(80):
            if step % 20 == 0:  # join again in the middle of everything
                await l2.send(subscribe(("l2", [SYMBOL.upper()]), kind="unsubscribe"))
                await l2.send(subscribe(("l2", [SYMBOL.upper()])))
            if step == 50:
                await depths[0].do("unsubscribe", [name])
                await depths[0].do("subscribe", [name])
            await trader.act()
            now = running.exchange.feeds.update_id(SYMBOL)
            truth[now] = book_of(running), book_of(running, 5)
            apply_l2(sides, await caught_up(l2))
            assert sides == truth[now][0]
        for api in depths:
            await api.do("ping")
        seen = [await updates_until_idle(socket) for socket in (*levels, top)]
    checks = 0
    for number, messages in enumerate(seen):
        book = LevelBook()
        for message in messages:
            for event in message["events"]:
                if event["type"] == "change" and event.get("symbol", SYMBOL.upper()) == SYMBOL.upper():
                    book.apply(event)
            if message["eventId"] in truth:
                checks += 1
                whole, _ = truth[message["eventId"]]
                wanted = whole if number < 2 else tuple(best_of(whole))
                assert (book.sides["bid"], book.sides["ask"]) == wanted
    assert checks > 100
    checks = 0
    for api, query in zip(depths, queries, strict=True):
        kept = Depth(3 if query.endswith("3") else 0)
        if query == "?snapshot=0":
            kept.apply({"u": asked["lastUpdateId"], "U": 0, "b": asked["bids"], "a": asked["asks"]})
        for frame in api.events:
            if frame.get("e") == "depthUpdate":
                if frame["U"] == frame["u"]:
                    kept.sides[0].clear()
                    kept.sides[1].clear()
                    kept.last = 0
                kept.apply(frame)
                if frame["u"] in truth and not kept.levels:
                    checks += 1
                    assert kept.sides == truth[frame["u"]][0]
            elif "lastUpdateId" in frame and frame["lastUpdateId"] in truth:
                five = truth[frame["lastUpdateId"]][1]
                assert (
                    {D(p): D(q) for p, q in frame["bids"]},
                    {D(p): D(q) for p, q in frame["asks"]},
                ) == five
            elif "B" in frame and frame["u"] in truth:
                bids, asks = best_of(truth[frame["u"]][0])
                told = [(frame[a], frame[b]) for a, b in (("b", "B"), ("a", "A"))]
                assert [{D(p): D(q)} if p else {} for p, q in told] == [bids, asks]
    assert checks > 40


def best_of(sides: Sides) -> list[Levels]:
    bids, asks = sides
    return [
        {max(bids): bids[max(bids)]} if bids else {},
        {min(asks): asks[min(asks)]} if asks else {},
    ]
