"""Is the live book the exchange's book? Its top is held against a REST snapshot.

The snapshot is of some moment between question and answer, so a level counts as different only if the live
book held still there all the while, and only if that shows time after time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from domain.instrument import Side
from domain.market import BookView, Level
from domain.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One price at which the books disagree; an amount of 0 means that nothing stands there."""

    side: Side
    price: Decimal
    live: Decimal
    rest: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookCheck:
    """What a check found. `was_synced` False: the live book was not in sync, and nothing was compared."""

    symbol: str
    was_synced: bool
    differences: tuple[Difference, ...]
    tries: int

    @property
    def is_good(self) -> bool:
        """Say whether the books agree."""
        return self.was_synced and not self.differences


async def check_book(
    live: Callable[[int], BookView],
    fetch: Callable[[int], Awaitable[BookView]],
    *,
    depth: int = 10,
    tries: int = 3,
    pause_s: float = 1.0,
) -> BookCheck:
    """Compare the best `depth` levels of `live(depth)` with those of `fetch(depth)`, a REST snapshot.

    Tries again after `pause_s` while they differ, and reports what differed every time. Raises what `fetch`
    raises.
    """
    lasting: set[tuple[Side, Decimal]] | None = None
    found: tuple[Difference, ...] = ()
    for attempt in range(1, tries + 1):
        before = live(depth)
        rest = await fetch(depth)
        after = live(depth)
        if not (before.synced and after.synced):
            return BookCheck(symbol=before.symbol, was_synced=False, differences=(), tries=attempt)
        now = {(d.side, d.price): d for d in differences(before, after, rest)}
        lasting = set(now) if lasting is None else lasting & set(now)
        found = tuple(now[key] for key in now if key in lasting)
        if not found or attempt == tries:
            break
        await asyncio.sleep(pause_s)
    return BookCheck(symbol=before.symbol, was_synced=True, differences=found, tries=attempt)


def differences(before: BookView, after: BookView, rest: BookView) -> list[Difference]:
    """Return where `rest` is neither what the live book was before nor after, though it held still.

    Only prices that both tops reach down to are compared.
    """
    return [
        *_of_side(Side.BUY, before.bids, after.bids, rest.bids),
        *_of_side(Side.SELL, before.asks, after.asks, rest.asks),
    ]


def _of_side(
    side: Side, before: tuple[Level, ...], after: tuple[Level, ...], rest: tuple[Level, ...]
) -> list[Difference]:
    tops = [dict(levels) for levels in (before, after, rest)]
    sign = 1 if side is Side.BUY else -1
    reach = max((min(sign * price for price in top) for top in tops if top), default=ZERO)
    prices = {price for top in tops for price in top if sign * price >= reach}
    found = []
    for price in sorted(prices, key=lambda p: -sign * p):
        was, is_now, told = (top.get(price, ZERO) for top in tops)
        if was == is_now != told:
            found.append(Difference(side=side, price=price, live=is_now, rest=told))
    return found
