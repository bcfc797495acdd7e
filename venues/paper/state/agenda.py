"""What the exchange has to do later, at a time of its own clock: kept over restarts, done within a step."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

from venues.paper.state.documents import Documents

_KIND = "due"


class Due(NamedTuple):
    """One thing to do: at which time, the `number` that orders equal times, what it is, and about what."""

    at_ms: int
    number: int
    duty: str
    key: str


class Agenda:
    """Everything that is due some day, soonest first."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._heap = [Due(**each) for each in documents.of(_KIND)]
        self._last = max((due.number for due in self._heap), default=0)
        heapify(self._heap)

    def add(self, at_ms: int, duty: str, key: str) -> None:
        """Put down that `duty` is to be done about `key` at `at_ms`."""
        self._last += 1
        due = Due(at_ms, self._last, duty, key)
        self._documents.put(_KIND, str(due.number), "", due._asdict())
        heappush(self._heap, due)

    def take(self, now_ms: int) -> Due | None:
        """Return the next thing that is due by now and strike it out, None when there is none."""
        if not self._heap or self._heap[0].at_ms > now_ms:
            return None
        due = heappop(self._heap)
        self._documents.remove(_KIND, str(due.number))
        return due
