"""What becomes of an order on a wire that misbehaves: sent once, and never guessed about."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from decimal import Decimal
from typing import Any

import httpx
import pytest

from domain.clock import ManualClock
from domain.errors import (
    BadInputError,
    LockedError,
    OutcomeUnknownError,
    VenueError,
    VenueRejectedError,
)
from guardrails.sandbox_lock import Asker
from tests.venues_gemini.connected import ORDER_ID, no_secret_in, on
from tests.venues_gemini.fault_server import CUT, EMPTY, GARBAGE, Act, FaultServer, error, ok, running
from tests.venues_gemini.samples import KEY, SECRET, START, draft, order_json, rest
from tools.order_builder import build
from venues.gemini.catalogue import TABLE
from venues.gemini.client import Deadlines
from venues.gemini.parsing import parse_orders
from venues.gemini.session.nonce import Nonces, NonceSource, TimeNonces
from venues.gemini.session.turnstile import Urgency
from venues.gemini.signing import Credentials, SignedOrder, SignedRequest

D = Decimal
HANG = Act(wait_s=30)


def signed(nonces: NonceSource, **changes: Any) -> SignedOrder:
    return build(draft(**changes), Credentials(KEY, SECRET), nonces.next())


# What an order becomes when something goes wrong.

UNKNOWN: dict[str, Act] = {
    "cut before the answer": CUT,
    "cut in the middle of the answer": Act(body=b'{"order_id":"1', claimed_length=500),
    "garbage": GARBAGE,
    "empty": EMPTY,
    "server error without words": Act(status=500, body=b""),
    "server error with words": error(500, "System"),
    "gateway": Act(status=502, body=b"<html>bad gateway</html>"),
    "maintenance": error(503, "Maintenance"),
    "redirect": Act(status=307, body=b"", headers=("Location: http://127.0.0.1:9/elsewhere",)),
    "refusal that cannot be read": Act(status=403, body=b"<html>no</html>"),
    "first one exists": error(400, "DuplicateOrder"),
    "another order's answer": ok(order_json(client_order_id="somebody-elses")),
    "money as NaN": ok(order_json(price="NaN")),
    "without end": Act(body=b"", endless=True),
    "JSON of another shape": ok([1, 2]),
    "JSON nested without end": Act(body=b'{"order_id":' + b"[" * 200_000),
    "message alone": Act(status=400, body=b'{"errorMessage":"no"}'),
    "too slow, says the gateway": Act(status=408, body=b""),
    "server error that asks to come again": error(503, "System", headers=("Retry-After: 0",)),
    "a word for another order": error(500, "InvalidPrice"),
}


REFUSED: dict[str, tuple[Act, str, int]] = {
    "funds": (error(406, "InsufficientFunds", "no"), "InsufficientFunds", 406),
    "funds by the library's tests": (error(400, "InsufficientFunds"), "InsufficientFunds", 400),
    "price": (error(400, "InvalidPrice", "Invalid price for symbol BTCUSD: 1.234567"), "InvalidPrice", 400),
    "nonce": (error(400, "InvalidNonce", "Nonce '5' has not increased"), "InvalidNonce", 400),
    "role": (error(403, "MissingRole", f"API key {KEY} which currently has roles []"), "MissingRole", 403),
    "too fast": (error(429, "Too Many Requests"), "Too Many Requests", 429),
    "too fast without words": (Act(status=429, body=b""), "RateLimit", 429),
    "an error with status 200": (error(200, "InvalidQuantity"), "InvalidQuantity", 200),
}


@pytest.mark.parametrize("name", UNKNOWN)
async def test_submit_anything_unclear_unknown_and_sent_once(name: str) -> None:
    async with running(always=UNKNOWN[name]) as server, on(server) as (client, nonces):
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.submit(signed(nonces))
        assert len(server.requests) == 1
        no_secret_in(caught.value)
        assert caught.value.cure


async def test_submit_into_a_connection_that_the_venue_has_left_at_most_once() -> None:
    """The pool may find the connection closed and open another, or not: the order never goes twice."""
    gone = Act(body=b"[]", hang_up=True)
    for pause_s in (0.0, 0.02):
        async with running(gone, always=ok(order_json())) as server, on(server) as (client, nonces):
            await client.open_orders()
            await asyncio.sleep(pause_s)
            with contextlib.suppress(OutcomeUnknownError):
                await client.submit(signed(nonces))
            assert [r.target for r in server.requests].count("/v1/order/new") <= 1


@pytest.mark.parametrize("name", [*UNKNOWN, *REFUSED])
async def test_call_that_twice_is_not_once_never_repeated(name: str) -> None:
    act = UNKNOWN[name] if name in UNKNOWN else REFUSED[name][0]
    async with running(always=act) as server, on(server) as (client, _):
        with contextlib.suppress(VenueError):
            await client.caller.call(TABLE["account_create"], parse_orders.order, fields={"name": "two"})
        assert len(server.requests) == 1


async def test_order_on_any_way_but_its_own_locked() -> None:
    async with running() as server, on(server) as (client, nonces):
        with pytest.raises(LockedError, match="gate"):
            await client.caller.call(TABLE["order_new"], parse_orders.order, fields={"symbol": "btcusd"})

        async def ready() -> SignedRequest:
            return signed(nonces).request

        for name, asker in (("order_new", Asker.PERSON), ("order_new", Asker.DESK), ("withdraw", Asker.DESK)):
            with pytest.raises(LockedError, match="not open"):
                await client.caller.send_once(TABLE[name], ready, Urgency.ORDER, asker=asker)
        assert not server.requests


@pytest.mark.parametrize("kind", [NonceSource, TimeNonces])
async def test_submit_same_bytes_again_never_leave_and_the_first_is_not_called_rejected(
    kind: type[Nonces],
) -> None:
    """The venue takes a nonce of seconds several times, so it would take the order twice."""
    nonces = kind(None, ManualClock(START))
    async with running(always=ok(order_json())) as server:
        client = rest(server, nonces=nonces)
        order = build(draft(), Credentials(KEY, SECRET), nonces.next())
        await client.submit(order)
        with pytest.raises(OutcomeUnknownError, match="left before"):
            await client.submit(order)
        await client.close()
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Fri, 20 Nov 2026 08:30:00 +99999999999999999999",
        "Mon, 01 Jan 0001 00:00:00 +2359",
    ],
)
async def test_submit_answer_with_a_time_that_is_none_read_all_the_same(date: str) -> None:
    answer = Act(body=ok(order_json()).body, headers=(f"Date: {date}",))
    async with running(always=answer) as server, on(server) as (client, nonces):
        assert (await client.submit(signed(nonces))).venue_order_id == ORDER_ID
        for ahead in (0.0, 30.0):
            nonces._clock.advance(ahead)
            nonces.light.status()


async def test_submit_broken_tls_record_unknown() -> None:
    """The HTTP library lets the TLS layer's own errors through."""

    class Broken(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await request.extensions["trace"]("http11.send_request_headers.started", {})
            raise ssl.SSLError(1, "bad record mac")

    async with running() as server, on(server) as (client, nonces):
        client.caller._transport._client._transport = Broken()
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.submit(signed(nonces))
        no_secret_in(caught.value)


async def test_cancel_goes_while_the_venue_leaves_reads_unanswered() -> None:
    """As many reads as the pacing lets hang at once must not hold every connection."""
    answers = {"/v1/symbols": HANG, "/v1/order/cancel": ok(order_json(is_live=False))}
    async with running(by_path=answers) as server, on(server) as (client, _):
        hanging = [asyncio.create_task(client.symbols()) for _ in range(30)]
        async with asyncio.timeout(2):
            while len(server.requests) < 30:
                await asyncio.sleep(0.01)
            assert (await client.cancel(ORDER_ID)).venue_order_id == ORDER_ID
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_submit_given_up_by_its_caller_sent_once() -> None:
    async with running(always=HANG) as server, on(server) as (client, nonces):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.submit(signed(nonces))
        await asyncio.sleep(0.1)
        assert len(server.requests) == 1


async def test_submit_no_answer_in_time_unknown_and_sent_once() -> None:
    hasty = Deadlines(trade_s=0.2)
    async with running(always=HANG) as server, on(server, deadlines=hasty) as (client, nonces):
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.submit(signed(nonces))
        assert (len(server.requests), caught.value.reason) == (1, "timeout")


@pytest.mark.parametrize("name", REFUSED)
async def test_submit_plain_no_rejected_with_the_venues_reason(name: str) -> None:
    act, reason, status = REFUSED[name]
    async with running(always=act) as server, on(server) as (client, nonces):
        with pytest.raises(VenueRejectedError) as caught:
            await client.submit(signed(nonces))
        assert (caught.value.reason, caught.value.status) == (reason, status)
        assert len(server.requests) == 1
        no_secret_in(caught.value)


async def test_submit_nobody_listens_rejected_not_sent() -> None:
    async with running() as server:
        pass
    async with on(server) as (client, nonces):
        with pytest.raises(VenueRejectedError) as caught:
            await client.submit(signed(nonces))
    assert caught.value.code == "NOT_SENT"
    no_secret_in(caught.value)


async def test_submit_connection_never_opens_rejected_not_sent() -> None:
    """A listener whose backlog is full lets nobody in: the connect hangs, and nothing can have left."""
    with socket.socket() as full, contextlib.ExitStack() as held:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            filler = held.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        server = FaultServer(port=full.getsockname()[1])
        async with on(server, deadlines=Deadlines(trade_s=0.3)) as (client, nonces):
            with pytest.raises(VenueRejectedError) as caught:
                await client.submit(signed(nonces))
    assert caught.value.code == "NOT_SENT"


async def test_submit_accepted_order_read_exactly() -> None:
    async with running(always=ok(order_json())) as server, on(server) as (client, nonces):
        order = await client.submit(signed(nonces))
        sent = server.requests[0]
    assert (order.venue_order_id, order.price, order.remaining_amount) == (
        ORDER_ID,
        D("60000.10"),
        D("0.00041"),
    )
    assert (sent.method, sent.target) == ("POST", "/v1/order/new")
    assert sent.headers["content-length"] == "0"
    assert sent.headers["content-type"] == "text/plain"
    assert sent.payload["amount"] == "0.00041"


async def test_submit_order_cancelled_at_once_is_an_answer() -> None:
    killed = order_json(is_live=False, is_cancelled=True, reason="FillOrKillWouldNotFill")
    async with running(always=ok(killed)) as server, on(server) as (client, nonces):
        order = await client.submit(signed(nonces))
    assert (order.is_cancelled, order.reason) == (True, "FillOrKillWouldNotFill")


@pytest.mark.parametrize("thing", [None, {}, "order", draft()])
async def test_submit_anything_but_a_signed_order_refused(thing: Any) -> None:
    async with running() as server, on(server) as (client, _):
        with pytest.raises(BadInputError):
            await client.submit(thing)
        assert not server.requests


async def test_submit_nonce_overtaken_not_sent() -> None:
    async with running(always=ok([])) as server, on(server) as (client, nonces):
        late = signed(nonces)
        await client.open_orders()
        with pytest.raises(VenueRejectedError) as caught:
            await client.submit(late)
        assert caught.value.code == "NONCE_PASSED"
        assert [r.target for r in server.requests] == ["/v1/orders"]


async def test_private_requests_many_at_once_arrive_in_nonce_order() -> None:
    answers = {"/v1/order/new": ok(order_json()), "/v1/order/cancel": ok(order_json(is_live=False))}
    async with running(always=ok([], wait_s=0.01), by_path=answers) as server, on(server) as (client, nonces):
        async with asyncio.TaskGroup() as group:
            for turn in range(12):
                group.create_task(client.balances())
                await asyncio.sleep(0)
                if turn % 3 == 0:
                    group.create_task(client.submit(signed(nonces)))
                    group.create_task(client.cancel(ORDER_ID))
        arrived = [r.payload["nonce"] for r in server.requests]
    assert len(arrived) == 20
    assert arrived == sorted(set(arrived))


async def test_private_request_that_hangs_next_one_waits_no_longer_than_the_hold() -> None:
    answers = {"/v1/balances": HANG, "/v1/order/cancel": ok(order_json(is_live=False))}
    brief = Deadlines(hold_s=0.1)
    async with running(by_path=answers) as server, on(server, deadlines=brief) as (client, _):
        stuck = asyncio.create_task(client.balances())
        await asyncio.sleep(0.02)
        async with asyncio.timeout(1):
            await client.cancel(ORDER_ID)
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck
        first, second = (r.payload["nonce"] for r in server.requests)
        assert first < second
