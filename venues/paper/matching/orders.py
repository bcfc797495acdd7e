"""Orders, executions and public prints inside the exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from domain.instrument import Side
from domain.money import BPS, ZERO
from domain.order import ExecutionOption, OrderType

if TYPE_CHECKING:
    from venues.paper.matching.ledger import Account


class CancelReason(StrEnum):
    """Why an order was cancelled; a value on a 200 answer, never an error."""

    MAKER_WOULD_TAKE = "MakerOrCancelWouldTake"
    IMMEDIATE_WOULD_POST = "ImmediateOrCancelWouldPost"
    FILL_OR_KILL = "FillOrKillWouldNotFill"
    PRICE_LIMITS = "ExceedsPriceLimits"
    SELF_CROSS = "SelfCrossPrevented"
    REQUESTED = "Requested"
    MARKET_CLOSED = "MarketClosed"
    TRADING_CLOSED = "TradingClosed"


class MarketType(StrEnum):
    """Orders without a limit of their own, under the names that the wire shows; REST takes none of them."""

    BUY = "market buy"
    SELL = "market sell"


class Print(NamedTuple):
    """A public trade; `side` is the taker's, `at_ms` the exchange's own time."""

    tid: int
    at_ms: int
    price: Decimal
    amount: Decimal
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A new order whose every field has been checked against the instrument.

    The engine sets the `price` of a market order: the worst one that the collar lets it trade at.
    """

    symbol: str
    side: Side
    type: OrderType | MarketType
    amount: Decimal
    price: Decimal
    option: ExecutionOption | None = None
    stop_price: Decimal | None = None
    client_order_id: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """An order and what became of it so far. `remaining` is in base, `notional` in quote (sum of fills).

    The fee rates are those of the account when the order was accepted, so that its hold always covers them.
    `api_session` is the key that placed it. `is_triggered` matters for stop-limit orders only.
    """

    id: int
    account: Account
    symbol: str
    side: Side
    type: OrderType | MarketType
    price: Decimal
    amount: Decimal
    remaining: Decimal
    created_ms: int
    option: ExecutionOption | None = None
    stop_price: Decimal | None = None
    client_order_id: str | None = None
    api_session: str = ""
    notional: Decimal = ZERO
    maker_bps: Decimal = ZERO
    taker_bps: Decimal = ZERO
    is_live: bool = True
    is_triggered: bool = False
    reason: str | None = None
    held: Decimal = field(default=ZERO)

    def __copy__(self) -> Order:
        # Each event carries one: the library's way of copying took a third of a match's time.
        twin = object.__new__(Order)
        for name in Order.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin

    @property
    def is_buy(self) -> bool:
        """Say whether it buys the base currency."""
        return self.side is Side.BUY

    @property
    def is_market(self) -> bool:
        """Say whether it takes what there is, without a limit of its own."""
        return isinstance(self.type, MarketType)

    @property
    def executed(self) -> Decimal:
        """Return the filled amount in base."""
        return self.amount - self.remaining

    @property
    def is_waiting(self) -> bool:
        """Say whether it is a stop whose trigger has not been reached."""
        return self.type is OrderType.STOP_LIMIT and not self.is_triggered

    def needed_hold(self) -> Decimal:
        """Return what must be held for the rest: base for a sell, quote with the taker fee for a buy."""
        if not self.is_buy:
            return self.remaining
        return self.remaining * self.price * (1 + self.taker_bps / BPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One side of a trade, as its owner sees it. `fee` is in the quote currency."""

    tid: int
    order_id: int
    account: str
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    is_maker: bool
    at_ms: int
    notional_usd: Decimal
    client_order_id: str | None
