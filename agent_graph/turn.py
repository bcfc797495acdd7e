"""What a turn tells its callers while it runs and when it has answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What an event is about. `DONE` and `ERROR` are the last of a turn's run."""

    SENTENCE = "sentence"
    TOOL = "tool"
    PROPOSAL = "proposal"
    NOTICE = "notice"
    DONE = "done"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEvent:
    """One thing that happened.

    `data` always names `conversation` and `turn`, and more by kind.
    tool: `name`, `args`, `ok` · proposal: the desk's proposal · done: `message_id`, `citations`, `proposals`.
    """

    kind: EventKind
    text: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult:
    """A turn's answer, as the commands print it."""

    question: str
    answer: str
    model: str
    mode: str
    tools: tuple[Mapping[str, Any], ...] = ()
    citations: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()
    asked_back: bool = False
    latency_ms: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the public shape of `matrix ask --json`."""
        return {
            "question": self.question,
            "answer": self.answer,
            "model": self.model,
            "mode": self.mode,
            "tools": [dict(tool) for tool in self.tools],
            "citations": list(self.citations),
            "proposals": list(self.proposals),
            "asked_back": self.asked_back,
            "latency_ms": self.latency_ms,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One line of a transcript; `role` is person, assistant or notice, `at` RFC 3339 UTC."""

    id: str
    role: str
    text: str
    at: str
    citations: tuple[str, ...]
    proposals: tuple[str, ...]
    model: str
    turn_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One conversation of the list; `source` says where it was begun (web, terminal, ask)."""

    id: str
    title: str
    source: str
    created_at: str
    updated_at: str


class Feed:
    """A queue of events that one reader drains; a reader too far behind is cut, never the writer."""

    LIMIT = 2_000

    def __init__(self) -> None:
        self._queue: asyncio.Queue[TurnEvent | None] = asyncio.Queue()
        self.is_closed = False

    def put(self, event: TurnEvent) -> None:
        """Hand on one event."""
        if self.is_closed:
            return
        if self._queue.qsize() >= self.LIMIT:
            self.close()
            return
        self._queue.put_nowait(event)

    def close(self) -> None:
        """End the iteration after what is already queued."""
        if not self.is_closed:
            self.is_closed = True
            self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[TurnEvent]:
        """Yield events until closed."""
        while (event := await self._queue.get()) is not None:
            yield event


@dataclass(slots=True, kw_only=True)
class TurnHandle:
    """A running turn. It runs on whether or not anybody iterates or waits.

    Iterating yields its events up to `done` or `error`; `result()` waits for the answer. A turn whose card
    waits for the person is answered too: its closing words come later through `Conversations.subscribe`.
    """

    conversation_id: str
    turn_id: str
    feed: Feed = field(default_factory=Feed)
    answered: asyncio.Future[TurnResult] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def __aiter__(self) -> AsyncIterator[TurnEvent]:
        """Iterate over the events."""
        return self.feed.__aiter__()

    async def result(self) -> TurnResult:
        """Wait for the answer."""
        return await asyncio.shield(self.answered)
