"""Clearing: from the submission to the settlement, or to any other end."""

from decimal import Decimal
from typing import Any

import pytest

from tests.venues_paper.services.asking import HOUR_MS, Keys, available, unfit
from venues.paper.access.subaccounts import counterparty_id
from venues.paper.exchange import DAY_MS

pytestmark = pytest.mark.asyncio(loop_scope="module")

TERMS = {"symbol": "btcusd", "amount": "0.1", "price": "50000.00"}


def party(keys: Keys, label: str) -> str:
    found = counterparty_id(keys.account(label))
    assert found is not None
    return found


async def submit(keys: Keys, **fields: Any) -> str:
    """Let the desk offer to buy 0.1 BTC for 5,000 USD."""
    made = await keys["desk"].post("/v1/clearing/new", **{**TERMS, "side": "buy", **fields})
    assert made["result"] == "AwaitConfirm"
    return made["clearing_id"]


async def status(keys: Keys, clearing_id: str, label: str = "desk") -> str:
    answer = await keys[label].post("/v1/clearing/status", clearing_id=clearing_id)
    assert answer["result"] == "ok"
    return answer["status"]


async def confirm(keys: Keys, label: str, clearing_id: str, **fields: Any) -> Any:
    terms = {**TERMS, "side": "sell", **fields}
    return await keys[label].post("/v1/clearing/confirm", clearing_id=clearing_id, **terms)


async def test_confirmed_order_settles_between_the_two_accounts(keys: Keys) -> None:
    made = await submit(keys, counterparty_id=party(keys, "stranger"))
    assert await status(keys, made) == "AwaitConfirm"
    assert await confirm(keys, "stranger", made) == {"result": "confirmed"}
    seen = [await status(keys, made) for _ in range(5)]
    assert list(dict.fromkeys(seen)) == ["Confirmed", "AttemptSettlement", "Settled"]
    assert await available(keys["desk"], "BTC") == (Decimal("0.1"), Decimal("0.1"))
    assert await available(keys["desk"], "USD") == (Decimal(5000), Decimal(5000))
    assert await available(keys["stranger"], "BTC") == (Decimal("0.9"), Decimal("0.9"))
    assert await available(keys["stranger"], "USD") == (Decimal(15000), Decimal(15000))
    answer = await keys["stranger"].try_post("/v1/clearing/trades")
    assert unfit("clearing_trades", answer) == []
    (trade,) = answer.json()["results"]
    assert (trade["status"], trade["sourceSide"], trade["hasBroker"]) == ("Settled", "buy", False)
    late = await keys["desk"].post("/v1/clearing/cancel", clearing_id=made)
    assert late == {"result": "failed", "details": f"Unable to cancel order {made}"}


async def test_order_without_counterparty_is_open_to_who_knows_its_id(keys: Keys) -> None:
    made = await submit(keys)
    assert await status(keys, made, "stranger") == "Not Found"
    await confirm(keys, "stranger", made)
    assert await status(keys, made, "stranger") == "Confirmed"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"side": "buy"}, "InvalidSide"),
        ({"amount": "0.2"}, "InvalidQuantity"),
        ({"price": "50000.01"}, "InvalidPrice"),
        ({"symbol": "ethusd"}, "InvalidSymbol"),
    ],
)
async def test_confirmation_must_repeat_the_order(keys: Keys, fields: dict[str, str], reason: str) -> None:
    made = await submit(keys)
    terms = {**TERMS, "side": "sell", **fields}
    refused = await keys["stranger"].refused("/v1/clearing/confirm", clearing_id=made, **terms)
    assert refused == (400, reason)
    assert await status(keys, made) == "AwaitConfirm"


async def test_only_the_counterparty_confirms_and_only_once(keys: Keys) -> None:
    made = await submit(keys, counterparty_id=party(keys, "stranger"))
    terms = {**TERMS, "side": "sell", "clearing_id": made}
    for label in ("margin", "desk"):
        assert await keys[label].refused("/v1/clearing/confirm", **terms) == (404, "OrderNotFound")
    await confirm(keys, "stranger", made)
    again = await keys["stranger"].refused("/v1/clearing/confirm", **terms)
    assert again == (400, "InvalidParameterValue")


async def test_order_expires_by_the_exchange_clock(keys: Keys) -> None:
    made = await submit(keys, expires_in_hrs=0.5)
    keys.pass_time(HOUR_MS // 2)
    assert await status(keys, made) == "Expired"
    terms = {**TERMS, "side": "sell", "clearing_id": made}
    assert await keys["stranger"].refused("/v1/clearing/confirm", **terms) == (400, "InvalidParameterValue")
    usual = await submit(keys)
    keys.pass_time(DAY_MS - 10_000)
    assert await status(keys, usual) == "AwaitConfirm"
    keys.pass_time(10_000)
    assert await status(keys, usual) == "Expired"


async def test_source_cancels_and_nobody_else(keys: Keys) -> None:
    made = await submit(keys, counterparty_id=party(keys, "stranger"))
    other = await keys["stranger"].post("/v1/clearing/cancel", clearing_id=made)
    assert other["result"] == "failed"
    done = await keys["desk"].post("/v1/clearing/cancel", clearing_id=made)
    assert done == {"result": "ok", "details": f"{made} order canceled"}
    assert await status(keys, made) == "Canceled"
    keys.pass_time(2 * DAY_MS)
    assert await status(keys, made) == "Canceled"


async def test_settlement_waits_for_the_funds_and_gives_up_at_the_expiry(keys: Keys) -> None:
    made = await submit(keys, amount="1.5", price="100.00", expires_in_hrs=1)
    await confirm(keys, "stranger", made, amount="1.5", price="100.00")
    keys.pass_time(10_000)
    assert {await status(keys, made) for _ in range(6)} <= {"AttemptSettlement"} | {"Confirmed"}
    keys.pass_time(HOUR_MS)
    assert await status(keys, made) == "Expired"
    assert await available(keys["stranger"], "BTC") == (Decimal(1), Decimal(1))


async def test_broker_brings_two_accounts_together(keys: Keys) -> None:
    made = await keys["margin"].post(
        "/v1/clearing/broker/new",
        **TERMS,
        side="sell",
        expires_in_hrs=2,
        source_counterparty_id=party(keys, "stranger"),
        target_counterparty_id=party(keys, "desk"),
    )
    assert made["result"] == "AwaitSourceTargetConfirm"
    clearing_id = made["clearing_id"]
    assert await status(keys, clearing_id, "margin") == "AwaitSourceTargetConfirm"
    await confirm(keys, "desk", clearing_id, side="buy")
    assert await status(keys, clearing_id) == "AwaitSourceConfirm"
    terms = {**TERMS, "side": "buy", "clearing_id": clearing_id}
    assert await keys["desk"].refused("/v1/clearing/confirm", **terms) == (400, "InvalidParameterValue")
    await confirm(keys, "stranger", clearing_id)
    for _ in range(5):
        last = await status(keys, clearing_id, "margin")
    assert last == "Settled"
    assert await available(keys["desk"], "BTC") == (Decimal("0.1"), Decimal("0.1"))
    assert await available(keys["margin"], "BTC") == (Decimal(1), Decimal(1))
    answer = await keys["margin"].try_post("/v1/clearing/broker/list")
    assert unfit("broker_list", answer) == []
    (shown,) = answer.json()["orders"]
    assert (shown["source_side"], shown["source_counterparty_id"]) == ("sell", party(keys, "stranger"))
    assert (await keys["desk"].post("/v1/clearing/broker/list"))["orders"] == []
    (mine,) = (await keys["desk"].post("/v1/clearing/list"))["orders"]
    assert (mine["side"], mine["broker_id"]) == ("buy", party(keys, "margin"))


async def test_lists_are_filtered(keys: Keys) -> None:
    first = await submit(keys, counterparty_id=party(keys, "stranger"))
    second = await submit(keys, symbol="ethusd", amount="100", price="1900.00", side="sell")

    async def listed(label: str = "desk", **fields: Any) -> list[str]:
        answer = await keys[label].try_post("/v1/clearing/list", **fields)
        assert unfit("clearing_list", answer) == [], answer.text
        return [order["clearing_id"] for order in answer.json()["orders"]]

    assert await listed() == [second, first]
    assert await listed("stranger") == [first]
    assert await listed("stranger", side="sell") == [first]
    assert await listed(symbol="ETHUSD") == [second]
    assert await listed(side="buy") == [first]
    assert await listed(counterparty=party(keys, "stranger")) == [first]
    assert await listed(funded=True) == [first]
    assert await listed(submission_start=0, submission_end=1) == []
    late = 1_900_000_000_000
    assert await listed(expiration_start=1, expiration_end=late) == [second, first]
    alone = await keys["desk"].refused("/v1/clearing/list", submission_start=0)
    assert alone == (400, "InvalidParameterValue")


async def test_terms_are_judged(keys: Keys) -> None:
    for fields, reason in (
        ({"counterparty_id": "NOBODY00"}, "NoAccountOfTypeRequired"),
        ({"counterparty_id": party(keys, "desk")}, "InvalidParameterValue"),
        ({"amount": "0.000000001"}, "InvalidQuantity"),
        ({"amount": "0"}, "InvalidQuantity"),
        ({"price": "0"}, "InvalidPrice"),
        ({"price": "1.001"}, "InvalidPrice"),
        ({"symbol": "btcgusdperp", "amount": "1", "price": "50000"}, "InvalidSymbol"),
        ({"symbol": "nosuch"}, "InvalidSymbol"),
        ({"side": "both"}, "InvalidSide"),
        ({"expires_in_hrs": 0}, "InvalidParameterValue"),
        ({"expires_in_hrs": 1e300}, "InvalidParameterValue"),
        ({"expires_in_hrs": 169}, "InvalidParameterValue"),
    ):
        terms = {**TERMS, "side": "buy", **fields}
        assert await keys["desk"].refused("/v1/clearing/new", **terms) == (400, reason), fields


async def test_custody_account_clears_nothing(keys: Keys) -> None:
    await keys["master"].post("/v1/account/create", name="Vault", type="custody")
    refused = await keys["master"].refused("/v1/clearing/new", **TERMS, side="buy", account="vault")
    assert refused == (400, "BadAccountType")
