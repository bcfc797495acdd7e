"""All own trades since a moment, from a venue that gives pages and does not say which end it cuts.

The pages say that results are newest first and that one pages forward from the highest timestamp seen. Both
hold only if a page that starts at a timestamp has the *oldest* records from there. If it has the newest
instead, nothing in the interface reaches the ones between, and all that is left is to say so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.clock import epoch_ms, from_epoch_ms
from domain.order import Fill

Page = Callable[[str | None, int, int], Awaitable[list[Fill]]]
"""Takes a symbol, a start in ms and a limit; returns fills oldest first."""


class Cut(StrEnum):
    """Which records a page with a start has when there are more than fit."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTrades:
    """Fills, oldest first. `gap` has the moments between which some may be missing, None when none can."""

    fills: tuple[Fill, ...]
    gap: tuple[datetime, datetime] | None


class TradeWalk:
    """Walks the pages. How the venue cuts is found out once, at the first page that is full."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.cut: Cut | None = None

    async def since(self, symbol: str | None, since_ms: int, limit: int) -> OwnTrades:
        """Return every fill at or after `since_ms` that the venue gives."""
        found: dict[tuple[str, str, str], Fill] = {}
        gap: tuple[datetime, datetime] | None = None
        cursor = since_ms
        while True:
            page = await self._page(symbol, cursor, limit)
            known = len(found)
            # Both sides of a trade with oneself have its id.
            found.update({(fill.symbol, fill.trade_id, fill.venue_order_id): fill for fill in page})
            if len(page) < limit:
                if len(found) == known:
                    break
                # A page may be short because the venue left something out, and not be the last.
                cursor = max(epoch_ms(page[-1].at), cursor)
                continue
            first, last = epoch_ms(page[0].at), epoch_ms(page[-1].at)
            if await self._cut_of(symbol, cursor, first, last) is Cut.NEWEST:
                # It may have been cut, and the rest cannot be asked for.
                gap = gap or (from_epoch_ms(since_ms), page[0].at)
                break
            if len(found) > known:
                cursor = max(last, cursor)
                continue
            # More trades in one millisecond than a page holds: step over it, and say so.
            gap = gap or (from_epoch_ms(since_ms) if self.cut is None else page[0].at, page[-1].at)
            if first < last:  # the venue minds no start at all
                break
            cursor = last + 1
        return OwnTrades(fills=_in_order(found.values()), gap=gap)

    async def _cut_of(self, symbol: str | None, start_ms: int, first: int, last: int) -> Cut | None:
        if self.cut is None and first < last:
            probe = await self._page(symbol, start_ms, 1)
            if probe:
                self.cut = Cut.OLDEST if epoch_ms(probe[0].at) <= first else Cut.NEWEST
        return self.cut


def _in_order(fills: Iterable[Fill]) -> tuple[Fill, ...]:
    return tuple(sorted(fills, key=lambda fill: (fill.at, int(fill.trade_id))))
