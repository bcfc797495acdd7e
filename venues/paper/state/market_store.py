"""The durable side of the markets: last prices, candles, public trades, and single facts about the world."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from domain.instrument import Side
from domain.money import to_wire
from venues.paper.matching.candles import Bar
from venues.paper.matching.orders import Print


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldState:
    """What is to be written of the markets. `bars` are minutes, `wider` (symbol, minutes, candle)."""

    prices: Mapping[str, Decimal] = field(default_factory=dict)
    bars: Iterable[tuple[str, Bar]] = ()
    wider: Iterable[tuple[str, int, Bar]] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


class MarketStore:
    """One connection's view of it. Every write method runs inside the store's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def write(self, state: WorldState) -> None:
        """Write last prices, candles and facts."""
        self._db.executemany(
            "INSERT OR REPLACE INTO prices VALUES (?, ?)",
            [(name, to_wire(price)) for name, price in state.prices.items()],
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO candles VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(name, *bar) for name, bar in state.bars],
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO bars VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(name, minutes, *bar) for name, minutes, bar in state.wider],
        )
        self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", list(state.facts.items()))

    def write_prints(self, prints: Iterable[tuple[str, Print]]) -> None:
        """Write public trades."""
        self._db.executemany(
            "INSERT OR REPLACE INTO prints VALUES (?, ?, ?, ?, ?, ?)",
            [
                (symbol, trade.tid, trade.at_ms, to_wire(trade.price), to_wire(trade.amount), trade.side)
                for symbol, trade in prints
            ],
        )

    def drop_minutes_before(self, at_ms: int) -> None:
        """Forget the minutes that began before `at_ms`."""
        self._db.execute("DELETE FROM candles WHERE start_ms < ?", (at_ms,))

    def drop_wider_before(self, minutes: int, at_ms: int) -> None:
        """Forget the candles of one width that began before `at_ms`."""
        self._db.execute("DELETE FROM bars WHERE minutes = ? AND start_ms < ?", (minutes, at_ms))

    def drop_prints_before(self, symbol: str, tid: int) -> None:
        """Forget a market's public trades before one of them."""
        self._db.execute("DELETE FROM prints WHERE symbol = ? AND tid < ?", (symbol, tid))

    def prices(self) -> dict[str, Decimal]:
        """Return the last prices by symbol."""
        return {name: Decimal(price) for name, price in self._db.execute("SELECT * FROM prices")}

    def minutes(self, symbol: str, since_ms: int) -> list[Bar]:
        """Return the stored minutes of `symbol`, oldest first."""
        rows = self._db.execute(
            "SELECT start_ms, open, high, low, close, volume FROM candles "
            "WHERE symbol = ? AND start_ms >= ? ORDER BY start_ms",
            (symbol, since_ms),
        )
        return [Bar(*row) for row in rows]

    def wider(self, symbol: str, minutes: int, since_ms: int) -> list[Bar]:
        """Return the stored candles of one width, oldest first."""
        rows = self._db.execute(
            "SELECT start_ms, open, high, low, close, volume FROM bars "
            "WHERE symbol = ? AND minutes = ? AND start_ms >= ? ORDER BY start_ms",
            (symbol, minutes, since_ms),
        )
        return [Bar(*row) for row in rows]

    def prints(self, symbol: str, since_ms: int, limit: int) -> list[Print]:
        """Return the newest `limit` public trades of `symbol` since a time, oldest first."""
        rows = self._db.execute(
            "SELECT tid, at_ms, price, amount, side FROM prints WHERE symbol = ? AND at_ms >= ? "
            "ORDER BY tid DESC LIMIT ?",
            (symbol, since_ms, limit),
        )
        found = [
            Print(tid, at_ms, Decimal(price), Decimal(amount), Side(side))
            for tid, at_ms, price, amount, side in rows
        ]
        return found[::-1]

    def fact(self, name: str) -> str | None:
        """Return a named value, None when it was never written."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])
