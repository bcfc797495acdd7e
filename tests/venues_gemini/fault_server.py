"""A tiny HTTP server that misbehaves on demand: it answers each request by the next act of its script."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from guardrails.sandbox_lock import Endpoint, PaperAddress, endpoint
from guardrails.snapshot import Mode


@dataclass(frozen=True)
class Act:
    """What to do with one request.

    `body` None cuts without an answer; `wait_s` comes first; `hang_up` closes after the answer, unannounced.
    """

    status: int = 200
    body: bytes | None = b"{}"
    wait_s: float = 0.0
    headers: tuple[str, ...] = ()
    claimed_length: int | None = None
    endless: bool = False
    hang_up: bool = False


def ok(body: object, wait_s: float = 0.0) -> Act:
    return Act(body=json.dumps(body).encode(), wait_s=wait_s)


def error(status: int, reason: str, message: str = "", headers: tuple[str, ...] = ()) -> Act:
    body = json.dumps({"result": "error", "reason": reason, "message": message}).encode()
    return Act(status=status, body=body, headers=headers)


CUT = Act(body=None)
GARBAGE = Act(body=b"<html>\xff not json")
EMPTY = Act(body=b"")


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]

    @property
    def payload(self) -> dict[str, Any]:
        return dict(json.loads(base64.b64decode(self.headers["x-gemini-payload"])))


@dataclass
class FaultServer:
    """`script` is used up first, then `always` answers; `by_path` wins over both, `answer` over all."""

    script: list[Act] = field(default_factory=list)
    always: Act = field(default_factory=lambda: GARBAGE)
    by_path: dict[str, Act] = field(default_factory=dict)
    answer: Callable[[FaultServer, Request], Act] | None = None
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    open_now: int = 0
    most_open: int = 0

    @property
    def endpoint(self) -> Endpoint:
        return endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=self.port))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {k.lower(): v for k, v in (row.split(": ", 1) for row in rest if row)}
        self.requests.append(Request(method, target, headers))
        act = self._act(self.requests[-1])
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        await asyncio.sleep(act.wait_s)
        self.open_now -= 1
        if act.body is None:
            return False
        length = len(act.body) if act.claimed_length is None else act.claimed_length
        rows = [f"HTTP/1.1 {act.status} X", f"Content-Length: {length}", *act.headers]
        if act.endless:
            rows[1] = "Connection: close"
        writer.write(("\r\n".join(rows) + "\r\n\r\n").encode() + act.body)
        while act.endless:
            writer.write(b" " * 65536)
            await writer.drain()
        await writer.drain()
        return act.claimed_length is None and not act.hang_up

    def _act(self, request: Request) -> Act:
        if self.answer is not None:
            return self.answer(self, request)
        by_path = self.by_path.get(request.target.split("?")[0])
        return by_path or (self.script.pop(0) if self.script else self.always)


@asynccontextmanager
async def running(*script: Act, **options: Any) -> AsyncIterator[FaultServer]:
    faults = FaultServer(script=list(script), **options)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await faults.serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    faults.port = server.sockets[0].getsockname()[1]
    try:
        yield faults
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
