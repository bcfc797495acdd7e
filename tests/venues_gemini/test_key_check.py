"""What is wrong with a key is said in words, and what it can do is judged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues_gemini.connected import on
from tests.venues_gemini.fault_server import Act, error, ok, running
from tests.venues_gemini.samples import KEY, SECRET
from venues.gemini.key_check import KeyReport, Level, check_key, judge_text

FEES = {"api_maker_fee_bps": 20, "api_taker_fee_bps": 40}
TRADER = {"isAuditor": False, "isFundManager": False, "isTrader": True}
GOOD = {
    "/v1/symbols": ok(["btcusd"]),
    "/v1/roles": ok(TRADER),
    "/v1/balances": ok([{"currency": "USD", "amount": "5", "available": "5"}]),
    "/v1/notionalvolume": ok(FEES),
}


async def report(**changes: Act) -> KeyReport:
    paths = GOOD | {f"/v1/{name}": act for name, act in changes.items()}
    async with running(by_path=paths) as server, on(server) as (client, _):
        return await check_key(client)


def codes(found: KeyReport) -> dict[str, Level]:
    return {finding.code: finding.level for finding in found.findings}


async def test_check_good_key_everything_read() -> None:
    found = await report()
    assert found.is_usable
    assert codes(found) == {"TRADES_ONLY": Level.GOOD}
    assert found.roles is not None
    assert found.fees is not None
    assert [balance.currency for balance in found.balances or ()] == ["usd"]


@pytest.mark.parametrize(
    ("roles", "wanted", "is_usable"),
    [
        ({"isFundManager": True}, {"CAN_WITHDRAW": Level.WARNING}, True),
        ({"isTrader": False, "isAuditor": True}, {"NO_TRADER_ROLE": Level.FAILURE}, False),
        (
            {"isTrader": False, "isFundManager": True},
            {"NO_TRADER_ROLE": Level.FAILURE, "CAN_WITHDRAW": Level.WARNING},
            False,
        ),
        ({"isAccountAdmin": True}, {"CAN_ADMINISTER": Level.WARNING}, True),
    ],
)
async def test_check_roles_judged(roles: dict[str, bool], wanted: dict[str, Level], is_usable: bool) -> None:
    found = await report(roles=ok(TRADER | roles))
    assert codes(found) == wanted
    assert found.is_usable is is_usable


@pytest.mark.parametrize(
    ("act", "code", "words"),
    [
        (error(400, "InvalidApiKey", "Invalid API key"), "WRONG_ENVIRONMENT", "does not know this key"),
        (error(400, "InvalidSignature"), "WRONG_SECRET", "secret does not belong"),
        (error(403, "MissingRole"), "MISSING_ROLE", "lacks a role"),
        (error(403, "ApiKeyIpFilteringFailure"), "ADDRESS_NOT_TRUSTED", "this machine's address"),
        (
            error(400, "InvalidNonce", "Nonce '5' is not within 30 seconds of server time '9'"),
            "TIME_BASED_NONCES",
            "time-based nonces",
        ),
        (
            error(400, "InvalidNonce", "Nonce '5' has not increased since your last call"),
            "NONCE_USED",
            "another program",
        ),
        (error(400, "MissingAccounts"), "NO_ACCOUNT", "master key"),
        (error(400, "NewReason", "whatever"), "VENUE_REJECTED", "whatever"),
        (error(503, "Maintenance"), "VENUE_TROUBLE", "Maintenance"),
    ],
)
async def test_check_refused_key_said_in_words(act: Act, code: str, words: str) -> None:
    found = await report(roles=act)
    (finding,) = found.findings
    assert (finding.code, finding.level) == (code, Level.FAILURE)
    assert words in finding.text
    assert finding.cure
    assert not found.is_usable
    assert (found.roles, found.balances, found.fees) == (None, None, None)


async def test_check_clock_off_said_with_its_skew() -> None:
    late = Act(body=b'["btcusd"]', headers=("Date: Fri, 20 Nov 2026 08:28:00 GMT",))
    found = await report(symbols=late)
    assert codes(found)["CLOCK_OFF"] is Level.FAILURE
    assert found.skew_s == 119.0
    assert "119 s ahead" in found.findings[0].text


async def test_check_nobody_there_said_once_and_no_key_sent() -> None:
    async with running() as server:
        pass
    async with on(server) as (client, _):
        found = await check_key(client)
    assert codes(found) == {"UNREACHABLE": Level.FAILURE}


async def test_check_part_that_fails_leaves_the_rest() -> None:
    found = await report(balances=error(403, "MissingRole"))
    assert codes(found) == {"TRADES_ONLY": Level.GOOD, "MISSING_ROLE": Level.FAILURE}
    assert (found.balances, found.fees is None) == (None, False)


@pytest.mark.parametrize(
    ("key", "secret", "wanted"),
    [
        (KEY, SECRET, set()),
        (KEY, SECRET + " ", {"SPACES"}),
        ("\t" + KEY, SECRET, {"SPACES"}),
        ("", "\n", {"EMPTY"}),
        (KEY, f'"{SECRET}"', {"QUOTES"}),
        (SECRET, KEY, {"SWAPPED"}),
        ("abcdefghijkl", SECRET, {"UNUSUAL_KEY"}),
    ],
)
def test_judge_text_what_was_typed_wrong(key: str, secret: str, wanted: set[str]) -> None:
    found = judge_text(key, secret)
    assert {finding.code for finding in found} == wanted
    shown = str(found)
    assert SECRET not in shown
    assert KEY not in shown


async def test_report_of_any_kind_tells_no_secret() -> None:
    acts: list[Any] = [error(400, "InvalidSignature", f"{KEY} {SECRET[:4]}"), error(403, "MissingRole", KEY)]
    for act in acts:
        shown = repr(await report(roles=act))
        assert SECRET not in shown
        assert KEY not in shown
