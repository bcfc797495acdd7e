"""One accepted socket: frames go out as they come up and come in as they are read, until either side ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from decimal import localcontext

from starlette.websockets import WebSocket, WebSocketDisconnect

from domain.money import CONTEXT
from venues.paper.fault_kinds import Stream
from venues.paper.faults import Faults
from venues.paper.mailbox import Mailbox

_FAREWELL_S = 1.0
_BEHIND = 1013
"""Close code for a reader that lags: try again later."""


async def converse(
    socket: WebSocket, mailbox: Mailbox, on_frame: Callable[[str], None], faults: Faults, stream: Stream
) -> None:
    """Send what comes into `mailbox` and pass each text frame to `on_frame` until the client leaves.

    A binary frame, which these wires do not have, is passed on as an empty text. A reader that lags too far
    is closed with 1013. The server below pings every 20 s and drops a peer that does not answer.
    """
    sender = asyncio.create_task(_send_all(socket, faults.outgoing(stream, mailbox.get)))
    reader = asyncio.create_task(_read_all(socket, on_frame))
    mailbox.on_cut = sender.cancel  # it may be waiting for a peer that takes nothing
    try:
        await asyncio.wait({sender, reader}, return_when=asyncio.FIRST_COMPLETED)
        if reader.done():
            reader.result()
    finally:
        for task in (sender, reader):
            task.cancel()
        await asyncio.gather(sender, reader, return_exceptions=True)
    if mailbox.is_cut:
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(_FAREWELL_S):
                await socket.close(_BEHIND, "too far behind")


async def _send_all(socket: WebSocket, frames: AsyncIterator[str]) -> None:
    # RuntimeError: the server below has closed the connection already, as after a ping without an answer.
    with suppress(WebSocketDisconnect, RuntimeError):
        async for frame in frames:
            await socket.send_text(frame)


async def _read_all(socket: WebSocket, on_frame: Callable[[str], None]) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        with localcontext(CONTEXT):
            on_frame(message.get("text") or "")
