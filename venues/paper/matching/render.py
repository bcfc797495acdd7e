"""The JSON shapes of the wire: orders, trades, events, market data."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import Any

from domain.instrument import Instrument
from domain.money import ZERO, to_wire
from domain.order import OrderEventType
from venues.paper.matching.engine import Market, Notice
from venues.paper.matching.ledger import Account
from venues.paper.matching.listings import FIAT, WRAPPED
from venues.paper.matching.orders import Execution, Order, Print

_AVERAGE_PLACES = Decimal("1e-12")
_CRYPTO_PLACES = Decimal("1e-19")
_FIAT_PLACES = Decimal("1e-15")


def price_text(price: Decimal, instrument: Instrument) -> str:
    """Write a price with all the decimals of the tick, `65240.50`."""
    return format(price.quantize(instrument.price_tick), "f")


def average_text(order: Order, instrument: Instrument) -> str:
    """Write the average price of an order's fills, `0.00` before the first."""
    if not order.executed:
        return "0.00"
    average = order.notional / order.executed
    rounded = average.quantize(instrument.price_tick)
    return format(rounded, "f") if rounded == average else to_wire(average.quantize(_AVERAGE_PLACES))


def order_json(order: Order, instrument: Instrument) -> dict[str, Any]:
    """Return the order object of every REST answer."""
    shown: dict[str, Any] = {
        "order_id": str(order.id),
        "id": str(order.id),
        "symbol": order.symbol,
        "exchange": "gemini",
        "avg_execution_price": average_text(order, instrument),
        "side": order.side,
        "type": order.type,
        "timestamp": str(order.created_ms // 1000),
        "timestampms": order.created_ms,
        "is_live": order.is_live,
        "is_cancelled": order.reason is not None,
        "is_hidden": False,
        "was_forced": False,
        "executed_amount": to_wire(order.executed),
        "options": [order.option] if order.option is not None else [],
        "price": price_text(order.price, instrument),
        "original_amount": to_wire(order.amount),
        "remaining_amount": to_wire(order.remaining),
    }
    if order.client_order_id is not None:
        shown["client_order_id"] = order.client_order_id
    if order.stop_price is not None:
        shown["stop_price"] = price_text(order.stop_price, instrument)
    if order.reason is not None:
        shown["reason"] = order.reason
    return shown


def execution_json(execution: Execution, instrument: Instrument) -> dict[str, Any]:
    """Return the trade object of `/v1/mytrades` and of an order's `trades`."""
    shown: dict[str, Any] = {
        "price": price_text(execution.price, instrument),
        "amount": to_wire(execution.amount),
        "timestamp": execution.at_ms // 1000,
        "timestampms": execution.at_ms,
        "type": execution.side.capitalize(),
        "aggressor": not execution.is_maker,
        "fee_currency": execution.fee_currency,
        "fee_amount": to_wire(execution.fee),
        "tid": execution.tid,
        "order_id": str(execution.order_id),
        "exchange": "gemini",
        "is_auction_fill": False,
        "is_clearing_fill": False,
        "symbol": execution.symbol.upper(),
    }
    if execution.client_order_id is not None:
        shown["client_order_id"] = execution.client_order_id
    return shown


def balances_json(account: Account) -> list[dict[str, str]]:
    """Return the account's non-zero balances by currency."""
    return [
        {
            "type": "exchange",
            "currency": currency,
            "amount": funds_text(funds.amount, currency),
            "available": funds_text(funds.available, currency),
            "availableForWithdrawal": funds_text(funds.available, currency),
        }
        for currency, funds in sorted(account.funds.items())
        if funds.amount or funds.held
    ]


def funds_text(amount: Decimal, currency: str) -> str:
    """Write an amount of money, cut off at 15 decimals for fiat and at 19 for crypto."""
    places = _FIAT_PLACES if currency in FIAT else _CRYPTO_PLACES
    return to_wire(amount.quantize(places, rounding=ROUND_FLOOR))


def event_json(notice: Notice, instrument: Instrument, *, initial: bool = False) -> dict[str, Any]:
    """Return one order event, still without its `socket_sequence`."""
    order = notice.order
    shown: dict[str, Any] = {
        "type": OrderEventType.INITIAL if initial else notice.kind,
        "order_id": str(order.id),
    }
    if not initial:
        shown["event_id"] = str(notice.event_id)
    if notice.command_id is not None:
        shown["cancel_command_id"] = str(notice.command_id)
    if order.reason is not None and notice.kind in {OrderEventType.CANCELLED, OrderEventType.REJECTED}:
        shown["reason"] = order.reason
    if order.client_order_id is not None:
        shown["client_order_id"] = order.client_order_id
    shown |= {"api_session": order.api_session, "symbol": order.symbol, "side": order.side}
    if order.option is not None:
        shown["behavior"] = order.option
    shown |= {
        "order_type": order.type,
        "timestamp": str(notice.at_ms // 1000),
        "timestampms": notice.at_ms,
        "is_live": order.is_live,
        "is_cancelled": order.reason is not None and notice.kind is not OrderEventType.REJECTED,
        "is_hidden": False,
        "avg_execution_price": average_text(order, instrument),
        "executed_amount": to_wire(order.executed),
        "remaining_amount": to_wire(order.remaining),
        "original_amount": to_wire(order.amount),
        "price": price_text(order.price, instrument),
    }
    if order.stop_price is not None:
        shown["stop_price"] = price_text(order.stop_price, instrument)
    if notice.execution is not None:
        shown["fill"] = _fill_json(notice.execution, instrument)
    return shown


def _fill_json(execution: Execution, instrument: Instrument) -> dict[str, str]:
    return {
        "trade_id": str(execution.tid),
        "liquidity": "Maker" if execution.is_maker else "Taker",
        "price": price_text(execution.price, instrument),
        "amount": to_wire(execution.amount),
        "fee": to_wire(execution.fee),
        "fee_currency": execution.fee_currency,
    }


def print_json(trade: Print, instrument: Instrument) -> dict[str, Any]:
    """Return a public trade as `/v1/trades` shows it."""
    return {
        "timestamp": trade.at_ms // 1000,
        "timestampms": trade.at_ms,
        "tid": trade.tid,
        "price": price_text(trade.price, instrument),
        "amount": to_wire(trade.amount),
        "exchange": "gemini",
        "type": trade.side,
    }


def trade_frame(trade: Print, instrument: Instrument) -> dict[str, Any]:
    """Return a public trade as the market data socket sends it."""
    return {
        "type": "trade",
        "symbol": instrument.symbol.upper(),
        "event_id": trade.tid,
        "tid": trade.tid,
        "timestamp": trade.at_ms,
        "price": price_text(trade.price, instrument),
        "quantity": to_wire(trade.amount),
        "side": trade.side,
    }


def details_json(market: Market) -> dict[str, Any]:
    """Return the symbol details object; `contract_price_currency` stays out of spot, which needs none."""
    instrument = market.instrument
    shown = {
        "symbol": instrument.symbol.upper(),
        "base_currency": instrument.base,
        "quote_currency": instrument.quote,
        "tick_size": instrument.amount_step,
        "quote_increment": instrument.price_tick,
        "min_order_size": to_wire(instrument.min_amount),
        "status": market.status,
        "wrap_enabled": instrument.symbol in WRAPPED,
        "product_type": "spot" if instrument.is_spot else "swap",
        "contract_type": "vanilla" if instrument.is_spot else "linear",
    }
    if not instrument.is_spot:
        shown["contract_price_currency"] = instrument.quote
    return shown


def change_text(first: Decimal, last: Decimal) -> str:
    """Return the change from `first` to `last` as a fraction with four decimals."""
    return format(((last - first) / first if first else ZERO).quantize(Decimal("0.0001")), "f")
