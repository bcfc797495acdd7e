from decimal import Decimal

import pytest

from tests.venues_paper.signed import Client
from venues.paper.server import RunningExchange

D = Decimal
QUOTE, EXECUTE = "/v1/instant/quote", "/v1/instant/execute"
ASK = {"symbol": "btcusd", "side": "buy", "totalSpend": "100"}


def answer_to(quote: dict[str, object], **changes: object) -> dict[str, object]:
    """The fields of an execution that repeats a quote."""
    names = ("quoteId", "side", "quantity", "price", "fee")
    return {"symbol": str(quote["pair"]).lower(), **{name: quote[name] for name in names}, **changes}


async def funds(client: Client) -> dict[str, Decimal]:
    return {row["currency"]: D(row["amount"]) for row in await client.post("/v1/balances")}


async def test_bought_for_exactly_what_the_quote_said(desk: Client) -> None:
    quote = await desk.post(QUOTE, **ASK)
    assert quote["maxAgeMs"] == 60_000
    assert isinstance(quote["quoteId"], int)
    assert (quote["pair"], quote["totalSpend"], quote["totalSpendCurrency"]) == ("BTCUSD", "100", "USD")
    assert D(quote["quantity"]) * D(quote["price"]) + D(quote["fee"]) == 100
    assert D("2.99") <= D(quote["fee"]) < D("3")
    assert await funds(desk) == {"USD": D(10_000)}
    done = await desk.post(EXECUTE, **answer_to(quote))
    assert {name: done[name] for name in done if name != "orderId"} == {
        name: quote[name] for name in quote if name not in {"quoteId", "maxAgeMs"}
    }
    assert await funds(desk) == {"USD": D(9900), "BTC": D(quote["quantity"])}
    order = await desk.post("/v1/order/status", order_id=done["orderId"], include_trades=True)
    assert (order["type"], order["executed_amount"], order["is_live"]) == (
        "market buy",
        quote["quantity"],
        False,
    )
    [trade] = order["trades"]
    assert (trade["fee_amount"], trade["fee_currency"]) == (quote["fee"], "USD")
    assert D(trade["price"]) == D(quote["price"])
    assert [o["order_id"] for o in await desk.post("/v1/orders/history")] == [done["orderId"]]


async def test_sold_for_the_quote_less_the_fee(stranger: Client) -> None:
    quote = await stranger.post(QUOTE, symbol="ETHUSD", side="sell", totalSpend="2")
    assert (quote["quantity"], quote["totalSpend"], quote["totalSpendCurrency"]) == ("2", "2", "ETH")
    before = await funds(stranger)
    await stranger.post(EXECUTE, **answer_to(quote))
    after = await funds(stranger)
    assert before["ETH"] - after["ETH"] == 2
    assert after["USD"] - before["USD"] == 2 * D(quote["price"]) - D(quote["fee"])
    assert D(quote["fee"]) == 2 * D(quote["price"]) * D("0.0149")


async def test_quote_serves_once_its_owner_and_for_a_minute(
    running: RunningExchange, desk: Client, stranger: Client
) -> None:
    quote = await desk.post(QUOTE, **ASK)
    assert await stranger.refused(EXECUTE, **answer_to(quote)) == (400, "InvalidParameterValue")
    await desk.post(EXECUTE, **answer_to(quote))
    assert await desk.refused(EXECUTE, **answer_to(quote)) == (400, "InvalidParameterValue")
    late = await desk.post(QUOTE, **ASK)
    assert late["quoteId"] == quote["quoteId"] + 1
    running.exchange.timeline.advance(60_000)
    refusal = (await desk.try_post(EXECUTE, **answer_to(late))).json()
    assert "expired" in refusal["message"]
    assert (await funds(desk))["USD"] == 9900


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": "ethusd"}, "InvalidSymbol"),
        ({"side": "sell"}, "InvalidSide"),
        ({"quantity": "0.002"}, "InvalidQuantity"),
        ({"price": "1"}, "InvalidPrice"),
        ({"fee": "0"}, "InvalidParameterValue"),
        ({"fee": "-1"}, "InvalidParameterValue"),
        ({"price": "NaN"}, "InvalidPrice"),
        ({"quantity": 1}, "InvalidParameterValue"),
        ({"quoteId": "x"}, "InvalidParameterValue"),
        ({"quoteId": None}, "MissingOrderField"),
        ({"fee": None}, "MissingOrderField"),
    ],
)
async def test_execution_must_repeat_the_quote(
    shared_desk: Client, changes: dict[str, object], reason: str
) -> None:
    quote = await shared_desk.post(QUOTE, **ASK)
    assert await shared_desk.refused(EXECUTE, **answer_to(quote, **changes)) == (400, reason)
    assert await funds(shared_desk) == {"USD": D(10_000)}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": None}, "MissingOrderField"),
        ({"totalSpend": None}, "MissingOrderField"),
        ({"side": "hold"}, "InvalidSide"),
        ({"symbol": "nope"}, "InvalidSymbol"),
        ({"symbol": "gusdusd"}, "MarketNotOpen"),
        ({"symbol": "btcgusdperp"}, "AccountNotOfTypeRequired"),
        *[({"totalSpend": spend}, "InvalidQuantity") for spend in ("0", "-5", "1e5", "NaN", "0.98", 100)],
        ({"side": "sell", "totalSpend": "0.000000001"}, "InvalidQuantity"),
        ({"side": "sell", "totalSpend": "0.00001"}, "InvalidQuantity"),
        ({"paymentMethodType": "CardAccountType"}, "InvalidParameterValue"),
        ({"paymentMethodType": "Shells"}, "InvalidParameterValue"),
        ({"paymentMethodUuid": "x"}, "InvalidParameterValue"),
    ],
)
async def test_faulty_quote_is_refused(shared_desk: Client, changes: dict[str, object], reason: str) -> None:
    assert await shared_desk.refused(QUOTE, **{**ASK, **changes}) == (400, reason)


async def test_money_is_checked_at_the_execution(desk: Client) -> None:
    quote = await desk.post(QUOTE, **{**ASK, "totalSpend": "10000.01"})
    assert await desk.refused(EXECUTE, **answer_to(quote)) == (406, "InsufficientFunds")
    order = await desk.order(amount="0.1")
    quote = await desk.post(QUOTE, **{**ASK, "totalSpend": "5000"})
    assert await desk.refused(EXECUTE, **answer_to(quote)) == (406, "InsufficientFunds")
    await desk.post("/v1/order/cancel", order_id=order["order_id"])
    await desk.post(EXECUTE, **answer_to(quote))


async def test_instant_volume_earns_no_tier(running: RunningExchange, stranger: Client) -> None:
    quote = await stranger.post(QUOTE, symbol="btcusd", side="sell", totalSpend="1")
    await stranger.post(EXECUTE, **answer_to(quote))
    running.exchange.timeline.advance(86_400_000)
    assert (await stranger.post("/v1/notionalvolume"))["notional_30d_volume"] == 0
