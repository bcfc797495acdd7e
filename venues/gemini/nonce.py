"""Nonces: strictly rising numbers for one key, across tasks, restarts and clock jumps, and their order.

A nonce is the time in microseconds, or one more than the last where the clock has not moved on. Before a
number is handed out, a whole stretch that contains it is written to disk and flushed, so that no restart can
hand it out again. One process holds the key's lock file.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from heapq import heappop, heappush
from pathlib import Path

from domain.clock import Clock
from domain.errors import BadInputError, ConflictError, LockedError
from loopback.files import only_one, write_private

_STRETCH_US = 10_000_000
"""How far ahead is reserved: ten seconds of clock, so that a busy desk flushes six times a minute."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STORED = re.compile(r"[0-9]{1,18}\n?", re.ASCII)


class Urgency(IntEnum):
    """Who goes first when several private requests wait. A signed order already has its nonce."""

    ORDER = 0
    CANCEL = 1
    READ = 2


class Turnstile:
    """One at a time; the most urgent waiter goes next, and among equals the one with the lowest rank."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, int, asyncio.Future[None]]] = []
        self._is_taken = False
        self._arrivals = 0

    @asynccontextmanager
    async def turn(self, urgency: Urgency, rank: int = 0) -> AsyncIterator[None]:
        """Hold the turn for the length of the block."""
        if self._is_taken:
            ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._arrivals += 1
            heappush(self._waiting, (urgency, rank, self._arrivals, ticket))
            try:
                await ticket
            except asyncio.CancelledError:
                if ticket.done() and not ticket.cancelled():  # called up and cancelled at once
                    self._next()
                raise
        self._is_taken = True
        try:
            yield
        finally:
            self._next()

    def _next(self) -> None:
        while self._waiting:
            ticket = heappop(self._waiting)[3]
            if not ticket.done():
                ticket.set_result(None)
                return
        self._is_taken = False


class NonceSource:
    """Makes the nonces of one key. With `path` None they live in memory only.

    `turnstile` is shared by everything that signs with the key, so that requests leave in nonce order.
    Raises `LockedError("NONCE_LOCKED")` when another process uses the same file, `BadInputError` when the
    file cannot be read or written.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._held = ExitStack()
        self._last = 0
        self._departed = 0
        self._is_closed = False
        self.turnstile = Turnstile()
        if path is not None:
            self._hold(path)
            self._last = self._stored(path)
        self._reserved = self._last

    def next(self) -> int:
        """Return a number above every one returned before, in this process or an earlier one.

        Raises `LockedError("NONCE_CLOSED")` after `close`, `BadInputError` when it cannot be written down.
        """
        if self._is_closed:
            raise LockedError("NONCE_CLOSED", "this signer is closed", "Open a new one.")
        now = (self._clock.now() - _EPOCH) // timedelta(microseconds=1)
        value = max(self._last + 1, now)
        if value > self._reserved:
            self._reserve(value + _STRETCH_US)
        self._last = value
        return value

    def depart(self, nonce: int) -> bool:
        """Note that a request with `nonce` leaves now. False when a later one has left, so it may not."""
        if nonce <= self._departed:
            return False
        self._departed = nonce
        return True

    def close(self) -> None:
        """Note the last number used and let another process have the key."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._path is not None and self._reserved > self._last:
                write_private(self._path, f"{self._last}\n")
        finally:
            self._held.close()

    def _hold(self, path: Path) -> None:
        try:
            self._held.enter_context(only_one(path.with_name(path.name + ".lock"), "a signer for this key"))
        except ConflictError as error:
            raise LockedError(
                "NONCE_LOCKED",
                f"another process signs with the same key ({error.message})",
                "Stop it first: two signers of one key make each other's requests invalid.",
            ) from error

    def _stored(self, path: Path) -> int:
        try:
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            return 0
        except (OSError, UnicodeDecodeError) as error:
            self._held.close()
            raise self._unreadable(path) from error
        if not _STORED.fullmatch(text):
            self._held.close()
            raise self._unreadable(path)
        return int(text)

    def _reserve(self, until: int) -> None:
        if self._path is not None:
            write_private(self._path, f"{until}\n")
        self._reserved = until

    @staticmethod
    def _unreadable(path: Path) -> BadInputError:
        return BadInputError(
            "NONCE_FILE",
            f"{path} does not hold a nonce",
            "If the clock is right, delete the file; the next nonce then starts from the time.",
        )
