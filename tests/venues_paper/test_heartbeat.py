"""A session that must keep talking, and what becomes of its orders when it does not."""

import asyncio
import json

import httpx
import pytest
import websockets

from tests.venues_paper.keyed import holder, made
from tests.venues_paper.signed import Client, signed_headers
from venues.paper.access.session_watch import SILENCE_MS
from venues.paper.server import RunningExchange


@pytest.fixture
def talker(running: RunningExchange, http: httpx.AsyncClient) -> Client:
    """The holder of the key that requires heartbeats."""
    return holder(running, http, "heartbeat")


async def open_ids(client: Client) -> list[str]:
    return [order["order_id"] for order in await client.post("/v1/orders")]


async def test_silence_cancels_the_orders_of_that_session_only(
    running: RunningExchange, talker: Client, stranger: Client, desk: Client
) -> None:
    mine = [(await talker.order(price=price))["order_id"] for price in ("40000.00", "41000.00")]
    stop = await talker.order(
        type="exchange stop limit", side="sell", stop_price="40000.00", price="39000.00", amount="0.01"
    )
    other, desks = await stranger.order(price="42000.00"), await desk.order(price="43000.00")
    running.exchange.timeline.advance(SILENCE_MS + 1000)
    assert await open_ids(stranger) == [other["order_id"]]
    assert await open_ids(desk) == [desks["order_id"]]
    for order_id in (*mine, stop["order_id"]):
        ended = await stranger.post("/v1/order/status", order_id=order_id)
        assert (ended["is_live"], ended["is_cancelled"], ended["reason"]) == (False, True, "Requested")
    held = [row["currency"] for row in await talker.post("/v1/balances") if row["amount"] != row["available"]]
    assert held == ["USD"]  # the other session's buy


async def test_any_authenticated_call_keeps_the_session_alive(
    running: RunningExchange, talker: Client
) -> None:
    order = await talker.order(price="40000.00")
    for path in ("/v1/heartbeat", "/v1/balances", "/v1/roles", "/v1/heartbeat"):
        running.exchange.timeline.advance(SILENCE_MS - 2000)
        await talker.post(path)
    assert await open_ids(talker) == [order["order_id"]]


async def test_heartbeat_answers_ok(talker: Client) -> None:
    assert await talker.post("/v1/heartbeat") == {"result": "ok"}


async def test_refused_call_does_not_keep_the_session_alive(
    running: RunningExchange, talker: Client, stranger: Client
) -> None:
    await talker.order(price="40000.00")
    running.exchange.timeline.advance(SILENCE_MS - 2000)
    wrong = signed_headers(talker.key, "wrong secret", "/v1/heartbeat")
    await talker.http.post(talker.url + "/v1/heartbeat", headers=wrong)
    running.exchange.timeline.advance(3000)
    assert await open_ids(stranger) == []


async def test_other_keys_may_be_silent(running: RunningExchange, stranger: Client) -> None:
    order = await stranger.order(price="40000.00")
    running.exchange.timeline.advance(3_600_000)
    assert await open_ids(stranger) == [order["order_id"]]


async def test_session_that_came_back_may_trade_again(running: RunningExchange, talker: Client) -> None:
    await talker.order(price="40000.00")
    running.exchange.timeline.advance(SILENCE_MS + 1000)
    assert await open_ids(talker) == []
    again = await talker.order(price="40000.00")
    assert await open_ids(talker) == [again["order_id"]]


async def test_new_key_has_the_whole_time_from_its_making(
    running: RunningExchange, http: httpx.AsyncClient, stranger: Client
) -> None:
    client = made(running, http, "account-talker", requires_heartbeat=True)
    order = await client.order(price="40000.00")
    running.exchange.timeline.advance(SILENCE_MS - 2000)
    assert await open_ids(stranger) == [order["order_id"]]


async def test_cancels_by_silence_are_told_on_the_order_socket(
    running: RunningExchange, talker: Client, stranger: Client
) -> None:
    order = await talker.order(price="40000.00")
    headers = signed_headers(stranger.key, stranger.secret, "/v1/order/events")
    address = f"{running.ws_url}/v1/order/events?heartbeat=false"
    async with websockets.connect(address, additional_headers=headers) as socket:
        assert json.loads(await socket.recv())["type"] == "subscription_ack"
        assert json.loads(await socket.recv())[0]["type"] == "initial"
        running.exchange.timeline.advance(SILENCE_MS + 1000)
        await stranger.get("/v1/symbols")  # in virtual time a request runs the next step
        events = [json.loads(await asyncio.wait_for(socket.recv(), 10))[0] for _ in range(2)]
    assert [(e["type"], e["order_id"]) for e in events] == [
        ("cancelled", order["order_id"]),
        ("closed", order["order_id"]),
    ]
    assert (events[0]["reason"], events[0]["api_session"]) == ("Requested", talker.key)
