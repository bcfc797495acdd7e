"""Crypto out, from the approved address to the confirmation."""

from decimal import Decimal
from uuid import uuid4

import pytest

from tests.venues_paper.services.asking import Keys, available, unfit
from venues.paper.exchange import DAY_MS
from venues.paper.services.approved_addresses import HOLD_MS
from venues.paper.services.withdrawals import CONFIRMED_AFTER_MS, FREE_A_MONTH

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEND = "/v2/withdraw/bitcoin/btc"
ELSEWHERE = "tb1qsomewhereelsealtogether"


async def withdraw(keys: Keys, amount: str = "0.1", **fields: str) -> dict[str, str]:
    return await keys["funds"].post(SEND, address=keys.wallet("bitcoin"), amount=amount, **fields)


async def test_withdrawal_holds_at_once_and_leaves_when_it_is_confirmed(keys: Keys) -> None:
    made = await withdraw(keys, memo="for later")
    assert made == {**made, "address": keys.wallet("bitcoin"), "amount": "0.1", "currency": "BTC", "fee": "0"}
    assert await available(keys["funds"], "BTC") == (Decimal(1), Decimal("0.9"))
    (pending,) = keys.documents("transfer")
    assert (pending["type"], pending["status"], pending["withdrawalId"]) == (
        "Withdrawal",
        "Pending",
        made["withdrawalId"],
    )
    assert "txHash" not in pending
    keys.pass_time(CONFIRMED_AFTER_MS)
    assert await available(keys["funds"], "BTC") == (Decimal("0.9"), Decimal("0.9"))
    answer = await keys["funds"].try_post("/v2/transfers")
    assert unfit("transfers", answer) == []
    (complete,) = answer.json()
    assert (complete["status"], len(str(complete["txHash"]))) == ("Complete", 64)
    assert complete["eid"] == pending["eid"]
    (recorded,) = (await keys["master"].post("/v1/transactions"))["results"]
    assert recorded["transactionHash"] == complete["txHash"]


async def test_same_client_transfer_id_withdraws_once(keys: Keys) -> None:
    client_id = str(uuid4())
    first = await withdraw(keys, clientTransferId=client_id.upper())
    assert await withdraw(keys, clientTransferId=client_id) == first
    assert await available(keys["funds"], "BTC") == (Decimal(1), Decimal("0.9"))
    for other in ({"amount": "0.2"}, {"memo": "other"}):
        fields = {"address": keys.wallet("bitcoin"), "amount": "0.1", "clientTransferId": client_id, **other}
        assert await keys["funds"].refused(SEND, **fields) == (400, "InvalidFundTransfer")


async def test_more_than_is_available_is_refused_and_holds_nothing(keys: Keys) -> None:
    await keys["stranger"].order(side="sell", amount="0.95", price="99000.00")
    assert await keys["funds"].refused(SEND, address=keys.wallet("bitcoin"), amount="0.06") == (
        406,
        "InsufficientFunds",
    )
    assert await available(keys["funds"], "BTC") == (Decimal(1), Decimal("0.05"))
    assert keys.documents("transfer") == []


async def test_refusal_for_want_of_a_currency_leaves_no_empty_balance(keys: Keys) -> None:
    send = {"address": keys.wallet("zcash"), "amount": "1"}
    assert await keys["funds"].refused("/v2/withdraw/zcash/zec", **send) == (406, "InsufficientFunds")
    assert "ZEC" not in keys.account("stranger").funds


async def test_free_withdrawals_are_counted_by_calendar_month(keys: Keys) -> None:
    path, ask = "/v2/withdraw/bitcoin/btc/feeEstimate", {"address": keys.wallet("bitcoin"), "amount": "0.01"}
    for made in range(FREE_A_MONTH):
        estimate = await keys["stranger"].post(path, **ask)
        assert (estimate["fee"], estimate["monthlyRemaining"]) == (0, FREE_A_MONTH - made)
        await withdraw(keys, amount="0.001")
    estimate = await keys["stranger"].post(path, **ask)
    assert (estimate["fee"], estimate["monthlyRemaining"]) == (0.0001, 0)
    paid = await withdraw(keys, amount="0.01")
    assert paid["fee"] == "0.0001"
    older = await keys["stranger"].post("/v1/withdraw/btc/feeEstimate", **ask)
    assert older["fee"] == "0.0001"
    assert (await available(keys["funds"], "BTC"))[1] == 1 - Decimal("0.0201")
    keys.pass_time(CONFIRMED_AFTER_MS)
    assert (await available(keys["funds"], "BTC"))[0] == 1 - Decimal("0.0201")
    keys.pass_time(31 * DAY_MS)  # into the next month
    estimate = await keys["stranger"].post(path, **ask)
    assert (estimate["fee"], estimate["monthlyRemaining"]) == (0, FREE_A_MONTH)


async def test_withdrawal_to_an_address_of_this_exchange_arrives(keys: Keys) -> None:
    (there,) = await keys["margin"].post("/v1/addresses/bitcoin")
    await keys["funds"].post(
        "/v1/approvedAddresses/bitcoin/request", address=there["address"], label="the other account"
    )
    keys.pass_time(HOLD_MS)
    await keys["funds"].post(SEND, address=there["address"], amount="0.25")
    keys.pass_time(CONFIRMED_AFTER_MS)
    assert await available(keys["margin"], "BTC") == (Decimal("1.25"), Decimal("1.25"))
    (arrived,) = keys.documents("transfer", "margin")
    (sent,) = keys.documents("transfer")
    assert (arrived["type"], arrived["amount"], arrived["network"]) == ("Deposit", "0.25", "bitcoin")
    assert arrived["txHash"] == sent["txHash"]


async def test_address_must_be_approved_and_its_hold_over(keys: Keys) -> None:
    ask = {"address": ELSEWHERE, "amount": "0.1"}
    assert await keys["funds"].refused(SEND, **ask) == (400, "InvalidFundTransfer")
    approved = "/v1/approvedAddresses/bitcoin/request"
    made = await keys["funds"].post(approved, address=ELSEWHERE, label="cold")
    assert "7-day" in made["message"]
    keys.pass_time(HOLD_MS - 10_000)
    assert await keys["funds"].refused(SEND, **ask) == (400, "InvalidFundTransfer")
    # Asking again does not start the hold anew.
    await keys["funds"].post(approved, address=ELSEWHERE, label="cold")
    keys.pass_time(10_000)
    assert (await keys["funds"].post(SEND, **ask))["address"] == ELSEWHERE


async def test_account_without_a_list_is_told_so(keys: Keys) -> None:
    remove = "/v1/approvedAddresses/bitcoin/remove"
    gone = await keys["funds"].post(remove, address=keys.wallet("bitcoin"))
    assert gone["message"] == f"{keys.wallet('bitcoin')} removed from account active approved addresses."
    assert await keys["funds"].refused(remove, address=keys.wallet("bitcoin")) == (
        400,
        "InvalidParameterValue",
    )
    assert await keys["funds"].refused(SEND, address=keys.wallet("bitcoin"), amount="0.1") == (
        400,
        "CryptoAddressWhitelistsNotEnabled",
    )
    listed = await keys["stranger"].post("/v1/approvedAddresses/account/bitcoin")
    assert listed == {"approvedAddresses": []}


async def test_master_key_without_an_account_approves_for_its_group(keys: Keys) -> None:
    for change in ("request", "remove"):
        path = f"/v1/approvedAddresses/bitcoin/{change}"
        said = await keys["master"].post(path, address=ELSEWHERE, label="for all")
        listed = await keys["stranger"].post("/v1/approvedAddresses/account/bitcoin")
        scopes = [each["scope"] for each in listed["approvedAddresses"]]
        assert scopes == (["group", "account"] if change == "request" else ["account"])
    assert said["message"] == f"{ELSEWHERE} removed from group pending-time approved addresses."
    of_group = await keys["master"].post("/v1/approvedAddresses/account/bitcoin")
    assert of_group == {"approvedAddresses": []}


async def test_list_shows_newest_first_with_status(keys: Keys) -> None:
    await keys["funds"].post("/v1/approvedAddresses/bitcoin/request", address=ELSEWHERE, label="cold")
    listed = await keys["auditor"].post("/v1/approvedAddresses/account/btc")
    newest, first = listed["approvedAddresses"]
    assert (newest["address"], newest["label"], newest["status"]) == (ELSEWHERE, "cold", "pending-time")
    assert (first["address"], first["scope"], first["status"]) == (
        keys.wallet("bitcoin"),
        "account",
        "active",
    )


async def test_like_the_sandbox_crypto_is_closed_when_so_set(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys.running.exchange, "allows_crypto_transfers", False)
    closed = (400, "EndpointUnavailableInThisEnvironment")
    ask = {"address": keys.wallet("bitcoin"), "amount": "0.1"}
    assert await keys["funds"].refused(SEND, **ask) == closed
    assert await keys["funds"].refused("/v1/withdraw/btc", **ask) == closed
    assert await keys["funds"].refused("/v1/deposit/bitcoin/newAddress") == closed


async def test_routes_that_do_not_exist_are_refused_as_documented(keys: Keys) -> None:
    ask = {"address": keys.wallet("bitcoin"), "amount": "0.1"}
    for path, expected in {
        "/v2/withdraw/foochain/btc": (404, "UnsupportedNetwork"),
        "/v1/withdraw/nocoin": (404, "UnsupportedNetwork"),
        "/v1/withdraw/usd": (400, "InvalidFundTransfer"),
    }.items():
        assert await keys["funds"].refused(path, **ask) == expected
    answer = await keys["funds"].try_post("/v2/withdraw/bitcoin/eth", **ask)
    assert answer.status_code == 400
    assert list(answer.json()) == ["errorMessage"]


async def test_amounts_and_addresses_are_judged(keys: Keys) -> None:
    for fields, reason in (
        ({"amount": "0"}, "InvalidQuantity"),
        ({"amount": "-1"}, "InvalidQuantity"),
        ({"amount": "1e3"}, "InvalidQuantity"),
        ({"amount": "9" * 40}, "InvalidQuantity"),
        ({"amount": 0.1}, "InvalidQuantity"),
        ({"address": "short"}, "InvalidParameterValue"),
        ({"address": "with space in the middle"}, "InvalidParameterValue"),
        ({"address": "x" * 200}, "InvalidParameterValue"),
        ({"memo": "\u0000"}, "InvalidParameterValue"),
        ({"clientTransferId": "7"}, "InvalidParameterValue"),
    ):
        good = {"address": keys.wallet("bitcoin"), "amount": "0.1"}
        assert await keys["funds"].refused(SEND, **{**good, **fields}) == (400, reason)


async def test_custody_account_pays_each_withdrawal_and_lists_the_fees(keys: Keys) -> None:
    await keys["master"].post("/v1/account/create", name="Vault", type="custody")
    await keys["master"].post(
        "/v1/account/transfer/btc", sourceAccount="primary", targetAccount="vault", amount="0.5"
    )
    await keys["master"].post(
        "/v1/approvedAddresses/bitcoin/request", address=ELSEWHERE, label="x", account="vault"
    )
    keys.pass_time(HOLD_MS)
    sent = await keys["master"].post(SEND, address=ELSEWHERE, amount="0.1", account="vault")
    assert sent["fee"] == "0.0001"
    answer = await keys["master"].try_post("/v1/custodyaccountfees", account="vault")
    (fee,) = answer.json()
    assert (fee["feeAmount"], fee["feeCurrency"], fee["eventType"]) == ("0.0001", "BTC", "Withdrawal")
    assert unfit("custody_fees", answer) == []
    later = fee["txTime"] + 1
    assert await keys["master"].post("/v1/custodyaccountfees", account="vault", timestamp=later) == []
    assert await keys["stranger"].post("/v1/custodyaccountfees") == []
