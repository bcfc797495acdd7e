from decimal import Decimal

from domain.instrument import InstrumentStatus
from tests.venues_paper.signed import ORDER, Client
from venues.paper.server import RunningExchange


async def best(client: Client, symbol: str = "btcusd") -> tuple[Decimal, Decimal]:
    book = await client.get(f"/v1/book/{symbol}?limit_bids=1&limit_asks=1")
    return Decimal(book["bids"][0]["price"]), Decimal(book["asks"][0]["price"])


async def funds(client: Client) -> dict[str, tuple[Decimal, Decimal]]:
    return {
        row["currency"]: (Decimal(row["amount"]), Decimal(row["available"]))
        for row in await client.post("/v1/balances")
    }


async def test_marketable_buy_fills_and_pays_the_taker_fee_in_dollars(desk: Client) -> None:
    _, ask = await best(desk)
    order = await desk.order(amount="0.0004", price=str(ask + 20), client_order_id="demo-1")
    assert order["is_live"] is False
    assert order["is_cancelled"] is False
    assert order["remaining_amount"] == "0"
    assert 17 <= len(order["order_id"]) <= 18
    [trade] = await desk.post("/v1/mytrades", symbol="btcusd")
    assert trade["fee_currency"] == "USD"
    assert trade["aggressor"] is True
    cost = Decimal(trade["price"]) * Decimal(trade["amount"])
    assert Decimal(trade["fee_amount"]) == cost * Decimal("0.004")
    assert await funds(desk) == {
        "USD": (10_000 - cost - Decimal(trade["fee_amount"]),) * 2,
        "BTC": (Decimal("0.0004"),) * 2,
    }


async def test_resting_buy_holds_its_cost_and_the_fee_until_cancelled(desk: Client) -> None:
    order = await desk.order()
    assert order["is_live"] is True
    assert (await funds(desk))["USD"] == (Decimal(10_000), Decimal(10_000) - Decimal("60.24"))
    assert [o["order_id"] for o in await desk.post("/v1/orders")] == [order["order_id"]]
    cancelled = await desk.post("/v1/order/cancel", order_id=int(order["order_id"]))
    assert (cancelled["is_live"], cancelled["is_cancelled"], cancelled["reason"]) == (
        False,
        True,
        "Requested",
    )
    assert (await funds(desk))["USD"] == (Decimal(10_000), Decimal(10_000))
    assert await desk.post("/v1/orders") == []


async def test_client_order_id_may_repeat_and_status_then_lists_all(desk: Client) -> None:
    first = await desk.order(client_order_id="twin")
    assert (await desk.post("/v1/order/status", client_order_id="twin"))["order_id"] == first["order_id"]
    second = await desk.order(client_order_id="twin", price="59000.00")
    found = await desk.post("/v1/order/status", client_order_id="twin", include_trades=True)
    assert [order["order_id"] for order in found] == [second["order_id"], first["order_id"]]
    assert all(order["trades"] == [] for order in found)


async def test_cancelling_a_closed_order_returns_its_state(desk: Client) -> None:
    _, ask = await best(desk)
    order = await desk.order(amount="0.0001", price=str(ask + 20))
    again = await desk.post("/v1/order/cancel", order_id=order["order_id"])
    assert (again["is_live"], again["is_cancelled"], again["remaining_amount"]) == (False, False, "0")
    assert "reason" not in again


async def test_cancel_all_takes_every_order_of_the_account_only(desk: Client, stranger: Client) -> None:
    mine = [
        (await desk.order())["order_id"],
        (await desk.order(symbol="ethusd", price="1000.00", amount="1"))["order_id"],
    ]
    theirs = await stranger.order()
    done = await desk.post("/v1/order/cancel/all")
    assert done["result"] == "ok"
    assert sorted(done["details"]["cancelledOrders"]) == sorted(int(order_id) for order_id in mine)
    assert [order["order_id"] for order in await stranger.post("/v1/orders")] == [theirs["order_id"]]
    assert (await desk.post("/v1/order/cancel/session"))["details"]["cancelledOrders"] == []


async def test_trade_pages_walk_forward_without_a_gap(stranger: Client) -> None:
    for _ in range(5):
        bid, _ = await best(stranger)
        await stranger.order(side="sell", amount="0.0001", price=str(bid - 20))
    newest_first = await stranger.post("/v1/mytrades", symbol="btcusd", limit_trades=500)
    tids = [trade["tid"] for trade in newest_first]
    assert tids == sorted(tids, reverse=True)
    seen: dict[int, object] = {}
    start = 0
    while True:
        page = await stranger.post("/v1/mytrades", timestamp=start, limit_trades=2)
        fresh = {trade["tid"]: trade for trade in page if trade["tid"] not in seen}
        if not fresh:
            break
        seen |= fresh
        start = max(trade["timestampms"] for trade in page)
    assert set(seen) == set(tids)


async def test_order_object_has_every_documented_field(desk: Client) -> None:
    order = await desk.order(client_order_id="c", options=["maker-or-cancel"])
    assert order == {
        "order_id": order["order_id"],
        "id": order["order_id"],
        "symbol": "btcusd",
        "exchange": "gemini",
        "avg_execution_price": "0.00",
        "side": "buy",
        "type": "exchange limit",
        "timestamp": str(order["timestampms"] // 1000),
        "timestampms": order["timestampms"],
        "is_live": True,
        "is_cancelled": False,
        "is_hidden": False,
        "was_forced": False,
        "executed_amount": "0",
        "options": ["maker-or-cancel"],
        "price": "60000.00",
        "original_amount": "0.001",
        "remaining_amount": "0.001",
        "client_order_id": "c",
    }


async def test_halted_market_cancels_what_rests_and_takes_nothing_new(
    running: RunningExchange, desk: Client
) -> None:
    order = await desk.order()
    with running.exchange.operation():
        running.exchange.engine.set_trading(InstrumentStatus.CLOSED)
    ended = await desk.post("/v1/order/status", order_id=order["order_id"])
    assert (ended["is_live"], ended["is_cancelled"], ended["reason"]) == (False, True, "TradingClosed")
    assert await desk.refused("/v1/order/new", **ORDER) == (400, "MarketNotOpen")
    assert (await desk.get("/v1/symbols/details/btcusd"))["status"] == "closed"
    assert (await desk.get("/v1/book/btcusd")) == {"bids": [], "asks": []}
    again = await desk.post("/v1/order/cancel", order_id=order["order_id"])
    assert again["reason"] == "TradingClosed"
    with running.exchange.operation():
        running.exchange.engine.set_trading(InstrumentStatus.OPEN)
    assert (await desk.get("/v1/book/btcusd"))["bids"]
    assert (await desk.order())["is_live"]
    assert (await desk.get("/v1/symbols/details/gusdusd"))["status"] == "closed"
