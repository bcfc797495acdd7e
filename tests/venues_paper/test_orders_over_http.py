from decimal import Decimal

from tests.venues_paper.signed import Client


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
