"""The tables of the exchange's durable state, and the way from an older release's tables to them."""

from __future__ import annotations

import sqlite3

SCHEMA_VERSION = 2

_ACCOUNTS = """
CREATE TABLE accounts (
    account_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, group_name TEXT NOT NULL,
    short_name TEXT NOT NULL, title TEXT NOT NULL, type TEXT NOT NULL, created_ms INTEGER NOT NULL,
    is_closed INTEGER NOT NULL, UNIQUE (group_name, short_name)
) STRICT;
"""
_KEYS_AND_DOCUMENTS = """
CREATE TABLE keys (
    number INTEGER PRIMARY KEY, api_key TEXT NOT NULL UNIQUE, secret TEXT NOT NULL,
    label TEXT NOT NULL UNIQUE, group_name TEXT NOT NULL, account TEXT, roles TEXT NOT NULL,
    nonce_mode TEXT NOT NULL, requires_heartbeat INTEGER NOT NULL, addresses TEXT NOT NULL, nonce TEXT
) STRICT;
CREATE TABLE documents (
    kind TEXT NOT NULL, key TEXT NOT NULL, account TEXT NOT NULL, number INTEGER NOT NULL,
    text TEXT NOT NULL, PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
"""
_TRADING = """
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
_MARKETS = """
CREATE INDEX orders_by_time ON orders (account, created_ms);
CREATE TABLE bars (
    symbol TEXT NOT NULL, minutes INTEGER NOT NULL, start_ms INTEGER NOT NULL, open INTEGER NOT NULL,
    high INTEGER NOT NULL, low INTEGER NOT NULL, close INTEGER NOT NULL, volume INTEGER NOT NULL,
    PRIMARY KEY (symbol, minutes, start_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE prints (
    symbol TEXT NOT NULL, tid INTEGER NOT NULL, at_ms INTEGER NOT NULL, price TEXT NOT NULL,
    amount TEXT NOT NULL, side TEXT NOT NULL, PRIMARY KEY (symbol, tid)
) STRICT, WITHOUT ROWID;
"""
# Release 1 had one key per account, in the account's own row.
_FROM_1 = """
ALTER TABLE accounts RENAME TO accounts_1;
{accounts}{others}{markets}INSERT INTO accounts
    SELECT account_id, name, name, 'primary', 'Primary', 'exchange',
        COALESCE((SELECT CAST(value AS INTEGER) FROM facts WHERE facts.name = 'now_ms'), 0), 0
    FROM accounts_1;
INSERT INTO keys
    SELECT account_id, api_key, api_secret, name, name, name, roles, 'incremental', 0, '', nonce
    FROM accounts_1 ORDER BY account_id;
DROP TABLE accounts_1
"""
_STEPS = {
    0: _ACCOUNTS + _KEYS_AND_DOCUMENTS + _TRADING + _MARKETS,
    1: _FROM_1.format(accounts=_ACCOUNTS, others=_KEYS_AND_DOCUMENTS, markets=_MARKETS),
}
"""What leads from a schema version to the newest one; 0 is an empty file."""


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file's tables to `SCHEMA_VERSION`; run inside a transaction.

    Raises `sqlite3.DatabaseError` for a file of a newer release.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"it was written by a newer release (schema {version})")
    if version < SCHEMA_VERSION:
        for statement in _STEPS[version].split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
