"""Reads and cancels on a wire that misbehaves: what is tried again, what is not, what is said."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import (
    BadInputError,
    OutcomeUnknownError,
    UnreachableError,
    VenueError,
    VenueRejectedError,
    VenueRetryableError,
)
from tests.venues_gemini.connected import ORDER_ID, no_secret_in, on
from tests.venues_gemini.fault_server import CUT, EMPTY, GARBAGE, Act, error, ok, running
from tests.venues_gemini.samples import HASTE, order_json
from tests.venues_gemini.trade_server import trade
from venues.gemini.catalogue import RateClass
from venues.gemini.client import Deadlines, GeminiRest
from venues.gemini.parsing.parse_orders import CancelReport
from venues.gemini.session.pacing import Allowance, Pacer

D = Decimal
HANG = Act(wait_s=30)


Ask = Callable[[GeminiRest], Awaitable[Any]]
READS: dict[str, tuple[Ask, Any, Any]] = {
    "symbols": (lambda c: c.symbols(), ["btcusd"], ["btcusd"]),
    "open_orders": (lambda c: c.open_orders(), [], []),
    "balances": (lambda c: c.balances(), [], []),
    "cancel_all": (lambda c: c.cancel_all(), {"result": "ok"}, CancelReport(cancelled=(), rejected=())),
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


async def test_cancel_while_reads_flood_goes_before_them() -> None:
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
        await client.cancel(ORDER_ID)
        await client.cancel(ORDER_ID)
        # Thirty reads at two a second are far from through: the cancels did not wait behind them.
        assert sum(not task.done() for task in reads) >= 20
        for task in reads:
            task.cancel()
        await asyncio.gather(*reads, return_exceptions=True)


async def test_cancel_in_a_storm_of_rate_refusals_goes_at_once() -> None:
    """Reads and orders are refused for their rate without end; cancels keep what is theirs."""
    limits = Pacer({RateClass.PRIVATE: Allowance(per_second=2.0, burst=5)})
    answers = {"/v1/order/cancel": ok(order_json(is_live=False))}
    storm = error(429, "RateLimit", headers=("Retry-After: 1",))
    patience = type(HASTE)(attempts=50, first_s=0.01, longest_s=0.02)
    async with (
        running(always=storm, by_path=answers) as server,
        on(server, pacer=limits, patience=patience) as (client, _),
    ):
        reads = [asyncio.create_task(client.balances()) for _ in range(10)]
        await asyncio.sleep(0.2)
        loop, start = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        await client.cancel(ORDER_ID)
        await client.cancel(ORDER_ID)
        assert loop.time() - start < 0.4
        for task in reads:
            task.cancel()
        await asyncio.gather(*reads, return_exceptions=True)


async def test_read_retry_after_beyond_our_patience_bounded() -> None:
    slow = error(429, "RateLimit", headers=("Retry-After: 86400",))
    async with running(slow, ok([])) as server, on(server) as (client, _):
        async with asyncio.timeout(2):
            assert await client.open_orders() == []


@pytest.mark.parametrize("number", [2**53 + 1, 10**17 + 7, 147258369147258369, 2**63 - 1])
@pytest.mark.parametrize("as_text", [True, False])
async def test_order_ids_beyond_what_a_float_holds_survive_both_ways(number: int, as_text: bool) -> None:
    wire = str(number) if as_text else number
    one = order_json(order_id=wire, id=wire, is_live=False)
    report = {"result": "ok", "details": {"cancelledOrders": [wire], "cancelRejects": []}}
    fill = {**trade(number, 1_700_000_000_000), "order_id": wire}
    async with running(ok(one), ok(report), ok([fill]), ok([one])) as server, on(server) as (client, _):
        assert (await client.cancel(str(number))).venue_order_id == str(number)
        assert (await client.cancel_all()).cancelled == (str(number),)
        (own,) = await client.my_trades()
        assert (own.venue_order_id, own.trade_id) == (str(number), str(number))
        assert (await client.open_orders())[0].venue_order_id == str(number)
        raw = base64.b64decode(server.requests[0].headers["x-gemini-payload"])
    assert b'"order_id":%d,' % number in raw


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


async def test_my_trades_since_pages_until_nothing_new_each_once() -> None:
    pages = [
        [trade(2, 2000), trade(1, 1000)],
        [trade(1, 1000)],  # the look at which end it cuts
        [trade(4, 3000), trade(3, 2000)],
        [trade(4, 3000)],
    ]
    async with running(*(ok(page) for page in pages)) as server, on(server) as (client, _):
        fills = await client.my_trades(since_ms=1000, limit=2)
        asked = [r.payload["timestamp"] for r in server.requests]
    assert [f.trade_id for f in fills] == ["1", "2", "3", "4"]
    assert asked == [1000, 1000, 2000, 3000]
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
        assert (schedule.tier.taker_bps, schedule.volume_30d_usd) == (D(40), D("150.5"))
        found = await client.roles()
        assert found.is_trader
        assert (found.is_fund_manager, found.is_auditor, found.is_account_admin) == (False,) * 3


@pytest.mark.parametrize("level", [{"price": "-1", "amount": "1"}, {"price": "1", "amount": "-1"}])
async def test_book_with_a_level_below_zero_not_read(level: dict[str, str]) -> None:
    answer = ok({"bids": [level], "asks": []})
    async with running(always=answer) as server, on(server) as (client, _):
        with pytest.raises(VenueRetryableError, match="cannot be read"):
            await client.book("btcusd")
