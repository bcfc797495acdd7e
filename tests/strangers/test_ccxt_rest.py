"""ccxt's REST client: what it returns is what the engine's own books say, read beside the wire."""

from __future__ import annotations

from decimal import Decimal

import ccxt
import ccxt.async_support
import pytest

from domain.money import to_wire
from venues.paper.matching.ledger import Account
from venues.paper.server import RunningExchange

PAIR, SYMBOL = "BTC/USD", "btcusd"


def account(running: RunningExchange) -> Account:
    """The stranger's account as the engine has it."""
    found = running.exchange.keys[running.stranger.api_key].account
    assert found is not None
    return found


def number(value: object) -> Decimal:
    """What ccxt made of a decimal, back as one: it speaks floats."""
    return Decimal(str(value))


async def test_load_markets_has_every_symbol_with_its_steps(
    rest: ccxt.async_support.gemini, running: RunningExchange
) -> None:
    markets = await rest.load_markets()
    spot = [m for m in running.exchange.engine.markets.values() if m.instrument.is_spot]
    assert len(spot) >= 12
    skipped = set(rest.options["brokenPairs"])
    for market in spot:
        if market.symbol.upper() in skipped:
            continue
        found = markets[f"{market.instrument.base}/{market.instrument.quote}"]
        assert found["id"] == market.symbol
        assert number(found["precision"]["price"]) == market.instrument.price_tick
        assert number(found["precision"]["amount"]) == market.instrument.amount_step
        assert number(found["limits"]["amount"]["min"]) == market.instrument.min_amount


async def test_tickers_equal_the_books(rest: ccxt.async_support.gemini, running: RunningExchange) -> None:
    ticker = await rest.fetch_ticker(PAIR)
    market = running.exchange.engine.markets[SYMBOL]
    assert number(ticker["bid"]) == market.book.bids.best
    assert number(ticker["ask"]) == market.book.asks.best
    assert number(ticker["last"]) == market.last
    tickers = await rest.fetch_tickers()
    for name, found in tickers.items():
        base, quote = name.split(":")[0].split("/")
        engine = running.exchange.engine.markets.get(f"{base}{quote}".lower())
        if engine is not None:
            assert number(found["last"]) == engine.last, name
    assert PAIR in tickers


async def test_order_book_equals_the_engine_level_by_level(
    rest: ccxt.async_support.gemini, running: RunningExchange
) -> None:
    book = await rest.fetch_order_book(PAIR, 50)
    own = running.book(SYMBOL)
    assert [(number(p), number(a)) for p, a in book["bids"]] == own.bids.depth(50)
    assert [(number(p), number(a)) for p, a in book["asks"]] == own.asks.depth(50)


async def test_trades_equal_the_prints(rest: ccxt.async_support.gemini, running: RunningExchange) -> None:
    for _ in range(20):
        await rest.fetch_time() if rest.has["fetchTime"] else await rest.fetch_ticker(PAIR)
    trades = await rest.fetch_trades(PAIR, limit=50)
    prints = list(running.exchange.engine.markets[SYMBOL].prints)[-50:]
    assert len(trades) == len(prints) > 0
    by_id = {trade["id"]: trade for trade in trades}
    for printed in prints:
        found = by_id[str(printed.tid)]
        assert number(found["price"]) == printed.price
        assert number(found["amount"]) == printed.amount
        assert found["side"] == printed.side
        assert found["timestamp"] == printed.at_ms


@pytest.mark.parametrize("frame", ["1m", "5m", "15m", "30m", "1h", "6h", "1d"])
async def test_candles_are_whole(
    rest: ccxt.async_support.gemini, running: RunningExchange, frame: str
) -> None:
    rows = await rest.fetch_ohlcv(PAIR, frame)
    width = rest.parse_timeframe(frame) * 1000
    starts = [row[0] for row in rows]
    assert len(starts) >= 2
    assert starts == sorted(set(starts))
    assert all(start % width == 0 for start in starts)
    assert number(rows[-1][4]) == running.exchange.engine.markets[SYMBOL].last
    assert all(
        low <= min(opened, close) <= max(opened, close) <= high for _, opened, high, low, close, _ in rows
    )


async def test_balances_and_fees_equal_the_account(
    rest: ccxt.async_support.gemini, running: RunningExchange
) -> None:
    await rest.load_markets()
    order = await rest.create_order(PAIR, "limit", "buy", 0.01, 60000)
    balance = await rest.fetch_balance()
    own = account(running)
    for currency, funds in own.funds.items():
        if funds.amount:
            assert number(balance[currency]["total"]) == funds.amount
            assert number(balance[currency]["free"]) == funds.available
    assert own.fund("USD").held == Decimal("0.01") * 60000 * (1 + own.tier.taker_bps / 10_000)
    fees = await rest.fetch_trading_fees()
    assert number(fees[PAIR]["maker"]) == own.tier.maker_bps / 10_000
    assert number(fees[PAIR]["taker"]) == own.tier.taker_bps / 10_000
    await rest.cancel_order(order["id"])
    assert own.fund("USD").held == 0


async def test_limit_order_lives_and_is_cancelled(
    rest: ccxt.async_support.gemini, running: RunningExchange
) -> None:
    await rest.load_markets()
    made = await rest.create_order(
        PAIR, "limit", "buy", 0.01, 50000, {"client_order_id": "stranger-1", "postOnly": True}
    )
    live = running.exchange.engine.live[int(made["id"])]
    assert made["id"] == str(live.id)
    assert len(made["id"]) >= 17
    assert (made["status"], made["clientOrderId"]) == ("open", "stranger-1")
    opened = await rest.fetch_open_orders()
    assert [order["id"] for order in opened] == [made["id"]]
    fetched = await rest.fetch_order(made["id"])
    assert number(fetched["remaining"]) == live.remaining == Decimal("0.01")
    gone = await rest.cancel_order(made["id"])
    assert gone["status"] == "canceled"
    assert not live.is_live
    assert await rest.fetch_open_orders() == []


async def test_marketable_order_fills_at_the_books_prices(
    rest: ccxt.async_support.gemini, running: RunningExchange
) -> None:
    await rest.load_markets()
    before = account(running).fund("BTC").amount
    made = await rest.create_order(PAIR, "limit", "buy", 0.05, 66500, {"timeInForce": "IOC"})
    assert made["status"] == "closed"
    own = running.exchange.store.executions_of(int(made["id"]))
    assert sum(each.amount for each in own) == number(made["filled"]) == Decimal("0.05")
    assert account(running).fund("BTC").amount == before + Decimal("0.05")
    trades = await rest.fetch_my_trades(PAIR)
    assert {trade["id"] for trade in trades} == {str(each.tid) for each in own}
    for trade in trades:
        each = next(e for e in own if str(e.tid) == trade["id"])
        assert number(trade["price"]) == each.price
        assert number(trade["fee"]["cost"]) == each.fee
        assert (trade["fee"]["currency"], trade["order"]) == ("USD", made["id"])


async def test_stop_limit_order_waits(rest: ccxt.async_support.gemini, running: RunningExchange) -> None:
    await rest.load_markets()
    made = await rest.create_order(PAIR, "limit", "sell", 0.01, 39000, {"triggerPrice": 40000})
    waiting = running.exchange.engine.live[int(made["id"])]
    assert waiting.is_waiting
    assert to_wire(waiting.stop_price or Decimal(0)) == "40000"
    assert (await rest.fetch_order(made["id"]))["status"] == "open"
    await rest.cancel_order(made["id"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((PAIR, "limit", "buy", 10, 60000), ccxt.InsufficientFunds),
        ((PAIR, "limit", "buy", 0.000001, 60000), ccxt.ExchangeError),
    ],
)
async def test_refusals_have_ccxts_own_errors(
    rest: ccxt.async_support.gemini, arguments: tuple[str, str, str, float, float], error: type[Exception]
) -> None:
    await rest.load_markets()
    with pytest.raises(error):
        await rest.create_order(*arguments)


async def test_unknown_order_and_bad_secret_have_ccxts_own_errors(
    rest: ccxt.async_support.gemini, running: RunningExchange
) -> None:
    with pytest.raises(ccxt.OrderNotFound):
        await rest.cancel_order("73797746498585286")
    rest.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError) as caught:
        await rest.fetch_balance()
    assert running.stranger.api_secret not in str(caught.value)
