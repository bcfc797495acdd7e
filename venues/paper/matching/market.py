"""One market of the engine, what may be done in it, and what an operation changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from domain.instrument import InstrumentStatus
from domain.order import OrderEventType
from venues.paper.matching.book import OrderBook
from venues.paper.matching.candles import CandleSeries
from venues.paper.matching.ledger import Account
from venues.paper.matching.listings import Listing
from venues.paper.matching.orders import Execution, Order, Print

KEPT_PRINTS = 2000
"""Public trades kept of each market; on disk as many, and none older than a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """What a trading status allows. Cancelling is always allowed."""

    enters: bool
    """New orders are taken."""
    takes: bool
    """New orders may trade with what rests; where not, a limit order is treated as maker-or-cancel."""
    has_market_orders: bool
    keeps: bool
    """What rests stays; where not, it is cancelled when the status comes."""


PERMITS: Final[Mapping[InstrumentStatus, Permits]] = MappingProxyType(
    {
        InstrumentStatus.OPEN: Permits(enters=True, takes=True, has_market_orders=True, keeps=True),
        InstrumentStatus.LIMIT_ONLY: Permits(enters=True, takes=True, has_market_orders=False, keeps=True),
        InstrumentStatus.POST_ONLY: Permits(enters=True, takes=False, has_market_orders=False, keeps=True),
        InstrumentStatus.CANCEL_ONLY: Permits(enters=False, takes=False, has_market_orders=False, keeps=True),
        InstrumentStatus.CLOSED: Permits(enters=False, takes=False, has_market_orders=False, keeps=False),
    }
)
"""The venue names the statuses without saying more; what they mean is a rule of this exchange."""


class Market:
    """One instrument: its book, waiting stops, last price, recent prints and candles."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.instrument = listing.instrument
        self.symbol = listing.symbol
        self.book = OrderBook()
        self.stops: dict[int, Order] = {}
        self.last = listing.start_price
        self.status = listing.instrument.status
        self.prints: deque[Print] = deque(maxlen=KEPT_PRINTS)
        self.candles = CandleSeries(listing.instrument.price_tick, listing.instrument.amount_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that happened to a customer's order; `order` is a copy as it stood then."""

    kind: OrderEventType
    order: Order
    event_id: int
    at_ms: int
    execution: Execution | None = None
    command_id: int | None = None


@dataclass(slots=True, kw_only=True)
class Batch:
    """What one operation changed and has not been stored or published yet."""

    orders: dict[int, Order] = field(default_factory=dict)
    accounts: set[Account] = field(default_factory=set)
    executions: list[Execution] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    prints: list[tuple[str, Print]] = field(default_factory=list)

    @property
    def needs_storing(self) -> bool:
        """Say whether a customer's books changed."""
        return bool(self.orders or self.accounts or self.executions)
