"""The order feed over real sockets: signed upgrade, acknowledgement first, no gap unnoticed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from random import Random
from typing import Any

import pytest

from domain.clock import ManualClock, SystemClock
from domain.errors import UnreachableError, VenueRetryableError
from domain.order import OrderEvent, OrderEventType
from tests.venues_gemini.samples import KEY, SECRET, START
from tests.venues_gemini.socket_server import Peer, SocketServer, background, refusal, serving, until
from venues.gemini.feed import FeedCutError
from venues.gemini.order_feed import Continuity, OrderFeed
from venues.gemini.session.nonce import NonceSource
from venues.gemini.session.pacing import Patience
from venues.gemini.signing import Credentials

HASTE = Patience(first_s=0.005, longest_s=0.02)
ACK = {
    "type": "subscription_ack",
    "accountId": 77,
    "subscriptionId": "s",
    "symbolFilter": [],
    "apiSessionFilter": [],
    "eventTypeFilter": [],
}


class Desk:
    """Notes in which order things reach it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.events: list[OrderEvent] = []
        self.fail_next: BaseException | None = None
        self.hold = asyncio.Event()
        self.hold.set()

    async def on_event(self, event: OrderEvent) -> None:
        self.events.append(event)
        self.log.append(event.order.venue_order_id)
        if self.fail_next is not None:
            fault, self.fail_next = self.fail_next, None
            raise fault

    async def on_connected(self) -> None:
        await self.hold.wait()
        self.log.append("connected")


def feed(server: SocketServer, desk: Desk, **options: Any) -> OrderFeed:
    settings = {"random": Random(3), "patience": HASTE, **options}
    return OrderFeed(
        server.endpoint,
        Credentials(KEY, SECRET),
        settings.pop("nonces", None) or NonceSource(None, ManualClock(START)),
        SystemClock(),
        desk.on_event,
        desk.on_connected,
        **settings,
    )


def event(order_id: str, number: int | None, **changes: Any) -> dict[str, Any]:
    found = {
        "type": "accepted",
        "order_id": order_id,
        "event_id": "9",
        "api_session": KEY,
        "symbol": "btcusd",
        "side": "buy",
        "order_type": "exchange limit",
        "timestampms": 1700000000000,
        "is_live": True,
        "original_amount": "1",
        "price": "10",
        **changes,
    }
    return found if number is None else {**found, "socket_sequence": number}


def beat(number: int) -> dict[str, Any]:
    return {
        "type": "heartbeat",
        "timestampms": 1700000005000,
        "sequence": 1,
        "trace_id": "t",
        "socket_sequence": number,
    }


async def test_run_upgrade_signed_and_acknowledgement_before_events() -> None:
    async def session(peer: Peer) -> None:
        await peer.say(ACK, [event("1", 0), event("2", 1)], beat(2), event("3", 3))
        await peer.stay()

    desk = Desk()
    desk.hold.clear()
    async with serving(session) as server:
        live = feed(server, desk)
        async with background(live.run()):
            await asyncio.sleep(0.05)
            assert desk.log == []
            assert (live.status().connected, live.status().synced) == (True, False)
            desk.hold.set()
            await until(lambda: len(desk.events) == 3)
            assert (live.status().connected, live.status().synced) == (True, True)
    assert desk.log == ["connected", "1", "2", "3"]
    request = server.requests[0]
    payload = request.headers["X-GEMINI-PAYLOAD"]
    assert request.path == "/v1/order/events?heartbeat=true"
    assert json.loads(base64.b64decode(payload))["request"] == "/v1/order/events"
    assert request.headers["X-GEMINI-APIKEY"] == KEY
    signature = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha384).hexdigest()
    assert request.headers["X-GEMINI-SIGNATURE"] == signature


GAPS: dict[str, list[Any]] = {
    "an event is missing": [[event("1", 0)], [event("2", 2)]],
    "a heartbeat is missing": [beat(0), beat(2)],
    "missing inside an array": [[event("1", 0), event("2", 2)]],
    "the same number again": [beat(0), beat(0)],
    "a step back": [beat(5), beat(4)],
    "not json": ["nonsense"],
    "no number where one should be": [[{"type": "accepted"}]],
    "an order without a time": [[event("1", 0, timestampms=None)]],
    "a price that is none": [[event("1", 0, price="NaN")]],
    "an error": [{"result": "error", "reason": "System", "message": "x"}],
}


@pytest.mark.parametrize("name", GAPS)
async def test_run_gap_or_nonsense_new_connection_and_resync(name: str) -> None:
    async def bad(peer: Peer) -> None:
        await peer.say(ACK, *GAPS[name])
        await peer.stay()

    async def good(peer: Peer) -> None:
        await peer.say(ACK, [event("99", 0)])
        await peer.stay()

    desk = Desk()
    async with serving(bad, good) as server:
        live = feed(server, desk)
        async with background(live.run()):
            await until(lambda: "99" in desk.log)
            assert live.status().reconnects == 1
            assert live.status().last_error
    assert desk.log.count("connected") == 2
    assert desk.log[-2:] == ["connected", "99"]
    nonces = [json.loads(base64.b64decode(r.headers["X-GEMINI-PAYLOAD"]))["nonce"] for r in server.requests]
    assert nonces == sorted(set(nonces))


async def test_run_silence_new_connection() -> None:
    async def mute(peer: Peer) -> None:
        await peer.say(ACK, beat(0))
        await peer.stay()

    desk = Desk()
    async with serving(mute) as server:
        live = feed(server, desk, silence_s=0.05)
        async with background(live.run()):
            await until(lambda: desk.log.count("connected") >= 3)
            assert "no frame" in live.status().last_error


async def test_run_first_frame_no_acknowledgement_new_connection() -> None:
    async def rude(peer: Peer) -> None:
        await peer.say([event("1", 0)])
        await peer.stay()

    async def good(peer: Peer) -> None:
        await peer.say(ACK, [event("2", 0)])
        await peer.stay()

    desk = Desk()
    async with serving(rude, good) as server, background(feed(server, desk).run()):
        await until(lambda: "2" in desk.log)
    assert desk.log == ["connected", "2"]


async def test_run_refused_key_says_the_reason_and_no_header() -> None:
    body = json.dumps({"result": "error", "reason": "InvalidSignature", "message": f"key {KEY}"})

    async def session(peer: Peer) -> None:
        await peer.say(ACK)
        await peer.stay()

    desk = Desk()
    async with serving(session, refusals=(refusal(400, body), refusal(401, ""))) as server:
        live = feed(server, desk)
        seen: set[str] = set()
        async with background(live.run()):
            while not live.status().synced:
                seen.add(live.status().last_error)
                await asyncio.sleep(0.001)
    assert "the exchange refused the connection with 400 InvalidSignature" in seen
    assert not any(KEY in text or "X-GEMINI" in text for text in seen)


@pytest.mark.parametrize(
    "fault", [VenueRetryableError("VENUE_TROUBLE", "down"), UnreachableError("X", "gone")]
)
async def test_run_venue_error_in_a_callback_new_connection(fault: Exception) -> None:
    async def session(peer: Peer) -> None:
        await peer.say(ACK, [event("1", 0)])
        await peer.stay()

    desk = Desk()
    desk.fail_next = fault
    async with serving(session) as server, background(feed(server, desk).run()):
        await until(lambda: desk.log == ["connected", "1", "connected", "1"])


async def test_run_fault_of_ours_in_a_callback_is_raised() -> None:
    async def session(peer: Peer) -> None:
        await peer.say(ACK, [event("1", 0)])
        await peer.stay()

    desk = Desk()
    desk.fail_next = ZeroDivisionError("a bug")
    async with serving(session) as server:
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(3):
                await feed(server, desk).run()


async def test_run_fill_every_field_read() -> None:
    fill = {
        "trade_id": "285",
        "liquidity": "Taker",
        "price": "10.01",
        "amount": "0.4",
        "fee": "0.016016",
        "fee_currency": "USD",
    }
    new_type = event("147258369147258369", 1, type="something_new")

    async def session(peer: Peer) -> None:
        await peer.say(
            ACK,
            [
                event(
                    "147258369147258369",
                    0,
                    type="fill",
                    is_live=False,
                    fill=fill,
                    executed_amount="0.4",
                    client_order_id="m-1",
                    behavior="immediate-or-cancel",
                )
            ],
            [new_type],
            beat(2),
            [event("147258369147258369", 3, type="closed", is_live=False)],
        )
        await peer.stay()

    desk = Desk()
    async with serving(session) as server, background(feed(server, desk).run()):
        await until(lambda: len(desk.events) == 2)
    first, last = desk.events
    assert first.fill is not None
    assert (first.fill.trade_id, str(first.fill.fee), first.fill.is_maker) == ("285", "0.016016", False)
    assert (first.fill.venue_order_id, first.fill.client_order_id) == ("147258369147258369", "m-1")
    assert str(first.order.remaining_amount) == "0.6"
    assert first.order.option == "immediate-or-cancel"
    assert last.type is OrderEventType.CLOSED


async def test_run_every_type_in_one_array_of_a_group_key_read() -> None:
    group = {"account_name": "primary", "api_session": "UI"}
    reject = {"reason": "InvalidPrice", "is_live": False}
    no_cancel = {"reason": "OrderNotFound", "cancel_command_id": "6433", "order_type": "limit"}
    market = {"order_type": "market buy", "total_spend": "200.00", "original_amount": None, "price": None}

    async def session(peer: Peer) -> None:
        array = [
            event("1", 0, type="initial", executed_amount="0.4", remaining_amount="0.6", **group),
            event("2", 1, type="rejected", **reject, **group),
            event("2", 2, type="closed", is_live=False, **group),  # tolerated, although it was refused
            event("3", 3, type="cancel_rejected", **no_cancel, **group),
            event("4", 4, **market, **group),
            event("5", 5, type="booked", **group),
        ]
        await peer.say(ACK, array, beat(6))
        await peer.stay()

    desk = Desk()
    async with serving(session) as server:
        live = feed(server, desk)
        async with background(live.run()):
            await until(lambda: len(desk.events) == 6)
            assert live.status().reconnects == 0
    assert [e.type.value for e in desk.events] == [
        "initial",
        "rejected",
        "closed",
        "cancel_rejected",
        "accepted",
        "booked",
    ]
    initial, rejected, _, no_cancelled, spent, _ = desk.events
    assert initial.fill is None  # what it says was executed has been told before
    assert str(initial.order.executed_amount) == "0.4"
    assert (rejected.order.reason, no_cancelled.order.reason) == ("InvalidPrice", "OrderNotFound")
    assert no_cancelled.order.is_live
    assert spent.order.original_amount == spent.order.price == 0


async def test_status_heartbeats_overdue_counted_and_none_without_connection() -> None:
    clock, go = ManualClock(START), asyncio.Event()

    async def session(peer: Peer) -> None:
        await peer.say(ACK)
        await go.wait()
        go.clear()
        await peer.say(beat(0))
        await go.wait()
        await peer.cut()

    desk = Desk()
    async with serving(session) as server:
        live = OrderFeed(
            server.endpoint,
            Credentials(KEY, SECRET),
            NonceSource(None, ManualClock(START)),
            clock,
            desk.on_event,
            desk.on_connected,
            patience=Patience(first_s=10, longest_s=10),
        )
        async with background(live.run()):
            await until(lambda: live.status().synced)
            seen = []
            for _ in range(3):
                clock.advance(5.5)
                seen.append(live.status().missed_heartbeats)
            assert seen == [0, 2, 3]
            go.set()
            await until(lambda: live.status().missed_heartbeats == 0)
            clock.advance(11.5)
            assert live.status().missed_heartbeats == 2
            go.set()
            await until(lambda: not live.status().connected)
            assert live.status().missed_heartbeats == 0


def test_check_batches_both_readings_of_the_wire() -> None:
    counted, shared = Continuity(), Continuity()
    for numbers in ([0, 1, 2], [3], [4, 5]):
        counted.check(numbers)
    for numbers in ([0, 0, 0], [1], [2, 2]):
        shared.check(numbers)
    shared.check([])
    with pytest.raises(FeedCutError):
        counted.check([5])
    with pytest.raises(FeedCutError):
        shared.check([4])
