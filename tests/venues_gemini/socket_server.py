"""A WebSocket server whose sessions a test writes by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from guardrails.sandbox_lock import Endpoint, PaperAddress, endpoint
from guardrails.snapshot import Mode

Session = Callable[["Peer"], Awaitable[None]]


@dataclass
class Peer:
    """One connection, from the server's side."""

    socket: ServerConnection

    async def say(self, *frames: object) -> None:
        for frame in frames:
            await self.socket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def hear(self) -> dict[str, Any]:
        return dict(json.loads(await self.socket.recv()))

    async def cut(self) -> None:
        self.socket.transport.abort()

    async def stay(self) -> None:
        await self.socket.wait_closed()


@dataclass
class SocketServer:
    """Plays `sessions` one after the other; the last one again and again."""

    sessions: list[Session]
    refusals: list[Response] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    played: int = 0

    @property
    def endpoint(self) -> Endpoint:
        return endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=self.port))

    def look(self, _: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        return self.refusals.pop(0) if self.refusals else None

    async def play(self, socket: ServerConnection) -> None:
        session = self.sessions[min(self.played, len(self.sessions) - 1)]
        self.played += 1
        with suppress(ConnectionClosed):
            await session(Peer(socket))


def refusal(status: int, body: str, **headers: str) -> Response:
    return Response(status, "X", Headers({"Content-Length": str(len(body)), **headers}), body.encode())


@asynccontextmanager
async def serving(*sessions: Session, refusals: tuple[Response, ...] = ()) -> AsyncIterator[SocketServer]:
    server = SocketServer(list(sessions), list(refusals))
    async with serve(
        server.play, "127.0.0.1", 0, process_request=server.look, close_timeout=0.2
    ) as listening:
        server.port = next(iter(listening.sockets)).getsockname()[1]
        yield server


@asynccontextmanager
async def background(work: Awaitable[Any]) -> AsyncIterator[asyncio.Future[Any]]:
    """Run something without end beside the block; what it raised, other than the end, is raised here."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is not None:
            raise task.exception()  # type: ignore[misc]  # it was just found to be there


async def until(holds: Callable[[], bool], within_s: float = 3.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.005)
