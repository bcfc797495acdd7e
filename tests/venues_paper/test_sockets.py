import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.venues_paper.signed import Client, signed_headers
from venues.paper.feeds import QUEUE_LIMIT, Mailbox
from venues.paper.server import RunningExchange

EVENTS = "/v1/order/events"


async def receive(socket: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), 10))


async def receive_until(socket: ClientConnection, kind: str) -> list[Any]:
    """Everything up to the first message or event of type `kind`, arrays unpacked."""
    found: list[Any] = []
    while True:
        message = await receive(socket)
        found += message if isinstance(message, list) else [message]
        if found[-1]["type"] == kind:
            return found


def market_socket(running: RunningExchange) -> connect:
    return connect(running.ws_url + "/v2/marketdata", proxy=None, max_queue=None)


def order_socket(running: RunningExchange, client: Client, query: str = "", **kwargs: Any) -> connect:
    headers = signed_headers(client.key, client.secret, EVENTS, **kwargs)
    return connect(running.ws_url + EVENTS + query, additional_headers=headers, proxy=None, max_queue=None)


def subscribe(*streams: tuple[str, list[str]], kind: str = "subscribe") -> str:
    return json.dumps({"type": kind, "subscriptions": [{"name": n, "symbols": s} for n, s in streams]})


async def test_snapshot_and_deltas_rebuild_the_engines_book(running: RunningExchange, desk: Client) -> None:
    levels: dict[str, dict[Decimal, Decimal]] = {"buy": {}, "sell": {}}
    async with market_socket(running) as socket:
        await socket.send(subscribe(("l2", ["BTCUSD"])))
        snapshot = await receive(socket)
        assert {"changes", "trades", "auction_events"} <= set(snapshot)
        for _ in range(40):
            await desk.get("/v1/symbols")
        await desk.order(price="60000.01")
        messages = [snapshot]
        mark = ["buy", "60000.01", "0.001"]
        while mark not in messages[-1].get("changes", []):
            messages.append(await receive(socket))
    for message in messages:
        for side, price, amount in message.get("changes", ()):
            levels[side][Decimal(price)] = Decimal(amount)
            if message is not snapshot and amount == "0":
                del levels[side][Decimal(price)]
    book = running.book("btcusd")
    assert levels["buy"] == {price: level.total for price, level in book.bids.levels.items()}
    assert levels["sell"] == {price: level.total for price, level in book.asks.levels.items()}
    trades = [message for message in messages if message["type"] == "trade"]
    assert trades
    assert set(trades[0]) == {
        "type", "symbol", "event_id", "tid", "timestamp", "price", "quantity", "side",
    }  # fmt: skip


async def test_candle_stream_starts_with_history_and_follows_trades(
    running: RunningExchange, desk: Client
) -> None:
    async with market_socket(running) as socket:
        await socket.send(subscribe(("candles_1m", ["BTCUSD"]), ("candles_1hr", ["BTCUSD"])))
        first, second = await receive(socket), await receive(socket)
        assert (first["type"], second["type"]) == ("candles_1m_updates", "candles_1hr_updates")
        assert len(first["changes"]) > 1440
        while True:
            ask = str(running.book("btcusd").asks.best + 5)
            await desk.order(amount="0.00001", price=ask)
            update = (await receive_until(socket, "candles_1m_updates"))[-1]
            if update["changes"][0][5]:
                break
        assert len(update["changes"]) == 1


FAULTY_FRAMES = [
    (subscribe(("l2", ["btcusd"])), "NoValidTradingPairs"),
    (subscribe(("l2", ["NOPEUSD"])), "NoValidTradingPairs"),
    (subscribe(("l9", ["BTCUSD"])), "NoValidTradingPairs"),
    (subscribe(("candles_2m", ["BTCUSD"])), "NoValidTradingPairs"),
    (subscribe(("l2", [5])), "NoValidTradingPairs"),
    ("{", "InvalidJson"),
    ("[]", "InvalidJson"),
    ('{"type":"subscribe","subscriptions":7}', "InvalidJson"),
    ("[" * 50_000, "InvalidJson"),
    (subscribe(("l2", ["BTCUSD"]), kind="buy"), "InvalidParameterValue"),
    (subscribe(("l2", ["BTCUSD"] * 300)), "InvalidParameterValue"),
    (b"\x00\x01", "InvalidJson"),
]


async def test_faulty_frames_get_an_error_and_the_socket_lives(running: RunningExchange) -> None:
    async with market_socket(running) as socket:
        for frame, reason in FAULTY_FRAMES:
            await socket.send(frame)
            assert (await receive(socket))["reason"] == reason, frame[:60]
        await socket.send(subscribe(("l2", ["BTCUSD"])))
        assert (await receive(socket))["type"] == "l2_updates"


async def test_unsubscribe_ends_one_stream_only(running: RunningExchange, desk: Client) -> None:
    async with market_socket(running) as socket:
        await socket.send(subscribe(("l2", ["BTCUSD", "ETHUSD"])))
        await socket.send(subscribe(("l2", ["BTCUSD"]), kind="unsubscribe"))
        await socket.send(subscribe(("l2", ["SOLUSD"])))
        seen = [await receive(socket) for _ in range(3)]
        assert [message["symbol"] for message in seen] == ["BTCUSD", "ETHUSD", "SOLUSD"]
        for _ in range(20):
            await desk.get("/v1/symbols")
        later = [(await receive(socket))["symbol"] for _ in range(12)]
        assert set(later) <= {"ETHUSD", "SOLUSD"}


async def test_reader_who_lags_too_far_is_cut_off() -> None:
    mailbox = Mailbox()
    for number in range(QUEUE_LIMIT + 10):
        mailbox.put(str(number))
    for number in range(QUEUE_LIMIT):
        assert await mailbox.get() == str(number)
    assert await mailbox.get() is None


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
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(web.recv(), 0.2)
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
            async with connect(
                running.ws_url + EVENTS, additional_headers=headers, proxy=None, max_queue=None
            ):
                pass
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body)["reason"] == reason
    with pytest.raises(InvalidStatus) as refused:
        async with connect(running.ws_url + "/v1/nothing", proxy=None, max_queue=None):
            pass
    assert refused.value.response.status_code == 404


async def test_both_sockets_beat_every_five_seconds(running: RunningExchange, desk: Client) -> None:
    async with market_socket(running) as market, order_socket(running, desk) as orders:
        await receive(orders)
        beat = await receive(market)
        assert set(beat) == {"type", "timestamp"}
        beat = await receive(orders)
        assert (beat["type"], beat["sequence"], beat["socket_sequence"]) == ("heartbeat", 0, 0)
        assert "trace_id" in beat
