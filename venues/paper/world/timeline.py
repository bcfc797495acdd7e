"""The exchange's own time: the wall's at speed 1, stretched at others, virtual at speed 0."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from domain.clock import Clock, ManualClock, epoch_ms, from_epoch_ms
from domain.errors import BadInputError
from venues.paper.matching.candles import MINUTE_MS

MAX_SPEED = Decimal(1000)
UNPACED = Decimal("Infinity")
"""As fast as a recording can be played; afterwards, real time."""


class Timeline:
    """Never goes back. At speed 0 only `advance` moves it, so that a run does not depend on the wall clock.

    A `ManualClock` handed in at speed 0 is used as it is; any other clock only gives the first minute.
    At infinite speed (`UNPACED`) it runs like the wall's and jumps ahead by `skip` while there is something
    to play. Raises `BadInputError` for any other speed outside 0 to 1000.
    """

    def __init__(self, clock: Clock, speed: Decimal, not_before_ms: int = 0) -> None:
        self.is_unpaced = speed == UNPACED
        if not self.is_unpaced and (not speed.is_finite() or not 0 <= speed <= MAX_SPEED):
            raise BadInputError(
                "BAD_SPEED",
                f"speed {speed} is out of range",
                "Give --speed a number from 0 (virtual time) to 1000, or max with a recording.",
            )
        self.is_virtual = speed == 0
        self._wall = clock
        self.speed = speed
        self._pace = Decimal(1) if self.is_unpaced or self.is_virtual else speed
        ms, wall_ms = self._pace.as_integer_ratio()
        self._ms_per_wall_us = (ms, wall_ms * 1000)
        self._skipped_ms = 0
        if self.is_virtual and not isinstance(clock, ManualClock):
            start_ms = max(epoch_ms(clock.now()) // MINUTE_MS, -(-not_before_ms // MINUTE_MS)) * MINUTE_MS
            clock = ManualClock(from_epoch_ms(start_ms))
        self._clock = clock
        self._wall_start = clock.now()
        self._start_ms = max(epoch_ms(self._wall_start), 0 if self.is_virtual else not_before_ms)
        self._latest_ms = self._start_ms

    def now_ms(self) -> int:
        """Return the exchange's time in milliseconds since 1970 UTC."""
        passed = self._clock.now() - self._wall_start
        passed_us = (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
        ms, wall_us = self._ms_per_wall_us
        now_ms = self._start_ms + self._skipped_ms + passed_us * ms // wall_us
        self._latest_ms = max(self._latest_ms, now_ms)
        return self._latest_ms

    def wall_now(self) -> datetime:
        """Return the given clock's time, whatever the speed: what an HTTP `Date` header says."""
        return self._wall.now()

    def advance(self, ms: int) -> None:
        """Move virtual time forward."""
        if isinstance(self._clock, ManualClock) and self.is_virtual:
            self._clock.advance(ms / 1000)

    def skip(self, ms: int) -> None:
        """Jump ahead, at infinite speed."""
        if self.is_unpaced:
            self._skipped_ms += ms

    def wall_seconds(self, ms: int) -> float:
        """Return how long `ms` of the exchange's time last on the wall, 0 in virtual time."""
        return 0.0 if self.is_virtual else int(ms * 1000 / self._pace) / 1_000_000
