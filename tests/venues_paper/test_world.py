from decimal import Decimal
from pathlib import Path

import httpx

from domain.clock import SystemClock
from tests.venues_paper.signed import Client
from venues.paper.matching.listings import WRAPPED
from venues.paper.opening import Opening, open_exchange
from venues.paper.server import running_exchange


async def story(home: Path, http: httpx.AsyncClient, seed: int) -> list[object]:
    """The same requests, and what they saw (ids and times belong to the day, not to the world)."""
    seen: list[object] = []
    async with running_exchange(home=home, seed=seed) as running:
        client = Client(running.url, running.stranger.api_key, running.stranger.api_secret, http)
        for turn in range(12):
            book = await client.get("/v1/book/btcusd?limit_bids=3&limit_asks=3")
            seen.append([(row["price"], row["amount"]) for row in book["bids"] + book["asks"]])
            price = Decimal(book["asks"][0]["price"]) + 5
            order = await client.order(amount="0.00123", price=str(price), side="buy" if turn % 2 else "sell")
            seen.append((order["avg_execution_price"], order["executed_amount"]))
        seen.append(await client.get("/v1/pricefeed"))
        seen.append(await client.post("/v1/balances"))
        seen.append([row[1:] for row in await client.get("/v2/candles/ethbtc/1m")])
    return seen


async def test_same_seed_and_requests_give_the_same_world(tmp_path: Path, http: httpx.AsyncClient) -> None:
    first = await story(tmp_path / "one", http, 21)
    assert first == await story(tmp_path / "two", http, 21)
    assert first != await story(tmp_path / "three", http, 22)


def test_market_lives_and_stays_sane_for_twenty_minutes(tmp_path: Path) -> None:
    exchange = open_exchange(Opening(home=tmp_path / "home", clock=SystemClock(), seed=4, speed=Decimal(0)))
    mids: list[Decimal] = []
    for _ in range(1600):
        exchange.step()
        for market in exchange.engine.markets.values():
            if market.symbol in WRAPPED:
                continue
            bid, ask = market.book.bids.best, market.book.asks.best
            assert bid is not None
            assert ask is not None
            assert bid < ask
        mids.append(exchange.engine.markets["btcusd"].book.mid)
    big = sum(abs(b / a - 1) > Decimal("0.0025") for a, b in zip(mids, mids[240:], strict=False))
    assert big <= len(mids) // 20, "a two-minute move beyond a quarter of a per cent is rare"
    assert len(set(mids)) > 500
    for market in exchange.engine.markets.values():
        if market.listing.is_quiet:
            assert len(market.prints) < 40, f"{market.symbol} is quiet"
            continue
        assert len(market.prints) > 15, f"{market.symbol} trades"
        newest = market.candles.tail(2)
        assert newest[-1].volume or newest[0].volume or len(market.prints) < 200
        resting = sum(len(side.levels) for side in (market.book.bids, market.book.asks))
        assert resting < 60, "makers take their old quotes away"
    assert not exchange.engine.live
    exchange.close()


def test_price_that_passes_a_resting_order_fills_it(tmp_path: Path) -> None:
    exchange = open_exchange(Opening(home=tmp_path / "home", clock=SystemClock(), seed=9, speed=Decimal(0)))
    from domain.instrument import Side
    from domain.order import OrderType
    from venues.paper.matching.orders import OrderRequest

    account = next(a for a in exchange.accounts.values() if a.name == "stranger")
    market = exchange.engine.markets["btcusd"]
    with exchange.operation():
        requests = [
            OrderRequest(
                symbol="btcusd", side=side, type=OrderType.LIMIT, amount=Decimal("0.001"), price=price
            )
            for side, price in (
                (Side.BUY, market.book.bids.best - 10),
                (Side.SELL, market.book.asks.best + 10),
            )
        ]
        orders = [exchange.engine.place(account, request) for request in requests]
    for _ in range(3000):
        exchange.step()
        if any(not order.is_live for order in orders):
            break
    filled = [order for order in orders if not order.is_live]
    assert filled
    assert filled[0].remaining == 0
    [execution] = exchange.store.executions_of(filled[0].id)[:1]
    assert execution.is_maker
    assert execution.price == filled[0].price
    exchange.close()
