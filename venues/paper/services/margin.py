"""Margin and derivatives, for accounts of that kind.

Our rules: the play exchange lends nothing and opens no perpetual position, so nothing is borrowed, there are
no positions and no funding payments; collateral is every balance at the last price; open orders reserve what
they hold; a preview treats the order as filled at its price, a market order at the last one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from domain.instrument import Side
from domain.money import BPS, ZERO, to_wire
from venues.paper.call import Call, market_or_invalid
from venues.paper.exchange import DAY_MS, Exchange
from venues.paper.matching.engine import Market
from venues.paper.matching.ledger import Account
from venues.paper.matching.listings import DOLLARS
from venues.paper.matching.perpetuals import mark_price
from venues.paper.matching.refusals import RefusedError
from venues.paper.services.fields import checked, positive
from venues.paper.services.funds import require
from venues.paper.services.margin_accounts import margin_account, perpetual

MAX_LEVERAGE: Final = 20
"""Of perpetual swaps."""

_ANNUAL_RATES: Final = {"BTC": Decimal("0.1"), "ETH": Decimal("0.1"), "USD": Decimal("0.08")}
_HOURS_A_YEAR: Final = 24 * 365
_CENT: Final = Decimal("0.01")
_RATE_PLACES: Final = Decimal("1e-14")
_LEVERAGE_PLACES: Final = Decimal("0.0001")


def summary(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/margin/account`."""
    return _risk(exchange, margin_account(exchange, call.owner))


def rates(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/margin/rates`; they were last set at midnight."""
    margin_account(exchange, call.owner)
    midnight_ms = exchange.timeline.now_ms() // DAY_MS * DAY_MS
    shown = []
    for currency, annual in _ANNUAL_RATES.items():
        hourly = (annual / _HOURS_A_YEAR).quantize(_RATE_PLACES)
        shown.append(
            {
                "currency": currency,
                "borrowRate": to_wire(hourly),
                "borrowRateDaily": to_wire(hourly * 24),
                "borrowRateAnnual": to_wire(annual),
                "lastUpdated": midnight_ms,
            }
        )
    return {"rates": shown}


def preview(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/margin/order/preview`."""
    account = margin_account(exchange, call.owner)
    given = checked("margin_preview", call)
    market = market_or_invalid(exchange, given["symbol"])
    amount, price = _size(given, market)
    instrument, worth = market.instrument, amount * price
    fee = worth * account.tier.taker_bps / BPS
    if given["side"] == Side.BUY:
        require(account, instrument.quote, worth + fee)
        changes = {instrument.base: amount, instrument.quote: -worth - fee}
    else:
        require(account, instrument.base, amount)
        changes = {instrument.base: -amount, instrument.quote: worth - fee}
    return {"preorder": _risk(exchange, account), "postorder": _risk(exchange, account, changes)}


def perpetual_margin(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/margin`."""
    account = margin_account(exchange, call.owner)
    market = perpetual(exchange, checked("margin", call)["symbol"])
    value = _collateral(exchange, account, {})
    buys, sells = _reserved(exchange, account)
    price = mark_price(exchange.engine, market.symbol, exchange.timeline.now_ms())
    power = max(ZERO, value - buys - sells) * MAX_LEVERAGE / price
    size = to_wire(market.instrument.round_amount(power))
    return {
        "margin_assets_value": _dollars(value),
        "initial_margin": _dollars(buys + sells),
        "available_margin": _dollars(value - buys - sells),
        "margin_maintenance_limit": "0",
        "leverage": "0",
        "notional_value": "0",
        "estimated_liquidation_price": "0",
        "initial_margin_positions": "0",
        "reserved_margin": _dollars(buys + sells),
        "reserved_margin_buys": _dollars(buys),
        "reserved_margin_sells": _dollars(sells),
        "buying_power": size,
        "selling_power": size,
    }


def positions(exchange: Exchange, call: Call) -> dict[str, list[Any]]:
    """Answer `/v1/positions`."""
    margin_account(exchange, call.owner)
    return {"openPositions": []}


def _size(given: dict[str, Any], market: Market) -> tuple[Decimal, Decimal]:
    """Return amount and price of a previewed order."""
    needed: tuple[str, ...]
    if given["type"] == "limit":
        needed = ("amount", "price")
    elif given["side"] == Side.BUY:
        needed = ("totalSpend",)
    else:
        needed = ("amount",)
    for name in needed:
        if name not in given:
            raise RefusedError("MissingOrderField", f"Required field '{name}' was not supplied")
        positive(given[name], name)
    price = given["price"] if "price" in needed else market.last
    if "totalSpend" in needed:
        return market.instrument.round_amount(given["totalSpend"] / price), price
    return given["amount"], price


def _risk(exchange: Exchange, account: Account, changes: dict[str, Decimal] | None = None) -> dict[str, Any]:
    """Return the risk statistics, as they would be after `changes` of balances."""
    changes = changes or {}
    value = _collateral(exchange, account, changes)
    held = sum(
        (
            (funds.amount + changes.get(currency, ZERO)) * exchange.engine.usd_rate(currency)
            for currency, funds in account.funds.items()
            if currency not in DOLLARS
        ),
        ZERO,
    )
    buys, sells = _reserved(exchange, account)
    free = _money(value - buys - sells)
    return {
        "marginAssetValue": _money(value),
        "availableCollateral": free,
        "notionalValue": _money(held),
        "totalBorrowed": _money(ZERO),
        "leverage": to_wire((held / value).quantize(_LEVERAGE_PLACES)) if value else "0",
        "buyingPower": free,
        "sellingPower": free,
        "reservedBuyOrders": _money(buys),
        "reservedSellOrders": _money(sells),
    }


def _collateral(exchange: Exchange, account: Account, changes: dict[str, Decimal]) -> Decimal:
    amounts = {currency: funds.amount for currency, funds in account.funds.items()}
    for currency, change in changes.items():
        amounts[currency] = amounts.get(currency, ZERO) + change
    return sum((amount * exchange.engine.usd_rate(currency) for currency, amount in amounts.items()), ZERO)


def _reserved(exchange: Exchange, account: Account) -> tuple[Decimal, Decimal]:
    """Return what live buys and live sells hold, in dollars."""
    buys = sells = ZERO
    for order in exchange.engine.live_orders(account):
        instrument = exchange.instrument(order.symbol)
        rate = exchange.engine.usd_rate(instrument.quote if order.is_buy else instrument.base)
        if order.is_buy:
            buys += order.held * rate
        else:
            sells += order.held * rate
    return buys, sells


def _money(value: Decimal) -> dict[str, str]:
    return {"currency": "USD", "value": _dollars(value)}


def _dollars(value: Decimal) -> str:
    return format(value.quantize(_CENT), "f")


HANDLERS = {
    "margin_account": summary,
    "margin_rates": rates,
    "margin_preview": preview,
    "margin": perpetual_margin,
    "positions": positions,
}
