from decimal import Decimal

import pytest

from tests.venues_paper.signed import Client

D = Decimal
WRAP = "/v1/wrap/gusdusd"


async def funds(client: Client) -> dict[str, Decimal]:
    return {row["currency"]: D(row["amount"]) for row in await client.post("/v1/balances")}


async def test_dollars_become_tokens_and_dollars_again_one_for_one(desk: Client) -> None:
    done = await desk.post(WRAP, side="buy", amount="123.45", client_order_id="w-1")
    assert {name: done[name] for name in done if name != "orderId"} == {
        "pair": "GUSDUSD",
        "price": "1",
        "priceCurrency": "USD",
        "side": "buy",
        "quantity": "123.45",
        "quantityCurrency": "GUSD",
        "fee": "0",
        "feeCurrency": "USD",
        "depositFee": "0",
        "depositFeeCurrency": "USD",
        "totalSpend": "123.45",
        "totalSpendCurrency": "USD",
    }
    assert await funds(desk) == {"USD": D("9876.55"), "GUSD": D("123.45")}
    assert (await desk.post("/v1/order/status", client_order_id="w-1"))["order_id"] == done["orderId"]
    back = await desk.post("/v1/wrap/GUSDUSD", side="sell", amount="123.45")
    assert (back["totalSpend"], back["totalSpendCurrency"]) == ("123.45", "GUSD")
    assert await funds(desk) == {"USD": D(10_000)}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("path", "fields", "status", "reason"),
    [
        (WRAP, {"side": "buy", "amount": "10000.01"}, 406, "InsufficientFunds"),
        (WRAP, {"side": "sell", "amount": "0.01"}, 406, "InsufficientFunds"),
        (WRAP, {"side": "buy", "amount": "0.001"}, 400, "InvalidQuantity"),
        (WRAP, {"side": "buy", "amount": "-1"}, 400, "InvalidQuantity"),
        (WRAP, {"side": "buy", "amount": "NaN"}, 400, "InvalidQuantity"),
        (WRAP, {"side": "buy", "amount": 5}, 400, "InvalidQuantity"),
        (WRAP, {"side": "wrap", "amount": "5"}, 400, "InvalidSide"),
        (WRAP, {"side": "buy"}, 400, "MissingOrderField"),
        (WRAP, {"amount": "5"}, 400, "MissingOrderField"),
        (WRAP, {"side": "buy", "amount": "5", "client_order_id": "x" * 101}, 400, "ClientOrderIdTooLong"),
        ("/v1/wrap/btcusd", {"side": "buy", "amount": "5"}, 400, "InvalidSymbol"),
        ("/v1/wrap/nope", {"side": "buy", "amount": "5"}, 400, "InvalidSymbol"),
    ],
)
async def test_faulty_wrap_is_refused(
    shared_desk: Client, *, path: str, fields: dict[str, object], status: int, reason: str
) -> None:
    assert await shared_desk.refused(path, **fields) == (status, reason)
    assert await funds(shared_desk) == {"USD": D(10_000)}


@pytest.mark.asyncio(loop_scope="module")
async def test_pair_that_wraps_does_not_trade(shared_desk: Client) -> None:
    details = await shared_desk.get("/v1/symbols/details/gusdusd")
    assert (details["status"], details["wrap_enabled"]) == ("closed", True)
    order = {"symbol": "gusdusd", "amount": "1", "price": "1.00", "side": "buy", "type": "exchange limit"}
    assert await shared_desk.refused("/v1/order/new", **order) == (400, "MarketNotOpen")
