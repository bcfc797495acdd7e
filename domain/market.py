"""Market data inside the house: levels, books, quotes, trades and candles, all exact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from domain.instrument import Side
from domain.money import ZERO


class Level(NamedTuple):
    """One price level: `price` in quote per base, `amount` in base, always above zero."""

    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """The top of a book as seen at one moment.

    `bids` fall and `asks` rise. `age_s` counts from the last frame of a socket in sync, heartbeat
    included; None means that no frame was ever seen. `synced` is False from a cut until the next snapshot.
    """

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    age_s: float | None
    synced: bool

    @property
    def bid(self) -> Decimal | None:
        """Return the best bid, None on an empty side."""
        return self.bids[0].price if self.bids else None

    @property
    def ask(self) -> Decimal | None:
        """Return the best ask, None on an empty side."""
        return self.asks[0].price if self.asks else None

    @property
    def mid(self) -> Decimal | None:
        """Return the middle of best bid and ask, None unless both stand."""
        if self.bid is None or self.ask is None:
            return None
        return (self.bid + self.ask) / 2

    @property
    def spread_pct(self) -> Decimal | None:
        """Return (ask - bid) / mid in per cent, None unless both stand."""
        if self.bid is None or self.ask is None or not self.mid:
            return None
        return (self.ask - self.bid) / self.mid * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTrade:
    """A trade somebody made; `side` is the taker's."""

    symbol: str
    price: Decimal
    amount: Decimal
    side: Side
    at: datetime
    trade_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """Open, high, low, close in quote per base; volume in base; `start` is the opening time."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPrice:
    """The price at which a perpetual's positions are valued; `index` is the spot index, None if not told."""

    symbol: str
    price: Decimal
    index: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """What a perpetual's longs pay its shorts at `due`, in quote a contract; negative the other way round.

    An estimate until `is_realized`. `interval_min`, `rate` and `mark_price` are None when not told.
    """

    symbol: str
    amount: Decimal
    at: datetime
    due: datetime
    is_realized: bool
    interval_min: int | None = None
    rate: Decimal | None = None
    mark_price: Decimal | None = None
