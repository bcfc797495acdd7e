"""The account's calls, each kind of key and a person's calls, against the embedded exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from domain.clock import SystemClock, epoch_ms
from domain.errors import BadInputError, LockedError, VenueRejectedError
from domain.ids import ClientOrderId
from domain.instrument import Instrument, Side
from domain.order import ExecutionOption, VenueOrder
from guardrails.sandbox_lock import Endpoint, PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini.samples import draft, unhurried
from tests.venues_gemini.socket_server import background, until
from tools.order_builder import build
from venues.gemini.client import GeminiRest
from venues.gemini.key_check import Level, check_key
from venues.gemini.person_calls import CallRecord, PersonCalls, Stage
from venues.gemini.session.heartbeats import Heartbeats
from venues.gemini.session.nonce import Nonces, NonceSource, TimeNonces
from venues.gemini.session.nonce_file import nonce_path
from venues.gemini.session.pacing import Patience
from venues.gemini.signing import Credentials
from venues.paper.server import RunningExchange, running_exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAMES = count(1)
ORDER = {"amount": Decimal("0.0005"), "option": ExecutionOption.IMMEDIATE_OR_CANCEL}


class JumpingClock(SystemClock):
    """The system's time, so many seconds off."""

    off_s = 0.0

    def now(self) -> Any:
        return super().now() + timedelta(seconds=self.off_s)


@dataclass
class Holder:
    """One of the exchange's keys, with a client on it."""

    credentials: Credentials
    nonces: Nonces
    rest: GeminiRest

    async def order(self, btc: Instrument, side: Side, price: Decimal, **changes: Any) -> VenueOrder:
        wanted = draft(
            client_order_id=ClientOrderId(f"m-call-{next(NAMES)}"),
            instrument=btc,
            side=side,
            price=btc.round_price(price, side),
            **changes,
        )
        return await self.rest.submit(build(wanted, self.credentials, self.nonces.next()))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningExchange]:
    home = tmp_path_factory.mktemp("calls") / "home"
    async with running_exchange(home=home, seed=7, speed=Decimal(1), rate_limits=False) as running:
        yield running


def held(exchange: RunningExchange) -> Endpoint:
    address = urlsplit(exchange.url)
    assert address.hostname is not None
    assert address.port is not None
    return endpoint(Mode.PAPER, PaperAddress(host=address.hostname, port=address.port))


@asynccontextmanager
async def holding(
    exchange: RunningExchange,
    label: str,
    *,
    kind: type[Nonces] = NonceSource,
    clock: SystemClock | None = None,
    account: str | None = None,
) -> AsyncIterator[Holder]:
    key, clock = exchange.key(label), clock or SystemClock()
    credentials, nonces = Credentials(key.api_key, key.api_secret), kind(None, clock)
    rest = GeminiRest(
        held(exchange),
        credentials,
        nonces,
        clock,
        pacer=unhurried(),
        patience=Patience(attempts=2, first_s=0.01, longest_s=0.05),
        account=account,
    )
    try:
        yield Holder(credentials, nonces, rest)
    finally:
        await rest.close()


async def test_account_reads_after_a_trade_agree_with_each_other(exchange: RunningExchange) -> None:
    async with holding(exchange, "stranger") as holder:
        rest = holder.rest
        btc = next(i for i in await rest.instruments() if i.symbol == "btcusd")
        start = epoch_ms(SystemClock().now()) - 1000
        ask = (await rest.book("btcusd", 1)).ask
        assert ask is not None
        for _ in range(3):
            await holder.order(btc, Side.BUY, ask * Decimal("1.01"), **ORDER)
        rested = await holder.order(btc, Side.BUY, ask * Decimal("0.9"), amount=Decimal("0.001"))
        report = await rest.cancel_all()
        assert report.cancelled == (rested.venue_order_id,)

        fills = await rest.my_trades("btcusd", since_ms=start)
        paged = await rest.own_trades("btcusd", start, limit=2)
        assert list(paged.fills) == fills
        assert paged.gap is None
        history = await rest.order_history("btcusd", since_ms=start)
        assert [h.order.venue_order_id for h in history][-1] == rested.venue_order_id
        assert history[-1].order.reason == "Requested"
        assert [fill for closed in history for fill in closed.fills] == fills

        worth = {b.currency: b for b in await rest.notional_balances("usd")}
        plain = {b.currency: b for b in await rest.balances()}
        assert worth["btc"].amount == plain["btc"].amount
        assert worth["usd"].amount_notional == plain["usd"].amount
        assert await rest.trade_volume() is not None
        assert await rest.transfers() is not None
        assert (await rest.account()).short_name == "primary"


async def test_reads_of_a_symbol_and_of_perpetuals(exchange: RunningExchange) -> None:
    async with holding(exchange, "stranger") as holder:
        rest = holder.rest
        ticker = await rest.pub_ticker("btcusd")
        assert ticker.bid is not None
        assert ticker.last is not None
        assert ticker.base_volume is not None
        paid = await rest.funding_amount("btcgusdperp")
        assert paid.symbol == "btcgusdperp"
        assert paid.next_at == await rest.next_funding("btcgusdperp")
        assert (await rest.risk_stats("btcgusdperp")).mark_price > 0
        with pytest.raises(VenueRejectedError):
            await rest.funding_amount("btcusd")


async def test_fixing_takes_an_auditor(exchange: RunningExchange) -> None:
    at = SystemClock().now() - timedelta(hours=1)
    async with holding(exchange, "auditor") as holder:
        assert (await holder.rest.fx_rate("eurusd", at)).rate > 0
    async with holding(exchange, "stranger") as holder:
        with pytest.raises(VenueRejectedError) as caught:
            await holder.rest.fx_rate("EURUSD", at)
    assert caught.value.reason == "MissingRole"
    assert holder.credentials.api_key not in str(caught.value)


async def test_master_key_acts_on_the_account_it_names(exchange: RunningExchange) -> None:
    async with holding(exchange, "master", account="primary") as master:
        (member,) = [m for m in await master.rest.account_list() if m.short_name == "primary"]
        assert member.kind == "exchange"
        balances = await master.rest.balances()
    async with holding(exchange, "stranger") as holder:
        assert await holder.rest.balances() == balances
    async with holding(exchange, "master", account="nobody") as master:
        with pytest.raises(VenueRejectedError) as caught:
            await master.rest.balances()
        assert caught.value.reason == "InvalidAccountName"
    async with holding(exchange, "master") as master:
        with pytest.raises(BadInputError):
            await master.rest.balances()


async def test_time_based_key_signs_with_seconds_and_pauses_while_the_clock_is_off(
    exchange: RunningExchange,
) -> None:
    clock = JumpingClock()
    async with holding(exchange, "time", kind=TimeNonces, clock=clock) as holder:
        for _ in range(5):  # several requests in one second
            assert (await holder.rest.roles()).is_trader
        clock.off_s = 60
        with pytest.raises(LockedError) as caught:
            await holder.rest.roles()
        assert caught.value.code == "CLOCK_OFF"
        await holder.rest.symbols()  # what needs no nonce goes on
        clock.off_s = 0
        assert (await holder.rest.roles()).is_trader


async def test_time_based_key_with_rising_nonces_said_in_words(exchange: RunningExchange) -> None:
    async with holding(exchange, "time") as holder:
        found = await check_key(holder.rest)
    assert [finding.code for finding in found.findings] == ["TIME_BASED_NONCES"]


@pytest.mark.parametrize(
    ("label", "code", "level"),
    [
        ("stranger", "TRADES_ONLY", Level.GOOD),
        ("funds", "CAN_WITHDRAW", Level.WARNING),
        ("auditor", "NO_TRADER_ROLE", Level.FAILURE),
    ],
)
async def test_key_check_of_every_kind_of_key(
    exchange: RunningExchange, label: str, code: str, level: Level
) -> None:
    async with holding(exchange, label) as holder:
        found = await check_key(holder.rest)
    assert (code, level) in {(finding.code, finding.level) for finding in found.findings}
    assert found.roles is not None
    assert found.balances


async def test_key_check_wrong_secret_and_unknown_key(exchange: RunningExchange) -> None:
    clock = SystemClock()
    good = exchange.key("stranger").api_key
    for key, code in ((good, "WRONG_SECRET"), ("account-OFANOTHERPLACE", "WRONG_ENVIRONMENT")):
        rest = GeminiRest(
            held(exchange),
            Credentials(key, "somethingelse"),
            NonceSource(None, clock),
            clock,
            pacer=unhurried(),
        )
        found = await check_key(rest)
        await rest.close()
        assert [finding.code for finding in found.findings] == [code]


async def test_heartbeats_key_that_requires_them_keeps_its_order(exchange: RunningExchange) -> None:
    async with holding(exchange, "heartbeat") as holder:
        beats = Heartbeats(holder.rest, SystemClock(), quiet_s=0.1)
        async with background(beats.run()):
            await until(lambda: beats.status().age_s is not None, within_s=5)
            first = holder.rest.last_heard_s
            await until(lambda: (holder.rest.last_heard_s or 0) > (first or 0), within_s=5)
        assert beats.status().is_ok


async def test_person_moves_money_that_the_desks_client_may_not(exchange: RunningExchange) -> None:
    told: list[CallRecord] = []
    async with holding(exchange, "master", account="primary") as master:
        calls = PersonCalls(master.rest.caller, told.append)
        made = await calls.call("account_create", fields={"name": "Savings"})
        assert (made.data, made.misfits) == ({"account": "savings", "type": "exchange"}, ())
        before = {b.currency: b.available for b in await master.rest.balances()}
        across = {"sourceAccount": "primary", "targetAccount": "savings", "amount": "250.5"}
        moved = await calls.call("account_transfer", {"currency": "usd"}, fields=across)
        assert moved.misfits == ()
        after = {b.currency: b.available for b in await master.rest.balances()}
        assert before["usd"] - after["usd"] == Decimal("250.5")
        with pytest.raises(VenueRejectedError):
            await calls.call(
                "account_transfer", {"currency": "usd"}, fields={**across, "amount": "999999999"}
            )
        with pytest.raises(LockedError):
            await calls.call("cancel_all")
    assert [(r.name, r.stage) for r in told] == [
        ("account_create", Stage.SENDING),
        ("account_create", Stage.ANSWERED),
        ("account_transfer", Stage.SENDING),
        ("account_transfer", Stage.ANSWERED),
        ("account_transfer", Stage.SENDING),
        ("account_transfer", Stage.FAILED),
    ]


async def test_person_reads_a_page_a_sheet_and_a_quote(exchange: RunningExchange) -> None:
    async with holding(exchange, "stranger") as holder:
        calls = PersonCalls(holder.rest.caller, lambda _: None)
        book = await calls.call("book", {"symbol": "btcusd"}, {"limit_bids": "1", "limit_asks": "1"})
        assert (len(book.data["bids"]), book.misfits) == (1, ())
        spend = {"symbol": "btcusd", "side": "buy", "totalSpend": "100"}
        quote = await calls.call("instant_quote", fields=spend)
        assert quote.misfits == ()
        asked = quote.data
        repeated = {name: asked[name] for name in ("quoteId", "side", "quantity", "price", "fee")}
        done = await calls.call("instant_execute", fields={**repeated, "symbol": "btcusd"})
        assert done.misfits == ()


async def test_person_reads_a_sheet_with_a_signed_query(exchange: RunningExchange) -> None:
    async with holding(exchange, "margin") as holder:
        calls = PersonCalls(holder.rest.caller, lambda _: None)
        sheet = await calls.call("funding_payment_report_xlsx", query={"numRows": "5"})
        assert (sheet.body[:2], sheet.data, sheet.misfits) == (b"PK", None, ())


async def test_signer_after_a_restart_and_a_clock_gone_back_still_accepted(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    key, clock = exchange.key("desk"), JumpingClock()
    for off_s in (0.0, -3600.0):
        clock.off_s = off_s
        source = NonceSource(nonce_path(tmp_path, key.api_key), clock)
        credentials = Credentials(key.api_key, key.api_secret)
        rest = GeminiRest(held(exchange), credentials, source, clock, pacer=unhurried())
        assert (await rest.roles()).is_trader
        await rest.close()
        source.close()
