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


_Side = tuple[dict[str, int], dict[int, Change], list[int]]
"""Keys by price text, changes by key, and the sorted keys. Asks have negated keys, so best is last."""


def _empty() -> tuple[_Side, _Side]:
    return ({}, {}, []), ({}, {}, [])


def _key(memo: dict[str, int], side: str, price: str) -> int:
    found = _PRICE.fullmatch(price)
    if found is None:
        raise BookError(f"not a price: {price!r:.40}")
    whole, part = found.groups()
    key = int(whole + (part or "").ljust(_PLACES, "0"))
    if len(memo) >= _REMEMBERED:
        memo.clear()
    memo[price] = key if side == "buy" else -key
    return memo[price]


class Book:
    """One symbol's bids and asks, exact. Not safe for use by several threads."""

    __slots__ = ("_sides",)

    def __init__(self) -> None:
        self._sides = _empty()

    def apply(self, changes: Iterable[Change]) -> None:
        """Apply `(side, price, size)` triples: the size is the new total, any spelling of zero removes.

        Raises `BookError` for a price that makes no sense or a side that grows without end; the book is
        then partly changed and must be cleared. A malformed size shows when it is read.
        """
        bids, asks = self._sides
        for change in changes:
            side, price, size = change
            memo, known, keys = bids if side == "buy" else asks
            try:
                key = memo[price]
            except KeyError:
                key = _key(memo, side, price)
            if size in _ZEROS:
                if key in known:
                    del known[key]
                    del keys[bisect_left(keys, key)]
            elif key in known:
                known[key] = change
            elif len(keys) < MAX_LEVELS:
                known[key] = change
                insort(keys, key)
            else:
                raise BookError(f"more than {MAX_LEVELS} levels on one side")

    def clear(self) -> None:
        """Forget everything."""
        self._sides = _empty()

    def best(self) -> tuple[str | None, str | None]:
        """Return best bid and best ask as the venue wrote them, None on an empty side. Constant time."""
        (_, bids, bid_keys), (_, asks, ask_keys) = self._sides
        return (
            bids[bid_keys[-1]][1] if bid_keys else None,
            asks[ask_keys[-1]][1] if ask_keys else None,
        )

    @property
    def is_crossed(self) -> bool:
        """Say whether the best bid is at or above the best ask, which means that changes were lost."""
        (_, _, bids), (_, _, asks) = self._sides
        return bool(bids) and bool(asks) and bids[-1] + asks[-1] >= 0

    def view(self, depth: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Return the best `depth` bids and asks, best first. Raises `BookError` for a malformed size."""
        bids, asks = self._sides
        return _levels(bids, depth), _levels(asks, depth)

    def __len__(self) -> int:
        return sum(len(keys) for _, _, keys in self._sides)


def _levels(side: _Side, depth: int) -> tuple[Level, ...]:
    if depth <= 0:
        return ()
    _, changes, keys = side
    top = [changes[key] for key in reversed(keys[-depth:])]
    try:
        levels = tuple(Level(Decimal(price), parse_venue_decimal(size)) for _, price, size in top)
    except ValueError as error:
        raise BookError("a level without a readable size") from error
    if any(level.amount <= 0 for level in levels):
        raise BookError("a level whose size is not above zero")
    return levels
