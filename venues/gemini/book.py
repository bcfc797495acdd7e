"""An exact order book: scaled-integer prices, sorted once, the venue's own text kept until it is read.

Prices are scaled by 10^12, so two spellings of one price (`0.039`, `0.03900`) are one level. A level that
empties keeps its place until it reaches the top or the next sweep: near the top prices come and go all the
time, and setting a flag is cheaper than moving a sorted list.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Final

from domain.market import Level
from domain.money import parse_venue_decimal
from venues.gemini.parsing.wire import Change

_PLACES = 12
_PRICE = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,12}))?", re.ASCII)
_ZEROS: Final = frozenset({"0", *(f"0.{'0' * n}" for n in range(1, 25))})
_REMEMBERED = 8192  # prices a side that are remembered beyond twice those that stand
MAX_LEVELS: Final = 50_000
"""A side may not grow beyond this; no real book comes near."""


class BookError(ValueError):
    """A change that cannot be applied; the book is no longer known and must be fetched anew."""


class _Row:
    """A price that was seen. `size` is None while nothing stands there; `is_placed` means sorted in."""

    __slots__ = ("is_placed", "key", "price", "size")

    def __init__(self, key: int, price: str | None) -> None:
        self.key = key
        self.price = price
        self.size: str | None = None
        self.is_placed = False


_BELOW_ALL: Final = _Row(-(1 << 200), None)
"""The top of an empty side: below every price, and two of them never cross."""


class _Half(dict[str, _Row]):
    """One side: rows by the text of their price. Keys rise towards the best, so asks have negated ones."""

    __slots__ = ("_bound", "_order", "_rows", "_sign", "top")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._rows: dict[int, _Row] = {}
        self._order: list[int] = []
        self._bound = _REMEMBERED
        self.top = _BELOW_ALL

    def __missing__(self, price: str) -> _Row:
        found = _PRICE.fullmatch(price)
        if found is None:
            raise BookError(f"not a price: {price!r:.40}")
        if len(self) >= self._bound:
            self._sweep()
        whole, part = found.groups()
        key = self._sign * int(whole + (part or "").ljust(_PLACES, "0"))
        if key == 0:
            raise BookError("a price of zero")
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = _Row(key, price)
        self[price] = row
        return row

    def place(self, row: _Row) -> None:
        """Sort in a row that has a size now."""
        row.is_placed = True
        if row.key > self.top.key:
            self._order.append(row.key)
            self.top = row
        else:
            insort(self._order, row.key)
        if len(self._order) > MAX_LEVELS:
            self._sweep()

    def uncover(self) -> None:
        """Find the new top after the old one emptied."""
        order, rows = self._order, self._rows
        while order:
            row = rows[order[-1]]
            if row.size is not None:
                self.top = row
                return
            row.is_placed = False
            order.pop()
        self.top = _BELOW_ALL

    def standing(self) -> Iterator[tuple[str, str]]:
        """Yield price and size of each level, best first."""
        for key in reversed(self._order):
            row = self._rows[key]
            if row.size is not None and row.price is not None:
                yield row.price, row.size

    def _sweep(self) -> None:
        # Forgets all empty rows and all further spellings of a price.
        self._rows = {key: row for key in self._order if (row := self._rows[key]).size is not None}
        self._order = list(self._rows)
        if len(self._order) > MAX_LEVELS:
            raise BookError(f"more than {MAX_LEVELS} levels on one side")
        self._bound = 2 * len(self._order) + _REMEMBERED
        self.clear()
        self.update((row.price, row) for row in self._rows.values() if row.price is not None)


class Book:
    """One symbol's bids and asks, exact. Not safe for use by several threads."""

    __slots__ = ("_asks", "_bids")

    def __init__(self) -> None:
        self.clear()

    def apply(self, changes: Iterable[Change]) -> None:
        """Apply `(side, price, size)` triples: the size is the new total, any spelling of zero removes.

        Raises `BookError` for a price that makes no sense or a side that grows without end; the book is
        then partly changed and must be cleared. A malformed size shows when it is read.
        """
        for side, price, size in changes:
            half = self._bids if side == "buy" else self._asks
            row = half[price]
            if size in _ZEROS:
                row.size = None
                if row is half.top:
                    half.uncover()
            else:
                row.size = size
                if not row.is_placed:
                    half.place(row)

    def clear(self) -> None:
        """Forget everything."""
        self._bids, self._asks = _Half(1), _Half(-1)

    def best(self) -> tuple[str | None, str | None]:
        """Return best bid and best ask as the venue wrote them, None on an empty side. Constant time."""
        return self._bids.top.price, self._asks.top.price

    @property
    def is_crossed(self) -> bool:
        """Say whether the best bid is at or above the best ask, which means that changes were lost."""
        return self._bids.top.key + self._asks.top.key >= 0

    def view(self, depth: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Return the best `depth` bids and asks, best first. Raises `BookError` for a malformed size."""
        return _levels(self._bids, depth), _levels(self._asks, depth)

    def __len__(self) -> int:
        return sum(1 for half in (self._bids, self._asks) for _ in half.standing())


def _levels(half: _Half, depth: int) -> tuple[Level, ...]:
    top = islice(half.standing(), max(depth, 0))
    try:
        levels = tuple(Level(Decimal(price), parse_venue_decimal(size)) for price, size in top)
    except ValueError as error:
        raise BookError("a level without a readable size") from error
    if any(level.amount <= 0 for level in levels):
        raise BookError("a level whose size is not above zero")
    return levels
