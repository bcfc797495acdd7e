"""All our sockets against the embedded exchange in virtual time, where books must be equal throughout."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from domain.clock import ManualClock, SystemClock
from domain.ids import ClientOrderId
from domain.instrument import Instrument, Side
from domain.market import BookView
from domain.order import ExecutionOption, OrderEvent, OrderEventType, VenueOrder
from guardrails.sandbox_lock import Endpoint, PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini.samples import draft, unhurried
from tests.venues_gemini.socket_server import background, until
from tools.order_builder import build
from venues.gemini.book_check import check_book, differences
from venues.gemini.client import GeminiRest
from venues.gemini.market_feed import MarketFeed
from venues.gemini.order_feed import OrderFeed
from venues.gemini.session.nonce import NonceSource
from venues.gemini.session.pacing import Patience
from venues.gemini.signing import Credentials
from venues.gemini.streams.stream_feed import Listeners, Login, StreamFeed
from venues.gemini.streams.stream_parse import Balances, OrderUpdate
from venues.paper.server import RunningExchange, running_exchange

MORNING = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
HASTE = Patience(first_s=0.01, longest_s=0.05)
SYMBOLS = ["btcusd", "ethusd", "ethbtc"]
DEEP = 5000


@dataclass
class Customer:
    """A key of the exchange in virtual time, and what happened to it."""

    running: RunningExchange
    rest: GeminiRest
    nonces: NonceSource
    credentials: Credentials
    instruments: dict[str, Instrument]
    events: list[OrderEvent] = field(default_factory=list)
    updates: list[OrderUpdate] = field(default_factory=list)
    balances: list[Balances] = field(default_factory=list)
    connected: int = 0

    def at(self, kind: str) -> Endpoint:
        return _held(self.running, kind)

    async def on_event(self, event: OrderEvent) -> None:
        self.events.append(event)

    async def on_update(self, update: OrderUpdate) -> None:
        self.updates.append(update)

    async def on_balances(self, balances: Balances) -> None:
        self.balances.append(balances)

    async def on_connected(self) -> None:
        self.connected += 1

    def order_feed(self) -> OrderFeed:
        return OrderFeed(
            self.at("rest"),
            self.credentials,
            self.nonces,
            SystemClock(),
            self.on_event,
            self.on_connected,
            patience=HASTE,
        )

    def stream_feed(self, *names: str) -> StreamFeed:
        timeline, key = self.running.exchange.timeline, self.running.key("time")
        listeners = Listeners(
            on_order=self.on_update, on_balances=self.on_balances, on_connected=self.on_connected
        )
        login = Login(
            credentials=Credentials(key.api_key, key.api_secret), nonce=lambda: timeline.now_ms() // 1000
        )
        return StreamFeed(self.at("stream"), names, SystemClock(), listeners, login=login, patience=HASTE)

    async def send(self, own: str, **changes: Any) -> VenueOrder:
        wanted = draft(client_order_id=ClientOrderId(own), instrument=self.instruments["btcusd"], **changes)
        return await self.rest.submit(build(wanted, self.credentials, self.nonces.next()))


def _held(running: RunningExchange, kind: str) -> Endpoint:
    address = urlsplit(running.url)
    assert address.hostname is not None
    assert address.port is not None
    return endpoint(Mode.PAPER, PaperAddress(host=address.hostname, port=address.port), kind)


@pytest.fixture
async def customer(tmp_path: Path) -> AsyncIterator[Customer]:
    async with running_exchange(home=tmp_path, seed=11, clock=ManualClock(MORNING)) as running:
        key = running.stranger
        credentials = Credentials(key.api_key, key.api_secret)
        nonces = NonceSource(None, SystemClock())
        rest = GeminiRest(
            _held(running, "rest"), credentials, nonces, SystemClock(), pacer=unhurried(), patience=HASTE
        )
        instruments = {i.symbol: i for i in await rest.instruments()}
        try:
            yield Customer(running, rest, nonces, credentials, instruments)
        finally:
            await rest.close()


@asynccontextmanager
async def moving(running: RunningExchange) -> AsyncIterator[None]:
    """Let the world take steps while the block runs."""

    async def step() -> None:
        while True:
            running.exchange.step()
            await asyncio.sleep(0.005)

    async with background(step()):
        yield


def levels(view: BookView) -> tuple[list[Any], list[Any]]:
    return list(view.bids), list(view.asks)


def engine_levels(running: RunningExchange, symbol: str) -> tuple[list[Any], list[Any]]:
    book = running.book(symbol)
    return list(book.bids.depth(0)), list(book.asks.depth(0))


def _same(feed: MarketFeed | StreamFeed, symbol: str, wanted: tuple[list[Any], list[Any]]) -> bool:
    return levels(feed.view(symbol, DEEP)) == wanted


async def test_both_books_equal_engine_and_rest_to_the_last_level(customer: Customer) -> None:
    old = MarketFeed(customer.at("rest"), SYMBOLS, SystemClock(), candles=["1m"], patience=HASTE)
    new = customer.stream_feed(
        *(f"{symbol}@{kind}" for symbol in SYMBOLS for kind in ("depth@100ms", "bookTicker", "trade"))
    )
    async with background(old.run()), background(new.run()):
        await until(lambda: old.status().synced and new.status().synced, within_s=5)
        async with moving(customer.running):
            await until(
                lambda: any(old.recent_trades(s) and new.recent_trades(s) for s in SYMBOLS), within_s=8
            )
            await asyncio.sleep(0.3)
        for symbol in SYMBOLS:
            snapshot = await customer.rest.book(symbol, 0)  # asking moves virtual time one step on
            await until(partial(_same, old, symbol, levels(snapshot)), within_s=5)
            view = old.view(symbol, DEEP)
            assert differences(view, view, snapshot) == []
            assert levels(snapshot) == engine_levels(customer.running, symbol)
            for _ in range(3):  # the new one gathers changes for 100 ms of virtual time
                customer.running.exchange.step()
            now = engine_levels(customer.running, symbol)
            await until(partial(_same, new, symbol, now), within_s=5)
            top, view = new.top(symbol), new.view(symbol, 1)
            assert top is not None
            assert levels(top) == levels(view)
            old_trades = {t.trade_id: t for t in old.recent_trades(symbol)}
            new_trades = new.recent_trades(symbol)
            assert all(old_trades[t.trade_id] == t for t in new_trades if t.trade_id in old_trades)
            assert old.candles(symbol, "1m") == sorted(old.candles(symbol, "1m"), key=lambda c: c.start)
        assert old.candles("btcusd", "1m")
        for status in (old.status(), new.status()):
            assert (status.reconnects, status.last_error, status.missed_heartbeats) == (0, "", 0)


async def test_perpetual_mark_price_funding_and_candles_followed(customer: Customer) -> None:
    perp = next(symbol for symbol in customer.running.exchange.engine.markets if symbol.endswith("perp"))
    live = MarketFeed(
        customer.at("rest"),
        ["btcusd", perp],
        SystemClock(),
        candles=["1h", "1d"],
        perpetuals=[perp],
        patience=HASTE,
    )
    async with background(live.run()), moving(customer.running):
        await until(lambda: live.funding(perp) is not None and live.mark_price(perp) is not None, within_s=5)
        await until(lambda: live.candles("btcusd", "1h") != [] and live.candles("btcusd", "1d") != [])
        assert live.status().last_error == ""
    assert live.candles("btcusd", "1h")[0].start < live.candles("btcusd", "1h")[-1].start


async def test_check_book_live_feed_good_while_the_world_moves(customer: Customer) -> None:
    live = MarketFeed(customer.at("rest"), ["btcusd"], SystemClock(), patience=HASTE)
    async with background(live.run()), moving(customer.running):
        await until(lambda: live.status().synced, within_s=5)
        found = await check_book(
            lambda depth: live.view("btcusd", depth),
            lambda depth: customer.rest.book("btcusd", depth),
            depth=20,
            tries=10,
            pause_s=0.05,
        )
        assert found.is_good


async def test_fill_seen_three_times_counts_once_and_initial_counts_nothing(customer: Customer) -> None:
    rest, running = customer.rest, customer.running
    ask, size = running.book("btcusd").asks.depth(1)[0]
    amount = min(size, Decimal("0.01")) + Decimal("0.005") if size < Decimal("0.05") else Decimal("0.01")
    stream = customer.stream_feed("orders@account", "balances@account")
    first = customer.order_feed()
    async with background(stream.run()), background(first.run()):
        await until(lambda: first.status().synced and stream.status().synced, within_s=5)
        order = await customer.send(
            "m-1", side=Side.BUY, price=ask, amount=amount, option=ExecutionOption.IMMEDIATE_OR_CANCEL
        )
        resting = await customer.send("m-2", side=Side.BUY, price=ask - 5000, amount=Decimal("0.01"))
        assert order.executed_amount > 0
        assert resting.is_live
        await until(lambda: any(e.type is OrderEventType.BOOKED for e in customer.events), within_s=5)
        await until(
            lambda: any(u.venue_order_id == resting.venue_order_id for u in customer.updates), within_s=5
        )
        await until(lambda: customer.balances != [], within_s=5)
    by_events = {e.fill.trade_id: e.fill.amount for e in customer.events if e.fill is not None}
    by_stream = {u.fill.trade_id: u.fill.amount for u in customer.updates if u.fill is not None}
    by_rest = {f.trade_id: f.amount for f in await rest.my_trades("btcusd")}
    assert by_events == by_stream == by_rest
    assert sum(by_rest.values()) == order.executed_amount
    mine = [u for u in customer.updates if u.venue_order_id == order.venue_order_id]
    assert max(u.executed or 0 for u in mine) == order.executed_amount

    customer.events.clear()
    again = customer.order_feed()
    async with background(again.run()):
        await until(lambda: customer.events != [], within_s=5)
        (initial,) = customer.events
        assert (initial.type, initial.order.venue_order_id, initial.fill) == (
            OrderEventType.INITIAL,
            resting.venue_order_id,
            None,
        )
        await rest.cancel(resting.venue_order_id)
        await until(lambda: any(e.type is OrderEventType.CLOSED for e in customer.events), within_s=5)
    assert [e.type for e in customer.events[1:]] == [OrderEventType.CANCELLED, OrderEventType.CLOSED]


async def test_partly_filled_order_initial_repeats_what_was_executed_and_has_no_fill(
    customer: Customer,
) -> None:
    for attempt in range(30):  # the world moves a step before each order, so the first try may miss
        side = (Side.BUY, Side.SELL)[attempt % 2]
        book = customer.running.book("btcusd")
        price, _ = (book.asks if side is Side.BUY else book.bids).depth(1)[0]
        order = await customer.send(f"m-{attempt}", side=side, price=price, amount=Decimal("0.1"))
        if order.is_live and order.executed_amount:
            break
        if order.is_live:
            await customer.rest.cancel(order.venue_order_id)
    else:
        raise AssertionError("no order was filled in part")
    async with background(customer.order_feed().run()):
        await until(lambda: customer.events != [], within_s=5)
        initial = customer.events[0]
        assert initial.order.venue_order_id == order.venue_order_id
        assert (initial.order.executed_amount, initial.fill) == (order.executed_amount, None)
        told = await customer.rest.my_trades("btcusd")  # asking moves the world on: more may be filled
        by_rest = {f.trade_id: f.amount for f in told if f.venue_order_id == order.venue_order_id}
        later = sum(by_rest.values()) - order.executed_amount
        await until(lambda: _filled(customer.events, order) == later, within_s=5)
        assert {e.fill.trade_id for e in customer.events if e.fill is not None} <= set(by_rest)


def _filled(events: list[OrderEvent], order: VenueOrder) -> Decimal:
    fills = (e.fill for e in events if e.fill is not None)
    return sum((f.amount for f in fills if f.venue_order_id == order.venue_order_id), Decimal(0))


async def test_stream_of_a_rising_key_refused_without_telling_it(customer: Customer) -> None:
    wrong = StreamFeed(
        customer.at("stream"),
        ["orders@account"],
        SystemClock(),
        login=Login(credentials=customer.credentials, nonce=lambda: 1_000),
        patience=HASTE,
    )
    async with background(wrong.run()):
        await until(lambda: wrong.status().last_error != "", within_s=5)
        said = wrong.status().last_error
        assert said.startswith("the exchange refused the connection with 4")
        assert customer.credentials.api_key not in said
