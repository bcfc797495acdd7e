"""How far our clock is from the venue's, and whether that is near enough for nonces made of the time.

Every answer of the venue carries its time to the second. Between answers the light goes on by the monotonic
clock, so it sees our own clock jump, and come back, without asking anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.clock import Clock
from domain.errors import LockedError

LIMIT_S: Final = 20.0
"""The venue takes thirty seconds; the rest is for the request's way there."""
_SAYS_SOMETHING_S = 60.0  # an older reading says nothing, so that one request may go and bring a new one
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStatus:
    """Whether the clock will do. `skew_s` is ours less the venue's, None when not known lately."""

    is_ok: bool
    skew_s: float | None
    message: str = ""
    cure: str = ""


def skew_s(ours: datetime, theirs: datetime) -> float:
    """Return by how much `ours` is ahead; `theirs` is cut to the second, so within that second it is 0."""
    ahead = ours - theirs
    if timedelta(0) <= ahead < _SECOND:
        return 0.0
    return (ahead - _SECOND if ahead > timedelta(0) else ahead).total_seconds()


class ClockLight:
    """Remembers the venue's last word on the time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: tuple[datetime, float] | None = None

    def note(self, theirs: datetime) -> None:
        """Take the venue's time from an answer that has just come in."""
        self._heard = (theirs, self._clock.monotonic())

    def status(self) -> ClockStatus:
        """Return the light as it is now; green while nothing speaks against it."""
        if self._heard is None:
            return ClockStatus(is_ok=True, skew_s=None)
        theirs, at = self._heard
        age_s = self._clock.monotonic() - at
        if age_s > _SAYS_SOMETHING_S:
            return ClockStatus(is_ok=True, skew_s=None)
        found = skew_s(self._clock.now() - timedelta(seconds=age_s), theirs)
        if abs(found) <= LIMIT_S:
            return ClockStatus(is_ok=True, skew_s=found)
        where = "ahead of" if found > 0 else "behind"
        return ClockStatus(
            is_ok=False,
            skew_s=found,
            message=f"this machine's clock is {abs(found):.0f} s {where} the exchange's",
            cure="Set the machine's time (NTP); signing goes on by itself once it is right.",
        )

    def check(self) -> None:
        """Raise `LockedError("CLOCK_OFF")` while the light is red."""
        status = self.status()
        if not status.is_ok:
            raise LockedError("CLOCK_OFF", status.message, status.cure)
