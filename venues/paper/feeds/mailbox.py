"""What waits for one connection: bounded, so that a reader who lags costs his connection and no memory."""

from __future__ import annotations

import time
from asyncio import Event
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

QUEUE_LIMIT = 4096
"""Frames a reader may lag behind; one more and it is cut off, so that it resyncs."""

TEXT_LIMIT = 32 * 1024 * 1024
"""Characters a reader may lag behind."""

STALL_S = 30.0
"""How long a connection may refuse to take a frame while more of them come."""

BACKLOG_LIMIT = 256 * 1024 * 1024
"""Characters that all connections together may lag behind before each has only `SHARE` of them."""

SHARE = 512 * 1024

BEHIND = (1013, "too far behind")
"""Close code and reason for a reader that lags: try again later."""


@dataclass(slots=True)
class Backlog:
    """How many characters wait in all mailboxes that share it."""

    size: int = 0

    @property
    def room(self) -> int:
        """Return how many of them a single mailbox may hold."""
        return TEXT_LIMIT if self.size < BACKLOG_LIMIT else SHARE


class Mailbox:
    """The frames of one connection, in order. Once cut, it is empty and stays so.

    `now` tells monotonic seconds; a connection that takes nothing for `STALL_S` is cut as one that lags is.
    `on_cut` is called once, when that happens; `farewell` is the close code and reason then.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, backlog: Backlog | None = None) -> None:
        self._now = now
        self._backlog = Backlog() if backlog is None else backlog
        self.farewell = BEHIND
        self._frames: deque[str] = deque()
        self._size = 0
        self._sequence = 0
        self._taken_at = now()
        self._wake = Event()
        self.is_cut = False
        self.on_cut: Callable[[], object] = _nothing

    def put(self, frame: str) -> None:
        """Queue a frame, or cut the reader off when it lags too far."""
        if self.is_cut:
            return
        if not self._frames:
            self._wake.set()
            self._taken_at = self._now()
        elif (
            len(self._frames) >= QUEUE_LIMIT
            or self._size + len(frame) > self._backlog.room
            or self._now() - self._taken_at > STALL_S
        ):
            self.cut()
            return
        self._frames.append(frame)
        self._size += len(frame)
        self._backlog.size += len(frame)

    def put_numbered(self, head: str, tail: str) -> None:
        """Queue `head`, this connection's next `socket_sequence`, `tail`: written once for many readers."""
        self.put(f"{head}{self._sequence}{tail}")
        self._sequence += 1

    def cut(self, farewell: tuple[int, str] = BEHIND) -> None:
        """Drop everything: this connection must end."""
        self.is_cut = True
        self.farewell = farewell
        self._frames.clear()
        self._backlog.size -= self._size
        self._size = 0
        self._wake.set()
        self.on_cut()

    async def get(self) -> str | None:
        """Wait for the next frame and return it, None when the connection must end."""
        while not self._frames:
            if self.is_cut:
                return None
            self._wake.clear()
            await self._wake.wait()
        self._taken_at = self._now()
        frame = self._frames.popleft()
        self._size -= len(frame)
        self._backlog.size -= len(frame)
        return frame


def _nothing() -> None:
    return
