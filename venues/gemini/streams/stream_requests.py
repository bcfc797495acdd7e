"""What was asked on one connection of the new WebSocket API, and what still has to be asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import Final

from venues.gemini.feed import FeedCutError
from venues.gemini.session.pacing import Patience
from venues.gemini.streams.names import Method
from venues.gemini.streams.stream_parse import Ack

ANSWER_S: Final = 10.0
"""A request that is not answered by then means a broken connection."""
_STEADY_S = 60.0  # a stream that ran this long is asked for at once after a loss
_BATCH = 20
_DONE = 200
_REFUSED: Final = frozenset({400, 401, 403, 404})


class Standing(Enum):
    """Where a stream stands on this connection."""

    WANTED = auto()  # to be asked for at its time
    ASKED = auto()
    RUNNING = auto()
    LEAVING = auto()  # given up, to be asked for again
    REFUSED = auto()


class Wanted:
    """One stream and where it stands. Times are the event loop's."""

    __slots__ = ("due", "is_alone", "losses", "lost_at", "name", "standing")

    def __init__(self, name: str) -> None:
        self.name = name
        self.standing = Standing.WANTED
        self.due = 0.0
        self.is_alone = False
        self.losses = 0
        self.lost_at = 0.0


@dataclass(frozen=True, slots=True)
class _Asked:
    method: Method
    streams: tuple[Wanted, ...]
    until: float


class Requests:
    """The bookkeeping of one connection; it sends nothing itself."""

    def __init__(self, names: Iterable[str], patience: Patience, random: Random) -> None:
        self.streams = {name: Wanted(name) for name in names}
        self._patience = patience
        self._random = random
        self._open: dict[str, _Asked] = {}
        self._number = 0
        self.last_error = ""

    def note(self, method: Method, streams: Sequence[Wanted], now: float) -> int:
        """Note that a request leaves and return its number."""
        self._number += 1
        self._open[str(self._number)] = _Asked(method, tuple(streams), now + ANSWER_S)
        standing = {Method.SUBSCRIBE: Standing.ASKED, Method.UNSUBSCRIBE: Standing.LEAVING}.get(method)
        for stream in streams:
            stream.standing = standing or stream.standing
        return self._number

    def due(self, now: float) -> list[list[Wanted]]:
        """Return what should be asked for now, a list for each request.

        Raises `FeedCutError` when a request was not answered.
        """
        if any(asked.until < now for asked in self._open.values()):
            raise FeedCutError("the exchange did not answer a request")
        ready = [s for s in self.streams.values() if s.standing is Standing.WANTED and s.due <= now]
        together = [s for s in ready if not s.is_alone]
        batches = [together[at : at + _BATCH] for at in range(0, len(together), _BATCH)]
        return batches + [[s] for s in ready if s.is_alone]

    def wait_s(self, now: float) -> float:
        """Return the seconds until something has to be looked at again, infinite when nothing waits."""
        times = [s.due for s in self.streams.values() if s.standing is Standing.WANTED]
        times += [asked.until for asked in self._open.values()]
        return max(0.0, min(times) - now) if times else math.inf

    def lose(self, stream: Wanted, now: float) -> None:
        """Note that a stream has to be left and asked for again, the later the more often it happens."""
        stream.losses = 0 if now - stream.lost_at > _STEADY_S else stream.losses + 1
        stream.lost_at = now

    def answer(self, ack: Ack, now: float) -> None:
        """Take the answer to a request; one that nobody waits for is only noted when it is an error."""
        asked = self._open.pop(ack.id, None)
        if ack.status != _DONE:
            self.last_error = f"the exchange refused a request ({ack.status}, {ack.code})"
        if asked is None:
            return
        if asked.method is Method.UNSUBSCRIBE:
            for stream in asked.streams:  # left now, or never joined
                self._again(stream, now)
        elif asked.method is Method.SUBSCRIBE:
            self._subscribed(asked, ack, now)

    def is_running(self, names: Iterable[str]) -> bool:
        """Say whether all of these run."""
        return all(self.streams[name].standing is Standing.RUNNING for name in names)

    def _subscribed(self, asked: _Asked, ack: Ack, now: float) -> None:
        if ack.status == _DONE:
            for stream in asked.streams:
                if stream.standing is Standing.ASKED:  # else it was given up in the meantime
                    stream.standing = Standing.RUNNING
        elif ack.status not in _REFUSED:  # too fast, or the venue's own trouble
            for stream in asked.streams:
                self.lose(stream, now)
                self._again(stream, now)
        elif len(asked.streams) > 1:  # one bad name refuses the whole request
            for stream in asked.streams:
                stream.is_alone, stream.standing = True, Standing.WANTED
        else:
            (stream,) = asked.streams
            stream.standing = Standing.REFUSED
            self.last_error = f"the exchange refused {stream.name} ({ack.status}, {ack.code})"

    def _again(self, stream: Wanted, now: float) -> None:
        pause = self._patience.pause(min(stream.losses, 16), self._random) if stream.losses else 0.0
        stream.standing, stream.due = Standing.WANTED, now + pause
