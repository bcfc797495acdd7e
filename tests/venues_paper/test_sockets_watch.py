"""What may keep a socket open, and what open sockets may cost."""

import asyncio
import base64
import json
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.venues_paper.runner import ExchangeProcess
from tests.venues_paper.signed import Client
from tests.venues_paper.socket_clients import (
    EVENTS,
    Api,
    limit_order,
    market_socket,
    plain_socket,
    receive,
    silence,
    stream_socket,
    subscribe,
    trader_socket,
    upgrade_headers,
)
from tests.venues_paper.test_oauth import Browser
from venues.paper.feeds import mailbox
from venues.paper.feeds.intervals import KEPT_CANCELLED
from venues.paper.feeds.mailbox import BACKLOG_LIMIT, SHARE, Backlog, Mailbox
from venues.paper.opening import TIME_NONCE, credentials_of
from venues.paper.server import RunningExchange
from venues.paper.sockets import socket_watch

pytestmark = pytest.mark.asyncio(loop_scope="module")

Shared = tuple[RunningExchange, httpx.AsyncClient]


@pytest.fixture
def running(shared: Shared) -> RunningExchange:
    """One exchange for the module."""
    return shared[0]


def bearer(token: str, path: str = EVENTS) -> dict[str, str]:
    payload = base64.b64encode(json.dumps({"request": path}).encode()).decode()
    return {"Authorization": f"Bearer {token}", "X-GEMINI-PAYLOAD": payload}


async def test_revoked_token_ends_its_open_sockets(shared: Shared, shared_stranger: Client) -> None:
    running, browser = shared[0], Browser(*shared)
    token = (await browser.tokens())["access_token"]
    async with (
        plain_socket(running, "/", additional_headers={"Authorization": f"Bearer {token}"}) as socket,
        plain_socket(running, EVENTS + "?heartbeat=false", additional_headers=bearer(token)) as events,
    ):
        api = Api(socket)
        await api.do("subscribe", ["orders@account"])
        placed = await api.do("order.place", limit_order())
        assert [(await receive(events))["type"]] == ["subscription_ack"]
        assert [event["type"] for _ in range(2) for event in await receive(events)] == ["accepted", "booked"]
        await browser.call(token, "/v1/oauth/revokeByToken")
        assert await api.refused("order.cancel", {"orderId": placed["orderId"]}) == (-1002, 401)
        assert await api.refused("subscribe", ["balances@account"]) == (-1002, 401)
        for _ in range(4):
            await shared_stranger.get("/v1/symbols")
        await shared_stranger.post("/v1/order/cancel/all")
        for each in (socket, events):
            with pytest.raises(ConnectionClosed) as ended:
                await receive(each)
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == 1008
    assert not running.exchange.engine.live


async def test_sockets_of_one_address_are_bounded(
    running: RunningExchange, shared_desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_watch, "MOST_SOCKETS", 3)
    async with stream_socket(running) as first, market_socket(running):
        async with plain_socket(running, "/v1/marketdata/btcusd"):
            for path in ("/v2/marketdata", "/", "/v1/marketdata/btcusd"):
                with pytest.raises(InvalidStatus) as refused:
                    async with plain_socket(running, path):
                        pass
                assert refused.value.response.status_code == 429
                assert json.loads(refused.value.response.body)["reason"] == "RateLimit"
            await shared_desk.get("/v1/symbols")
        await Api(first).do("ping")
        async with market_socket(running):
            pass


async def test_many_laggards_share_what_may_wait() -> None:
    backlog = Backlog()
    greedy, modest = Mailbox(backlog=backlog), Mailbox(backlog=backlog)
    frame = "x" * (mailbox.TEXT_LIMIT // 16)
    for _ in range(10):
        greedy.put(frame)
    modest.put("small")
    assert backlog.size == 10 * len(frame) + 5
    backlog.size += BACKLOG_LIMIT
    greedy.put("y")
    modest.put("y" * (SHARE // 2))
    assert (greedy.is_cut, modest.is_cut) == (True, False)
    assert await modest.get() == "small"
    modest.cut()
    assert backlog.size == BACKLOG_LIMIT


async def test_ended_connection_leaves_nothing_waiting(running: RunningExchange) -> None:
    async with plain_socket(running, "/v1/multimarketdata?symbols=btcusd,ethusd"):
        pass
    async with stream_socket(running) as socket:
        await Api(socket).do("ping")
    for _ in range(100):
        if not running.exchange.feeds.watched:
            break
        await asyncio.sleep(0.01)
    assert running.exchange.feeds._backlog.size == 0


async def test_joining_and_leaving_while_time_stands_still_keeps_nothing(running: RunningExchange) -> None:
    intervals = running.exchange.feeds.intervals
    for _ in range(5 * KEPT_CANCELLED):
        intervals.every(1000, lambda: None).cancel()
    assert len(intervals._waiting) < 2 * KEPT_CANCELLED


async def test_names_beyond_measure_and_letters_of_other_scripts(running: RunningExchange) -> None:
    async with stream_socket(running) as socket:
        names = ["btcusd@trade"] * 1025
        assert await Api(socket).refused("subscribe", names) == (-1013, 400)
    async with market_socket(running) as socket:
        for symbol in ("LIN\u212aUSD", "btcusd", "BTCUSD ", 7, None, ["BTCUSD"], {"BTCUSD": 1}):
            await socket.send(subscribe(("l2", [symbol])))
            assert (await receive(socket))["reason"] == "NoValidTradingPairs", symbol


async def test_any_request_on_an_authenticated_socket_is_a_sign_of_life(running: RunningExchange) -> None:
    key = running.exchange.keys[credentials_of(running.exchange, TIME_NONCE).api_key]
    async with trader_socket(running) as socket, stream_socket(running) as public:
        key.last_seen_ms = 0
        await Api(public).do("ping")
        assert key.last_seen_ms == 0
        await Api(socket).do("ping")
        assert key.last_seen_ms == running.exchange.timeline.now_ms()


async def test_flood_of_small_frames_lets_others_have_a_turn(
    running: RunningExchange, shared_desk: Client
) -> None:
    async with stream_socket(running) as socket, stream_socket(running) as other:
        for _ in range(3000):
            await socket.send("{}")
        answer = await asyncio.wait_for(Api(other).ask("ping"), 5)
        assert answer["status"] == 200
        for _ in range(3000):
            assert (await receive(socket))["status"] == 400


async def opened_on(address: dict[str, Any], query: str) -> connect:
    """A trader's socket on an exchange in another process, by that one's clock."""
    key = address["keys"][TIME_NONCE]
    async with httpx.AsyncClient(trust_env=False) as http:
        seconds = (await http.get(address["url"] + "/v1/symbols")).headers["date"]
    nonce = str(int(parsedate_to_datetime(seconds).timestamp()))
    return connect(
        address["ws_url"] + "/" + query,
        proxy=None,
        additional_headers=upgrade_headers(key["api_key"], key["api_secret"], nonce),
    )


@pytest.mark.parametrize("way", ["terminate", "kill"])
async def test_cancel_on_disconnect_holds_over_a_restart(tmp_path: Path, way: str) -> None:
    home = tmp_path / "home"
    process = ExchangeProcess(home)
    try:
        opening = await opened_on(process.address, "?cancelOnDisconnect=true")
        keeping = await opened_on(process.address, "")
        async with opening as socket, keeping as other:
            lost = await Api(socket).do("order.place", limit_order())
            kept = await Api(other).do("order.place", limit_order())
            getattr(process, way)()
        process = ExchangeProcess(home)
        opening = await opened_on(process.address, "")
        async with opening as socket:
            api = Api(socket)
            assert await api.refused("order.cancel", {"orderId": lost["orderId"]}) == (-2010, 400)
            await api.do("order.cancel", {"orderId": kept["orderId"]})
    finally:
        process.kill()


async def test_silence_is_kept_about_requests_that_are_no_orders(
    running: RunningExchange, shared_stranger: Client
) -> None:
    async with trader_socket(running) as socket:
        api = Api(socket)
        await api.do("subscribe", ["orders@account"])
        wrong = [{"price": "cheap"}, {"side": "hold"}, {"symbol": "nope"}, {"options": "x"}, {"amount": None}]
        for fields in wrong:
            answer = await shared_stranger.try_post(
                "/v1/order/new", **{"symbol": "btcusd", "amount": "1", "price": "1.00", "side": "buy",
                                    "type": "exchange limit", **fields}
            )  # fmt: skip
            assert answer.status_code == 400, fields
        assert await silence(socket, 0.05)
