"""An exact order book: scaled-integer prices, sorted once, the venue's own text kept until it is read.

Each side is a sorted list of integer keys with the best last, and a dictionary from key to the change that
set the level. Prices are scaled by 10^12, so two spellings of one price (`0.039`, `0.03900`) are one level.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from domain.market import Level
from domain.money import parse_venue_decimal
from venues.gemini.wire import Change

_PLACES = 12
_PRICE = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,12}))?", re.ASCII)
_ZEROS: Final = frozenset({"0", *(f"0.{'0' * n}" for n in range(1, 25))})
_REMEMBERED = 8192  # prices whose key is remembered, a side
MAX_LEVELS: Final = 50_000
"""A side may not grow beyond this; no real book comes near."""


class BookError(ValueError):
    """A change that cannot be applied; the book is no longer known and must be fetched anew."""


class _Side:
    __slots__ = ("changes", "keys", "memo", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign  # asks have negated keys, so that the best is last on both sides
        self.keys: list[int] = []
        self.changes: dict[int, Change] = {}
        self.memo: dict[str, int] = {}

    def key(self, price: str) -> int:
        found = _PRICE.fullmatch(price)
        if found is None:
            raise BookError(f"not a price: {price!r:.40}")
        whole, part = found.groups()
        key = self.sign * int(whole + (part or "").ljust(_PLACES, "0"))
        if len(self.memo) >= _REMEMBERED:
            self.memo.clear()
        self.memo[price] = key
        return key


class Book:
    """One symbol's bids and asks, exact. Not safe for use by several threads."""

    __slots__ = ("_asks", "_bids")

    def __init__(self) -> None:
        self._bids = _Side(1)
        self._asks = _Side(-1)

    def apply(self, changes: Iterable[Change]) -> None:
        """Apply `(side, price, size)` triples: the size is the new total, any spelling of zero removes.

        Raises `BookError` for a side or price that makes no sense or a side that grows without end; the
        book is then partly changed and must be cleared. A malformed size shows when it is read.
        """
        bids, asks = self._bids, self._asks
        for change in changes:
            word, price, size = change
            side = bids if word == "buy" else asks
            key = side.memo.get(price)
            if key is None:
                if word not in {"buy", "sell"}:
                    raise BookError(f"not a side: {word!r:.40}")
                key = side.key(price)
            known = side.changes
            if size in _ZEROS:
                if key in known:
                    del known[key]
                    keys = side.keys
                    del keys[bisect_left(keys, key)]
            elif key in known:
                known[key] = change
            else:
                known[key] = change
                insort(side.keys, key)
        if len(bids.keys) > MAX_LEVELS or len(asks.keys) > MAX_LEVELS:
            raise BookError(f"more than {MAX_LEVELS} levels on one side")

    def clear(self) -> None:
        """Forget everything."""
        self._bids = _Side(1)
        self._asks = _Side(-1)

    def best(self) -> tuple[str | None, str | None]:
        """Return best bid and best ask as the venue wrote them, None on an empty side. Constant time."""
        bids, asks = self._bids, self._asks
        return (
            bids.changes[bids.keys[-1]][1] if bids.keys else None,
            asks.changes[asks.keys[-1]][1] if asks.keys else None,
        )

    @property
    def is_crossed(self) -> bool:
        """Say whether the best bid is at or above the best ask, which means that changes were lost."""
        bids, asks = self._bids.keys, self._asks.keys
        return bool(bids) and bool(asks) and bids[-1] + asks[-1] >= 0

    def view(self, depth: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Return the best `depth` bids and asks, best first. Raises `BookError` for a malformed size."""
        return _levels(self._bids, depth), _levels(self._asks, depth)

    def __len__(self) -> int:
        return len(self._bids.keys) + len(self._asks.keys)


def _levels(side: _Side, depth: int) -> tuple[Level, ...]:
    if depth <= 0:
        return ()
    top = [side.changes[key] for key in reversed(side.keys[-depth:])]
    try:
        levels = tuple(Level(Decimal(price), parse_venue_decimal(size)) for _, price, size in top)
    except ValueError as error:
        raise BookError("a level without a readable size") from error
    if any(level.amount <= 0 for level in levels):
        raise BookError("a level whose size is not above zero")
    return levels
