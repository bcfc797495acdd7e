"""Our loopback HTTP and WebSocket server: uvicorn with every choice made once.

Plain signals end it: SIGTERM or Ctrl+C stops accepting, ends event streams, lets running requests finish
for a moment, and then `run` returns, so that the caller can still write its last record.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn

from domain.errors import BadInputError, UnreachableError
from loopback.connection import PatientProtocol, PatientSocketProtocol
from loopback.guard import AsgiApp, Message, Receive, Scope, Send

LOOPBACK = "127.0.0.1"
GRACE_S = 3
"""How long running requests may take to finish after a stop."""
KEEP_ALIVE_S = 75
HEADER_LIMIT = 32 * 1024
SOCKET_MESSAGE_LIMIT = 1024 * 1024
_BACKLOG = 128
_TICKS_A_SECOND = 10  # uvicorn's own count
_LOG = logging.getLogger("uvicorn.error")


def bind(port: int = 0) -> socket.socket:
    """Return a listening socket on 127.0.0.1; 0 takes a free port (`sock.getsockname()[1]` tells which).

    Raises `BadInputError` with `PORT_TAKEN` or `PORT_REFUSED`.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it. asyncio sets it only on sockets made with an explicit protocol
        # number, and without it every answer waits about 40 ms for the peer's delayed acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((LOOPBACK, port))
        # Listening at once is what makes a second bind of the same port fail.
        sock.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        sock.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise BadInputError(
                "PORT_TAKEN",
                f"port {port} is already in use on this machine",
                f"Stop what uses it, or choose another one with --port {port + 1}.",
            ) from error
        raise BadInputError(
            "PORT_REFUSED",
            f"port {port} cannot be opened: {error}",
            "Choose one from 1024 to 65535 with --port.",
        ) from error
    sock.setblocking(False)
    return sock


def run(app: AsgiApp, sock: socket.socket, *, on_ready: Callable[[], None] | None = None) -> None:
    """Serve `app` on `sock` until SIGTERM or SIGINT, then return. Only from the main thread.

    `on_ready` is called once, when requests are answered. Raises `UnreachableError` when start-up failed.
    """
    asyncio.run(serve(app, sock, on_ready=on_ready))


async def serve(
    app: AsgiApp,
    sock: socket.socket,
    *,
    on_ready: Callable[[], None] | None = None,
    date_header: bool = True,
) -> None:
    """Do what `run` does inside a loop that already runs; without `date_header` the app sets its own."""
    server = _Server(app, on_ready or _nothing, date_header=date_header)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    try:
        await server.run_until_stopped(sock)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def serving(app: AsgiApp, *, port: int = 0, date_header: bool = True) -> AsyncIterator[str]:
    """Serve `app` inside this loop for the length of the block; gives the URL `http://127.0.0.1:PORT`.

    Takes no signals. Without `date_header` the app sets its own. Raises `UnreachableError` when start-up
    failed.
    """
    sock = bind(port)
    url = f"http://{LOOPBACK}:{sock.getsockname()[1]}"
    ready = asyncio.Event()
    server = _Server(app, ready.set, date_header=date_header)
    task = asyncio.create_task(server.run_until_stopped(sock), name=f"serving {url}")
    waiter = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield url
    finally:
        waiter.cancel()
        server.stop()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # the first `await task` has raised it already


class _EventStreams:
    """ASGI layer that ends server-sent event streams when the server stops, as if their reader had left.

    Without it one open stream holds every stop up for the whole grace period.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._open: set[asyncio.Event] = set()

    def end_all(self) -> None:
        for ended in self._open:
            ended.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ended = asyncio.Event()
        has_body_left = True

        async def receive_or_end() -> Message:
            nonlocal has_body_left
            message = await (receive() if has_body_left else _first(receive, ended))
            has_body_left = has_body_left and bool(message.get("more_body"))
            return message

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_event_stream(message):
                self._open.add(ended)
            await send(message)

        try:
            await self._app(scope, receive_or_end, send_and_note)
            if ended.is_set():
                await send({"type": "http.response.body", "body": b""})
        finally:
            self._open.discard(ended)


class _Server(uvicorn.Server):
    """Uvicorn's server with our settings, a call when it is ready, and no signal handling of its own."""

    def __init__(self, app: AsgiApp, on_ready: Callable[[], None], *, date_header: bool = True) -> None:
        self._streams = _EventStreams(app)
        self._on_ready = on_ready
        self._told_to_stop = asyncio.Event()
        _LOG.addFilter(_is_worth_logging)
        super().__init__(
            uvicorn.Config(
                self._streams,
                loop="asyncio",
                http=PatientProtocol,
                ws=PatientSocketProtocol,
                ws_max_size=SOCKET_MESSAGE_LIMIT,
                ws_per_message_deflate=False,
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=date_header,
                h11_max_incomplete_event_size=HEADER_LIMIT,
                # Clients give an idle connection up after 5 s. A server that did so at the same moment would
                # now and then close one just as a request leaves on it.
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
                backlog=_BACKLOG,
            )
        )

    def stop(self) -> None:
        self.should_exit = True
        self._told_to_stop.set()

    async def main_loop(self) -> None:
        # Uvicorn looks ten times a second; this stops at once and wakes up only for the Date header.
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += _TICKS_A_SECOND
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told_to_stop.wait(), 1.0)

    async def run_until_stopped(self, sock: socket.socket) -> None:
        try:
            await self.serve(sockets=[sock])
        except SystemExit as error:  # uvicorn's word for a failed start
            raise UnreachableError(
                "START_FAILED",
                "the server could not start",
                "The log above says what failed; cure that and retry.",
            ) from error
        finally:
            sock.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._streams.end_all()
        await super().shutdown(sockets=sockets)


async def _first(receive: Receive, ended: asyncio.Event) -> Message:
    tasks: tuple[asyncio.Task[Any], ...] = (
        asyncio.ensure_future(receive()),
        asyncio.ensure_future(ended.wait()),
    )
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        message: Message = tasks[0].result() if tasks[0].done() else {"type": "http.disconnect"}
        return message
    finally:
        for task in tasks:
            task.cancel()


def _is_event_stream(message: Message) -> bool:
    return any(
        bytes(name).lower() == b"content-type" and bytes(value).startswith(b"text/event-stream")
        for name, value in message.get("headers", ())
    )


def _is_worth_logging(record: logging.LogRecord) -> bool:
    # Uvicorn says this of every WebSocket upgrade that was answered with a status and a body, as the
    # guard does: any web page could fill the log with it.
    return record.msg != "ASGI callable returned without completing handshake."


def _nothing() -> None:
    return
