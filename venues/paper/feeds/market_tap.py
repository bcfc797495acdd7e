"""What a watched market does, operation by operation, for every kind of market data socket.

A channel is one view of one market: it writes a frame once and hands it to all its readers. A tap collects
what an operation changed and shows it to the market's channels. Markets that nobody watches cost nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from venues.paper.feeds.intervals import Interval, Intervals
from venues.paper.feeds.mailbox import Mailbox
from venues.paper.matching.candles import Bar
from venues.paper.matching.market import Market
from venues.paper.matching.orders import Print

Levels = list[tuple[Decimal, Decimal]]
"""(price, new total) of levels; total 0 means gone."""


@dataclass(frozen=True, slots=True)
class MarketChange:
    """What one operation did to one market: trades in their order, then the levels that differ after it.

    `update_id` counts the operations that changed levels; it is the market's last one when none did. `bar` is
    the minute that is still open.
    """

    at_ms: int
    update_id: int
    bids: Levels
    asks: Levels
    prints: Sequence[Print]
    bar: Bar | None


class MarketTap:
    """One watched market and its channels, in the order in which they were first asked for."""

    def __init__(self, market: Market, intervals: Intervals, next_update_id: Callable[[], int]) -> None:
        self.market = market
        self.intervals = intervals
        self._next_update_id = next_update_id
        self.update_id = next_update_id()
        self.channels: dict[Hashable, Channel] = {}
        self._latest_bar = market.candles.latest
        forget_changes(market)

    def flow(self, prints: Sequence[Print]) -> None:
        """Show the channels what an operation did."""
        book, latest = self.market.book, self.market.candles.latest
        if not (prints or book.bids.changed or book.asks.changed) and latest is self._latest_bar:
            return
        self._latest_bar = latest
        bids, asks = book.bids.take_changes(), book.asks.take_changes()
        if bids or asks:
            self.update_id = self._next_update_id()
        change = MarketChange(self.intervals.now_ms(), self.update_id, bids, asks, prints, latest)
        for channel in self.channels.values():
            channel.show(change)


class Channel(ABC):
    """One view of one market; `interval` is what it still waits for."""

    def __init__(self, tap: MarketTap) -> None:
        self.tap = tap
        self.market = tap.market
        self.instrument = tap.market.instrument
        self.readers: dict[Mailbox, None] = {}
        self.interval: Interval | None = None

    def join(self, mailbox: Mailbox) -> None:
        """Send where the market stands, and every frame from now on."""
        self.readers[mailbox] = None

    @abstractmethod
    def show(self, change: MarketChange) -> None:
        """Send what of `change` this view has; it may be empty."""

    def close(self) -> None:
        """End what still runs once the last reader has left."""
        if self.interval is not None:
            self.interval.cancel()

    def send(self, frame: str) -> None:
        """Hand one frame to all readers."""
        for mailbox in self.readers:
            mailbox.put(frame)


def forget_changes(market: Market) -> None:
    """Drop the changed levels of a market that nobody watches, so that they do not pile up."""
    market.book.bids.changed.clear()
    market.book.asks.changed.clear()
