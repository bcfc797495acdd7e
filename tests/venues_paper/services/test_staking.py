"""Staking: what is moved, what it earns, and what is told of it."""

from decimal import ROUND_FLOOR, Decimal, localcontext

import pytest

from domain.money import CONTEXT
from tests.venues_paper.services.asking import Keys, available, decoded, unfit
from tests.venues_paper.signed import Client
from venues.paper.exchange import DAY_MS
from venues.paper.services.staking_terms import PROVIDER, daily_rate, iso

pytestmark = pytest.mark.asyncio(loop_scope="module")

ETH = {"providerId": PROVIDER, "currency": "ETH"}


async def staked(client: Client) -> Decimal:
    rows = decoded(await client.try_post("/v1/balances/staking"))
    return rows[0]["balance"] if rows else Decimal(0)


async def test_balance_moves_there_and_back(keys: Keys) -> None:
    client = keys["stranger"]
    made = await client.post("/v1/staking/stake", **ETH, amount="4")
    assert (made["amount"], made["rates"]["rate"]) == (4, 228.0197)
    assert await available(client, "ETH") == (Decimal(6), Decimal(6))
    assert await staked(client) == 4
    back = await client.post("/v1/staking/unstake", **ETH, amount="1.5")
    assert (back["amountPaidSoFar"], back["amountRemaining"]) == (1.5, 0)
    assert await available(client, "ETH") == (Decimal("7.5"), Decimal("7.5"))
    assert await staked(client) == Decimal("2.5")
    (history,) = await client.post("/v1/staking/history")
    assert [each["transactionType"] for each in history["transactions"]] == [
        "RedeemPayment",
        "Redeem",
        "Deposit",
    ]


async def test_interest_comes_at_midnight_and_compounds(keys: Keys) -> None:
    client = keys["stranger"]
    await client.post("/v1/staking/stake", **ETH, amount="4")
    midnight = iso((keys.now_ms // DAY_MS + 1) * DAY_MS)
    keys.pass_time(3 * DAY_MS)
    with localcontext(CONTEXT):
        expected, total = Decimal(4), Decimal(0)
        for _ in range(3):
            interest = (expected * daily_rate("ETH")).quantize(Decimal("1e-19"), rounding=ROUND_FLOOR)
            expected, total = expected + interest, total + interest
    assert await staked(client) == expected
    answer = await client.try_post("/v1/staking/rewards", since=0)
    assert unfit("staking_rewards", answer) == []
    rewards = decoded(answer)[PROVIDER]["ETH"]
    assert rewards["accrualTotal"] == total
    (period,) = rewards["ratePeriods"]
    assert (period["numberOfAccruals"], period["firstAccrualAt"]) == (3, midnight)
    assert period["apyPct"] == Decimal("2.31")
    # All of it can be taken back, and not a hair more.
    over = await client.refused("/v1/staking/unstake", **ETH, amount="4.001")
    assert over == (406, "InsufficientFunds")
    await client.post("/v1/staking/unstake", **ETH, amount="4")
    assert await staked(client) == total


async def test_history_is_filtered_sorted_and_paged(keys: Keys) -> None:
    client = keys["stranger"]
    await client.post("/v1/staking/stake", **ETH, amount="1")
    keys.pass_time(5 * DAY_MS)

    async def times(**fields: object) -> list[int]:
        answer = await client.try_post("/v1/staking/history", **fields)
        assert unfit("staking_history", answer) == []
        return [each["dateTime"] for part in answer.json() for each in part["transactions"]]

    newest_first = await times()
    assert newest_first == sorted(newest_first, reverse=True)
    assert len(newest_first) == 6
    assert await times(sortAsc=True) == newest_first[::-1]
    assert len(await times(interestOnly=True)) == 5
    assert await times(limit=2) == newest_first[:2]
    assert await times(until=newest_first[1] - 1) == newest_first[2:]
    assert await times(since=iso(newest_first[2])) == newest_first[:3]
    assert await times(currency="SOL") == []


async def test_terms_are_judged(keys: Keys) -> None:
    client = keys["stranger"]
    stake = "/v1/staking/stake"
    other = "00000000-0000-4000-8000-000000000000"
    for fields, expected in (
        ({**ETH, "amount": "11"}, (406, "InsufficientFunds")),
        ({**ETH, "amount": "0"}, (400, "InvalidQuantity")),
        ({**ETH, "amount": "1", "currency": "BTC"}, (400, "InvalidParameterValue")),
        ({**ETH, "amount": "1", "providerId": other}, (400, "InvalidParameterValue")),
    ):
        assert await client.refused(stake, **fields) == expected
    assert await available(client, "ETH") == (Decimal(10), Decimal(10))
    for since in ("yesterday", "2026-11-20", -1, True):
        assert await client.refused("/v1/staking/rewards", since=since) == (400, "InvalidParameterValue")


async def test_no_more_than_the_monthly_limit_is_taken(keys: Keys) -> None:
    keys.account("stranger").fund("ETH").amount = Decimal(1000)
    refused = await keys["stranger"].refused("/v1/staking/stake", **ETH, amount="900")
    assert refused == (400, "AccountLimitExceeded")


async def test_custody_account_cannot_stake(keys: Keys) -> None:
    await keys["master"].post("/v1/account/create", name="Vault", type="custody")
    refused = await keys["master"].refused("/v1/staking/stake", **ETH, amount="1", account="vault")
    assert refused == (400, "BadAccountType")
