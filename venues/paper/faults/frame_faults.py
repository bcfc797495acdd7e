"""Faults on the way from a mailbox to the wire: one channel a connection, so that nothing crosses over."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable

from venues.paper.faults.fault_kinds import (
    CorruptFrame,
    CutStream,
    DropEvent,
    DuplicateEvent,
    ReorderEvents,
    SequenceGap,
    SlowReader,
)
from venues.paper.faults.strikes import Strikes

_SEQUENCE = re.compile(r'("socket_sequence":)([0-9]+)')


class Channel:
    """One connection's faults: what was held back, and by how much the numbers are off."""

    def __init__(self, strikes: Callable[[str], Strikes]) -> None:
        self._strikes = strikes
        self._held: list[str] = []
        self._shift = 0
        self._delay_ms = 0

    @property
    def is_clean(self) -> bool:
        """Say whether no fault has left anything to remember."""
        return not self._held and not self._shift and not self._delay_ms

    def frames(self, frame: str) -> list[str] | None:
        """Return what leaves instead of `frame`, in order; None when the connection shall be closed."""
        found = self._strikes(event_of(frame))
        if found.find(CutStream) is not None:
            return None
        slow = found.find(SlowReader)
        self._delay_ms = 0 if slow is None else slow[0].delay_ms
        drop = found.find(DropEvent)
        if drop is not None:
            self._shift -= drop[0].silent
            return []
        gap = found.find(SequenceGap)
        if gap is not None:
            self._shift += gap[0].size
        numbered = _shifted(frame, self._shift) if self._shift else frame
        if found.find(CorruptFrame) is not None:
            numbered = numbered[: len(numbered) // 2]
        if found.find(ReorderEvents) is not None:
            self._held.append(numbered)
            return []
        first = [numbered, numbered] if found.find(DuplicateEvent) is not None else [numbered]
        late, self._held = self._held, []
        return [*first, *late]

    async def pause(self) -> None:
        """Wait as long as the last frame's reader is slow."""
        if self._delay_ms:
            await asyncio.sleep(self._delay_ms / 1000)
            self._delay_ms = 0


def event_of(frame: str) -> str:
    """Return a frame's type: its `type` or `e`, or that of the first event in it; empty when it has none."""
    message = json.loads(frame)
    if isinstance(message, list):
        message = message[0] if message else {}
    found = message.get("type", message.get("e", "")) if isinstance(message, dict) else ""
    return str(found)


def _shifted(frame: str, by: int) -> str:
    return _SEQUENCE.sub(lambda match: f"{match[1]}{max(0, int(match[2]) + by)}", frame)
