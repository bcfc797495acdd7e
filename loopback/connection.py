"""One connection of ours: patient only so long, and able to be cut.

Uvicorn waits for ever for a request's head. Here a connection that has not sent a whole one in `HEAD_S` is
closed, so that half-open sockets and heads that trickle in cost a place for a bounded time only. It would
also wait for ever for the peer of an ended WebSocket to take what was written, and keep an answer to each
ping of one that reads none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from loopback.guard import AsgiApp, Receive, Scope, Send

HEAD_S: Final = 15.0
FAREWELL_S: Final = 15.0
"""How long the peer of an ended WebSocket has to take what was written to it."""

MOST_FRAGMENTS: Final = 1024
"""Frames that one message may come in; empty ones cost nothing of its size."""

CUT: Final = "loopback.cut"
"""Name in an HTTP scope of a callable that closes the connection without another byte."""


class PatientProtocol(H11Protocol):
    """Uvicorn's HTTP/1.1 with a deadline for heads and a way to cut."""

    _head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self.app = _with_cut(self.app, transport.close)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes in; a head that has begun must end in time."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._head_deadline is None and self.conn.trailing_data[0]:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._head_deadline = self.loop.call_later(HEAD_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _give_up(self) -> None:
        self._head_deadline = None
        if not self.transport.is_closing():
            self.transport.close()


class PatientSocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's WebSocket, which a peer that takes nothing cannot keep open or fill."""

    _farewell: asyncio.TimerHandle | None = None

    async def run_asgi(self) -> None:
        """Serve the socket, and drop the connection some time after its end."""
        await super().run_asgi()
        self._drop_later()

    def keepalive_timeout(self) -> None:
        """Close a connection that does not answer, and drop it some time after."""
        super().keepalive_timeout()
        self._drop_later()

    def handle_ping(self) -> None:
        """Answer a ping, but not of a peer that takes no answers."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_cont(self, event: Frame) -> None:
        """Take one more part of a message."""
        if len(self.frames) >= MOST_FRAGMENTS and not event.fin:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        if self._farewell is not None:
            self._farewell.cancel()
        super().connection_lost(exc)

    def _drop_later(self) -> None:
        if self._farewell is None and not self.disconnected:
            self._farewell = self.loop.call_later(FAREWELL_S, self.transport.abort)


def _with_cut(app: AsgiApp, cut: Callable[[], None]) -> AsgiApp:
    async def with_cut(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[CUT] = cut
        await app(scope, receive, send)

    return with_cut
