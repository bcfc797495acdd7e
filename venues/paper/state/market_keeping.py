"""What of the markets goes to disk, and when: trades with the next stored operation, the rest in rounds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from venues.paper.matching.candles import DAY_MS, KEPT_MINUTES, MINUTE_MS, WINDOWS
from venues.paper.matching.engine import Batch, Engine
from venues.paper.matching.orders import Print
from venues.paper.state.market_store import MarketStore, WorldState

PRINTS_DAYS = 7
_HOUR_MS = 60 * MINUTE_MS


class MarketKeeper:
    """Writes for one exchange. It keeps nothing until it `is_on`: a replay begins anew at each start."""

    def __init__(self, store: MarketStore) -> None:
        self.is_on = False
        self._store = store
        self._prints: list[tuple[str, Print]] = []
        self._dropped_ms = 0

    def note(self, batch: Batch) -> None:
        """Remember the public trades of an operation."""
        if self.is_on:
            self._prints += batch.prints

    def flush(self) -> None:
        """Write the trades noted so far; inside a transaction."""
        if self._prints:
            self._store.write_prints(self._prints)
            self._prints = []

    def save(
        self, engine: Engine, prices: Mapping[str, Decimal], facts: Mapping[str, str], now_ms: int
    ) -> None:
        """Write prices, candles, trades and facts, and drop what is too old; inside a transaction."""
        if not self.is_on:
            self._store.write(WorldState(facts=facts))
            return
        markets = engine.markets.items()
        bars = [(symbol, bar) for symbol, market in markets for bar in market.candles.recent()]
        wider = [(symbol, *closed) for symbol, market in markets for closed in market.candles.take_closed()]
        self._store.write(WorldState(prices=prices, bars=bars, wider=wider, facts=facts))
        self.flush()
        if now_ms - self._dropped_ms >= _HOUR_MS:
            self._dropped_ms = now_ms
            self._drop(engine, now_ms)

    def _drop(self, engine: Engine, now_ms: int) -> None:
        self._store.drop_minutes_before(now_ms - KEPT_MINUTES * MINUTE_MS)
        for width, window in WINDOWS.items():
            self._store.drop_wider_before(width, now_ms - window * MINUTE_MS)
        for symbol, market in engine.markets.items():
            kept = next(
                (trade for trade in market.prints if trade.at_ms >= now_ms - PRINTS_DAYS * DAY_MS), None
            )
            if kept is not None:
                self._store.drop_prints_before(symbol, kept.tid)
