"""The page's side of the conversations: routes to talk, and the pumps that push what arrives later.

The transcript is the server's. A browser sends one message's text and a conversation's id, never history.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from agent_graph.turn import EventKind, TurnEvent
from app.live import Json, Live
from app.model_light import ModelLight
from domain.clock import Clock
from domain.errors import MatrixError, UnreachableError

if TYPE_CHECKING:
    from agent_graph.conversations import Conversations

log = logging.getLogger(__name__)

MAX_MESSAGE = 4000
_LAST = frozenset({EventKind.DONE, EventKind.ERROR})

KEPT = ("web", "terminal")
"""Where conversations begin that one goes back to; single questions of `matrix ask` are not listed."""


class ChatRoom:
    """Holds the conversations once they are open and tells every page what happens in them."""

    def __init__(self, live: Live, clock: Clock) -> None:
        self._live = live
        self._light = ModelLight(live, clock)
        self._trouble = ("CHAT_STARTING", "the conversation is still loading", "Try again in a moment.")
        self._talk: Conversations | None = None
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._busy: set[str] = set()
        self._settling: set[asyncio.Task[None]] = set()

    def open(self, talk: Conversations) -> None:
        """Take the opened conversations; what was settled while they opened is looked up now."""
        self._talk = talk
        self._light.opened(talk.model_name)
        self.settle_waiting()
        self._live.publish("chat-ready", {})

    def broke(self, error: Exception) -> None:
        """Say from now on that the conversations could not be opened."""
        text = error.message if isinstance(error, MatrixError) else type(error).__name__
        cure = error.cure if isinstance(error, MatrixError) else ""
        self._trouble = (
            "CHAT_BROKEN",
            f"the conversation could not be opened: {text}",
            cure or "The app's log says why.",
        )
        self._light.broke(text)

    async def close(self) -> None:
        """Stop the pumps and close the conversations."""
        tasks = [*self._pumps.values(), *self._settling]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._talk is not None:
            await self._talk.close()

    def settle(self, proposal_id: str) -> None:
        """Wake the conversation that waits for this card, if one does; a model may take its time over it."""
        if self._talk is not None:
            self._later(self._talk.settle(proposal_id), f"settle {proposal_id}")

    def settle_waiting(self) -> None:
        """Wake every conversation whose card was settled unheard."""
        if self._talk is not None:
            self._later(self._talk.settle_waiting(), "settle what waits")

    def _later(self, work: Coroutine[Any, Any, object], name: str) -> None:
        task = asyncio.create_task(_warned(work, name), name=name)
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    @property
    def talk(self) -> Conversations:
        """Return the open conversations; raises `UnreachableError` while they are still loading."""
        if self._talk is None:
            raise UnreachableError(*self._trouble)
        return self._talk

    async def transcript(self, conversation: str) -> Json:
        """Return `{"messages", "busy"}` and keep this conversation's pages told from now on."""
        await self._watch(conversation)
        messages = await self.talk.transcript(conversation)
        return {
            "messages": [dataclasses.asdict(item) for item in messages],
            "busy": conversation in self._busy,
        }

    async def send(self, conversation: str, text: str) -> Json:
        """Start a turn; its events go to every page."""
        await self._watch(conversation)
        handle = await self.talk.send(conversation, text)
        self._busy.add(conversation)
        self._live.publish("chat", _message(conversation, "started", ""))
        return {"turn": handle.turn_id}

    async def _watch(self, conversation: str) -> None:
        """Follow a conversation that exists; raises `NotFoundError` and starts nothing for another id."""
        if self._is_watched(conversation):
            return
        await self.talk.transcript(conversation)
        if not self._is_watched(conversation):
            events = self.talk.subscribe(conversation)
            pump = self._pump(conversation, events)
            self._pumps[conversation] = asyncio.create_task(pump, name=f"chat {conversation}")

    def _is_watched(self, conversation: str) -> bool:
        pump = self._pumps.get(conversation)
        return pump is not None and not pump.done()

    async def _pump(self, conversation: str, events: AsyncIterator[TurnEvent]) -> None:
        async for event in events:
            self._take(conversation, event)

    def _take(self, conversation: str, event: TurnEvent) -> None:
        self._light.take(event)
        if event.kind is EventKind.DONE and event.data.get("waiting"):
            # A card can be answered before its turn has noted that it waits: that answer woke nobody.
            for proposal_id in event.data["proposals"]:
                self.settle(proposal_id)
        if event.kind in _LAST:
            self._busy.discard(conversation)
        elif event.kind in {EventKind.SENTENCE, EventKind.TOOL}:
            self._busy.add(conversation)
        name = event.data.get("name") if event.kind is EventKind.TOOL else None
        self._live.publish("chat", _message(conversation, event.kind, event.text, name))


async def _warned(work: Coroutine[Any, Any, object], name: str) -> None:
    try:
        await work
    except MatrixError as error:
        log.warning("%s: the conversation could not go on: %s", name, error)


def _message(conversation: str, kind: str, text: str, tool: str | None = None) -> Json:
    return {"conversation": conversation, "kind": str(kind), "text": text, "tool": tool}


class MessageBody(BaseModel):
    """What a person typed."""

    model_config = ConfigDict(extra="forbid", strict=True)
    text: str = Field(min_length=1, max_length=MAX_MESSAGE)


def chat_router(room: ChatRoom) -> APIRouter:
    """Return the conversation's routes."""
    router = APIRouter(prefix="/api/conversations")

    @router.get("")
    async def conversations() -> Json:
        """Return every conversation, last used first, and the one to show first."""
        found = await room.talk.list(KEPT)
        return {
            "conversations": [
                {"id": item.id, "title": item.title, "source": item.source, "at": item.updated_at}
                for item in found
            ],
            "latest": await room.talk.latest(among=KEPT),
        }

    @router.post("")
    async def create() -> Json:
        """Begin a conversation."""
        return {"id": await room.talk.create("web")}

    @router.get("/{conversation}")
    async def transcript(conversation: str) -> Json:
        """Return a transcript, oldest first."""
        return await room.transcript(conversation)

    @router.post("/{conversation}/messages")
    async def message(conversation: str, body: MessageBody) -> Json:
        """Start a turn; its answer comes over the live socket and stands in the transcript."""
        return await room.send(conversation, body.text)

    return router
