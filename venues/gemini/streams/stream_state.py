"""What the new WebSocket API told of one symbol."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from domain.market import BookView, PublicTrade
from venues.gemini.streams.depth_book import DepthBook
from venues.gemini.streams.stream_parse import PartialBook, Top

_TRADES_KEPT = 200


class StreamMarket:
    """One symbol: the book that is followed, the levels that are sent whole, the best prices, the trades."""

    __slots__ = ("_numbers", "book", "partial", "symbol", "top", "trades")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.book: DepthBook | None = None
        self.partial: BookView | None = None
        self.top: BookView | None = None
        self._numbers: dict[type, int] = {}
        self.trades: deque[PublicTrade] = deque(maxlen=_TRADES_KEPT)

    def forget(self) -> None:
        """Forget what holds only on a live connection; trades stay true."""
        self.partial = self.top = None
        self._numbers.clear()
        if self.book is not None:
            self.book.close()

    def take(self, told: Top | PartialBook) -> bool:
        """Keep what was told whole; False for what is older than what is known of its kind."""
        if told.number < self._numbers.get(type(told), told.number):
            return False
        self._numbers[type(told)] = told.number
        if isinstance(told, Top):
            self.top = told.view
        else:
            self.partial = told.view
        return True

    def view(self, depth: int, age_s: float | None) -> BookView:
        """Return the fullest book there is: the followed one, else the whole levels, else the best prices."""
        if self.book is not None:
            bids, asks = self.book.view(depth)
            return BookView(symbol=self.symbol, bids=bids, asks=asks, age_s=age_s, synced=self.book.synced)
        found = self.partial or self.top
        if found is None:
            return BookView(symbol=self.symbol, bids=(), asks=(), age_s=age_s, synced=False)
        depth = max(depth, 0)
        return replace(
            found, symbol=self.symbol, bids=found.bids[:depth], asks=found.asks[:depth], age_s=age_s
        )
