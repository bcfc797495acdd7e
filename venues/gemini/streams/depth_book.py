"""A book kept from a depth stream: the first frame is the book, the others change it without a gap.

The venue's page and what it sends disagree about `U`: seen were frames whose `U` is the `u` before, and the
page can be read as `U` = that `u` + 1. The first two changes after a snapshot decide; until they have, a
book with the second reading does not count as in sync.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Literal

from domain.market import Level
from venues.gemini.book import Book, BookError
from venues.gemini.parsing.wire import Change
from venues.gemini.streams.stream_wire import DepthWire, PriceSize

_NEAR_MISSES = 3
_FRESH = 3  # a book with so many changes behind it is fresh no more


class Outcome(Enum):
    """What a frame did."""

    APPLIED = auto()
    DROPPED = auto()  # it was known already, or nothing was asked for
    LOST = auto()  # a gap, a crossing or a price that makes no sense: ask for the book again


class Numbering:
    """How a connection counts: `starts_after` once it is clear that changes begin one past the last `u`.

    `near_misses` counts books in a row that were lost to just that, so that a third reading of the page
    cannot make us ask for a book for ever.
    """

    __slots__ = ("near_misses", "starts_after")

    def __init__(self) -> None:
        self.starts_after = False
        self.near_misses = 0

    def note_near_miss(self) -> None:
        """Note that a fresh book was lost although not one number was missing."""
        self.near_misses += 1
        self.starts_after = self.near_misses >= _NEAR_MISSES


class DepthBook:
    """One symbol's book. `why` says why it was lost last."""

    __slots__ = ("_book", "_changes", "_is_open", "_last", "_numbering", "synced", "why")

    def __init__(self) -> None:
        self._book = Book()
        self._numbering = Numbering()
        self._is_open = False
        self._last: int | None = None
        self._changes = 0
        self.synced = False
        self.why = ""

    def open(self, numbering: Numbering) -> None:
        """Expect a snapshot: the stream was asked for on the connection that counts by `numbering`."""
        self.close()
        self._is_open = True
        self._numbering = numbering

    def close(self) -> None:
        """Forget the book and drop every frame until `open`."""
        self._book.clear()
        self._is_open = self.synced = False
        self._last = None
        self._changes = 0

    def take(self, frame: DepthWire) -> Outcome:
        """Apply one frame."""
        if not self._is_open or (self._last is not None and frame.last <= self._last):
            return Outcome.DROPPED
        doubt = self._doubt(frame)
        if doubt:
            return self._lose(doubt)
        try:
            self._book.apply(_changes("buy", frame.bids))
            self._book.apply(_changes("sell", frame.asks))
        except BookError as error:
            return self._lose(str(error))
        if self._book.is_crossed:
            return self._lose("the book crossed")
        self._last = frame.last
        return Outcome.APPLIED

    def view(self, depth: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Return the best `depth` bids and asks, best first; both empty, and the book lost, if unreadable."""
        try:
            return self._book.view(depth)
        except BookError as error:
            self._lose(str(error))
            return (), ()

    def _doubt(self, frame: DepthWire) -> str:
        # Returns why the frame does not follow, "" when it does.
        last = self._last
        if last is None:
            self.synced = frame.first == frame.last
            return "" if self.synced else "the first frame was not the whole book"
        if frame.first > last + 1:
            return f"updates {last + 1} to {frame.first - 1} are missing"
        self._changes += 1
        if self._numbering.starts_after:
            self.synced = True
            return ""
        return self._doubt_of_next() if frame.first == last + 1 else self._doubt_of_overlap()

    def _doubt_of_overlap(self) -> str:
        if not self.synced:
            return "an update is missing"  # the change before was one too far on after all
        if self._changes > _FRESH:
            self._numbering.near_misses = 0
        return ""

    def _doubt_of_next(self) -> str:
        if self._changes == 1:
            self.synced = False
            return ""
        if self._changes == 2 and not self.synced:
            self._numbering.starts_after = self.synced = True
            return ""
        if self._changes <= _FRESH:
            self._numbering.note_near_miss()
        return "an update is missing"

    def _lose(self, why: str) -> Outcome:
        self.close()
        self.why = why
        return Outcome.LOST


def _changes(side: Literal["buy", "sell"], found: list[PriceSize]) -> list[Change]:
    return [(side, price, size) for price, size in found]
