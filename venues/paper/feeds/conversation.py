"""One accepted socket: frames go out as they come up and come in as they are read, until either side ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from decimal import localcontext

from starlette.websockets import WebSocket, WebSocketDisconnect

from domain.money import CONTEXT
from venues.paper.faults.armed import Faults
from venues.paper.faults.fault_kinds import Stream
from venues.paper.feeds.mailbox import Mailbox

_FAREWELL_S = 1.0


async def converse(
    socket: WebSocket, mailbox: Mailbox, on_frame: Callable[[str], None], faults: Faults, stream: Stream
) -> None:
    """Send what comes into `mailbox` and pass each text frame to `on_frame` until the client leaves.

    A binary frame, which these wires do not have, is passed on as an empty text. A reader that lags too far
    is closed with 1013. The server below pings every 20 s and drops a peer that does not answer. Afterwards
    the mailbox is empty.
    """
    sender = asyncio.create_task(_send_all(socket, faults.outgoing(stream, mailbox.get)))
    reader = asyncio.create_task(_read_all(socket, mailbox, on_frame))
    mailbox.on_cut = sender.cancel  # it may be waiting for a peer that takes nothing
    try:
        await asyncio.wait({sender, reader}, return_when=asyncio.FIRST_COMPLETED)
        if reader.done():
            reader.result()
    finally:
        for task in (sender, reader):
            task.cancel()
        must_end = mailbox.is_cut
        mailbox.cut(mailbox.farewell)
        await asyncio.gather(sender, reader, return_exceptions=True)
    if must_end:
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(_FAREWELL_S):
                await socket.close(*mailbox.farewell)


async def _send_all(socket: WebSocket, frames: AsyncIterator[str]) -> None:
    # RuntimeError: the server below has closed the connection already, as after a ping without an answer.
    with suppress(WebSocketDisconnect, RuntimeError):
        async for frame in frames:
            await socket.send_text(frame)


async def _read_all(socket: WebSocket, mailbox: Mailbox, on_frame: Callable[[str], None]) -> None:
    while not mailbox.is_cut:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        with localcontext(CONTEXT):
            on_frame(message.get("text") or "")
        # Thousands of small frames come in one piece; between two of them everybody else has a turn.
        await asyncio.sleep(0)
