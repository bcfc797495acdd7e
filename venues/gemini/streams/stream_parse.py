"""The frames of the new WebSocket API become domain types here.

`read` takes a frame's bytes and raises one of `reading.UNREADABLE` for anything that does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from domain.ids import ClientOrderId
from domain.instrument import Side
from domain.market import BookView, Level, PublicTrade
from domain.money import ZERO, parse_venue_decimal
from domain.order import Balance
from venues.gemini.parsing.reading import client_id, moment, positive, symbol_of
from venues.gemini.streams import stream_wire as wire

ORDER_EVENTS: Final = frozenset({"orderUpdate", "executionReport"})
"""Two names of one event: the venue's page and a well-known client disagree."""


class OrderStatus(StrEnum):
    """The states of an order on this wire."""

    NEW = "NEW"
    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELED"
    REJECTED = "REJECTED"
    MODIFIED = "MODIFIED"


_FILLS: Final = frozenset({OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class LastFill:
    """The execution that an update tells of. The fee is in the quote currency; None when not told."""

    trade_id: str
    price: Decimal
    amount: Decimal
    fee: Decimal | None
    is_maker: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """An order as `orders@account` or `orders@session` tells it.

    `executed` is cumulative; None when the venue left out what it follows from. A fill counts once by its
    trade id, wherever else it is seen.
    """

    venue_order_id: str
    client_order_id: ClientOrderId | None
    symbol: str
    side: Side | None
    order_type: str
    status: OrderStatus
    price: Decimal | None
    stop_price: Decimal | None
    amount: Decimal | None
    executed: Decimal | None
    fill: LastFill | None
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The answer to a request of ours. `status` is 200 when it was done."""

    id: str
    status: int
    code: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """The currencies that changed."""

    changed: tuple[Balance, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """Best bid and ask with their sizes. `number` rises with every change."""

    view: BookView
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialBook:
    """The best levels. `symbol` of the view is empty when the frame did not say; `number` rises."""

    view: BookView
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A frame that we do not read: its event name, or nothing."""

    name: str


Message = Ack | Top | PartialBook | wire.DepthWire | PublicTrade | OrderUpdate | Balances | Other

_head = msgspec.json.Decoder(wire.HeadWire).decode
_ticker = msgspec.json.Decoder(wire.TickerWire).decode
_partial = msgspec.json.Decoder(wire.PartialWire).decode
_depth = msgspec.json.Decoder(wire.DepthWire).decode
_trade = msgspec.json.Decoder(wire.TradeWire).decode
_order = msgspec.json.Decoder(wire.OrderWire).decode
_balances = msgspec.json.Decoder(wire.BalancesWire).decode


def read(body: bytes) -> Message:
    """Read one frame of any kind."""
    head = _head(body)
    if head.status is not None:
        return _ack(head)
    name = head.e or _unnamed(head)
    reader = _READERS.get(name)
    return Other(name=name) if reader is None else reader(body)


def _unnamed(head: wire.HeadWire) -> str:
    if head.last_update_id is not None:
        return "levels"
    if head.m is not None:
        return "trade"
    return "" if head.u is None else "bookTicker"


def _ack(head: wire.HeadWire) -> Ack:
    error = head.error or wire.ErrorWire()
    return Ack(
        id="" if head.id is None else str(head.id),
        status=head.status or 0,
        code=error.code,
        message=error.msg,
    )


def _top(body: bytes) -> Top:
    found = _ticker(body)
    bids, asks = _level(found.b, found.B), _level(found.a, found.A)
    return Top(view=_view(symbol_of(found.s), bids, asks), number=found.u)


def _level(price: str, size: str) -> tuple[Level, ...]:
    return _levels([(price, size)]) if price and size else ()


def _partial_book(body: bytes) -> PartialBook:
    found = _partial(body)
    symbol = symbol_of(found.symbol) if found.symbol else ""
    bids, asks = sorted(_levels(found.bids), reverse=True), sorted(_levels(found.asks))
    return PartialBook(view=_view(symbol, tuple(bids), tuple(asks)), number=found.last_update_id)


def _view(symbol: str, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> BookView:
    is_crossed = bool(bids and asks) and bids[0].price >= asks[0].price
    return BookView(symbol=symbol, bids=bids, asks=asks, age_s=0.0, synced=not is_crossed)


def _levels(found: list[wire.PriceSize]) -> tuple[Level, ...]:
    read_ = ((parse_venue_decimal(price), parse_venue_decimal(size)) for price, size in found)
    return tuple(Level(positive(price), positive(size)) for price, size in read_ if size)


def _public_trade(body: bytes) -> PublicTrade:
    found = _trade(body)
    return PublicTrade(
        symbol=symbol_of(found.s),
        price=parse_venue_decimal(found.p),
        amount=parse_venue_decimal(found.q),
        side=Side.SELL if found.m else Side.BUY,  # the taker's
        at=moment(found.E),
        trade_id=str(found.t),
    )


def _order_update(body: bytes) -> OrderUpdate:
    o = _order(body)
    status = OrderStatus(o.X)
    return OrderUpdate(
        venue_order_id=str(o.i),
        client_order_id=client_id(o.c),
        symbol=symbol_of(o.s),
        side=Side(o.S.lower()) if o.S else None,
        order_type=o.o,
        status=status,
        price=_number(o.p),
        stop_price=_number(o.P),
        amount=_number(o.q),
        executed=_executed(o, status),
        fill=_last_fill(o) if status in _FILLS else None,
        reason=o.r or None,
        at=moment(o.T),
    )


def _executed(o: wire.OrderWire, status: OrderStatus) -> Decimal | None:
    remaining = _number(o.z)
    if remaining is None and status not in _FILLS:
        return _number(o.Z) or ZERO  # cumulative here, and left out when zero
    whole = _number(o.q)
    return None if whole is None else whole - (remaining or ZERO)


def _last_fill(o: wire.OrderWire) -> LastFill | None:
    price, amount = _number(o.L), _number(o.Z)
    if o.t == "" or price is None or amount is None:
        return None
    price, amount = positive(price), positive(amount)
    return LastFill(trade_id=str(o.t), price=price, amount=amount, fee=_number(o.n), is_maker=o.m)


def _balance_update(body: bytes) -> Balances:
    found = _balances(body)
    return Balances(
        changed=tuple(
            Balance(currency=b.a.lower(), amount=parse_venue_decimal(b.c), available=parse_venue_decimal(b.f))
            for b in found.B
        )
    )


def _number(text: str) -> Decimal | None:
    return parse_venue_decimal(text) if text else None


_READERS: Final[Mapping[str, Callable[[bytes], Message]]] = {
    "depthUpdate": _depth,
    "levels": _partial_book,
    "bookTicker": _top,
    "trade": _public_trade,
    "balanceUpdate": _balance_update,
    **dict.fromkeys(ORDER_EVENTS, _order_update),
}
