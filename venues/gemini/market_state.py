"""What is known of one symbol from `/v2/marketdata`: its book, trades, candles, mark price and funding."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from domain.market import Candle, Funding, MarkPrice, PublicTrade
from venues.gemini.book import Book
from venues.gemini.parsing.parse import socket_trade
from venues.gemini.parsing.wire import SocketTradeWire

_TRADES_KEPT = 200
_CANDLES_KEPT = 1500
SIDES: Final = frozenset({"buy", "sell"})
"""Trades of other sides are auctions and blocks, which have no taker."""


class Market:
    """One symbol. `heard` has the time of the last frame by kind: `l2`, `trade`, `candles_1m`, ...

    `synced` is False from a cut, or a loss that showed, until the next snapshot.
    """

    __slots__ = (
        "asked_at",
        "book",
        "candles",
        "funding",
        "heard",
        "mark_price",
        "symbol",
        "synced",
        "trades",
    )

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.book = Book()
        self.synced = False
        self.asked_at = 0.0
        self.heard: dict[str, float] = {}
        self.trades: deque[PublicTrade] = deque(maxlen=_TRADES_KEPT)
        self.candles: dict[str, dict[datetime, Candle]] = {}
        self.mark_price: MarkPrice | None = None
        self.funding: Funding | None = None

    def lose(self) -> None:
        """Forget the book: it is no longer known."""
        self.synced = False
        self.book.clear()

    def take_trade(self, found: SocketTradeWire) -> bool:
        """Keep a trade as it happens; False for one without a taker."""
        if found.side not in SIDES:
            return False
        self.trades.append(socket_trade(found))
        return True

    def take_history(self, found: list[SocketTradeWire] | msgspec.UnsetType) -> None:
        """Keep the trades of a snapshot that were not seen yet."""
        if isinstance(found, msgspec.UnsetType):
            return
        read = [socket_trade(trade) for trade in found if trade.side in SIDES]
        known = {trade.trade_id for trade in self.trades}
        # Newest first in old captures, oldest first today.
        read.sort(key=lambda trade: (trade.at, int(trade.trade_id)))
        self.trades.extend(trade for trade in read if trade.trade_id not in known)

    def take_candles(self, width: str, changed: Iterable[Candle]) -> None:
        """Keep candles, oldest first; one that is known is replaced."""
        kept = self.candles.setdefault(width, {})
        kept.update((candle.start, candle) for candle in changed)
        if len(kept) > _CANDLES_KEPT:
            newest = sorted(kept)[-_CANDLES_KEPT:]
            self.candles[width] = {start: kept[start] for start in newest}
