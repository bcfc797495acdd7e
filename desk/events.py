"""The desk's event stream: one queue a reader, bounded; who falls behind is cut and may come back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

_QUEUE = 1000
_PING_S = 10.0


class EventHub:
    """Fans events out to readers."""

    def __init__(self) -> None:
        self._readers: set[asyncio.Queue[bytes | None]] = set()

    @property
    def has_readers(self) -> bool:
        """Say whether anybody listens, so that nothing is rendered for nobody."""
        return bool(self._readers)

    def publish(self, name: str, data: dict[str, Any]) -> None:
        """Send one event to every reader; encoded once."""
        if not self._readers:
            return
        frame = encode(name, data)
        for queue in list(self._readers):
            try:
                queue.put_nowait(frame)
            except asyncio.QueueFull:
                self._readers.discard(queue)
                # Make room for the word that ends the stream.
                queue.get_nowait()
                queue.put_nowait(None)

    async def stream(self, hello: Callable[[], dict[str, Any]]) -> AsyncIterator[bytes]:
        """Yield encoded events, `hello` first, until the reader leaves or falls behind."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)
        self._readers.add(queue)
        try:
            yield encode("hello", hello())
            while True:
                try:
                    frame = await asyncio.wait_for(queue.get(), _PING_S)
                except TimeoutError:
                    yield b": ping\n\n"
                    continue
                if frame is None:
                    return
                yield frame
        finally:
            self._readers.discard(queue)


def encode(name: str, data: dict[str, Any]) -> bytes:
    """Return one server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
