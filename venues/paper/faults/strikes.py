"""One armed fault: when it strikes, by its own count, chance and window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import TypeVar

from venues.paper.faults.fault_kinds import AnyFault, Fault

F = TypeVar("F", bound=Fault)


class Armed:
    """One fault in force and how often it has matched and struck."""

    def __init__(self, number: int, fault: AnyFault, seed: int, armed_ms: int) -> None:
        self.number = number
        self.fault = fault
        self.random = Random(f"{seed}:{number}")  # noqa: S311 - faults must be repeatable, not unguessable
        self.seen = 0
        self.struck = 0
        self._armed_ms = armed_ms

    def strikes(self, now_ms: int) -> bool:
        """Count one match at `now_ms` and say whether the fault strikes."""
        fault = self.fault
        since_ms = now_ms - self._armed_ms
        if since_ms < fault.from_ms or (fault.until_ms is not None and since_ms >= fault.until_ms):
            return False
        self.seen += 1
        if self.seen < fault.nth or self.struck >= fault.most:
            return False
        if fault.percent < 100 and self.random.randrange(100) >= fault.percent:
            return False
        self.struck += 1
        return True


class Strikes:
    """The faults that strike one request."""

    def __init__(self, armed: Iterable[Armed] = ()) -> None:
        self._armed = tuple(armed)

    def of(self, kind: type[F]) -> Iterator[tuple[F, Armed]]:
        """Yield all of a kind and their counts, in the order in which they were armed."""
        for armed in self._armed:
            fault: Fault = armed.fault
            if isinstance(fault, kind):
                yield fault, armed

    def find(self, kind: type[F]) -> tuple[F, Armed] | None:
        """Return the first of a kind and its counts."""
        return next(self.of(kind), None)
