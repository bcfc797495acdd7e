"""One HTTP connection of ours: patient only so long, and able to be cut.

Uvicorn waits for ever for a request's head. Here a connection that has not sent a whole one in `HEAD_S` is
closed, so that half-open sockets and heads that trickle in cost a place for a bounded time only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from loopback.guard import AsgiApp, Receive, Scope, Send

HEAD_S: Final = 15.0
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


def _with_cut(app: AsgiApp, cut: Callable[[], None]) -> AsgiApp:
    async def with_cut(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[CUT] = cut
        await app(scope, receive, send)

    return with_cut
