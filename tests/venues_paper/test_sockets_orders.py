import json

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.venues_paper.signed import Client, signed_headers
from tests.venues_paper.socket_clients import (
    EVENTS,
    order_socket,
    plain_socket,
    receive,
    receive_until,
    silence,
    without_orders,
)
from venues.paper.opening import AUDITOR, FUND_MANAGER, MASTER, credentials_of
from venues.paper.server import RunningExchange

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def running(shared: tuple[RunningExchange, httpx.AsyncClient]) -> RunningExchange:
    """One exchange for the module; nobody has an order when a test begins."""
    return without_orders(shared[0])


@pytest.fixture
def desk(shared_desk: Client) -> Client:
    return shared_desk


@pytest.fixture
def stranger(shared_stranger: Client) -> Client:
    return shared_stranger


async def test_order_events_follow_an_order_from_acceptance_to_close(
    running: RunningExchange, desk: Client
) -> None:
    resting = await desk.order(client_order_id="old", price="59000.00")
    async with order_socket(running, desk, "?heartbeat=true") as socket:
        ack = await receive(socket)
        assert ack["type"] == "subscription_ack"
        assert "socket_sequence" not in ack
        [initial] = await receive(socket)
        assert (initial["type"], initial["order_id"], initial["socket_sequence"]) == (
            "initial", resting["order_id"], 0,
        )  # fmt: skip
        assert "event_id" not in initial
        ask = running.book("btcusd").asks.best + 50
        await desk.order(amount="0.0002", price=str(ask), client_order_id="taken")
        await desk.post("/v1/order/cancel", order_id=resting["order_id"])
        await desk.order(amount="0.0002", price=str(ask), options=["maker-or-cancel"])
        await desk.refused(
            "/v1/order/new", symbol="btcusd", amount="9", price="60000", side="buy", type="exchange limit"
        )
        events = await receive_until(socket, "rejected")
    kinds = [event["type"] for event in events]
    assert kinds == [
        "accepted", "fill", "closed",
        "cancelled", "closed",
        "accepted", "cancelled", "closed",
        "rejected",
    ]  # fmt: skip
    assert [event["socket_sequence"] for event in events] == list(range(1, 10))
    accepted, fill, closed, cancelled = events[:4]
    assert accepted["is_live"] is True
    assert fill["is_live"] is False
    assert closed["remaining_amount"] == "0"
    assert fill["fill"].keys() == {"trade_id", "liquidity", "price", "amount", "fee", "fee_currency"}
    assert (fill["fill"]["liquidity"], fill["fill"]["fee_currency"]) == ("Taker", "USD")
    assert (cancelled["reason"], cancelled["client_order_id"]) == ("Requested", "old")
    assert "cancel_command_id" in cancelled
    assert events[6]["reason"] == "MakerOrCancelWouldTake"
    assert events[5]["behavior"] == "maker-or-cancel"
    assert events[8]["reason"] == "InsufficientFunds"
    needed = {
        "type", "order_id", "event_id", "api_session", "symbol", "side", "order_type", "timestamp",
        "timestampms", "is_live", "is_cancelled", "is_hidden", "avg_execution_price", "executed_amount",
        "remaining_amount", "original_amount", "price", "socket_sequence",
    }  # fmt: skip
    assert all(needed <= set(event) for event in events)


async def test_filters_keep_other_events_away_and_their_numbers_stay_gapless(
    running: RunningExchange, desk: Client
) -> None:
    query = "?eventTypeFilter=booked&eventTypeFilter=closed&symbolFilter=ethusd&heartbeat=false"
    async with order_socket(running, desk, query) as socket:
        ack = await receive(socket)
        assert ack["eventTypeFilter"] == ["booked", "closed"]
        await desk.order()
        order = await desk.order(symbol="ethusd", amount="0.01", price="1500.00")
        await desk.post("/v1/order/cancel/all")
        events = await receive_until(socket, "closed")
    assert [(e["type"], e["order_id"], e["socket_sequence"]) for e in events] == [
        ("booked", order["order_id"], 0),
        ("closed", order["order_id"], 1),
    ]


async def test_session_filter_names_the_key(running: RunningExchange, desk: Client) -> None:
    async with (
        order_socket(running, desk, "?apiSessionFilter=UI&heartbeat=false") as web,
        order_socket(running, desk, f"?apiSessionFilter={desk.key}") as own,
    ):
        await receive(web)
        await receive(own)
        order = await desk.order()
        assert (await receive_until(own, "booked"))[-1]["api_session"] == desk.key
        assert await silence(web)
        assert order["is_live"]


async def test_events_of_other_accounts_stay_theirs(
    running: RunningExchange, desk: Client, stranger: Client
) -> None:
    async with order_socket(running, stranger, "?heartbeat=false") as socket:
        assert (await receive(socket))["type"] == "subscription_ack"
        await desk.order()
        order = await stranger.order()
        [first] = await receive(socket)
        assert first["order_id"] == order["order_id"]


async def test_upgrade_with_a_bad_signature_is_answered_like_rest(
    running: RunningExchange, desk: Client
) -> None:
    cases = [
        (signed_headers(desk.key, "wrong", EVENTS), 400, "InvalidSignature"),
        (signed_headers(desk.key, desk.secret, "/v1/orders"), 400, "EndpointMismatch"),
        ({}, 401, "MissingApikeyHeader"),
        (signed_headers(desk.key, desk.secret, EVENTS, nonce=0), 400, "InvalidNonce"),
    ]
    await desk.post("/v1/heartbeat")
    for headers, status, reason in cases:
        with pytest.raises(InvalidStatus) as refused:
            async with plain_socket(running, EVENTS, additional_headers=headers):
                pass
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body)["reason"] == reason
    with pytest.raises(InvalidStatus) as refused:
        async with plain_socket(running, "/v1/nothing"):
            pass
    assert refused.value.response.status_code == 404


async def test_heartbeats_take_numbers_and_can_be_turned_off(running: RunningExchange, desk: Client) -> None:
    async with (
        order_socket(running, desk) as beating,
        order_socket(running, desk, "?heartbeat=false") as silent,
    ):
        for socket in (beating, silent):
            assert (await receive(socket))["type"] == "subscription_ack"
        for _ in range(11):
            await desk.get("/v1/symbols")
        beat = await receive(beating)
        assert (beat["type"], beat["sequence"], beat["socket_sequence"]) == ("heartbeat", 0, 0)
        assert "trace_id" in beat
        await desk.order()
        [accepted] = await receive(beating)
        assert accepted["socket_sequence"] == 1
        [accepted] = await receive(silent)
        assert accepted["socket_sequence"] == 0


async def test_initial_events_come_newest_first_and_only_if_asked_for(
    running: RunningExchange, desk: Client
) -> None:
    orders = [await desk.order(price=f"{60000 + number}.00") for number in range(3)]
    async with (
        order_socket(running, desk, "?eventTypeFilter=initial&eventTypeFilter=closed") as asked,
        order_socket(running, desk, "?eventTypeFilter=closed&heartbeat=false") as not_asked,
    ):
        assert (await receive(asked))["type"] == "subscription_ack"
        found = [(await receive(asked))[0] for _ in orders]
        assert [event["order_id"] for event in found] == [order["order_id"] for order in reversed(orders)]
        assert [event["socket_sequence"] for event in found] == [0, 1, 2]
        assert all("event_id" not in event for event in found)
        assert (await receive(not_asked))["type"] == "subscription_ack"
        assert await silence(not_asked)


async def test_master_key_sees_its_group_with_account_names(
    running: RunningExchange, stranger: Client, desk: Client
) -> None:
    master = credentials_of(running.exchange, MASTER)
    headers = signed_headers(master.api_key, master.api_secret, EVENTS)
    async with (
        plain_socket(running, EVENTS, additional_headers=headers) as group,
        order_socket(running, stranger) as own,
    ):
        assert (await receive(group))["type"] == "subscription_ack"
        assert (await receive(own))["type"] == "subscription_ack"
        await desk.order()
        order = await stranger.order(amount="0.0001")
        [seen], [own_view] = await receive(group), await receive(own)
    assert (seen["order_id"], seen["account_name"]) == (order["order_id"], "primary")
    assert "account_name" not in own_view


async def test_roles_decide_who_may_listen(running: RunningExchange) -> None:
    auditor = credentials_of(running.exchange, AUDITOR)
    headers = signed_headers(auditor.api_key, auditor.api_secret, EVENTS)
    async with plain_socket(running, EVENTS, additional_headers=headers) as socket:
        assert (await receive(socket))["type"] == "subscription_ack"
    funds = credentials_of(running.exchange, FUND_MANAGER)
    headers = signed_headers(funds.api_key, funds.api_secret, EVENTS)
    with pytest.raises(InvalidStatus) as refused:
        async with plain_socket(running, EVENTS, additional_headers=headers):
            pass
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["reason"] == "MissingRole"
