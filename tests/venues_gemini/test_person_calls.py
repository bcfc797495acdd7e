"""A person's calls: judged, shown, written down, sent once; and no way from here to an order."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import (
    BadInputError,
    ConflictError,
    LockedError,
    OutcomeUnknownError,
    VenueRejectedError,
    VenueRetryableError,
)
from tests.venues_gemini.connected import no_secret_in, on
from tests.venues_gemini.fault_server import CUT, GARBAGE, Act, FaultServer, error, ok, running
from tests.venues_gemini.samples import KEY, SECRET
from venues.gemini.caller import Deadlines
from venues.gemini.catalogue import TABLE, Auth, Call, Host, Money
from venues.gemini.catalogue.kinds import Field, Kind, Word
from venues.gemini.person_calls import CallRecord, PersonCalls, PreparedCall, Stage
from venues.gemini.signing import Credentials, sign

MASTER = Credentials("master-TESTKEY0123456789", SECRET)
UUID = "51e3e8b5-5a3b-4a7a-9d0c-0a5f0a1d6f10"
WITHDRAWAL: dict[str, Any] = {
    "address": "mi98Z9brJ3TgaKsmvXatuRahbFRUFKRUdR",
    "amount": "1.00000000000000001",
}
TO = {"network": "bitcoin", "ticker": "btc"}
PAID = {
    "withdrawalId": "02176a83",
    "address": WITHDRAWAL["address"],
    "amount": WITHDRAWAL["amount"],
    "currency": "BTC",
    "fee": "0",
}
REST = {
    name: call for name, call in TABLE.items() if call.host is Host.REST and call.method in {"GET", "POST"}
}
PARTS = {
    "symbol": "btcusd",
    "pair": "EURUSD",
    "interval": "1m",
    "token": "btc",
    "ticker": "btc",
    "currency": "usd",
    "network": "bitcoin",
    "timestamp": "1594651859000",
}
WORDS: dict[Word, Any] = {
    Word.SYMBOL: "btcusd",
    Word.CURRENCY: "BTC",
    Word.NETWORK: "bitcoin",
    Word.INTERVAL: "1m",
    Word.DECIMAL: "0.01",
    Word.NUMBER: 1,
    Word.INT: 1,
    Word.ID: 147258369147258369,
    Word.DIGITS: "12",
    Word.TIME: 1594651859000,
    Word.DATE: "2026-11-20",
    Word.INSTANT: "2026-11-20T08:30:00Z",
    Word.BOOL: True,
    Word.TEXT: "words",
    Word.UUID: UUID,
}


def sample(kind: Kind) -> Any:
    if kind.any_of:
        return sample(kind.any_of[0])
    if kind.words:
        return kind.words[0]
    if kind.array_of is not None:
        return [sample(kind.array_of)]
    return WORDS[kind.word]


def filled(fields: tuple[Field, ...]) -> dict[str, Any]:
    return {field.name: sample(field.kind) for field in fields}


def prepared(calls: PersonCalls, call: Call, **more: Any) -> PreparedCall:
    query = {
        name: str(value).lower() if value is True else str(value)
        for name, value in filled(call.query).items()
    }
    parts = {part: PARTS[part] for part in call.path_parts}
    return calls.prepare(call.name, parts, query, filled(call.request), **more)


@asynccontextmanager
async def person(server: FaultServer, **options: Any) -> AsyncIterator[tuple[PersonCalls, list[CallRecord]]]:
    told: list[CallRecord] = []
    async with on(server, **options) as (client, _):
        yield PersonCalls(client.caller, told.append), told


@pytest.mark.parametrize("name", REST)
async def test_prepare_every_row_of_the_catalogue_builds_and_shows(name: str) -> None:
    call = REST[name]
    async with running() as server, person(server) as (calls, told):
        shown = prepared(calls, call).preview
    assert shown.method == call.method
    assert shown.target.startswith(call.at(**{part: PARTS[part] for part in call.path_parts}))
    assert (shown.json == "") is (call.auth is Auth.NONE)
    if shown.json:
        payload = json.loads(shown.json)
        assert payload.pop("nonce") == 0
        assert payload.pop("request").partition("?")[0] == shown.target.partition("?")[0]
        assert payload == filled(call.request)
        assert base64.b64decode(shown.base64).decode() == shown.json
        full = sign(Credentials(KEY, SECRET), shown.target, 0, {}).headers["X-GEMINI-SIGNATURE"]
        assert len(shown.signature) < 12 < len(full)
        assert KEY not in repr(shown)
    assert (server.requests, told) == ([], [])


@pytest.mark.parametrize("name", REST)
async def test_send_every_row_is_open_to_a_person_unless_it_trades(name: str) -> None:
    call = REST[name]
    async with running(always=error(400, "NotHere")) as server, person(server) as (calls, told):
        ready = prepared(calls, call)
        wanted = LockedError if call.money is Money.TRADES else VenueRejectedError
        with pytest.raises(wanted):
            await calls.send(ready)
        assert len(server.requests) == (call.money is not Money.TRADES)
        assert len(told) == 2 * len(server.requests)


async def test_send_what_was_shown_leaves_with_a_nonce_and_is_written_down_first() -> None:
    told: list[CallRecord] = []
    async with running(always=ok(PAID)) as server, on(server) as (client, _):

        def journal(record: CallRecord) -> None:
            told.append(record)
            assert len(server.requests) == (record.stage is not Stage.SENDING)

        calls = PersonCalls(client.caller, journal)
        ready = calls.prepare("withdraw", TO, fields=WITHDRAWAL)
        answer = await calls.send(ready)
        sent = server.requests[0]
    raw = base64.b64decode(sent.headers["x-gemini-payload"])
    assert raw.rpartition(b":")[0] == ready.preview.json.encode().rpartition(b":")[0]
    assert sent.payload["nonce"] > 0
    assert (sent.method, sent.target) == ("POST", "/v2/withdraw/bitcoin/btc")
    assert (
        sign(Credentials(KEY, SECRET), sent.target, sent.payload["nonce"], WITHDRAWAL).headers[
            "X-GEMINI-SIGNATURE"
        ]
        == (sent.headers["x-gemini-signature"])
    )
    assert (answer.status, answer.data, answer.misfits) == (200, PAID, ())
    assert [record.stage for record in told] == [Stage.SENDING, Stage.ANSWERED]
    assert (told[0].money, told[0].fields, told[1].status) == (Money.MOVES, WITHDRAWAL, 200)
    assert told[0].payload_digest == told[1].payload_digest != ""
    assert SECRET not in repr(told)
    assert KEY not in repr(told)


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (CUT, OutcomeUnknownError),
        (GARBAGE, OutcomeUnknownError),
        (Act(status=502, body=b""), OutcomeUnknownError),
        (Act(status=400, body=b'{"errorMessage":"x"}'), OutcomeUnknownError),
        (Act(body=b'{"x":' + b"[" * 200_000), OutcomeUnknownError),
        (error(429, "RateLimit"), VenueRejectedError),
        (error(400, "InvalidNonce"), VenueRejectedError),
        (error(400, "CryptoAddressWhitelistsNotEnabled"), VenueRejectedError),
    ],
)
async def test_send_trouble_said_written_down_and_never_sent_again(act: Act, kind: type) -> None:
    async with running(always=act) as server, person(server) as (calls, told):
        ready = calls.prepare("withdraw", TO, fields=WITHDRAWAL)
        with pytest.raises(kind) as caught:
            await calls.send(ready)
        with pytest.raises(ConflictError):
            await calls.send(ready)
        assert len(server.requests) == 1
    no_secret_in(caught.value)
    assert [record.stage for record in told] == [Stage.SENDING, Stage.FAILED]
    assert told[1].error_code == caught.value.code


async def test_send_read_in_trouble_sent_once_and_may_be_sent_again_by_the_person() -> None:
    async with running(CUT, always=ok([])) as server, person(server) as (calls, _):
        ready = calls.prepare("transfers", fields={"limit_transfers": 5})
        with pytest.raises(VenueRetryableError):
            await calls.send(ready)
        assert len(server.requests) == 1
        assert (await calls.send(ready)).data == []


async def test_send_journal_that_fails_stops_it() -> None:
    def broken(_: CallRecord) -> None:
        raise OSError("disk full")

    async with running() as server, on(server) as (client, _):
        calls = PersonCalls(client.caller, broken)
        for name, parts, fields in (("withdraw", TO, WITHDRAWAL), ("symbols", {}, {})):
            with pytest.raises(OSError, match="disk full"):
                await calls.call(name, parts, fields=fields)
        assert not server.requests


async def test_send_given_up_midway_written_down() -> None:
    brief = Deadlines(hold_s=0.05)
    async with running(always=Act(wait_s=30)) as server, person(server, deadlines=brief) as (calls, told):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await calls.call("withdraw", TO, fields=WITHDRAWAL)
    assert [(record.stage, record.error_code) for record in told] == [
        (Stage.SENDING, ""),
        (Stage.FAILED, "LEFT_BEHIND"),
    ]


BAD: dict[str, tuple[str, Mapping[str, str], Mapping[str, str], Mapping[str, Any]]] = {
    "no such call": ("withdraw_all", {}, {}, {}),
    "a socket": ("market_data", {}, {}, {}),
    "a site page": ("oauth_token", {}, {}, {}),
    "no path part": ("withdraw", {"network": "bitcoin"}, {}, WITHDRAWAL),
    "a path that leads away": ("withdraw", {**TO, "ticker": "../x"}, {}, WITHDRAWAL),
    "a missing field": ("withdraw", TO, {}, {"amount": "1"}),
    "an unknown field": ("withdraw", TO, {}, {**WITHDRAWAL, "speed": "fast"}),
    "money as a float": ("withdraw", TO, {}, {**WITHDRAWAL, "amount": 1.5}),
    "money as a number": ("withdraw", TO, {}, {**WITHDRAWAL, "amount": 1}),
    "money as a Decimal": ("withdraw", TO, {}, {**WITHDRAWAL, "amount": Decimal(1)}),
    "a negative amount": ("withdraw", TO, {}, {**WITHDRAWAL, "amount": "-1"}),
    "an exponent": ("withdraw", TO, {}, {**WITHDRAWAL, "amount": "1e3"}),
    "another script's digits": ("withdraw", TO, {}, {**WITHDRAWAL, "amount": "\u0661"}),
    "no uuid": ("withdraw", TO, {}, {**WITHDRAWAL, "clientTransferId": "7"}),
    "our own fields": ("withdraw", TO, {}, {**WITHDRAWAL, "nonce": 1}),
    "an account as a field": ("withdraw", TO, {}, {**WITHDRAWAL, "account": "primary"}),
    "a query it has not": ("withdraw", TO, {"x": "1"}, WITHDRAWAL),
    "a query of another kind": ("book", {"symbol": "btcusd"}, {"limit_bids": "ten"}, {}),
    "a word that is none": ("wrap", {"symbol": "gusdusd"}, {}, {"amount": "1", "side": "up"}),
}


@pytest.mark.parametrize("name", BAD)
async def test_prepare_what_does_not_fit_the_catalogue_refused(name: str) -> None:
    call, parts, query, fields = BAD[name]
    async with running() as server, person(server) as (calls, _):
        with pytest.raises(BadInputError) as caught:
            calls.prepare(call, parts, query, fields)
        assert not server.requests
    assert caught.value.cure


async def test_prepare_names_every_fault_at_once() -> None:
    async with running() as server, person(server) as (calls, _):
        with pytest.raises(BadInputError) as caught:
            calls.prepare("withdraw", TO, {"x": "1"}, {"amount": 1.5, "speed": "fast"})
    for part in ("address: missing", "amount: expected decimal", "speed: not a field", "x: not a field"):
        assert part in caught.value.message


async def test_account_of_a_master_key_given_per_call() -> None:
    answer = ok({"fromAccount": "a", "toAccount": "b", "amount": "1", "currency": "BTC"})
    across = {"sourceAccount": "a", "targetAccount": "b", "amount": "1"}
    async with running(always=answer) as server:
        async with person(server, credentials=MASTER, account="primary") as (calls, _):
            await calls.call("withdraw", TO, fields=WITHDRAWAL)
            await calls.call("withdraw", TO, fields=WITHDRAWAL, account="other")
            assert (await calls.call("account_transfer", {"currency": "btc"}, fields=across)).misfits == ()
        async with person(server) as (calls, _):
            with pytest.raises(BadInputError, match="only a master key"):
                calls.prepare("withdraw", TO, fields=WITHDRAWAL, account="primary")
        assert [r.payload.get("account") for r in server.requests] == ["primary", "other", None]


async def test_bank_account_number_not_written_down_in_full() -> None:
    bank = {"accountnumber": "900000123456", "routing": "021000021", "type": "checking", "name": "S Nakamoto"}
    async with running(always=ok({"referenceId": "7"})) as server, person(server) as (calls, told):
        ready = calls.prepare("add_bank", fields=bank)
        await calls.send(ready)
        assert server.requests[0].payload["accountnumber"] == "900000123456"
    assert "900000123456" not in repr(told)
    assert told[0].fields["accountnumber"] == "…3456"
    assert "900000123456" not in repr(ready)


async def test_file_and_odd_answers_kept_as_they_are() -> None:
    sheet = Act(body=b"PK\x03\x04...", headers=("Content-Type: application/x-sheet",))
    async with running(sheet, ok({"surprise": 0.1})) as server, person(server) as (calls, _):
        query = {"fromDate": "2026-01-01"}
        answer = await calls.call("funding_payment_report_xlsx", query=query)
        assert (answer.body[:2], answer.data, answer.misfits) == (b"PK", None, ())
        assert answer.content_type == "application/x-sheet"
        odd = await calls.call("withdraw", TO, fields=WITHDRAWAL)
        assert odd.data == {"surprise": Decimal("0.1")}
        assert any("surprise" in found for found in odd.misfits)
        target = "/v1/perpetuals/fundingpaymentreport/records.xlsx?fromDate=2026-01-01"
        assert (server.requests[0].method, server.requests[0].target) == ("GET", target)
        assert server.requests[0].payload["request"] == target
