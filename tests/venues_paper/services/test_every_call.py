"""Every call of the second tier: a good one fits its row, and each way to get it wrong has its reason."""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.venues_paper.services.asking import Keys, unfit
from tests.venues_paper.signed import NONCES, signed_headers
from venues.gemini.catalogue import TABLE, Auth, Role
from venues.gemini.catalogue.kinds import Field, Kind, Word
from venues.paper.access.subaccounts import counterparty_id
from venues.paper.server import RunningExchange
from venues.paper.services.approved_addresses import WALLET_LABEL
from venues.paper.services.chains import CHAINS, play_address
from venues.paper.services.staking_terms import PROVIDER


class RawNumber(str):
    """A JSON number as it is to stand on the wire."""

    __slots__ = ()


def wallet(network: str) -> str:
    return play_address(CHAINS[network], "stranger", WALLET_LABEL)


@pytest.fixture(scope="module", autouse=True)
def _still(shared: tuple[RunningExchange, httpx.AsyncClient]) -> None:
    """Let the markets stand: none of these calls needs them to move, and each would run them a step."""
    shared[0].exchange.world = None


TIER_2 = [name for name, row in TABLE.items() if row.tier == 2]


@dataclass(frozen=True)
class Good:
    """A request that is answered with 200; `label` is the key."""

    label: str = "stranger"
    fields: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)


CLEARED = {"symbol": "btcusd", "amount": "0.01", "price": "50000.00", "side": "buy"}
STAKED = {"providerId": PROVIDER, "currency": "ETH", "amount": "0.5"}
TRANSFERS = count(1)

GOOD = {
    "network_v1": Good(parts={"token": "usdc"}),
    "network": Good("funds", parts={"token": "BTC"}),
    "network_assets": Good("auditor", parts={"network": "ethereum"}),
    "addresses": Good(fields={"timestamp": 0}, parts={"network": "cosmos"}),
    "new_address": Good("funds", {"label": "mine", "legacy": True}, parts={"network": "litecoin"}),
    "approved_addresses": Good("auditor", parts={"network": "bitcoin"}),
    "approve_address": Good(
        "funds", {"address": "tb1qsomewhereelse", "label": "x", "memo": "7"}, parts={"network": "bitcoin"}
    ),
    "remove_address": Good("funds", {"address": wallet("dogecoin")}, parts={"network": "dogecoin"}),
    "custody_fees": Good("auditor", {"timestamp": "1700000000", "limit_transfers": 5}),
    "withdraw_fee": Good(
        fields={"address": wallet("ethereum"), "amount": "0.1"},
        parts={"network": "ethereum", "ticker": "eth"},
    ),
    "withdraw_fee_v1": Good(
        fields={"address": wallet("bitcoin"), "amount": "0.1"}, parts={"currency": "btc"}
    ),
    "withdraw": Good(
        "funds",
        {
            "address": wallet("bitcoin"),
            "amount": "0.001",
            "memo": "rent",
            "clientTransferId": "AA97B177-9383-4934-8543-0F91A7A02838",
        },
        parts={"network": "bitcoin", "ticker": "btc"},
    ),
    "withdraw_v1": Good(
        "funds", {"address": wallet("ethereum"), "amount": "0.01"}, parts={"currency": "ETH"}
    ),
    "add_bank": Good(
        "funds", {"accountnumber": "000123456", "routing": "021000021", "type": "checking", "name": "A Bank"}
    ),
    "add_bank_cad": Good(
        "funds",
        {
            "swiftcode": "ABCDCA22",
            "accountNumber": "7654321",
            "type": "savings",
            "name": "B Bank",
            "institutionnumber": "001",
            "branchnumber": "00011",
        },
    ),
    "payment_methods": Good("auditor"),
    "stake": Good(fields=STAKED),
    "unstake": Good(fields={**STAKED, "amount": "0"}),
    "staking_balances": Good(),
    "staking_history": Good(
        fields={
            "since": "2026-11-01T00:00:00.000Z",
            "until": 1_900_000_000_000,
            "limit": 5,
            "providerId": PROVIDER,
            "currency": "ETH",
            "interestOnly": False,
            "sortAsc": True,
        }
    ),
    "staking_rewards": Good(fields={"since": 0, "until": "2027-01-01T00:00:00+00:00", "currency": "SOL"}),
    "staking_rates": Good(),
    "clearing_new": Good(fields={**CLEARED, "expires_in_hrs": 1}),
    "clearing_confirm": Good(fields={**CLEARED, "clearing_id": "", "side": "sell"}),
    "clearing_cancel": Good(fields={"clearing_id": "NONESUCH"}),
    "clearing_status": Good("auditor", {"clearing_id": "NONESUCH"}),
    "clearing_list": Good(
        fields={
            "symbol": "BTCUSD",
            "side": "buy",
            "submission_start": 0,
            "submission_end": 1_900_000_000_000,
            "expiration_start": 0,
            "expiration_end": 1_900_000_000_000,
            "funded": True,
            "counterparty": "ABCDEFGH",
        }
    ),
    "broker_new": Good(
        fields={
            **CLEARED,
            "expires_in_hrs": 1.5,
            "source_counterparty_id": "",
            "target_counterparty_id": "",
        }
    ),
    "broker_list": Good(),
    "clearing_trades": Good(fields={"timestamp_nanos": 1_700_000_000_000_000_000, "limit_per_account": 10}),
    "margin_account": Good("margin"),
    "margin_rates": Good("margin"),
    "margin_preview": Good(
        "margin", {"symbol": "btcusd", "side": "buy", "type": "limit", "amount": "0.1", "price": "50000"}
    ),
    "margin": Good("margin", {"symbol": "btcgusdperp"}),
    "positions": Good("margin"),
    "funding_payment": Good("margin", query={"since": 1_700_000_000, "to": 1_900_000_000}),
    "funding_payment_report": Good("margin", query={"fromDate": "2026-11-01", "numRows": 10}),
    "funding_payment_report_xlsx": Good("margin", query={"toDate": "2026-11-20"}),
    "funding_amount_report": Good(query={"symbol": "BTCGUSDPERP", "numRows": 24}),
    "auction": Good(parts={"symbol": "btcusd"}),
    "auction_history": Good(query={"limit_auction_results": 5}, parts={"symbol": "btcusd"}),
}


async def prepared(keys: Keys, name: str) -> Good:
    """Return the good request for a call, with the ids that only a running exchange knows."""
    good = GOOD[name]
    fields = dict(good.fields)
    if name == "clearing_confirm":
        made = await keys["desk"].post("/v1/clearing/new", **CLEARED)
        fields["clearing_id"] = made["clearing_id"]
    if name == "remove_address":
        path = "/v1/approvedAddresses/dogecoin/request"
        await keys["funds"].post(path, address=fields["address"], label="again")
    if name == "withdraw":
        # Another request of this module may have used the id for other fields.
        fields["clientTransferId"] = str(UUID(int=next(TRANSFERS))).upper()
    if name == "unstake":
        await keys["stranger"].post("/v1/staking/stake", **STAKED)
        fields["amount"] = STAKED["amount"]
    if name == "broker_new":
        for end, label in (("source", "desk"), ("target", "margin")):
            fields[f"{end}_counterparty_id"] = counterparty(keys, label)
    return Good(good.label, fields, good.query, good.parts)


def counterparty(keys: Keys, label: str) -> str:
    return counterparty_id(keys.account(label))


def test_every_call_of_the_tier_has_a_good_request() -> None:
    assert set(GOOD) == set(TIER_2)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", TIER_2)
async def test_good_call_is_answered_as_its_row_says(shared_keys: Keys, name: str) -> None:
    good = await prepared(shared_keys, name)
    answer = await shared_keys.ask(good.label, name, good.fields, good.query, **good.parts)
    assert answer.status_code == 200, answer.text
    assert unfit(name, answer) == []


def stranger_to(name: str) -> str | None:
    """Return a key whose role does not do for a call, None when every role does."""
    roles = TABLE[name].roles
    if not roles:
        return None
    labels = {Role.AUDITOR: "auditor", Role.TRADER: "stranger", Role.FUND_MANAGER: "funds"}
    return next((label for role, label in labels.items() if role not in roles), None)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", [name for name in TIER_2 if stranger_to(name)])
async def test_wrong_role_is_refused(shared_keys: Keys, name: str) -> None:
    good = GOOD[name]
    answer = await shared_keys.ask(stranger_to(name), name, good.fields, good.query, **good.parts)
    assert (answer.status_code, answer.json()["reason"]) == (403, "MissingRole")


def of_row(name: str) -> list[tuple[Field, bool]]:
    row = TABLE[name]
    return [(field, False) for field in row.request] + [(field, True) for field in row.query]


REQUIRED = [(name, field.name) for name in TIER_2 for field, _ in of_row(name) if field.is_required]
TYPED = [
    (name, field.name)
    for name in TIER_2
    for field, in_query in of_row(name)
    if not (in_query and field.kind == Kind(word=Word.TEXT))
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "missing"), REQUIRED)
async def test_missing_field_is_named(shared_keys: Keys, name: str, missing: str) -> None:
    good = await prepared(shared_keys, name)
    fields = {key: value for key, value in good.fields.items() if key != missing}
    query = {key: value for key, value in good.query.items() if key != missing}
    answer = await shared_keys.ask(good.label, name, fields, query, **good.parts)
    assert (answer.status_code, answer.json()["reason"]) == (400, "MissingOrderField")
    assert f"'{missing}'" in answer.json()["message"]


REASONS = {
    "amount": "InvalidQuantity",
    "totalSpend": "InvalidQuantity",
    "price": "InvalidPrice",
    "side": "InvalidSide",
    "symbol": "InvalidSymbol",
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "wrong"), TYPED)
async def test_field_of_a_wrong_type_is_refused_with_its_reason(
    shared_keys: Keys, name: str, wrong: str
) -> None:
    good = await prepared(shared_keys, name)
    row = TABLE[name]
    fields, query = dict(good.fields), dict(good.query)
    if wrong in {field.name for field in row.query}:
        query[wrong] = "!"
    else:
        fields[wrong] = [{"no": "such"}]
    answer = await shared_keys.ask(good.label, name, fields, query, **good.parts)
    kind = next(field.kind for field, _ in of_row(name) if field.name == wrong)
    reason = "InvalidTimestampInPayload" if kind.word is Word.TIME else "InvalidParameterValue"
    assert (answer.status_code, answer.json()["reason"]) == (400, REASONS.get(wrong, reason))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", [name for name in TIER_2 if TABLE[name].auth is Auth.SIGNED])
async def test_request_sent_twice_is_carried_out_once(shared_keys: Keys, name: str) -> None:
    good = await prepared(shared_keys, name)
    row, client = TABLE[name], shared_keys[good.label]
    path = row.at(**good.parts)
    headers = signed_headers(client.key, client.secret, path, dict(good.fields))
    url = shared_keys.running.url + path
    await shared_keys.http.request(row.method, url, params=good.query, headers=headers)
    again = await shared_keys.http.request(row.method, url, params=good.query, headers=headers)
    assert (again.status_code, again.json()["reason"]) == (400, "InvalidNonce")


ODD = (
    *(
        None,
        True,
        -1,
        0,
        10**30,
        1.5,
        1e-300,
        [],
        {},
        [None],
        "",
        " ",
        "0",
        "-0",
        "1e5",
        "NaN",
        "9" * 25,
        "x" * 300,
    ),
    *(
        "\u0661",
        "\ud800",
        "\u0000",
        "a|b",
        "../..",
        "2026-11-20",
        "9999-12-31T23:59:59.999+00:00",
        "btcusd",
        "ETH",
    ),
    *("0001-01-01T00:00:00+23:59", RawNumber("1e999999999"), RawNumber("-1e-999999999"), RawNumber("1e30")),
)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", [name for name in TIER_2 if TABLE[name].request])
async def test_odd_values_are_answered_and_nothing_stops(shared_keys: Keys, name: str) -> None:
    good = await prepared(shared_keys, name)
    row, client = TABLE[name], shared_keys[good.label]
    path = row.at(**good.parts)
    for field_name in (each.name for each in row.request):
        for odd in ODD:
            raw = json.dumps({"request": path, "nonce": next(NONCES), **good.fields, field_name: "@@"})
            text = odd if isinstance(odd, RawNumber) else json.dumps(odd)
            headers = signed_headers(client.key, client.secret, path, raw=raw.replace('"@@"', text))
            answer = await shared_keys.http.request(
                row.method, shared_keys.running.url + path, headers=headers
            )
            assert answer.status_code in {200, 400, 404, 406}, (field_name, odd, answer.text)
            if answer.status_code == 200:
                assert unfit(name, answer) == [], (field_name, odd)
    assert shared_keys.running.exchange.fault is None
