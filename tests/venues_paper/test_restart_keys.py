"""What keys, groups and documents become over a restart, and over a change of release."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.clock import ManualClock
from domain.errors import BadInputError
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.keyed import call, reason
from tests.venues_paper.runner import ExchangeProcess
from tests.venues_paper.signed import Client
from tests.venues_paper.test_oauth import Browser
from venues.paper.access.oauth import App
from venues.paper.opening import KEY_LABELS
from venues.paper.server import main, running_exchange
from venues.paper.state.schema import SCHEMA_VERSION

RELEASE_1 = """
CREATE TABLE accounts (
    account_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, api_key TEXT NOT NULL UNIQUE,
    api_secret TEXT NOT NULL, roles TEXT NOT NULL, nonce TEXT
) STRICT;
CREATE TABLE balances (
    account TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL, PRIMARY KEY (account, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL,
    type TEXT NOT NULL, price TEXT NOT NULL, amount TEXT NOT NULL, remaining TEXT NOT NULL,
    created_ms INTEGER NOT NULL, option TEXT, stop_price TEXT, client_order_id TEXT,
    api_session TEXT NOT NULL, notional TEXT NOT NULL, maker_bps TEXT NOT NULL, taker_bps TEXT NOT NULL,
    is_live INTEGER NOT NULL, is_triggered INTEGER NOT NULL, reason TEXT
) STRICT;
CREATE INDEX orders_by_client_id ON orders (account, client_order_id);
CREATE INDEX orders_live ON orders (is_live) WHERE is_live = 1;
CREATE TABLE executions (
    tid INTEGER NOT NULL, order_id INTEGER NOT NULL, account TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, price TEXT NOT NULL, amount TEXT NOT NULL, fee TEXT NOT NULL,
    fee_currency TEXT NOT NULL, is_maker INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    notional_usd TEXT NOT NULL, client_order_id TEXT, PRIMARY KEY (tid, order_id)
) STRICT;
CREATE INDEX executions_by_time ON executions (account, at_ms);
CREATE INDEX executions_by_order ON executions (order_id);
CREATE TABLE prices (symbol TEXT PRIMARY KEY, price TEXT NOT NULL) STRICT;
CREATE TABLE candles (
    symbol TEXT NOT NULL, start_ms INTEGER NOT NULL, open INTEGER NOT NULL, high INTEGER NOT NULL,
    low INTEGER NOT NULL, close INTEGER NOT NULL, volume INTEGER NOT NULL, PRIMARY KEY (symbol, start_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
"""The tables as release 1 made them."""


def write_release_1(home: Path) -> None:
    """Leave a home as release 1 would: two accounts, one resting order, one trade."""
    state = home / "state"
    state.mkdir(parents=True)
    (state / "paper-account.json").write_text(json.dumps({"api_key": "account-d", "api_secret": "d-secret"}))
    db = sqlite3.connect(state / "exchange.sqlite")
    db.executescript(RELEASE_1)
    db.executemany(
        "INSERT INTO accounts (name, api_key, api_secret, roles, nonce) VALUES (?, ?, ?, ?, ?)",
        [
            ("desk", "account-d", "d-secret", "Trader", None),
            ("stranger", "account-s", "s-secret", "Trader", "1700000000000.5"),
        ],
    )
    db.executemany(
        "INSERT INTO balances VALUES (?, ?, ?)",
        [("desk", "USD", "9000.25"), ("stranger", "USD", "8000"), ("stranger", "BTC", "1.5")],
    )
    db.execute(
        "INSERT INTO orders VALUES (7, 'stranger', 'btcusd', 'buy', 'exchange limit', '40000', '0.01', "
        "'0.01', 1700000000000, NULL, NULL, 'c-7', 'account-s', '0', '20', '40', 1, 0, NULL)"
    )
    db.execute(
        "INSERT INTO executions VALUES (5, 4, 'stranger', 'btcusd', 'buy', '50000', '0.5', '100', 'USD', 0, "
        "1700000000000, '25000', NULL)"
    )
    db.executemany(
        "INSERT INTO facts VALUES (?, ?)", [("now_ms", "1700000001000"), ("ids", "17000000010000000")]
    )
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()


async def test_home_of_release_1_opens_with_everything_it_had(
    tmp_path: Path, http: httpx.AsyncClient
) -> None:
    write_release_1(tmp_path / "home")
    async with running_exchange(home=tmp_path / "home") as running:
        assert (running.desk.api_key, running.desk.api_secret) == ("account-d", "d-secret")
        client = Client(running.url, "account-s", "s-secret", http)
        for nonce in (1700000000000, "1700000000000.5"):
            assert reason(await call(client, "/v1/balances", nonce=nonce)) == (400, "InvalidNonce")
        funds = (await call(client, "/v1/balances", nonce=1700000000001)).json()
        assert {row["currency"]: row["amount"] for row in funds} == {"USD": "8000", "BTC": "1.5"}
        [order] = (await call(client, "/v1/orders", nonce=1700000000002)).json()
        assert (order["order_id"], order["client_order_id"]) == ("7", "c-7")
        [trade] = (await call(client, "/v1/mytrades", nonce=1700000000003)).json()
        assert (trade["tid"], trade["fee_amount"]) == (5, "100")
        done = (await call(client, "/v1/order/cancel/session", nonce=1700000000004)).json()
        assert done["details"]["cancelledOrders"] == [7]
        detail = (await call(client, "/v1/account", nonce=1700000000005)).json()
        assert detail["account"] == {
            "accountName": "Primary",
            "shortName": "primary",
            "type": "exchange",
            "created": "1700000001000",
        }
        labels = {label: running.key(label) for label in KEY_LABELS}
        master = Client(running.url, labels["master"].api_key, labels["master"].api_secret, http)
        assert len(await master.post("/v1/account/list")) == 1
    async with running_exchange(home=tmp_path / "home") as running:
        assert {label: running.key(label) for label in KEY_LABELS} == labels


def test_state_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    db = sqlite3.connect(state)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    with pytest.raises(BadInputError) as error:
        main(home=tmp_path / "home", state=state)
    assert error.value.code == "EXCHANGE_STATE_UNREADABLE"
    db = sqlite3.connect(state)
    assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    db.close()


class Reopened:
    """What `Browser` needs of an exchange, for one that runs as a process of its own."""

    def __init__(self, process: ExchangeProcess) -> None:
        self.url = process.address["url"]


class Elsewhere(Browser):
    """A browser before an exchange in another process."""

    def __init__(self, process: ExchangeProcess, http: httpx.AsyncClient) -> None:
        self.running, self.http = Reopened(process), http
        known = process.address["oauth"]
        self.app = App(client_id=known["client_id"], name="", secret=known["client_secret"])


def client_of(process: ExchangeProcess, label: str, http: httpx.AsyncClient) -> Client:
    key = process.address["keys"][label]
    return Client(process.address["url"], key["api_key"], key["api_secret"], http)


async def test_keys_groups_tokens_and_transfers_survive_kill_nine(
    tmp_path: Path, http: httpx.AsyncClient
) -> None:
    first = ExchangeProcess(tmp_path / "home", speed="0")
    try:
        master = client_of(first, "master", http)
        await master.post("/v1/account/create", name="Second")
        move: dict[str, Any] = {"sourceAccount": "primary", "targetAccount": "second", "amount": "0.5"}
        moved = await master.post("/v1/account/transfer/btc", **move)
        await master.post("/v1/account/rename", account="second", newAccount="two")
        listed = await master.post("/v1/account/list")
        record = await master.post("/v1/transactions")
        balances = await master.post("/v1/balances", account="two")
        used = await call(master, "/v1/roles", nonce=10**15)
        assert used.status_code == 200
        browser = Elsewhere(first, http)
        tokens = await browser.tokens()
        code = (await browser.decide())["code"]
    finally:
        first.kill()
    second = ExchangeProcess(tmp_path / "home", speed="0")
    try:
        assert second.address["keys"] == first.address["keys"]
        assert second.address["oauth"] == first.address["oauth"]
        master = client_of(second, "master", http)
        assert reason(await call(master, "/v1/roles", nonce=10**15)) == (400, "InvalidNonce")
        for number, (path, fields, expected) in enumerate(
            [
                ("/v1/account/list", {}, listed),
                ("/v1/transactions", {}, record),
                ("/v1/balances", {"account": "two"}, balances),
            ]
        ):
            answer = await call(master, path, nonce=10**15 + 1 + number, **fields)
            assert answer.json() == expected
        assert record["results"][0]["transferId"] == moved["uuid"]
        browser = Elsewhere(second, http)
        assert (await browser.call(tokens["access_token"], "/v1/balances")).status_code == 200
        assert (await browser.token(code=code)).status_code == 200
        renewed = await browser.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert renewed.status_code == 200
        again = await browser.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert again.json()["error"] == "invalid_grant"
    finally:
        second.kill()


async def test_same_seed_and_requests_give_the_same_keys_ids_and_tokens(
    tmp_path: Path, http: httpx.AsyncClient
) -> None:
    found = []
    for name in ("one", "two"):
        clock = ManualClock(MORNING)
        async with running_exchange(home=tmp_path / name, seed=11, clock=clock) as running:
            key = running.key("master")
            master = Client(running.url, key.api_key, key.api_secret, http)
            await master.post("/v1/account/create", name="Second")
            move: dict[str, Any] = {"sourceAccount": "primary", "targetAccount": "second", "amount": "1"}
            moved = await master.post("/v1/account/transfer/usd", **move)
            tokens = await Browser(running, http).tokens()
            record = await master.post("/v1/transactions")
            listed = await master.post("/v1/account/list")
            found.append((list(running.exchange.keys), moved, tokens, record, listed))
            secret = key.api_secret
    assert found[0] == found[1]
    assert secret not in repr(found)
