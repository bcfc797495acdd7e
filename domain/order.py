"""Orders: what is wanted, what would be sent, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.ids import ClientOrderId
from domain.instrument import Instrument, Side


class OrderType(StrEnum):
    """Gemini's order types; there are no market orders over REST."""

    LIMIT = "exchange limit"
    STOP_LIMIT = "exchange stop limit"


class ExecutionOption(StrEnum):
    """At most one of these on a limit order."""

    MAKER_OR_CANCEL = "maker-or-cancel"
    IMMEDIATE_OR_CANCEL = "immediate-or-cancel"
    FILL_OR_KILL = "fill-or-kill"


class Purpose(StrEnum):
    """Why an order is wanted; decides which economic rule it must meet."""

    ENTRY = "entry"
    TAKE_PROFIT = "take_profit"
    REDUCE = "reduce"
    STOP = "stop"


class Origin(StrEnum):
    """Who wanted the order; stamped by the desk from the token, never from the request's text."""

    PERSON = "person"
    MODEL = "model"
    AGENT = "agent"
    KILL = "kill"


class OrderState(StrEnum):
    """The desk's own view. `UNKNOWN` counts as live until the venue proves otherwise."""

    SENDING = "sending"
    OPEN = "open"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    NEVER_ARRIVED = "never_arrived"

    @property
    def is_live(self) -> bool:
        """Say whether it may still trade."""
        return self in {OrderState.SENDING, OrderState.OPEN, OrderState.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """What is wanted and why. Never bytes, never a host. Exactly one of `amount` and `notional_usd`."""

    symbol: str
    side: Side
    amount: Decimal | None = None
    notional_usd: Decimal | None = None
    price: Decimal | None = None
    order_type: OrderType = OrderType.LIMIT
    option: ExecutionOption | None = None
    stop_price: Decimal | None = None
    purpose: Purpose | None = None
    expected_exit: Decimal | None = None
    rationale: str = ""
    mandate_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """The exact order that would be sent: rounded, with its own id. `notional_usd` is at the limit price."""

    instrument: Instrument
    side: Side
    amount: Decimal
    price: Decimal
    order_type: OrderType
    option: ExecutionOption | None
    stop_price: Decimal | None
    purpose: Purpose
    expected_exit: Decimal | None
    origin: Origin
    client_order_id: ClientOrderId
    notional_usd: Decimal
    fee_usd: Decimal
    mandate_id: str | None = None

    @property
    def symbol(self) -> str:
        """Return the wire symbol."""
        return self.instrument.symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution. `fee` is in `fee_currency` (the quote on Gemini); `fee_usd` at the time of the fill."""

    trade_id: str
    venue_order_id: str
    client_order_id: ClientOrderId | None
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    is_maker: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order as the venue reports it; ids stay text because they pass 2^53."""

    venue_order_id: str
    client_order_id: ClientOrderId | None
    symbol: str
    side: Side
    order_type: OrderType
    price: Decimal
    original_amount: Decimal
    executed_amount: Decimal
    remaining_amount: Decimal
    average_price: Decimal
    is_live: bool
    is_cancelled: bool
    reason: str | None
    option: ExecutionOption | None
    stop_price: Decimal | None
    at: datetime


class OrderEventType(StrEnum):
    """What the order-events socket can say about an order."""

    INITIAL = "initial"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    BOOKED = "booked"
    FILL = "fill"
    CANCELLED = "cancelled"
    CANCEL_REJECTED = "cancel_rejected"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One event of the order-events socket; `fill` only on fills."""

    type: OrderEventType
    order: VenueOrder
    event_id: str | None
    fill: Fill | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One currency at the venue; `available` is `amount` less holds."""

    currency: str
    amount: Decimal
    available: Decimal
