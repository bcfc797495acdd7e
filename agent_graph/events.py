"""Hands a turn's events to whoever listens: the turn's own handle and the conversation's subscribers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from typing import Any

from agent_graph.turn import EventKind, Feed, TurnEvent, TurnHandle


class EventHub:
    """Knows the listeners; a listener that is gone or too slow holds nobody up."""

    def __init__(self) -> None:
        self._feeds: defaultdict[str, set[Feed]] = defaultdict(set)
        self._handles: dict[str, TurnHandle] = {}

    def add_handle(self, handle: TurnHandle) -> None:
        """Let a running turn's handle hear its events."""
        self._handles[handle.turn_id] = handle

    def drop_handle(self, handle: TurnHandle) -> None:
        """End the handle's iteration."""
        handle.feed.close()
        self._handles.pop(handle.turn_id, None)

    def emit(
        self, conversation_id: str, turn_id: str, kind: EventKind, text: str, data: Mapping[str, Any]
    ) -> None:
        """Hand one event on."""
        known = {"conversation": conversation_id, "turn": turn_id, **data}
        event = TurnEvent(kind=kind, text=text, data=known)
        for feed in tuple(self._feeds.get(conversation_id, ())):
            feed.put(event)
        handle = self._handles.get(turn_id)
        if handle is not None:
            handle.feed.put(event)

    def listen(self, conversation_id: str) -> Feed:
        """Return a feed of everything that happens in a conversation from this call on."""
        feed = Feed()
        self._feeds[conversation_id].add(feed)
        return feed

    async def follow(self, conversation_id: str, feed: Feed) -> AsyncIterator[TurnEvent]:
        """Yield a feed's events and forget it when the reader goes."""
        try:
            async for event in feed:
                yield event
        finally:
            feeds = self._feeds[conversation_id]
            feeds.discard(feed)
            if not feeds:
                self._feeds.pop(conversation_id, None)

    def close(self) -> None:
        """End every subscription."""
        for feeds in tuple(self._feeds.values()):
            for feed in tuple(feeds):
                feed.close()
