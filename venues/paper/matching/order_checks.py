"""What an order must look like before the engine sees it, with Gemini's reason for each fault.

Numbers are strings of ASCII digits with at most one point; NaN, exponents, signs, spaces, digits of other
scripts and JSON numbers are refused, never parsed. Fields that are not an order's are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from domain.ids import CLIENT_ORDER_ID
from domain.instrument import Instrument, Side
from domain.money import ZERO, is_multiple
from domain.order import ExecutionOption, OrderType
from venues.paper.matching.listings import is_symbol
from venues.paper.matching.market import Market
from venues.paper.matching.orders import MarketType, OrderRequest
from venues.paper.matching.refusals import RefusedError, invalid_parameter

_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,19})?", re.ASCII)
_REQUIRED = ("symbol", "amount", "price", "side", "type")
_STOP_RATIO = Decimal("0.5")
CLIENT_ORDER_ID_LIMIT = 100


def check_order(
    payload: Mapping[str, Any], instruments: Mapping[str, Instrument], *, may_stop_at_price: bool = False
) -> OrderRequest:
    """Return the order that `payload` asks for, in the words of `/v1/order/new`.

    `may_stop_at_price` lets a stop price equal the limit, which the newer sockets do and REST does not.
    Raises `RefusedError` with the first fault found.
    """
    _require(payload, _REQUIRED)
    instrument = _instrument(payload["symbol"], instruments)
    symbol = instrument.symbol.upper()
    kind = _type(payload["type"], symbol)
    side = _side(payload["side"], symbol)
    amount = check_amount(payload["amount"], instrument)
    price = _price(payload["price"], instrument, "InvalidPrice", "price")
    option = _option(payload.get("options"), kind)
    stop = None
    if kind is OrderType.STOP_LIMIT:
        stop = _price(payload.get("stop_price"), instrument, "InvalidStopPrice", "stop price")
        _check_stop(stop, side, price, may_equal=may_stop_at_price)
    elif payload.get("stop_price") is not None:
        raise RefusedError("InvalidStopPrice", "stop_price is for 'exchange stop limit' orders only")
    _check_margin(payload.get("margin_order"))
    return OrderRequest(
        symbol=instrument.symbol,
        side=side,
        type=kind,
        amount=amount,
        price=price,
        option=option,
        stop_price=stop,
        client_order_id=client_order_id(payload.get("client_order_id")),
    )


def check_market_order(payload: Mapping[str, Any], instruments: Mapping[str, Instrument]) -> OrderRequest:
    """Return the market order of `symbol`, `side`, `amount` and perhaps `client_order_id`.

    REST takes none; the newer sockets do. Raises `RefusedError` with the first fault found.
    """
    _require(payload, ("symbol", "amount", "side"))
    instrument = _instrument(payload["symbol"], instruments)
    side = _side(payload["side"], instrument.symbol.upper())
    return OrderRequest(
        symbol=instrument.symbol,
        side=side,
        type=MarketType.BUY if side is Side.BUY else MarketType.SELL,
        amount=check_amount(payload["amount"], instrument),
        price=ZERO,
        client_order_id=client_order_id(payload.get("client_order_id")),
    )


def asked_for(payload: Mapping[str, Any], instruments: Mapping[str, Instrument]) -> OrderRequest | None:
    """Return the order that a refused `payload` asks for, as far as it can be told.

    None when it is no order: market, side or type are unknown, or amount and price are no numbers.
    """
    symbol = payload.get("symbol")
    instrument = instruments.get(symbol.lower()) if isinstance(symbol, str) and is_symbol(symbol) else None
    amount, price = number(payload.get("amount")), number(payload.get("price", "0"))
    if instrument is None or amount is None or price is None:
        return None
    try:
        side = _side(payload.get("side"), instrument.symbol)
        is_market = "price" not in payload
        market_type = MarketType.BUY if side is Side.BUY else MarketType.SELL
        kind = market_type if is_market else _type(payload.get("type"), instrument.symbol)
        return OrderRequest(
            symbol=instrument.symbol,
            side=side,
            type=kind,
            amount=amount,
            price=price,
            option=None if isinstance(kind, MarketType) else _option(payload.get("options"), kind),
            stop_price=number(payload.get("stop_price")),
            client_order_id=client_order_id(payload.get("client_order_id")),
        )
    except RefusedError:
        return None


def check_amount(value: object, instrument: Instrument) -> Decimal:
    """Return an amount that the instrument takes. Raises `InvalidQuantity`."""
    amount = number(value)
    if amount is None or amount < instrument.min_amount or not is_multiple(amount, instrument.amount_step):
        raise RefusedError(
            "InvalidQuantity", f"Invalid quantity for symbol {instrument.symbol.upper()}: {_plain(value)}"
        )
    return amount


def number(value: object) -> Decimal | None:
    """Read a number as the wire has it, at most 12 digits before and 19 after the point; None for others."""
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def require_spot(market: Market) -> Market:
    """Return a market that any account may trade. Raises `AccountNotOfTypeRequired` for a perpetual."""
    _check_spot(market.instrument)
    return market


def client_order_id(value: object) -> str | None:
    """Return a well-formed client order id, None when there is none."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise RefusedError("ClientOrderIdMustBeString", "client_order_id must be a string")
    if len(value) > CLIENT_ORDER_ID_LIMIT:
        raise RefusedError("ClientOrderIdTooLong", "client_order_id must be under 100 characters")
    if not value or any(not CLIENT_ORDER_ID.fullmatch(letter) for letter in value):
        raise invalid_parameter("client_order_id may have letters, digits and : - _ . # only")
    return value


def _require(payload: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if payload.get(name) is None:
            raise RefusedError("MissingOrderField", f"Required field '{name}' was not supplied")


def _check_spot(instrument: Instrument) -> None:
    if not instrument.is_spot:
        raise RefusedError(
            "AccountNotOfTypeRequired",
            f"{instrument.symbol.upper()} is a perpetual swap; only a derivatives account may trade it",
        )


def _instrument(value: object, instruments: Mapping[str, Instrument]) -> Instrument:
    found = instruments.get(value.lower()) if isinstance(value, str) and is_symbol(value) else None
    if found is None:
        known = ", ".join(f"'{name.upper()}'" for name in instruments)
        raise RefusedError(
            "InvalidSymbol",
            f"Received bad symbol {_shown(value)} but expected a supported symbol from [{known}]",
        )
    _check_spot(found)
    return found


def _type(value: object, symbol: str) -> OrderType:
    if isinstance(value, str) and value in set(OrderType):
        return OrderType(value)
    raise RefusedError("InvalidOrderType", f"Invalid order type for symbol {symbol}: {_shown(value)}")


def _side(value: object, symbol: str) -> Side:
    if isinstance(value, str) and value.isascii() and value.lower() in set(Side):
        return Side(value.lower())
    raise RefusedError("InvalidSide", f"Invalid side for symbol {symbol}: {_shown(value)}")


def _price(value: object, instrument: Instrument, reason: str, what: str) -> Decimal:
    price = number(value)
    if price is None or price <= 0 or not is_multiple(price, instrument.price_tick):
        raise RefusedError(reason, f"Invalid {what} for symbol {instrument.symbol.upper()}: {_plain(value)}")
    return price


def _option(value: object, kind: OrderType) -> ExecutionOption | None:
    if value is None or value == []:
        return None
    if not isinstance(value, list):
        raise RefusedError("OptionsMustBeArray", "Options must be an array")
    unknown = [item for item in value if not isinstance(item, str) or item not in set(ExecutionOption)]
    if unknown:
        raise RefusedError("UnsupportedOption", f"Option {_shown(unknown[0])} is not supported")
    if len(value) > 1:
        raise RefusedError("ConflictingOptions", "A single order supports at most one option")
    if kind is OrderType.STOP_LIMIT:
        raise RefusedError("UnsupportedOption", "Stop-limit orders take no options")
    return ExecutionOption(value[0])


def _check_stop(stop: Decimal, side: Side, price: Decimal, *, may_equal: bool) -> None:
    if side is Side.BUY and stop > price:
        raise RefusedError("InvalidStopPriceBuy", "The stop price of a buy must be below its limit price")
    if side is Side.SELL and stop < price:
        raise RefusedError("InvalidStopPriceSell", "The stop price of a sell must be above its limit price")
    if stop == price and not may_equal:
        raise RefusedError("InvalidStopPrice", "The stop price must differ from the limit price")
    if abs(price - stop) > _STOP_RATIO * stop:
        raise RefusedError("InvalidStopPriceRatio", "The price must be within 50% of the stop price")


def _check_margin(value: object) -> None:
    if value is not None and not isinstance(value, bool):
        raise invalid_parameter("margin_order must be true or false")
    if value:
        raise RefusedError("AccountNotOfTypeRequired", "Margin orders need a margin account")


def _shown(value: object) -> str:
    return repr(value)[:60]


def _plain(value: object) -> str:
    return value[:60] if isinstance(value, str) else _shown(value)
