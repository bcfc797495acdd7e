"""Nonces of one key: strictly rising numbers, or seconds of the time, whichever the key was made for.

`NonceSource` is for incremental keys: the time in microseconds, or one more than the last where the clock
has not moved on. Before a number is handed out, a whole stretch that contains it is written to disk and
flushed, so that no restart can hand it out again. `TimeNonces` is for time-based keys: whole seconds, never
going back, and nothing at all while the clock is too far from the venue's. `nonce_file` keeps what was used,
the key's kind, and other processes away.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from domain.clock import Clock
from domain.errors import LockedError
from venues.gemini.session.clock_light import LIMIT_S, ClockLight
from venues.gemini.session.nonce_file import NonceFile, NonceKind
from venues.gemini.session.turnstile import Turnstile, Urgency

__all__ = ["NonceSource", "Nonces", "TimeNonces", "Turnstile", "Urgency"]

_STRETCH_US: Final = 10_000_000
"""How far ahead is reserved: ten seconds of clock, so that a busy desk flushes six times a minute."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Nonces(ABC):
    """Makes the nonces of one key. With `path` None they live in memory only.

    `turnstile` is shared by everything that signs with the key, so that requests leave in nonce order.
    `light` tells how far our clock is from the venue's. Raises `LockedError("NONCE_LOCKED")` when another
    process uses the same file, `LockedError("NONCE_KIND")` when the key was used with the other kind, and
    `BadInputError` when the file cannot be read or written.
    """

    kind: NonceKind

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._clock = clock
        self._file = None if path is None else NonceFile(path, self.kind)
        self._last = 0 if self._file is None else self._file.last
        self._stored = self._last
        self._is_closed = False
        self.turnstile = Turnstile()
        self.light = ClockLight(clock)

    @abstractmethod
    def next(self) -> int:
        """Return the nonce of the next request.

        Raises `LockedError("NONCE_CLOSED")` after `close`, `BadInputError` when it cannot be written down.
        """

    @abstractmethod
    def depart(self, nonce: int) -> bool:
        """Note that a request with `nonce` leaves now. False when it may not any more: sign it anew."""

    def close(self) -> None:
        """Note the last number used and let another process have the key."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._file is not None:
            self._file.close(self._last if self._stored > self._last else None)

    def _open(self) -> None:
        if self._is_closed:
            raise LockedError("NONCE_CLOSED", "this signer is closed", "Open a new one.")

    def _store(self, value: int) -> None:
        if self._file is not None:
            self._file.write(value)
        self._stored = value


class NonceSource(Nonces):
    """Strictly rising nonces, for an incremental key."""

    kind = NonceKind.INCREMENTAL

    def __init__(self, path: Path | None, clock: Clock) -> None:
        super().__init__(path, clock)
        self._departed = 0

    def next(self) -> int:
        """Return a number above every one returned before, in this process or an earlier one."""
        self._open()
        now = (self._clock.now() - _EPOCH) // timedelta(microseconds=1)
        value = max(self._last + 1, now)
        if value > self._stored:
            self._store(value + _STRETCH_US)
        self._last = value
        return value

    def depart(self, nonce: int) -> bool:
        """Note that a request with `nonce` leaves now. False when a later one has left, so it may not."""
        if nonce <= self._departed:
            return False
        self._departed = nonce
        return True


class TimeNonces(Nonces):
    """Seconds since 1970, for a time-based key: over REST and for opening the new WebSocket.

    The venue takes what is within thirty seconds of its own clock. Several requests may share a second.
    """

    kind = NonceKind.TIME

    def next(self) -> int:
        """Return the present second, or the last one where the clock went back a little.

        Raises `LockedError("CLOCK_OFF")` while the clock is too far from the venue's, or from the last
        second used; it goes on by itself once the clock is right.
        """
        self._open()
        self.light.check()
        now = self._now()
        ours_ahead_s = max(self.light.status().skew_s or 0.0, 0.0)
        if self._last > now and self._last - now + ours_ahead_s > LIMIT_S:
            self._start_over(now)
        value = max(now, self._last)
        if value > self._stored:
            self._store(value)
        self._last = value
        return value

    def depart(self, nonce: int) -> bool:
        """Note that a request with `nonce` leaves now. False when it is too old to be taken."""
        return abs(self._now() - nonce) <= LIMIT_S

    def _start_over(self, now: int) -> None:
        # The clock stood in the future once. Only the venue can tell whether it is right now.
        if self.light.status().skew_s is None:
            raise LockedError(
                "CLOCK_OFF",
                f"this machine's clock is {self._last - now} s behind the last request signed with this key",
                "Set the machine's time (NTP); signing goes on once the exchange has told its time.",
            )
        self._store(now)
        self._last = now

    def _now(self) -> int:
        return (self._clock.now() - _EPOCH) // timedelta(seconds=1)
