"""The REST client against a server that misbehaves: what is retried, what is not, what is said."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from domain.clock import ManualClock
from domain.errors import (
    BadInputError,
    LockedError,
    OutcomeUnknownError,
    UnreachableError,
    VenueError,
    VenueRejectedError,
    VenueRetryableError,
)
from guardrails.sandbox_lock import PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini.fault_server import CUT, EMPTY, GARBAGE, Act, FaultServer, error, ok, running
from tests.venues_gemini.samples import HASTE, KEY, SECRET, START, draft, order_json, rest
from tools.order_builder import build
from venues.gemini.catalogue import RateClass
from venues.gemini.client import Deadlines, GeminiRest
from venues.gemini.nonce import NonceSource
from venues.gemini.pacing import Allowance, Pacer
from venues.gemini.signing import Credentials, SignedOrder
from venues.gemini.transport import Transport

D = Decimal
ORDER_ID = "147258369147258369"
HANG = Act(wait_s=30)


def signed(nonces: NonceSource, **changes: Any) -> SignedOrder:
    return build(draft(**changes), Credentials(KEY, SECRET), nonces.next())


@contextlib.asynccontextmanager
async def on(server: FaultServer, **options: Any) -> Any:
    nonces = NonceSource(None, ManualClock(START))
    client = rest(server, nonces=nonces, **options)
    try:
        yield client, nonces
    finally:
        await client.close()


def no_secret_in(fault: BaseException) -> None:
    chain: BaseException | None = fault
    while chain is not None:
        text = f"{chain!r} {chain} {getattr(chain, 'as_json', dict)()}"
        assert SECRET not in text
        assert KEY not in text
        assert "X-GEMINI" not in text.upper()
        chain = chain.__cause__


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
}


@pytest.mark.parametrize("name", UNKNOWN)
async def test_submit_anything_unclear_unknown_and_sent_once(name: str) -> None:
    async with running(always=UNKNOWN[name]) as server, on(server) as (client, nonces):
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.submit(signed(nonces))
        assert len(server.requests) == 1
        no_secret_in(caught.value)
        assert caught.value.cure


async def test_submit_no_answer_in_time_unknown_and_sent_once() -> None:
    hasty = Deadlines(trade_s=0.2)
    async with running(always=HANG) as server, on(server, deadlines=hasty) as (client, nonces):
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.submit(signed(nonces))
        assert (len(server.requests), caught.value.reason) == (1, "timeout")


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


# Reads and cancels.

Ask = Callable[[GeminiRest], Awaitable[Any]]
READS: dict[str, tuple[Ask, Any, Any]] = {
    "symbols": (lambda c: c.symbols(), ["btcusd"], ["btcusd"]),
    "open_orders": (lambda c: c.open_orders(), [], []),
    "balances": (lambda c: c.balances(), [], []),
    "heartbeat": (lambda c: c.heartbeat(), {"result": "OK"}, None),
}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("trouble", [CUT, GARBAGE, EMPTY, error(503, "Maintenance"), error(429, "RateLimit")])
async def test_read_trouble_that_passes_tried_again(name: str, trouble: Act) -> None:
    ask, answer, wanted = READS[name]
    async with running(trouble, trouble, ok(answer)) as server, on(server) as (client, _):
        assert await ask(client) == wanted
        assert len(server.requests) == 3
        if server.requests[0].method == "POST":
            arrived = [r.payload["nonce"] for r in server.requests]
            assert arrived == sorted(set(arrived))


@pytest.mark.parametrize("trouble", [CUT, GARBAGE, error(500, "System"), error(429, "RateLimit")])
async def test_read_trouble_that_stays_given_up_after_the_cap(trouble: Act) -> None:
    async with running(always=trouble) as server, on(server) as (client, _):
        with pytest.raises(VenueRetryableError) as caught:
            await client.balances()
        assert len(server.requests) == HASTE.attempts
        no_secret_in(caught.value)


async def test_read_too_slow_given_up() -> None:
    hasty = Deadlines(read_s=0.1)
    async with running(always=HANG) as server, on(server, deadlines=hasty) as (client, _):
        with pytest.raises(VenueRetryableError):
            await client.symbols()
        assert len(server.requests) == HASTE.attempts


async def test_read_plain_no_not_tried_again() -> None:
    async with running(always=error(400, "InvalidSymbol", "bad\x00\u202e\n text" + "x" * 999)) as server:
        async with on(server) as (client, _):
            with pytest.raises(VenueRejectedError) as caught:
                await client.ticker("btcusd")
        assert len(server.requests) == 1
    assert len(caught.value.message) < 400
    assert caught.value.message.isprintable()


async def test_read_nonce_refused_signed_anew() -> None:
    async with (
        running(error(400, "InvalidNonce", "not increased"), ok([])) as server,
        on(server) as (client, _),
    ):
        assert await client.open_orders() == []
        first, second = (r.payload["nonce"] for r in server.requests)
        assert second > first


async def test_read_retry_after_heard() -> None:
    slow = error(429, "RateLimit", headers=("Retry-After: 1",))
    patience = type(HASTE)(attempts=2, first_s=0.001, longest_s=0.3)
    async with running(slow, ok([])) as server, on(server, patience=patience) as (client, _):
        start = asyncio.get_running_loop().time()
        await client.open_orders()
        assert asyncio.get_running_loop().time() - start >= 0.3


async def test_read_nobody_listens_unreachable() -> None:
    async with running() as server:
        pass
    async with on(server) as (client, _):
        with pytest.raises(UnreachableError) as caught:
            await client.symbols()
    no_secret_in(caught.value)


async def test_cancel_trouble_tried_again_then_unknown() -> None:
    async with running(CUT, ok(order_json(is_live=False))) as server, on(server) as (client, _):
        assert (await client.cancel(ORDER_ID)).venue_order_id == ORDER_ID
        assert [r.payload["order_id"] for r in server.requests] == [int(ORDER_ID)] * 2
    async with running(always=CUT) as server, on(server) as (client, _):
        with pytest.raises(OutcomeUnknownError):
            await client.cancel(ORDER_ID)


async def test_cancel_unknown_order_rejected() -> None:
    async with running(always=error(404, "OrderNotFound")) as server, on(server) as (client, _):
        with pytest.raises(VenueRejectedError) as caught:
            await client.cancel(ORDER_ID)
        assert (caught.value.reason, len(server.requests)) == ("OrderNotFound", 1)


async def test_cancel_while_reads_flood_goes_at_once() -> None:
    slow = Pacer(
        {
            RateClass.PRIVATE: Allowance(per_second=2.0, burst=5),
            RateClass.PUBLIC: Allowance(per_second=9, burst=9),
        }
    )
    answers = {"/v1/order/cancel": ok(order_json(is_live=False))}
    async with running(always=ok([]), by_path=answers) as server, on(server, pacer=slow) as (client, _):
        reads = [asyncio.create_task(client.balances()) for _ in range(30)]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(0.5):
            await client.cancel(ORDER_ID)
            await client.cancel(ORDER_ID)
        for task in reads:
            task.cancel()
        await asyncio.gather(*reads, return_exceptions=True)


async def test_cancel_session_report_read() -> None:
    answer = {"result": "ok", "details": {"cancelledOrders": [int(ORDER_ID)], "cancelRejects": [330429345]}}
    async with running(always=ok(answer)) as server, on(server) as (client, _):
        report = await client.cancel_session()
    assert (report.cancelled, report.rejected) == ((ORDER_ID,), ("330429345",))


@pytest.mark.parametrize("bad", ["", "1.5", "-1", "0x1", "\u0661", "9" * 20, "x"])
async def test_cancel_id_that_is_no_number_refused(bad: str) -> None:
    async with running() as server, on(server) as (client, _):
        with pytest.raises(BadInputError):
            await client.cancel(bad)
        assert not server.requests


async def test_order_status_all_shapes_of_the_answer() -> None:
    mine = order_json()["client_order_id"]
    one, two = ok(order_json()), ok([order_json(), order_json(order_id="5", id="5")])
    async with running(one, two, error(404, "OrderNotFound"), ok([])) as server, on(server) as (client, _):
        assert len(await client.order_status(venue_order_id=ORDER_ID)) == 1
        assert [o.venue_order_id for o in await client.order_status(client_order_id=mine)] == [ORDER_ID, "5"]
        assert await client.order_status(client_order_id=mine) == []
        assert await client.order_status(client_order_id=mine) == []
        assert server.requests[0].payload["order_id"] == int(ORDER_ID)
        assert server.requests[1].payload["client_order_id"] == mine


@pytest.mark.parametrize(
    "act", [Act(status=404, body=b""), error(404, "EndpointNotFound"), ok(order_json(order_id="7")), GARBAGE]
)
async def test_order_status_anything_but_not_found_never_reads_as_absent(act: Act) -> None:
    async with running(always=act) as server, on(server) as (client, _):
        with pytest.raises(VenueError):
            await client.order_status(venue_order_id=ORDER_ID)


@pytest.mark.parametrize(
    "ids", [{}, {"venue_order_id": "1", "client_order_id": "x"}, {"client_order_id": "a b"}]
)
async def test_order_status_ids_that_make_no_sense_refused(ids: dict[str, str]) -> None:
    async with running() as server, on(server) as (client, _):
        with pytest.raises(BadInputError):
            await client.order_status(**ids)


def trade(tid: int, ms: int) -> dict[str, Any]:
    return {
        "price": "3206.00",
        "amount": "0.001",
        "timestamp": ms // 1000,
        "timestampms": ms,
        "type": "Sell",
        "aggressor": False,
        "fee_currency": "USD",
        "fee_amount": "0.003206",
        "tid": tid,
        "order_id": "54516439535",
        "exchange": "gemini",
        "is_auction_fill": False,
        "symbol": "ETHUSD",
    }


async def test_my_trades_since_pages_until_nothing_new_each_once() -> None:
    pages = [
        [trade(2, 2000), trade(1, 1000)],
        [trade(4, 3000), trade(3, 2000)],
        [trade(4, 3000)],
    ]
    async with running(*(ok(page) for page in pages)) as server, on(server) as (client, _):
        fills = await client.my_trades(since_ms=1000, limit=2)
        asked = [r.payload["timestamp"] for r in server.requests]
    assert [f.trade_id for f in fills] == ["1", "2", "3", "4"]
    assert asked == [1000, 2000, 3000]
    assert (fills[0].symbol, fills[0].is_maker, fills[0].fee) == ("ethusd", True, D("0.003206"))


async def test_my_trades_without_symbol_in_answer_takes_the_one_asked_for() -> None:
    bare = {k: v for k, v in trade(1, 1000).items() if k != "symbol"}
    async with running(ok([bare]), always=ok([bare])) as server, on(server) as (client, _):
        assert (await client.my_trades("ethusd"))[0].symbol == "ethusd"
        with pytest.raises(VenueRetryableError):
            await client.my_trades()
        with pytest.raises(BadInputError):
            await client.my_trades(limit=501)


DETAILS = {
    "symbol": "BTCUSD",
    "base_currency": "BTC",
    "quote_currency": "USD",
    "tick_size": 1e-08,
    "quote_increment": 0.01,
    "min_order_size": "0.00001",
    "status": "open",
    "product_type": "spot",
}


async def test_instruments_without_the_whole_list_one_by_one_a_few_at_once() -> None:
    names = [f"aa{n}usd" for n in range(12)]
    paths = {f"/v1/symbols/details/{n}": ok({**DETAILS, "symbol": n.upper()}, wait_s=0.01) for n in names}
    paths["/v1/symbols/details/aa3usd"] = error(400, "InvalidSymbol")
    paths["/v1/symbols/details/all"] = error(400, "InvalidSymbol", "Received unsupported symbol 'all'")
    paths["/v1/symbols"] = ok(names)
    async with running(by_path=paths) as server, on(server) as (client, _):
        found = await client.instruments()
        assert 1 < server.most_open <= 4
    assert [i.symbol for i in found] == [n for n in names if n != "aa3usd"]


async def test_instruments_one_by_one_venue_down_plain_error() -> None:
    paths = {
        "/v1/symbols/details/all": error(404, "EndpointNotFound"),
        "/v1/symbols": ok(["btcusd", "ethusd"]),
    }
    async with running(always=CUT, by_path=paths) as server, on(server) as (client, _):
        with pytest.raises(VenueRetryableError):
            await client.instruments()


async def test_public_calls_paths_and_parameters() -> None:
    book = {"bids": [{"price": "2", "amount": "1", "timestamp": "1"}], "asks": []}
    paths = {
        "/v1/book/btcusd": ok(book),
        "/v1/trades/btcusd": ok([]),
        "/v1/pricefeed": ok([{"pair": "BTCUSD", "price": "9500.00", "percentChange24h": "5.23"}]),
        "/v2/candles/btcusd/1hr": ok([[1561054500000, 9350.18, 9358.35, 9350.18, 9355.51, 2.07]]),
    }
    async with running(by_path=paths) as server:
        async with on(server, credentials=None) as (client, _):
            assert (await client.book("btcusd", 7)).bid == 2
            assert await client.trades("btcusd", 9) == []
            assert (await client.price_feed())[0].price == D("9500.00")
            assert (await client.candles("btcusd", "1h"))[0].close == D("9355.51")
            with pytest.raises(BadInputError):
                await client.candles("btcusd", "2h")
            with pytest.raises(BadInputError):
                await client.book("../order/new")
            with pytest.raises(BadInputError, match="API key"):
                await client.balances()
        targets = [r.target for r in server.requests]
    assert targets[:2] == ["/v1/book/btcusd?limit_bids=7&limit_asks=7", "/v1/trades/btcusd?limit_trades=9"]
    assert not any("x-gemini-apikey" in r.headers for r in server.requests)


async def test_roles_and_fees_read() -> None:
    fees = {
        "api_maker_fee_bps": 20,
        "api_taker_fee_bps": 40,
        "notional_30d_volume": 150.5,
        "last_updated_ms": 1,
    }
    roles = {"isAuditor": False, "isFundManager": False, "isTrader": True}
    paths = {"/v1/notionalvolume": ok(fees), "/v1/roles": ok(roles)}
    async with running(by_path=paths) as server, on(server) as (client, _):
        schedule = await client.fee_schedule()
        assert (schedule.tier.taker_bps, schedule.volume_30d_usd) == (40, D("150.5"))
        assert (await client.roles()).is_trader


# The lock.


async def test_client_environment_proxy_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with running(always=ok([])) as server, on(server) as (client, _):
        assert await client.open_orders() == []


async def test_transport_other_host_locked_before_any_byte() -> None:
    async with running(always=ok([])) as server, running(always=ok([])) as other:
        transport = Transport(server.endpoint, ManualClock(START))
        for url in (
            f"http://127.0.0.1:{other.port}/v1/symbols",
            f"http://localhost:{server.port}/v1/symbols",
        ):
            with pytest.raises(LockedError):
                await transport._client.get(url)
        await transport.close()
        assert not server.requests
        assert not other.requests


async def test_redirect_to_the_same_host_not_followed() -> None:
    away = Act(status=302, body=b"", headers=("Location: /v1/account",))
    async with running(always=away) as server, on(server) as (client, _):
        with pytest.raises(VenueRetryableError):
            await client.symbols()
        assert {r.target for r in server.requests} == {"/v1/symbols"}


def test_client_endpoint_not_from_the_lock_refused() -> None:
    held = endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=8080))
    object.__setattr__(held, "host", "api.gemini.com")
    with pytest.raises(LockedError):
        GeminiRest(held, None, None, ManualClock(START))


async def test_clock_skew_measured_from_the_date_header() -> None:
    late = Act(body=b"[]", headers=("Date: Fri, 20 Nov 2026 08:29:30 GMT",))
    async with running(always=late) as server, on(server) as (client, _):
        assert client.clock_skew_s is None
        await client.symbols()
        assert client.clock_skew_s == 29.0
    same = Act(body=b"[]", headers=("Date: Fri, 20 Nov 2026 08:30:00 GMT",))
    async with (
        running(same, Act(body=b"[]", headers=("Date: nonsense",))) as server,
        on(server) as (client, _),
    ):
        await client.symbols()
        assert client.clock_skew_s == 0.0
        await client.symbols()
        assert client.clock_skew_s is None
