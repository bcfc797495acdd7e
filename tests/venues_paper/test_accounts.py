"""Groups of accounts: master keys, subaccounts, roles, and which account a call acts on."""

import re

import httpx
import pytest
import pytest_asyncio

from tests.venues_paper.keyed import call, holder, made, reason
from tests.venues_paper.signed import NONCES, Client
from venues.paper.calls.accounts_api import MAX_ACCOUNTS
from venues.paper.exchange import GROUP
from venues.paper.matching.ledger import AccountType
from venues.paper.server import RunningExchange

Shared = tuple[RunningExchange, httpx.AsyncClient]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_master(shared: Shared) -> Client:
    """The key over the stranger's group on the shared exchange."""
    return holder(*shared, "master")


@pytest.fixture
def master(running: RunningExchange, http: httpx.AsyncClient) -> Client:
    """The key over the stranger's group."""
    return holder(running, http, "master")


async def test_master_key_acts_on_the_account_it_names(master: Client, stranger: Client) -> None:
    assert master.key.startswith("master-")
    assert await master.post("/v1/balances", account="primary") == await stranger.post("/v1/balances")
    await master.post("/v1/account/create", name="Second")
    assert await master.post("/v1/balances", account="second") == []
    order = await master.order(account="primary", price="40000.00")
    assert [each["order_id"] for each in await stranger.post("/v1/orders")] == [order["order_id"]]
    assert await master.post("/v1/orders", account="second") == []
    missing = await master.try_post("/v1/order/cancel", account="second", order_id=order["order_id"])
    assert reason(missing) == (404, "OrderNotFound")
    done = await master.post("/v1/order/cancel/session", account="primary")
    assert done["details"]["cancelledOrders"] == [int(order["order_id"])]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "MissingAccounts"),
        ({"account": ""}, "MissingAccountName"),
        ({"account": None}, "MissingAccountName"),
        ({"account": []}, "MissingAccountName"),
        ({"account": "Primary"}, "InvalidAccountName"),
        ({"account": "nobody"}, "InvalidAccountName"),
        ({"account": 7}, "InvalidAccountName"),
        ({"account": {"name": "primary"}}, "InvalidAccountName"),
        ({"account": ["primary", "second"]}, "MoreThanOneAccount"),
        ({"account": "desk"}, "InvalidAccountName"),
    ],
)
async def test_account_parameter_of_a_master_key_is_judged(
    shared_master: Client, fields: dict[str, object], expected: str
) -> None:
    nonce = next(NONCES)
    assert reason(await call(shared_master, "/v1/orders", nonce=nonce, **fields)) == (400, expected)
    assert (await call(shared_master, "/v1/orders", nonce=nonce, account="primary")).status_code == 200


@pytest.mark.asyncio(loop_scope="module")
async def test_list_of_one_account_is_that_account(shared_master: Client) -> None:
    assert await shared_master.post("/v1/orders", account=["primary"]) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_account_key_may_not_name_an_account(shared_stranger: Client) -> None:
    for account in ("primary", None, ""):
        assert await shared_stranger.refused("/v1/orders", account=account) == (400, "AccountsOnGroupOnlyApi")


@pytest.mark.asyncio(loop_scope="module")
async def test_master_keys_do_not_support_heartbeat(shared_master: Client) -> None:
    for fields in ({}, {"account": "primary"}):
        assert await shared_master.refused("/v1/heartbeat", **fields) == (400, "NotGroupApiCompatible")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("label", ["stranger", "auditor", "funds"])
@pytest.mark.parametrize(
    "path", ["/v1/account/list", "/v1/account/create", "/v1/account/transfer/usd", "/v1/transactions"]
)
async def test_calls_about_the_group_need_a_master_key(shared: Shared, label: str, path: str) -> None:
    running, http = shared
    assert await holder(running, http, label).refused(path) == (403, "MissingRole")


async def test_master_key_without_the_role_is_refused(
    running: RunningExchange, http: httpx.AsyncClient
) -> None:
    client = made(running, http, "master-trader", account=None)
    assert await client.refused("/v1/account/create", name="x") == (403, "MissingRole")
    assert await client.refused("/v1/account/transfer/usd") == (403, "MissingRole")
    assert len(await client.post("/v1/account/list")) == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_roles_of_a_master_key_tell_the_clearing_id(
    shared_master: Client, shared_stranger: Client
) -> None:
    shown = await shared_master.post("/v1/roles")
    assert re.fullmatch("[A-Z]{8}", shown.pop("counterparty_id"))
    assert shown == {"isAuditor": False, "isFundManager": True, "isTrader": True, "isAccountAdmin": True}
    assert await shared_stranger.post("/v1/roles") == {
        "isAuditor": False,
        "isFundManager": False,
        "isTrader": True,
    }


async def test_account_detail_has_the_documented_fields(
    running: RunningExchange, master: Client, stranger: Client
) -> None:
    shown = await stranger.post("/v1/account")
    created = running.exchange.accounts["stranger"].created_ms
    assert shown["account"] == {
        "accountName": "Primary",
        "shortName": "primary",
        "type": "exchange",
        "created": str(created),
    }
    [user] = shown["users"]
    assert set(user) == {"name", "lastSignIn", "status", "countryCode", "isVerified"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", user["lastSignIn"])
    assert re.fullmatch("GEM[A-Z]{6}", shown["memo_reference_code"])
    assert await master.post("/v1/account", account="primary") == shown


async def test_made_accounts_are_listed_with_the_oldest_first(
    running: RunningExchange, master: Client
) -> None:
    assert await master.post("/v1/account/create", name="My Secondary Account!") == {
        "account": "my-secondary-account",
        "type": "exchange",
    }
    before = running.exchange.timeline.now_ms()
    made_last = await master.post("/v1/account/create", name="Vault", type="custody")
    assert made_last == {"account": "vault", "type": "custody"}
    listed = await master.post("/v1/account/list")
    assert [(each["name"], each["account"], each["type"], each["status"]) for each in listed] == [
        ("Primary", "primary", "exchange", "open"),
        ("My Secondary Account!", "my-secondary-account", "exchange", "open"),
        ("Vault", "vault", "custody", "open"),
    ]
    assert listed[2]["counterparty_id"] is None
    assert listed[0]["counterparty_id"] == (await master.post("/v1/roles"))["counterparty_id"]
    assert all(isinstance(each["created"], int) for each in listed)
    until = await master.post("/v1/account/list", timestamp=before)
    assert [each["account"] for each in until] == ["primary", "my-secondary-account"]
    assert [e["account"] for e in await master.post("/v1/account/list", limit_accounts=1)] == ["vault"]
    assert await master.refused("/v1/account/list", limit_accounts=501) == (400, "InvalidParameterValue")
    assert await master.refused("/v1/account/list", timestamp="soon") == (400, "InvalidTimestampInPayload")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "MissingName"),
        ({"name": ""}, "MissingName"),
        ({"name": 5}, "InvalidAccountName"),
        ({"name": "x" * 65}, "InvalidAccountName"),
        ({"name": "two\nlines"}, "InvalidAccountName"),
        ({"name": "!!!"}, "InvalidAccountName"),
        ({"name": "- -"}, "InvalidAccountName"),
        ({"name": "PRIMARY"}, "ConflictingAccountName"),
        ({"name": "primary!"}, "ConflictingAccountName"),
        ({"name": "x", "type": "margin"}, "InvalidAccountType"),
        ({"name": "x", "type": 7}, "BadAccountType"),
        ({"name": "x", "type": []}, "BadAccountType"),
    ],
)
async def test_faulty_new_account_is_refused(
    shared_master: Client, fields: dict[str, object], expected: str
) -> None:
    assert await shared_master.refused("/v1/account/create", **fields) == (400, expected)
    assert len(await shared_master.post("/v1/account/list")) == 1


async def test_custody_needs_the_terms(running: RunningExchange, master: Client) -> None:
    with running.exchange.operation():
        running.exchange.documents.put(GROUP, "stranger", "", {"has_custody_terms": False})
    refused = await master.refused("/v1/account/create", name="Vault", type="custody")
    assert refused == (400, "HasNotAgreedToCustodyTerms")
    assert (await master.try_post("/v1/account/create", name="Vault")).status_code == 200


async def test_group_has_a_largest_number_of_accounts(running: RunningExchange, master: Client) -> None:
    with running.exchange.operation():
        for number in range(MAX_ACCOUNTS - 1):
            name = f"n{number}"
            running.exchange.open_account("stranger", name, name, AccountType.EXCHANGE)
    assert await master.refused("/v1/account/create", name="one more") == (400, "ExceededMaxAccountsInGroup")


async def test_account_is_renamed_in_either_name_or_both(master: Client, stranger: Client) -> None:
    path = "/v1/account/rename"
    await master.post("/v1/account/create", name="Second")
    assert await master.post(path, account="second", newName="The Second") == {"name": "The Second"}
    assert await master.post(path, account="second", newAccount="two") == {"account": "two"}
    assert await master.refused("/v1/balances", account="second") == (400, "InvalidAccountName")
    both = await master.post(path, account="two", newName="Three", newAccount="three")
    assert both == {"name": "Three", "account": "three"}
    assert (await master.post("/v1/account", account="three"))["account"]["accountName"] == "Three"
    assert await master.refused(path, account="three") == (400, "MissingName")
    assert await master.refused(path, account="three", newName="") == (400, "MissingName")
    assert await master.refused(path, account="three", newName="Primary") == (400, "ConflictingAccountName")
    assert await master.refused(path, account="three", newAccount="primary") == (
        400,
        "ConflictingAccountName",
    )
    assert await master.refused(path, newName="x") == (400, "MissingAccounts")
    assert await stranger.refused(path, newName="x") == (403, "MissingRole")


async def test_orders_stay_with_an_account_that_is_renamed(master: Client, stranger: Client) -> None:
    order = await stranger.order(price="40000.00")
    await master.post("/v1/account/rename", account="primary", newAccount="main")
    assert [each["order_id"] for each in await master.post("/v1/orders", account="main")] == [
        order["order_id"]
    ]


async def test_closed_account_may_be_read_but_does_nothing(
    running: RunningExchange, master: Client, stranger: Client
) -> None:
    account = running.exchange.accounts["stranger"]
    account.is_closed = True
    with running.exchange.operation():
        running.exchange.keep_account(account)
    assert (await master.post("/v1/account/list"))[0]["status"] == "closed"
    assert (await stranger.try_post("/v1/balances")).status_code == 200
    assert await stranger.refused("/v1/order/new") == (400, "AccountClosed")
    assert await master.refused("/v1/account/rename", account="primary", newName="x") == (
        400,
        "AccountClosed",
    )


async def test_custody_account_does_not_trade(master: Client) -> None:
    await master.post("/v1/account/create", name="Vault", type="custody")
    for path in ("/v1/order/new", "/v1/orders", "/v1/order/cancel/all"):
        assert await master.refused(path, account="vault") == (400, "AccountNotOfTypeRequired")
    assert await master.post("/v1/balances", account="vault") == []
