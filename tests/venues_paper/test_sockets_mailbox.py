import asyncio
import socket as sockets
from collections.abc import Callable
from decimal import Decimal
from urllib.parse import urlsplit

import uvicorn

from domain.clock import ManualClock
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.signed import Client
from tests.venues_paper.socket_clients import market_socket, plain_socket, receive, subscribe
from venues.paper.feeds.intervals import Intervals
from venues.paper.feeds.mailbox import QUEUE_LIMIT, STALL_S, TEXT_LIMIT, Mailbox
from venues.paper.server import RunningExchange
from venues.paper.world.timeline import Timeline


async def test_mailbox_gives_frames_in_order_and_numbers_them() -> None:
    mailbox = Mailbox()
    mailbox.put("a")
    mailbox.put_numbered("b", "!")
    mailbox.put_numbered("c", "!")
    assert [await mailbox.get() for _ in range(3)] == ["a", "b0!", "c1!"]


async def test_reader_who_lags_too_many_frames_is_cut_off_and_keeps_no_memory() -> None:
    mailbox, cuts = Mailbox(), []
    mailbox.on_cut = lambda: cuts.append(1)
    for number in range(QUEUE_LIMIT + 10):
        mailbox.put(str(number))
    assert mailbox.is_cut
    assert cuts == [1]
    assert await mailbox.get() is None


async def test_reader_who_lags_too_much_text_is_cut_off() -> None:
    mailbox, frame = Mailbox(), "x" * (TEXT_LIMIT // 4)
    for _ in range(5):
        mailbox.put(frame)
    assert mailbox.is_cut


async def test_reader_who_takes_nothing_for_long_is_cut_off() -> None:
    now = 0.0
    mailbox = Mailbox(lambda: now)
    mailbox.put("first")
    now = STALL_S - 1
    mailbox.put("second")
    assert not mailbox.is_cut
    now = STALL_S + 1
    mailbox.put("third")
    assert mailbox.is_cut


async def test_waiting_reader_wakes_up_for_a_frame_and_for_the_cut() -> None:
    mailbox = Mailbox()
    waiting = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    mailbox.put("now")
    assert await waiting == "now"
    waiting = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    mailbox.cut()
    assert await waiting is None


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.005)


async def test_stalled_connection_is_cut_while_others_go_on(running: RunningExchange, desk: Client) -> None:
    address = urlsplit(running.url)
    # A peer that opens a socket, subscribes and never reads again.
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2048)
    writer.get_extra_info("socket").setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 2048)
    writer.write(
        f"GET /v2/marketdata HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    text = subscribe(("candles_1m", ["BTCUSD"] * 150)).encode()
    head = bytes([0x81, 0x80 | 126]) + len(text).to_bytes(2, "big")
    frame = head + bytes(4) + text
    feeds = running.exchange.feeds
    async with market_socket(running) as lively:
        await lively.send(subscribe(("l2", ["ETHUSD"])))
        await receive(lively)
        writer.write(frame)
        await until(lambda: "btcusd" in feeds.watched)
        writer.write(frame * 3)
        await until(lambda: "btcusd" not in feeds.watched)
        assert feeds.watched == {"ethusd"}, "the one who stalls is cut, the other is not"
        await desk.get("/v1/symbols")
        await receive(lively)
    writer.close()
    reader.feed_eof()


async def test_huge_frame_closes_its_own_socket_only(running: RunningExchange, desk: Client) -> None:
    async with plain_socket(running, "/v2/marketdata") as socket:
        await socket.send("x" * (1024 * 1024 + 1))
        await asyncio.wait_for(socket.wait_closed(), 10)
        assert socket.close_code == 1009
    assert await desk.get("/v1/symbols")


async def test_server_asks_every_peer_for_a_sign_of_life() -> None:
    config = uvicorn.Config("none")
    assert (config.ws_ping_interval, config.ws_ping_timeout) == (20.0, 20.0), (
        "what loopback.serve leaves as is"
    )


async def test_intervals_keep_their_beat_in_virtual_time() -> None:
    timeline = Timeline(ManualClock(MORNING), Decimal(0))
    intervals, seen = Intervals(timeline), []
    start = timeline.now_ms()
    beat = intervals.every(1000, lambda: seen.append(("beat", timeline.now_ms() - start)))
    timeline.advance(500)
    intervals.at_next(1500, lambda: seen.append(("once", timeline.now_ms() - start)))
    intervals.at_next(250, lambda: seen.append(("now", timeline.now_ms() - start)))
    intervals.run_due()
    for _ in range(7):
        timeline.advance(500)
        intervals.run_due()
    timeline.advance(3_200)
    intervals.run_due()
    beat.cancel()
    timeline.advance(10_000)
    intervals.run_due()
    assert seen == [
        ("now", 500), ("beat", 1000), ("once", 1500), ("beat", 2000), ("beat", 3000), ("beat", 4000),
        ("beat", 7200),
    ]  # fmt: skip
