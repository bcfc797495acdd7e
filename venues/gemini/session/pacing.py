"""Pacing: token buckets under the venue's rate limits, with a share that only cancels may use.

Gemini allows 120 public and 600 private requests a minute and queues at most five beyond that; address calls
go once in two seconds, transfer calls once in five, and public sockets open twelve times a minute
(docs.gemini.com/rate-limit, read 2026-09).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from venues.gemini.catalogue import RateClass
from venues.gemini.session.turnstile import Urgency

_KEPT: Final[Mapping[Urgency, int]] = MappingProxyType({Urgency.CANCEL: 0, Urgency.ORDER: 2, Urgency.READ: 3})
"""How many tokens a caller must leave for those more urgent; on a bucket that nobody else needs, none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """So many requests a second, and so many at once after a rest."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a repeatable call is tried and how long it waits in between, in seconds."""

    attempts: int = 4
    first_s: float = 0.25
    longest_s: float = 8.0

    def pause(self, attempt: int, random: Random, asked_s: float | None = None) -> float:
        """Return the wait after try `attempt` (from 0): doubling, jittered, at least what was asked."""
        grown = min(self.longest_s, self.first_s * 2.0**attempt)
        jittered = grown * (0.5 + random.random() / 2)
        return max(jittered, min(asked_s, self.longest_s)) if asked_s is not None else jittered


GEMINI: Final[Mapping[RateClass, Allowance]] = MappingProxyType(
    {
        RateClass.PUBLIC: Allowance(per_second=2.0, burst=5),
        RateClass.PRIVATE: Allowance(per_second=10.0, burst=5),
        RateClass.ADDRESSES: Allowance(per_second=0.5, burst=1),
        RateClass.TRANSFERS: Allowance(per_second=0.2, burst=1),
        RateClass.SOCKET: Allowance(per_second=0.2, burst=5),
    }
)
"""The venue's published limits."""

_WITHIN: Final[Mapping[RateClass, RateClass]] = MappingProxyType(
    {RateClass.ADDRESSES: RateClass.PRIVATE, RateClass.TRANSFERS: RateClass.PRIVATE}
)
"""The narrow budgets are part of a wide one: such a call draws on both."""


class Bucket:
    """A token bucket over the event loop's own time."""

    def __init__(self, allowance: Allowance) -> None:
        self._rate = allowance.per_second
        self._burst = float(allowance.burst)
        self._tokens = self._burst
        self._at: float | None = None

    def take(self, now: float, keep: int = 0) -> float:
        """Take one token if `keep` are left after it and return 0, else return the seconds to wait."""
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        missing = min(keep + 1.0, self._burst) - self._tokens
        if missing <= 1e-9:
            self._tokens -= 1.0
            return 0.0
        return missing / self._rate

    def drain(self, leave: int = 0) -> None:
        """Empty it down to `leave`, after the venue said that we were too fast."""
        self._tokens = min(self._tokens, float(leave))


class Pacer:
    """Waits until a request may leave.

    What a cancel may use up, a read or an order never can: neither by leaving, nor by being refused for its
    rate. So in a storm of refusals a cancel still goes at once, and only its own refusal makes it wait.
    """

    def __init__(self, allowances: Mapping[RateClass, Allowance] = GEMINI) -> None:
        self._buckets = {rate: Bucket(allowance) for rate, allowance in allowances.items()}

    async def wait(self, rate: RateClass, urgency: Urgency) -> None:
        """Return when one more request of this kind is within the limits."""
        await self._take(rate, urgency)
        if rate in _WITHIN:
            await self._take(_WITHIN[rate], urgency)

    def too_fast(self, rate: RateClass, urgency: Urgency = Urgency.CANCEL) -> None:
        """Note that the venue refused a request for its rate."""
        is_shared = rate is RateClass.PRIVATE and urgency is not Urgency.CANCEL
        leave = _KEPT[Urgency.ORDER] if is_shared else 0
        self._buckets[rate].drain(leave)

    async def _take(self, rate: RateClass, urgency: Urgency) -> None:
        bucket = self._buckets[rate]
        keep = _KEPT[urgency] if rate is RateClass.PRIVATE else 0
        loop = asyncio.get_running_loop()
        while (delay := bucket.take(loop.time(), keep)) > 0:  # noqa: ASYNC110 - waits for time, not for an event
            await asyncio.sleep(delay)
