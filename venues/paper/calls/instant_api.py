"""Instant orders: a price that holds for a minute, and the trade at that price.

Our rules: the price is the best opposite one, half a per cent worse. The fee follows the venue's table for
small purchases. Only the account's own balance pays. A quote serves its account once.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from domain.instrument import Side
from domain.money import floor_to, is_multiple, to_wire
from venues.paper.call import Call, market_or_invalid
from venues.paper.calls.conversions import Conversion, settle
from venues.paper.exchange import Exchange
from venues.paper.matching.market import PERMITS, Market
from venues.paper.matching.order_checks import number, require_spot
from venues.paper.matching.refusals import RefusedError, invalid_parameter
from venues.paper.services.fields import checked, positive
from venues.paper.services.funds import trading_account

MAX_AGE_MS: Final = 60_000
_QUOTE: Final = "quote"
_COUNTER: Final = "counter"
_FROM_BALANCE: Final = "AccountBalancePaymentType"
_MARGIN: Final = Decimal("0.005")
_FEE_PLACES: Final = Decimal("1e-12")

_FLAT_FEES: Final = tuple(
    (Decimal(up_to), Decimal(fee))
    for up_to, fee in (("10", "0.99"), ("25", "1.49"), ("50", "1.99"), ("200", "2.99"))
)
_FEE_ABOVE: Final = Decimal("0.0149")
"""Dollars up to a worth in dollars, and the share beyond: the venue's table for small purchases."""

_REPEATED: Final[Mapping[str, str]] = MappingProxyType(
    {"quantity": "InvalidQuantity", "price": "InvalidPrice", "fee": "InvalidParameterValue"}
)
"""The numbers that an execution must repeat, and the reason when one differs."""


def quote(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/instant/quote`."""
    account = trading_account(call.owner)
    given = checked("instant_quote", call)
    if given.get("paymentMethodType", _FROM_BALANCE) != _FROM_BALANCE:
        raise invalid_parameter(f"Only {_FROM_BALANCE} pays for instant orders here")
    market = require_spot(market_or_invalid(exchange, given["symbol"]))
    total = positive(given["totalSpend"], "totalSpend")
    offered = _offer(exchange, market, Side(given["side"]), total)
    now_ms, documents = exchange.timeline.now_ms(), exchange.documents
    for old in documents.of(_QUOTE, account.name):
        if _is_old(old, now_ms):
            documents.remove(_QUOTE, old["quoteId"])
    quote_id = (documents.get(_COUNTER, _QUOTE) or {"last": 0})["last"] + 1
    documents.put(_COUNTER, _QUOTE, "", {"last": quote_id})
    shown = offered.as_json()
    documents.put(
        _QUOTE, str(quote_id), account.name, {"quoteId": str(quote_id), "made_ms": now_ms, "offer": shown}
    )
    return {"quoteId": quote_id, "maxAgeMs": MAX_AGE_MS, **shown}


def execute(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/instant/execute`: every field must say what the quote said."""
    account = trading_account(call.owner)
    given = checked("instant_execute", call)
    quote_id = str(given["quoteId"])
    known = exchange.documents.get(_QUOTE, quote_id)
    if known is None or exchange.documents.owner(_QUOTE, quote_id) != account.name:
        raise invalid_parameter(f"There is no quote {quote_id[:20]}; ask for one first, it serves once")
    if _is_old(known, exchange.timeline.now_ms()):
        raise invalid_parameter(f"Quote {quote_id} has expired; ask for a new one")
    offer = known["offer"]
    _check_repeated(given, call.payload, offer)
    wanted = Conversion(
        market=market_or_invalid(exchange, given["symbol"]),
        side=Side(offer["side"]),
        quantity=Decimal(offer["quantity"]),
        price=Decimal(offer["price"]),
        fee=Decimal(offer["fee"]),
    )
    _check_open(wanted.market)
    order = settle(exchange, account, call.key, wanted)
    exchange.documents.remove(_QUOTE, quote_id)
    return {"orderId": str(order.id), **offer}


def _check_repeated(given: Mapping[str, Any], payload: Mapping[str, Any], offer: Mapping[str, str]) -> None:
    if given["symbol"] != offer["pair"].lower():
        raise RefusedError("InvalidSymbol", f"The quote is for {offer['pair']}, not {given['symbol']}")
    if given["side"] != offer["side"]:
        raise RefusedError("InvalidSide", f"The quote is to {offer['side']}, not to {given['side']}")
    for name, reason in _REPEATED.items():
        if number(payload[name]) != Decimal(offer[name]):
            raise RefusedError(reason, f"{name} must be what the quote said: {offer[name]}")


def _offer(exchange: Exchange, market: Market, side: Side, total: Decimal) -> Conversion:
    _check_open(market)
    instrument, best = market.instrument, market.book.against(side).best
    if best is None:
        raise _not_open(market)
    rate = exchange.engine.usd_rate(instrument.quote)
    if side is Side.BUY:
        price = instrument.round_price(best * (1 + _MARGIN), Side.SELL)
        quantity = floor_to((total - _fee(total, rate)) / price, instrument.amount_step)
        # What rounding the quantity down leaves over is fee as well, so that the total is what was asked for.
        fee = total - quantity * price
    else:
        price, quantity = instrument.round_price(best * (1 - _MARGIN), Side.BUY), total
        fee = _fee(total * price, rate)
    if (
        quantity < instrument.min_amount
        or not is_multiple(quantity, instrument.amount_step)
        or fee >= quantity * price + (fee if side is Side.BUY else 0)
    ):
        raise RefusedError(
            "InvalidQuantity",
            f"Invalid quantity for symbol {market.symbol.upper()}: {to_wire(total)} to spend; at least "
            f"{to_wire(instrument.min_amount)} {instrument.base} must change hands after the fee",
        )
    return Conversion(market=market, side=side, quantity=quantity, price=price, fee=fee)


def _fee(worth: Decimal, usd_rate: Decimal) -> Decimal:
    dollars = worth * usd_rate
    flat = next((fee for up_to, fee in _FLAT_FEES if dollars <= up_to), None)
    return ((dollars * _FEE_ABOVE if flat is None else flat) / usd_rate).quantize(_FEE_PLACES)


def _check_open(market: Market) -> None:
    if not PERMITS[market.status].takes:
        raise _not_open(market)


def _not_open(market: Market) -> RefusedError:
    return RefusedError("MarketNotOpen", f"The market {market.symbol.upper()} is not open")


def _is_old(body: Mapping[str, Any], now_ms: int) -> bool:
    return bool(now_ms - body["made_ms"] > MAX_AGE_MS)


HANDLERS = {"instant_quote": quote, "instant_execute": execute}
