"""Margin and derivatives: who may ask, and numbers that agree with the balances."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest

from tests.venues_paper.services.asking import Keys
from venues.gemini.catalogue import TABLE

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREVIEW = "/v1/margin/order/preview"
CALLS = [
    "margin_account",
    "margin_rates",
    "margin_preview",
    "margin",
    "positions",
    "funding_payment",
    "funding_payment_report",
    "funding_payment_report_xlsx",
]
FIELDS = {
    "margin_preview": {"symbol": "btcusd", "side": "buy", "type": "market", "totalSpend": "10"},
    "margin": {"symbol": "btcgusdperp"},
}


def last(keys: Keys, symbol: str) -> Decimal:
    return keys.running.exchange.engine.markets[symbol].last


@pytest.mark.parametrize("name", CALLS)
async def test_other_accounts_are_not_of_the_type(keys: Keys, name: str) -> None:
    answer = await keys.ask("stranger", name, FIELDS.get(name, {}), {})
    assert (answer.status_code, answer.json()["reason"]) == (400, "AccountNotOfTypeRequired")
    assert TABLE[name].tier == 2


async def test_collateral_is_what_the_balances_are_worth(keys: Keys) -> None:
    client = keys["margin"]
    shown = await client.post("/v1/margin/account")
    price = last(keys, "btcusd")
    assert shown["marginAssetValue"] == {"currency": "USD", "value": format(20_000 + price, ".2f")}
    assert shown["availableCollateral"] == shown["buyingPower"] == shown["marginAssetValue"]
    assert shown["totalBorrowed"]["value"] == "0.00"
    assert shown["notionalValue"]["value"] == format(price, ".2f")
    assert (await client.post("/v1/positions")) == {"openPositions": []}


async def test_open_orders_reserve_what_they_hold(keys: Keys) -> None:
    client = keys["margin"]
    await client.order(amount="0.1", price="50000.00")
    await client.order(side="sell", amount="0.5", price="99000.00")
    shown = await client.post("/v1/margin/account")
    assert shown["reservedBuyOrders"]["value"] == "5020.00"
    price = last(keys, "btcusd")
    assert Decimal(shown["reservedSellOrders"]["value"]) == (price / 2).quantize(
        Decimal("0.01"), ROUND_HALF_EVEN
    )
    free = 20_000 + price - Decimal(5020) - price / 2
    assert abs(Decimal(shown["availableCollateral"]["value"]) - free) < Decimal("0.01")
    perp = await client.post("/v1/margin", symbol="btcgusdperp")
    assert perp["reserved_margin_buys"] == "5020.00"
    free = 20_000 + last(keys, "btcusd") / 2 - 5020
    assert abs(Decimal(perp["available_margin"]) - free) < Decimal("0.01")
    assert Decimal(perp["buying_power"]) > 0


async def test_preview_shows_what_a_filled_order_would_change(keys: Keys) -> None:
    client = keys["margin"]
    order = {"symbol": "btcusd", "side": "buy", "type": "limit", "amount": "0.1", "price": "60000.00"}
    shown = await client.post(PREVIEW, **order)
    before, after = shown["preorder"], shown["postorder"]
    price = last(keys, "btcusd")
    gained = (price - 60_000) / 10 - 24  # bought below the last price, less the fee of 40 bps
    change = Decimal(after["marginAssetValue"]["value"]) - Decimal(before["marginAssetValue"]["value"])
    assert abs(change - gained) < Decimal("0.02")
    assert Decimal(after["leverage"]) > Decimal(before["leverage"])
    sold = await client.post(PREVIEW, symbol="btcusd", side="sell", type="market", amount="1")
    assert sold["postorder"]["notionalValue"]["value"] == "0.00"
    assert sold["postorder"]["leverage"] == "0"
    assert (await client.post("/v1/orders")) == []


async def test_preview_is_judged(keys: Keys) -> None:
    client = keys["margin"]
    order = {"symbol": "btcusd", "side": "buy", "type": "limit", "amount": "0.1", "price": "60000.00"}
    for fields, expected in (
        ({"amount": None}, (400, "MissingOrderField")),
        ({"price": None}, (400, "MissingOrderField")),
        ({"type": "market"}, (400, "MissingOrderField")),
        ({"type": "stop"}, (400, "InvalidParameterValue")),
        ({"amount": "0"}, (400, "InvalidQuantity")),
        ({"price": "0"}, (400, "InvalidPrice")),
        ({"amount": "5"}, (406, "InsufficientFunds")),
        ({"side": "sell", "amount": "5"}, (406, "InsufficientFunds")),
        ({"symbol": "nosuch"}, (400, "InvalidSymbol")),
    ):
        assert await client.refused(PREVIEW, **{**order, **fields}) == expected, fields
    assert await client.refused("/v1/margin", symbol="btcusd") == (400, "InvalidSymbol")


async def test_rates_agree_with_each_other(keys: Keys) -> None:
    for rate in (await keys["margin"].post("/v1/margin/rates"))["rates"]:
        assert Decimal(rate["borrowRateDaily"]) == Decimal(rate["borrowRate"]) * 24
        yearly = Decimal(rate["borrowRateDaily"]) * 365
        assert abs(yearly - Decimal(rate["borrowRateAnnual"])) < Decimal("1e-8")
