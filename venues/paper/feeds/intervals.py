"""Calls that are due later: by the exchange's own time when that is virtual, else by the wall.

In virtual time nothing is due until an operation moves the time on, so that the same requests give the same
frames. On the wall a client's five seconds are five seconds, whatever the exchange's speed.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from decimal import localcontext

from domain.money import CONTEXT
from venues.paper.world.timeline import Timeline

KEPT_CANCELLED = 1024


class Interval:
    """One call that is due once or, with a `period_ms`, again and again; `cancel` ends it."""

    __slots__ = ("_call", "_handle", "_period_ms", "_timers", "due_ms", "is_cancelled")

    def __init__(
        self, timers: Intervals, delay_ms: int, call: Callable[[], None], period_ms: int | None
    ) -> None:
        self._timers = timers
        self._period_ms = period_ms
        self._call = call
        self._handle: asyncio.TimerHandle | None = None
        self.is_cancelled = False
        self.due_ms = timers.clock_ms() + delay_ms
        self._wait()

    def cancel(self) -> None:
        """Never call again, and let go of what would have been called: virtual time may stand still."""
        if self.is_cancelled:
            return
        self.is_cancelled = True
        self._timers.note_cancelled()
        self._call = _nothing
        if self._handle is not None:
            self._handle.cancel()

    def fire(self) -> None:
        """Call, and wait for the next turn."""
        if self.is_cancelled:
            return
        if self._period_ms is not None:
            # From the last turn on, not from now: the beat does not drift. Turns slept through are left out.
            late_ms = max(0, self._timers.clock_ms() - self.due_ms)
            self.due_ms += (late_ms // self._period_ms + 1) * self._period_ms
            self._wait()
        with localcontext(CONTEXT):
            self._call()

    def _wait(self) -> None:
        self._handle = self._timers.wait(self)


class Intervals:
    """All of them. In virtual time `run_due` must be called after each operation."""

    def __init__(self, timeline: Timeline) -> None:
        self.now_ms = timeline.now_ms
        self._is_virtual = timeline.is_virtual
        self._waiting: list[tuple[int, int, Interval]] = []
        self._count = 0
        self._cancelled = 0

    def every(self, ms: int, call: Callable[[], None], *, on_grid: bool = False) -> Interval:
        """Call after every `ms` milliseconds, or `on_grid` at every multiple of them."""
        return Interval(self, ms - self.now_ms() % ms if on_grid else ms, call, ms)

    def at_next(self, ms: int, call: Callable[[], None]) -> Interval:
        """Call once, when the exchange's time next is a multiple of `ms` milliseconds; that may be now."""
        return Interval(self, -self.now_ms() % ms, call, None)

    def clock_ms(self) -> int:
        """Return the time by which all of this goes."""
        return self.now_ms() if self._is_virtual else int(asyncio.get_running_loop().time() * 1000)

    def wait(self, interval: Interval) -> asyncio.TimerHandle | None:
        """See to it that an interval fires at its `due_ms`; equal times in the order they were set."""
        if not self._is_virtual:
            return asyncio.get_running_loop().call_at(interval.due_ms / 1000, interval.fire)
        self._count += 1
        heapq.heappush(self._waiting, (interval.due_ms, self._count, interval))
        return None

    def note_cancelled(self) -> None:
        """Drop those that are cancelled once they are many: while time stands still none of them comes up."""
        self._cancelled += 1
        if self._cancelled > KEPT_CANCELLED:
            self._cancelled = 0
            self._waiting = [each for each in self._waiting if not each[2].is_cancelled]
            heapq.heapify(self._waiting)

    def run_due(self) -> None:
        """Make the calls that are due by now in virtual time."""
        if not self._waiting:
            return
        now_ms = self.now_ms()
        while self._waiting and self._waiting[0][0] <= now_ms:
            heapq.heappop(self._waiting)[2].fire()


def _nothing() -> None:
    return
