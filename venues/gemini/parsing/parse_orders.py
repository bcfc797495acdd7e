"""The account's side of the wire: orders, own trades and order events become domain types here.

Each function takes the body's bytes and raises one of `reading.UNREADABLE` for anything that does not fit.
Fills come back oldest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from domain.clock import from_epoch_ms
from domain.instrument import Side
from domain.order import ExecutionOption, Fill, OrderEvent, OrderEventType, OrderType, VenueOrder
from venues.gemini.parsing import wire
from venues.gemini.parsing.reading import client_id, exact, list_of, maybe, or_zero, positive, symbol_of

_EVENT_TYPES: Final = frozenset(OrderEventType)
_OPTIONS: Final = frozenset(ExecutionOption)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReport:
    """Venue order ids that were cancelled, and those that could not be."""

    cancelled: tuple[str, ...]
    rejected: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedOrder:
    """An order of the past and its fills, oldest first."""

    order: VenueOrder
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFrame:
    """One frame of the order-events socket: `kind` is `ack`, `heartbeat`, `events` or the venue's own word.

    `sequences` has the numbers in the frame in order, without those that were missing.
    """

    kind: str
    sequences: tuple[int, ...]
    events: tuple[OrderEvent, ...]
    reason: str = ""


_result = msgspec.json.Decoder(wire.ResultWire).decode
_cancels = msgspec.json.Decoder(wire.CancelReportWire).decode
_order = msgspec.json.Decoder(wire.OrderWire).decode
_orders = msgspec.json.Decoder(list[wire.OrderWire] | wire.OrderWire | None).decode
_history = list_of(wire.OrderWire)
_own_trades = list_of(wire.OwnTradeWire)
_event_frame = msgspec.json.Decoder(list[wire.EventWire] | wire.NoticeWire).decode
_event = msgspec.json.Decoder(wire.EventWire).decode


def ok(body: bytes) -> None:
    """Read `{"result": "ok"}` in either case."""
    if _result(body).result.lower() != "ok":
        raise ValueError("the result is not ok")


def cancel_report(body: bytes) -> CancelReport:
    """Read `/v1/order/cancel/session`."""
    found = _cancels(body)
    if found.result.lower() != "ok":
        raise ValueError("the result is not ok")
    return CancelReport(
        cancelled=tuple(str(i) for i in found.details.cancelledOrders),
        rejected=tuple(str(i) for i in found.details.cancelRejects),
    )


def order(body: bytes) -> VenueOrder:
    """Read one order."""
    return _rest_order(_order(body))


def orders(body: bytes) -> list[VenueOrder]:
    """Read an array of orders, or a single one, as `/v1/order/status` may answer either."""
    found = _orders(body)
    if found is None:
        return []
    return [_rest_order(o) for o in (found if isinstance(found, list) else [found])]


def history(body: bytes) -> list[ClosedOrder]:
    """Read `/v1/orders/history`, oldest first."""
    read = [
        ClosedOrder(order=_rest_order(o), fills=tuple(_fills(o.trades, o.symbol))) for o in _history(body)
    ]
    return sorted(read, key=lambda closed: (closed.order.at, int(closed.order.venue_order_id)))


def fills(body: bytes, symbol: str | None) -> list[Fill]:
    """Read `/v1/mytrades`; `symbol` is the one asked for, for answers that do not repeat it."""
    return _fills(_own_trades(body), symbol)


def _fills(found: Sequence[wire.OwnTradeWire], symbol: str | None) -> list[Fill]:
    read = [_fill(trade, symbol) for trade in found]
    return sorted(read, key=lambda f: (f.at, int(f.trade_id)))


def _fill(t: wire.OwnTradeWire, symbol: str | None) -> Fill:
    pair = t.symbol or symbol
    if pair is None:
        raise ValueError("a trade without a symbol")
    return Fill(
        trade_id=str(t.tid),
        venue_order_id=str(t.order_id),
        client_order_id=client_id(t.client_order_id),
        symbol=symbol_of(pair),
        side=Side(t.type.lower()),
        price=positive(t.price),
        amount=positive(t.amount),
        fee=exact(t.fee_amount),
        fee_currency=t.fee_currency.upper(),
        is_maker=not t.aggressor,
        at=from_epoch_ms(t.timestampms),
    )


def order_frame(body: bytes) -> OrderFrame:
    """Read one frame of the order-events socket: an array of events, or one object of any kind."""
    found = _event_frame(body)
    if isinstance(found, list):
        return _events(found)
    if found.type in _EVENT_TYPES:
        return _events([_event(body)])
    kind = {"subscription_ack": "ack"}.get(found.type, found.type or found.result)
    numbers = () if found.socket_sequence is None else (found.socket_sequence,)
    return OrderFrame(kind=kind, sequences=numbers, events=(), reason=found.reason)


def _events(found: Sequence[wire.EventWire]) -> OrderFrame:
    return OrderFrame(
        kind="events",
        sequences=tuple(e.socket_sequence for e in found if e.socket_sequence is not None),
        # A type that the venue adds one day says nothing that we could act on; its number still counts.
        events=tuple(_order_event(e) for e in found if e.type in _EVENT_TYPES),
    )


def _order_event(e: wire.EventWire) -> OrderEvent:
    found = _venue_order(e, e.order_type, e.behavior)
    return OrderEvent(
        type=OrderEventType(e.type),
        order=found,
        event_id=None if e.event_id is None else str(e.event_id),
        fill=None if e.fill is None else _event_fill(e.fill, found),
    )


def _event_fill(f: wire.FillWire, of: VenueOrder) -> Fill:
    return Fill(
        trade_id=str(f.trade_id),
        venue_order_id=of.venue_order_id,
        client_order_id=of.client_order_id,
        symbol=of.symbol,
        side=of.side,
        price=positive(f.price),
        amount=positive(f.amount),
        fee=exact(f.fee),
        fee_currency=f.fee_currency.upper(),
        is_maker=_is_maker(f.liquidity),
        at=of.at,
    )


def _is_maker(liquidity: str) -> bool:
    word = liquidity.lower()
    if word not in {"maker", "taker"}:
        raise ValueError("a fill that is neither maker nor taker")
    return word == "maker"


def _rest_order(o: wire.OrderWire) -> VenueOrder:
    return _venue_order(o, o.type, o.options[0] if o.options else None)


def _venue_order(o: wire.OrderCommon, kind: str, option: str | None) -> VenueOrder:
    original = or_zero(o.original_amount)
    executed = or_zero(o.executed_amount)
    remaining = original - executed if o.remaining_amount is None else exact(o.remaining_amount)
    return VenueOrder(
        venue_order_id=str(o.order_id),
        client_order_id=client_id(o.client_order_id),
        symbol=symbol_of(o.symbol),
        side=Side(o.side.lower()),
        # Market orders and blocks, made elsewhere, are shown as limit orders with price 0.
        order_type=OrderType.STOP_LIMIT if "stop" in kind else OrderType.LIMIT,
        price=or_zero(o.price),
        original_amount=original,
        executed_amount=executed,
        remaining_amount=remaining,
        average_price=or_zero(o.avg_execution_price),
        is_live=o.is_live,
        is_cancelled=o.is_cancelled,
        reason=o.reason or None,
        option=ExecutionOption(option) if option in _OPTIONS else None,
        stop_price=maybe(o.stop_price),
        at=_moment(o),
    )


def _moment(o: wire.OrderCommon) -> datetime:
    if o.timestampms is not None:
        return from_epoch_ms(o.timestampms)
    if o.timestamp is None:
        raise ValueError("an order without a time")
    return from_epoch_ms(int(o.timestamp) * 1000)
