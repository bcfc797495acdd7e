"""Keeps a session alive whose key asks for heartbeats: without them the venue cancels all its orders.

The venue waits thirty seconds for any authenticated message of the session. So after fifteen quiet ones a
heartbeat goes; each of five seconds that is not answered is one missed, and two missed turn the light red
while there is still time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

from domain.clock import Clock
from domain.errors import LockedError, UnreachableError, VenueError

QUIET_S: Final = 15.0
_AGAIN_S: Final = 1.0  # after a missed one
_LOOK_S: Final = 1.0  # the longest nap, so that a clock that moves otherwise than the loop is noticed
_RED: Final = 2


class Session(Protocol):
    """What a heartbeat needs of the client."""

    @property
    def last_heard_s(self) -> float | None:
        """Return the monotonic time of the last request that proved the session alive."""
        ...

    async def heartbeat(self) -> None:
        """Send one heartbeat, once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatStatus:
    """How the session is. `age_s` counts from the last proof of life, None before one."""

    is_ok: bool
    missed: int
    age_s: float | None
    last_error: str


class Heartbeats:
    """Sends heartbeats when the session is quiet. `run` until cancelled, for a key that requires them."""

    def __init__(self, session: Session, clock: Clock, *, quiet_s: float = QUIET_S) -> None:
        self._session = session
        self._clock = clock
        self._quiet_s = quiet_s
        self._missed = 0
        self._missed_at = 0.0
        self._last_error = ""

    async def run(self) -> NoReturn:
        """Beat until cancelled."""
        while True:
            wait_s = self._due_in()
            if wait_s > 0:
                await asyncio.sleep(min(wait_s, _LOOK_S))
            elif not await self._beat():
                await asyncio.sleep(_AGAIN_S)

    def status(self) -> HeartbeatStatus:
        """Return the light; red after two missed in a row, green again with any answered private call."""
        missed, age_s = self._missed_now(), self._age_s()
        return HeartbeatStatus(
            is_ok=missed < _RED, missed=missed, age_s=age_s, last_error=self._last_error if missed else ""
        )

    async def _beat(self) -> bool:
        missed, started = self._missed_now(), self._clock.monotonic()
        try:
            await self._session.heartbeat()
        except (VenueError, UnreachableError, LockedError) as error:
            self._missed = missed + 1
            self._missed_at = started
            self._last_error = error.message
            return False
        self._missed = 0
        return True

    def _missed_now(self) -> int:
        heard = self._session.last_heard_s
        return 0 if heard is not None and heard > self._missed_at else self._missed

    def _age_s(self) -> float | None:
        heard = self._session.last_heard_s
        return None if heard is None else self._clock.monotonic() - heard

    def _due_in(self) -> float:
        age_s = self._age_s()
        return 0.0 if age_s is None else self._quiet_s - age_s
