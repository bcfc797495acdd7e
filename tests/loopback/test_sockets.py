"""WebSockets of peers that take nothing, or send what never becomes a message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, WebSocket

from loopback import connection
from loopback.connection import MOST_FRAGMENTS
from loopback.serve import serving

MEGABYTE = 1024 * 1024
HEAD = 10
"""Bytes before the content of a frame as large as that."""


class Peer:
    """A client that reads only when told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, opcode: int, data: bytes = b"", *, is_last: bool = True) -> None:
        head = bytes([(0x80 if is_last else 0) | opcode, 0x80 | len(data)])
        self.writer.write(head + bytes(4) + data)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    app = FastAPI()

    @app.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text)

    @app.websocket("/flood")
    async def flood(socket: WebSocket) -> None:
        """Write until nothing is taken any more, then end."""
        await socket.accept()
        try:
            async with asyncio.timeout(0.2):
                while True:
                    await socket.send_text("x" * MEGABYTE)
        except TimeoutError:
            return

    async with serving(app) as url:
        yield url


async def joined(url: str, path: str) -> Peer:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2048)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return Peer(reader, writer)


async def test_ended_socket_of_a_peer_that_takes_nothing_is_dropped(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FAREWELL_S", 0.2)
    peer = await joined(url, "/flood")
    await asyncio.sleep(1)
    size = 0
    async with asyncio.timeout(10):
        while got := await peer.reader.read(MEGABYTE):
            size += len(got)
    assert size % (MEGABYTE + HEAD), "it ends in the middle of a frame: nothing was kept for the peer"
    peer.writer.close()


async def test_message_in_too_many_parts_is_refused(url: str) -> None:
    peer = await joined(url, "/echo")
    peer.send(1, b"a", is_last=False)
    for _ in range(MOST_FRAGMENTS - 1):
        peer.send(0, is_last=False)
    peer.send(0, b"b")
    assert (await peer.reader.readexactly(4))[2:] == b"ab"
    peer.send(1, b"a", is_last=False)
    for _ in range(MOST_FRAGMENTS):
        peer.send(0, is_last=False)
    assert int.from_bytes((await peer.reader.readexactly(4))[2:]) == 1009
    peer.writer.close()


async def test_pings_are_answered_but_not_kept_for_a_peer_that_reads_nothing(url: str) -> None:
    peer = await joined(url, "/echo")
    peer.send(9, b"here?")
    assert await peer.reader.readexactly(7) == b"\x8a\x05here?"
    peer.reader._transport.pause_reading()  # the peer's own side: nothing is read from now on
    for _ in range(200):
        for _ in range(1000):
            peer.send(9, b"x" * 125)
        await peer.writer.drain()
    peer.send(1, b"end")
    peer.reader._transport.resume_reading()
    size = 0
    async with asyncio.timeout(10):
        while not (got := await peer.reader.read(MEGABYTE)).endswith(b"\x81\x03end"):
            size += len(got)
    assert size < 20 * MEGABYTE, "answers that nobody took were let go"
    peer.writer.close()
