"""A TCP proxy that stands between desk and exchange and loses requests or replies on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

ORDER = b"POST /v1/order/new"


class FaultProxy:
    """`fault` is consumed by the next new order: `lose_reply` (it arrives), `lose_request` (it does not).

    `hold_replies`: answers to new orders wait until it is set.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.fault: str | None = None
        self.hold_replies: asyncio.Event | None = None
        self.on_order: Callable[[], None] | None = None
        self.orders_seen = 0
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on, both ways."""
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
        is_mute, is_order = asyncio.Event(), asyncio.Event()
        back = asyncio.create_task(self._back(upstream_reader, writer, is_mute, is_order))
        try:
            while chunk := await reader.read(65536):
                data = chunk
                if ORDER in data:
                    self.orders_seen += 1
                    is_order.set()
                    fault, self.fault = self.fault, None
                    if fault == "lose_request":
                        break
                    if fault == "lose_reply":
                        is_mute.set()
                # The exchange's guard knows only its own address.
                data = data.replace(f"127.0.0.1:{self.port}".encode(), f"127.0.0.1:{self._port}".encode())
                upstream_writer.write(data)
                await upstream_writer.drain()
                if ORDER in chunk and self.on_order is not None:
                    self.on_order()
        except OSError:
            return
        finally:
            back.cancel()
            for each in (writer, upstream_writer):
                each.close()

    async def _back(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        is_mute: asyncio.Event,
        is_order: asyncio.Event,
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if is_mute.is_set():
                    writer.transport.abort()
                    return
                if self.hold_replies is not None and is_order.is_set():
                    is_order.clear()
                    await self.hold_replies.wait()
                writer.write(data)
                await writer.drain()
            writer.close()


@asynccontextmanager
async def fault_proxy(port: int) -> AsyncIterator[FaultProxy]:
    """Run a proxy in front of `port`."""
    proxy = FaultProxy(port)
    tasks: set[asyncio.Task[None]] = set()

    async def track(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        tasks.add(task)
        with suppress(asyncio.CancelledError):
            await proxy.handle(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(track, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
