"""Faults on demand: what is armed, and when each of them strikes.

Chance comes from the plan's seed and the fault's own number, and windows from the exchange's time, so that
the same faults, requests and seed fail in the same way. An exchange that was started without faults never
arms one: `is_open` stays False and nothing here costs more than a look at an empty list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from venues.paper.faults.fault_file import FaultPlan, StatusChange
from venues.paper.faults.fault_kinds import (
    ClockSkew,
    DuplicateIds,
    RequestFault,
    Stream,
    StreamFault,
)
from venues.paper.faults.frame_faults import Channel
from venues.paper.faults.strikes import Armed, Strikes
from venues.paper.matching.refusals import invalid_parameter

MOST_ARMED = 200

_NONE = Strikes()


class Faults:
    """All faults of one exchange."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.is_open = False
        self._now_ms = now_ms
        self._armed: list[Armed] = []
        self._statuses: list[tuple[int, StatusChange]] = []
        self._numbers = 0

    def arm(self, plan: FaultPlan) -> list[int]:
        """Put a plan's faults and status changes in force and return the faults' numbers."""
        if len(self._armed) + len(plan.faults) > MOST_ARMED:
            raise invalid_parameter(f"At most {MOST_ARMED} faults can be armed; clear some first")
        if len(self._statuses) + len(plan.statuses) > MOST_ARMED:
            raise invalid_parameter(f"At most {MOST_ARMED} statuses can wait for their time")
        self.is_open = True
        now_ms = self._now_ms()
        for fault in plan.faults:
            self._numbers += 1
            self._armed.append(Armed(self._numbers, fault, plan.seed, now_ms))
        self._statuses += [(now_ms + change.at_ms, change) for change in plan.statuses]
        return [armed.number for armed in self._armed[len(self._armed) - len(plan.faults) :]]

    def clear(self, number: int | None = None) -> int:
        """Take one fault, or all of them, out of force; return how many went."""
        kept = [] if number is None else [armed for armed in self._armed if armed.number != number]
        gone = len(self._armed) - len(kept)
        self._armed = kept
        return gone

    def armed(self) -> list[Armed]:
        """Return what is in force, oldest first."""
        return list(self._armed)

    def due_statuses(self) -> list[StatusChange]:
        """Return the status changes whose time has come; each comes once."""
        if not self._statuses:
            return []
        now_ms = self._now_ms()
        due = [change for at_ms, change in self._statuses if at_ms <= now_ms]
        self._statuses = [(at_ms, change) for at_ms, change in self._statuses if at_ms > now_ms]
        return due

    # Requests

    def request(self, path: str) -> Strikes:
        """Count a request to `path` and return what strikes it."""
        if not self._armed:
            return _NONE
        now_ms = self._now_ms()
        return Strikes(
            armed
            for armed in self._armed
            if isinstance(armed.fault, RequestFault) and armed.fault.matches(path) and armed.strikes(now_ms)
        )

    def nonce_ms(self) -> int:
        """Return the time that a time-based nonce is judged by."""
        return self._now_ms() + self._skew_ms("nonce")

    def date_skew_ms(self) -> int:
        """Return by how much the `Date` header of one answer is wrong."""
        return self._skew_ms("date")

    def _skew_ms(self, clock: str) -> int:
        now_ms = self._now_ms()
        return sum(
            armed.fault.seconds * 1000
            for armed in self._armed
            if isinstance(armed.fault, ClockSkew) and armed.fault.clock == clock and armed.strikes(now_ms)
        )

    def duplicate_policy(self) -> str | None:
        """Return `accept` or `reject` for a repeated `client_order_id`, None for the venue's own rule.

        Ask only when there is a repeated one: each question counts.
        """
        now_ms = self._now_ms()
        for armed in self._armed:
            if isinstance(armed.fault, DuplicateIds) and armed.strikes(now_ms):
                return armed.fault.policy
        return None

    # Sockets

    def channel(self, stream: Stream) -> Channel:
        """Return what stands between one connection's frames and its wire."""
        return Channel(lambda event: self._frame(stream, event))

    async def outgoing(self, stream: Stream, get: Callable[[], Awaitable[str | None]]) -> AsyncIterator[str]:
        """Yield a connection's frames as they shall leave, until `get` returns None or a fault cuts it."""
        channel = self.channel(stream)
        while (frame := await get()) is not None:
            if not self._armed and channel.is_clean:
                yield frame
                continue
            passed = channel.frames(frame)
            if passed is None:
                return
            await channel.pause()
            for each in passed:
                yield each

    def _frame(self, stream: Stream, event: str) -> Strikes:
        now_ms = self._now_ms()
        return Strikes(
            armed
            for armed in self._armed
            if isinstance(armed.fault, StreamFault)
            and armed.fault.matches(stream, event)
            and armed.strikes(now_ms)
        )
