"""The page's side of the conversations: routes to talk, and the pumps that push what arrives later.

The transcript is the server's. A browser sends one message's text and a conversation's id, never history.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import TYPE_CHECKING

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from agent_graph.turn import EventKind, TurnEvent
from app.live import Json, Live
from domain.errors import MatrixError, UnreachableError

if TYPE_CHECKING:
    from agent_graph.conversations import Conversations

log = logging.getLogger(__name__)

MAX_MESSAGE = 4000
_LAST = frozenset({EventKind.DONE, EventKind.ERROR})


class ChatRoom:
    """Holds the conversations once they are open and tells every page what happens in them."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._talk: Conversations | None = None
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._busy: set[str] = set()
        self._early: set[str] = set()
        self._settling: set[asyncio.Task[None]] = set()

    def open(self, talk: Conversations) -> None:
        """Take the opened conversations; cards that settled before are passed on now."""
        self._talk = talk
        early, self._early = self._early, set()
        for proposal_id in sorted(early):
            self.settle(proposal_id)
        self._live.publish("chat-ready", {})

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
        if self._talk is None:
            self._early.add(proposal_id)
            return
        task = asyncio.create_task(self._settle(proposal_id), name=f"settle {proposal_id}")
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle(self, proposal_id: str) -> None:
        try:
            await self.talk.settle(proposal_id)
        except MatrixError as error:
            log.warning("the conversation of %s could not go on: %s", proposal_id, error)

    @property
    def talk(self) -> Conversations:
        """Return the open conversations; raises `UnreachableError` while they are still loading."""
        if self._talk is None:
            raise UnreachableError(
                "CHAT_STARTING", "the conversation is still loading", "Try again in a moment."
            )
        return self._talk

    async def transcript(self, conversation: str) -> Json:
        """Return `{"messages", "busy"}` and keep this conversation's pages told from now on."""
        self._watch(conversation)
        messages = await self.talk.transcript(conversation)
        return {
            "messages": [dataclasses.asdict(item) for item in messages],
            "busy": conversation in self._busy,
        }

    async def send(self, conversation: str, text: str) -> Json:
        """Start a turn; its events go to every page."""
        self._watch(conversation)
        handle = await self.talk.send(conversation, text)
        self._busy.add(conversation)
        self._live.publish("chat", _message(conversation, "started", ""))
        return {"turn": handle.turn_id}

    def _watch(self, conversation: str) -> None:
        pump = self._pumps.get(conversation)
        if pump is None or pump.done():
            self._pumps[conversation] = asyncio.create_task(
                self._pump(conversation), name=f"chat {conversation}"
            )

    async def _pump(self, conversation: str) -> None:
        async for event in self.talk.subscribe(conversation):
            self._take(conversation, event)

    def _take(self, conversation: str, event: TurnEvent) -> None:
        if event.kind in _LAST:
            self._busy.discard(conversation)
        elif event.kind in {EventKind.SENTENCE, EventKind.TOOL}:
            self._busy.add(conversation)
        name = event.data.get("name") if event.kind is EventKind.TOOL else None
        self._live.publish("chat", _message(conversation, event.kind, event.text, name))


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
        found = await room.talk.list()
        return {
            "conversations": [
                {"id": item.id, "title": item.title, "source": item.source, "at": item.updated_at}
                for item in found
            ],
            "latest": await room.talk.latest(),
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
