"""Money between the accounts of a group, and the record of it."""

import re
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.venues_paper.keyed import holder, reason
from tests.venues_paper.signed import Client
from venues.paper.server import RunningExchange

Shared = tuple[RunningExchange, httpx.AsyncClient]

CLIENT_ID = "aa97b177-9383-4934-8543-0f91a7a02838"
MOVE = {"sourceAccount": "primary", "targetAccount": "second", "amount": "0.25"}
USD, BTC = "/v1/account/transfer/usd", "/v1/account/transfer/btc"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_master(shared: Shared) -> Client:
    """The key over the stranger's group on the shared exchange, with a second account."""
    client = holder(*shared, "master")
    await client.post("/v1/account/create", name="Second")
    return client


@pytest.fixture
async def master(running: RunningExchange, http: httpx.AsyncClient) -> Client:
    """The key over the stranger's group, which has a second account and a vault."""
    client = holder(running, http, "master")
    await client.post("/v1/account/create", name="Second")
    await client.post("/v1/account/create", name="Vault", type="custody")
    return client


async def funds(client: Client, account: str) -> dict[str, Decimal]:
    rows = await client.post("/v1/balances", account=account)
    return {row["currency"]: Decimal(row["amount"]) for row in rows if Decimal(row["amount"])}


async def test_transfer_moves_the_amount_and_nothing_else(master: Client) -> None:
    answer = await master.post(BTC, **MOVE)
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.pop("uuid"))
    assert answer == {
        "fromAccount": "primary",
        "toAccount": "second",
        "amount": "0.25",
        "fee": "0",
        "currency": "Bitcoin",
        "message": "Success, transfer completed.",
    }
    assert await funds(master, "primary") == {"USD": 10000, "BTC": Decimal("0.75"), "ETH": 10}
    assert await funds(master, "second") == {"BTC": Decimal("0.25")}
    order = await master.order(
        account="second", side="sell", amount="0.25", price="50000.00", options=["immediate-or-cancel"]
    )
    assert order["remaining_amount"] == "0"


async def test_transfer_to_custody_is_a_withdrawal_and_never_of_dollars(master: Client) -> None:
    answer = await master.post(BTC, **MOVE | {"targetAccount": "vault"})
    assert "withdrawalId" in answer
    assert "uuid" not in answer
    assert await funds(master, "vault") == {"BTC": Decimal("0.25")}
    assert await master.refused(USD, **MOVE | {"targetAccount": "vault"}) == (400, "BadAccountType")
    back = await master.post(BTC, sourceAccount="vault", targetAccount="primary", amount="0.25")
    assert back["toAccount"] == "primary"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("path", "fields", "status", "expected"),
    [
        (USD, {"sourceAccount": None}, 400, "MissingAccountName"),
        (USD, {"targetAccount": ""}, 400, "MissingAccountName"),
        (USD, {"targetAccount": "desk"}, 400, "InvalidAccountName"),
        (USD, {"sourceAccount": 5}, 400, "InvalidAccountName"),
        (USD, {"targetAccount": "primary"}, 400, "InvalidFundTransfer"),
        ("/v1/account/transfer/nothing", {}, 400, "InvalidFundTransfer"),
        (USD, {"amount": None}, 400, "InvalidQuantity"),
        (USD, {"amount": "0"}, 400, "InvalidQuantity"),
        (USD, {"amount": "-1"}, 400, "InvalidQuantity"),
        (USD, {"amount": "1e3"}, 400, "InvalidQuantity"),
        (USD, {"amount": "NaN"}, 400, "InvalidQuantity"),
        (USD, {"amount": True}, 400, "InvalidQuantity"),
        (USD, {"amount": "9" * 40}, 400, "InvalidQuantity"),
        (USD, {"amount": "10000.01"}, 406, "InsufficientFunds"),
        ("/v1/account/transfer/sol", {}, 406, "InsufficientFunds"),
        (USD, {"clientTransferId": "no uuid"}, 400, "InvalidParameterValue"),
        (USD, {"clientTransferId": 7}, 400, "InvalidParameterValue"),
    ],
)
async def test_faulty_transfer_is_refused_and_moves_nothing(
    shared_master: Client, path: str, fields: dict[str, Any], status: int, expected: str
) -> None:
    before = await funds(shared_master, "primary")
    assert await shared_master.refused(path, **MOVE | fields) == (status, expected)
    assert await funds(shared_master, "primary") == before
    assert await funds(shared_master, "second") == {}


async def test_held_funds_cannot_be_transferred(master: Client, stranger: Client) -> None:
    await stranger.order(side="sell", amount="0.9", price="99000.00")
    assert await master.refused(BTC, **MOVE) == (406, "InsufficientFunds")
    assert (await master.try_post(BTC, **MOVE | {"amount": "0.1"})).status_code == 200


async def test_closed_account_neither_gives_nor_takes(running: RunningExchange, master: Client) -> None:
    second = next(a for a in running.exchange.accounts.values() if a.short_name == "second")
    second.is_closed = True
    assert await master.refused(USD, **MOVE) == (400, "AccountClosed")


async def test_repeated_client_transfer_id_moves_money_once(master: Client) -> None:
    wanted = MOVE | {"clientTransferId": CLIENT_ID}
    first = await master.post(BTC, **wanted)
    assert await master.post(BTC, **wanted | {"clientTransferId": CLIENT_ID.upper()}) == first
    assert await funds(master, "second") == {"BTC": Decimal("0.25")}
    assert await master.refused(BTC, **wanted | {"amount": "0.5"}) == (400, "InvalidFundTransfer")


async def test_each_account_has_its_side_of_a_transfer_on_record(master: Client) -> None:
    await master.post(USD, **MOVE)
    [out] = await master.post("/v2/transfers", account="primary")
    [into] = await master.post("/v2/transfers", account="second")
    assert (out["type"], into["type"]) == ("Withdrawal", "Deposit")
    assert out["eid"] != into["eid"]
    assert {"status": "Complete", "currency": "USD", "amount": "0.25"}.items() <= out.items()


async def test_transactions_page_through_trades_and_transfers_of_all_accounts(
    master: Client, stranger: Client
) -> None:
    await master.post(BTC, **MOVE | {"clientTransferId": CLIENT_ID})
    sold = await stranger.order(
        side="sell", amount="0.01", price="50000.00", options=["immediate-or-cancel"], client_order_id="c-1"
    )
    await master.order(
        account="second", side="sell", amount="0.02", price="50000.00", options=["immediate-or-cancel"]
    )
    await master.post(USD, **MOVE)
    whole = await master.post("/v1/transactions", limit=300)
    kinds = [each["type"] for each in whole["results"]]
    assert (kinds[0], kinds[-1]) == ("transfer", "transfer")
    assert set(kinds[1:-1]) == {"trade"}
    assert [e["timestampms"] for e in whole["results"]] == sorted(e["timestampms"] for e in whole["results"])
    first, trade = whole["results"][:2]
    assert {
        "source": "primary",
        "destination": "second",
        "currency": "BTC",
        "amount": "0.25",
        "clientTransferId": CLIENT_ID,
    }.items() <= first.items()
    assert {
        "account": "primary",
        "clientOrderId": "c-1",
        "side": "SIDE_TYPE_SELL",
        "isAggressor": True,
        "feeAssetCode": "USD",
        "orderId": int(sold["order_id"]),
        "exchange": "gemini",
        "isAuctionFill": False,
        "isClearingFill": False,
        "symbol": "BTCUSD",
    }.items() <= trade.items()
    assert {each["account"] for each in whole["results"] if each["type"] == "trade"} == {"primary", "second"}
    assert await paged(master) == whole["results"]
    last = whole["results"][-1]
    since = await master.post("/v1/transactions", timestamp_nanos=last["timestampms"] * 1_000_000)
    assert since["results"] == [last]
    later = await master.post("/v1/transactions", timestamp_nanos=last["timestampms"] * 1_000_000 + 1)
    assert later["results"] == []


async def test_transactions_show_what_came_from_outside(running: RunningExchange, master: Client) -> None:
    deposit = {
        "type": "Deposit",
        "status": "Complete",
        "timestampms": running.exchange.timeline.now_ms(),
        "eid": 77,
        "currency": "BTC",
        "amount": "1",
        "network": "bitcoin",
        "txHash": "ab",
    }
    with running.exchange.operation():
        running.exchange.documents.put("transfer", "77", "stranger", deposit)
    assert (await master.post("/v1/transactions"))["results"] == [
        {
            "account": "primary",
            "timestampms": deposit["timestampms"],
            "status": "Complete",
            "eid": 77,
            "currency": "BTC",
            "amount": "1",
            "transactionHash": "ab",
            "transferType": "Deposit",
            "type": "transfer",
        }
    ]


async def paged(master: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = await master.post("/v1/transactions", limit=1)
    while page["results"]:
        found += page["results"]
        token = page["continuationToken"]
        page = await master.post("/v1/transactions", limit=1, continuation_token=token)
    again = await master.post("/v1/transactions", continuation_token=page["continuationToken"])
    assert again["results"] == []
    return found


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"limit": 301}, "InvalidParameterValue"),
        ({"limit": 0}, "InvalidParameterValue"),
        ({"timestamp_nanos": "soon"}, "InvalidTimestampInPayload"),
        ({"timestamp_nanos": -1}, "InvalidTimestampInPayload"),
        ({"timestamp_nanos": "9" * 30}, "InvalidTimestampInPayload"),
        ({"continuation_token": "x"}, "InvalidParameterValue"),
        ({"continuation_token": 5}, "InvalidParameterValue"),
        ({"continuation_token": "daccgrp_1:n1:a1:m1:iForward"}, "InvalidParameterValue"),
        ({"continuation_token": f"daccgrp_2:n1:a{2**63}:m1:iForward"}, "InvalidParameterValue"),
        ({"continuation_token": f"daccgrp_2:n1:a1:m{2**63}:iForward"}, "InvalidParameterValue"),
        ({"continuation_token": "x", "timestamp_nanos": 1}, "InvalidParameterValue"),
    ],
)
async def test_faulty_question_for_transactions_is_refused(
    shared_master: Client, fields: dict[str, Any], expected: str
) -> None:
    answer = await shared_master.try_post("/v1/transactions", **fields)
    assert reason(answer) == (400, expected)
