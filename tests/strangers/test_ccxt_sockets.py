"""ccxt's socket client: books, trades, candles, best prices, own orders, held against the engine's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest

from tests.strangers.conftest import KeepsItsHeaders
from venues.paper.server import RunningExchange

PAIR, SYMBOL = "BTC/USD", "btcusd"
OTHER = "ETH/USD"


def number(value: object) -> Decimal:
    """What ccxt made of a decimal, back as one: it speaks floats."""
    return Decimal(str(value))


@asynccontextmanager
async def moving(running: RunningExchange, every_s: float = 0.01) -> AsyncIterator[None]:
    """Let the world take steps while the block runs."""

    async def step() -> None:
        while True:
            running.exchange.step()
            await asyncio.sleep(every_s)

    task = asyncio.create_task(step())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def quiet(
    pro: ccxt.pro.gemini, running: RunningExchange, symbol: str
) -> tuple[list[object], list[object]]:
    """ccxt's book once it has caught up with a world that stands still."""
    own = running.book(symbol)
    pair = {"btcusd": PAIR, "ethusd": OTHER}[symbol]
    async with asyncio.timeout(10):
        while True:
            book = pro.orderbooks[pair]
            bids = [(number(p), number(a)) for p, a, *_ in book["bids"]]
            asks = [(number(p), number(a)) for p, a, *_ in book["asks"]]
            if bids == own.bids.depth(0) and asks == own.asks.depth(0):
                return bids, asks
            await asyncio.sleep(0.02)


async def test_watched_book_equals_the_engine_level_by_level(
    pro: ccxt.pro.gemini, running: RunningExchange
) -> None:
    await pro.watch_order_book(PAIR)
    async with moving(running):
        for _ in range(40):
            await pro.watch_order_book(PAIR)
    bids, asks = await quiet(pro, running, SYMBOL)
    assert bids
    assert asks


async def test_watched_books_of_several_symbols_equal_the_engine(
    pro: ccxt.pro.gemini, running: RunningExchange
) -> None:
    await pro.watch_order_book_for_symbols([PAIR, OTHER])
    async with moving(running):
        for _ in range(40):
            await pro.watch_order_book_for_symbols([PAIR, OTHER])
    for symbol in (SYMBOL, "ethusd"):
        bids, asks = await quiet(pro, running, symbol)
        assert bids
        assert asks


async def test_watched_trades_are_the_engines_prints(pro: ccxt.pro.gemini, running: RunningExchange) -> None:
    seen: dict[str, dict[str, object]] = {}
    async with moving(running), asyncio.timeout(20):
        while len(seen) < 5:
            seen |= {trade["id"]: trade for trade in await pro.watch_trades(PAIR)}
    prints = {str(each.tid): each for each in running.exchange.engine.markets[SYMBOL].prints}
    for tid, trade in seen.items():
        assert number(trade["price"]) == prints[tid].price
        assert number(trade["amount"]) == prints[tid].amount
        assert trade["side"] == prints[tid].side


async def test_watched_trades_of_several_symbols_are_prints(
    pro: ccxt.pro.gemini, running: RunningExchange
) -> None:
    seen: dict[str, dict[str, object]] = {}
    async with moving(running), asyncio.timeout(20):
        while len(seen) < 5:
            found = await pro.watch_trades_for_symbols([PAIR, OTHER])
            seen |= {trade["id"]: trade for trade in found if trade["symbol"] == PAIR}
    prints = {str(each.tid): each for each in running.exchange.engine.markets[SYMBOL].prints}
    assert all(number(trade["price"]) == prints[tid].price for tid, trade in seen.items())


async def test_watched_candles_end_in_the_last_price(pro: ccxt.pro.gemini, running: RunningExchange) -> None:
    async with moving(running), asyncio.timeout(20):
        for _ in range(3):
            rows = await pro.watch_ohlcv(PAIR, "1m")
    market = running.exchange.engine.markets[SYMBOL]
    assert rows[-1][0] % 60_000 == 0
    assert number(rows[-1][2]) >= number(rows[-1][4]) >= number(rows[-1][3])
    assert abs(number(rows[-1][4]) / market.last - 1) < Decimal("0.02")


async def test_watched_bids_asks_equal_the_top(pro: ccxt.pro.gemini, running: RunningExchange) -> None:
    async with moving(running):
        for _ in range(10):
            await pro.watch_bids_asks([PAIR, OTHER])
    book = running.book(SYMBOL)
    async with asyncio.timeout(10):
        while True:
            top = pro.bidsasks.get(PAIR)
            if top and number(top["bid"]) == book.bids.best and number(top["ask"]) == book.asks.best:
                break
            await asyncio.sleep(0.02)
    assert top["bid"] < top["ask"]


async def test_orders_watched_without_headers_are_refused(pro: ccxt.pro.gemini) -> None:
    with pytest.raises(ccxt.NetworkError, match="401"):
        await pro.watch_orders()


@pytest.mark.parametrize("pro", [KeepsItsHeaders], indirect=True, ids=["keeps-its-headers"])
async def test_watched_orders_tell_a_life(
    pro: ccxt.pro.gemini, rest: ccxt.async_support.gemini, running: RunningExchange
) -> None:
    await rest.load_markets()
    first = await rest.create_order(PAIR, "limit", "buy", 0.01, 50000)

    async def watch() -> None:
        while True:
            await pro.watch_orders()

    async def until(order_id: str, status: str) -> None:
        async with asyncio.timeout(10):
            while not any((order["id"], order["status"]) == (order_id, status) for order in pro.orders or ()):
                assert not task.done(), task.exception()
                await asyncio.sleep(0.02)

    task = asyncio.create_task(watch())
    try:
        await until(first["id"], "initial")  # ccxt has no word of its own for it
        second = await rest.create_order(PAIR, "limit", "buy", 0.02, 50001)
        await rest.cancel_order(first["id"])
        third = await rest.create_order(PAIR, "limit", "buy", 0.01, 66500, {"timeInForce": "IOC"})
        await until(second["id"], "open")
        await until(first["id"], "canceled")
        await until(third["id"], "closed")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert set(running.exchange.engine.live) == {int(second["id"])}
