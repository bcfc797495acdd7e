"""The exchange's durable state in one SQLite file: what a customer was told is on disk before it is said.

Makers' and takers' orders are not kept; their last prices and the candles are, every few seconds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from domain.errors import BadInputError
from domain.instrument import Side
from domain.money import to_wire
from domain.order import ExecutionOption, OrderType
from venues.paper.candles import Bar
from venues.paper.engine import Batch
from venues.paper.ledger import Account, Funds, Role
from venues.paper.orders import Execution, Order

SCHEMA_VERSION = 1

_SCHEMA = """
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

_ORDER_COLUMNS = (
    "id, account, symbol, side, type, price, amount, remaining, created_ms, option, stop_price, "
    "client_order_id, api_session, notional, maker_bps, taker_bps, is_live, is_triggered, reason"
)
_EXECUTION_COLUMNS = (
    "tid, order_id, account, symbol, side, price, amount, fee, fee_currency, is_maker, at_ms, "
    "notional_usd, client_order_id"
)


class Store:
    """One connection, one writer. Every write method runs inside `transaction()`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, cached_statements=64)
            path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._migrate()
        except (OSError, sqlite3.Error) as error:
            raise BadInputError(
                "EXCHANGE_STATE_UNREADABLE",
                f"the exchange's state {path} cannot be used: {error}",
                "Move the file away to start with fresh play money, or name another one with --state.",
            ) from error

    def _migrate(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"it was written by a newer release (schema {version})")
        if version == 0:
            with self.transaction():
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        """Close the file; everything in it is already safe."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit the block's writes together, or none of them when it raises."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Accounts

    def add_account(self, account: Account) -> None:
        """Write a new account with its balances; sets its `account_id`."""
        cursor = self._db.execute(
            "INSERT INTO accounts (name, api_key, api_secret, roles) VALUES (?, ?, ?, ?)",
            (account.name, account.api_key, account.api_secret, ",".join(sorted(account.roles))),
        )
        account.account_id = cursor.lastrowid or 0
        self._write_balances(account)

    def accounts(self) -> list[Account]:
        """Return all customers' accounts with balances and nonces, holds still empty."""
        found = []
        for account_id, name, key, secret, roles, nonce in self._db.execute(
            "SELECT account_id, name, api_key, api_secret, roles, nonce FROM accounts ORDER BY account_id"
        ):
            account = Account(
                account_id=account_id,
                name=name,
                api_key=key,
                api_secret=secret,
                roles=frozenset(Role(role) for role in roles.split(",") if role),
                last_nonce=None if nonce is None else Decimal(nonce),
            )
            for currency, amount in self._db.execute(
                "SELECT currency, amount FROM balances WHERE account = ?", (name,)
            ):
                account.funds[currency] = Funds(amount=Decimal(amount))
            found.append(account)
        return found

    def write_nonce(self, account: Account) -> None:
        """Remember the last nonce that `account`'s key used up."""
        self._db.execute(
            "UPDATE accounts SET nonce = ? WHERE name = ?", (f"{account.last_nonce:f}", account.name)
        )

    def _write_balances(self, account: Account) -> None:
        self._db.executemany(
            "INSERT INTO balances (account, currency, amount) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET amount = excluded.amount",
            [(account.name, currency, to_wire(funds.amount)) for currency, funds in account.funds.items()],
        )

    # Orders and executions

    def write_batch(self, batch: Batch) -> None:
        """Write the orders, executions and balances that an operation changed."""
        self._db.executemany(
            f"INSERT OR REPLACE INTO orders ({_ORDER_COLUMNS}) VALUES ({_marks(_ORDER_COLUMNS)})",  # noqa: S608 - constants
            [_order_row(order) for order in batch.orders.values()],
        )
        self._db.executemany(
            f"INSERT INTO executions ({_EXECUTION_COLUMNS}) VALUES ({_marks(_EXECUTION_COLUMNS)})",  # noqa: S608 - constants
            [_execution_row(execution) for execution in batch.executions],
        )
        for account in batch.accounts:
            self._write_balances(account)

    def live_orders(self, accounts: dict[str, Account]) -> list[Order]:
        """Return the live orders of `accounts`, in the order of their ids."""
        rows = self._db.execute(f"SELECT {_ORDER_COLUMNS} FROM orders WHERE is_live = 1 ORDER BY id")  # noqa: S608 - constants
        return [_order(row, accounts[row[1]]) for row in rows if row[1] in accounts]

    def order(self, account: Account, order_id: int) -> Order | None:
        """Return one order of `account`, None when it has no such order."""
        row = self._db.execute(
            f"SELECT {_ORDER_COLUMNS} FROM orders WHERE id = ? AND account = ?",  # noqa: S608 - constants
            (order_id, account.name),
        ).fetchone()
        return None if row is None else _order(row, account)

    def orders_by_client_id(self, account: Account, client_order_id: str) -> list[Order]:
        """Return all orders of `account` that carry `client_order_id`, newest first."""
        rows = self._db.execute(
            f"SELECT {_ORDER_COLUMNS} FROM orders WHERE account = ? AND client_order_id = ? ORDER BY id DESC",  # noqa: S608 - constants
            (account.name, client_order_id),
        )
        return [_order(row, account) for row in rows]

    def executions_of(self, order_id: int) -> list[Execution]:
        """Return the executions of one order, newest first."""
        rows = self._db.execute(
            f"SELECT {_EXECUTION_COLUMNS} FROM executions WHERE order_id = ? ORDER BY tid DESC",  # noqa: S608 - constants
            (order_id,),
        )
        return [_execution(row) for row in rows]

    def executions(
        self, account: Account, *, symbol: str | None, since_ms: int | None, limit: int
    ) -> list[Execution]:
        """Return at most `limit` executions, newest first: the oldest ones since a time, else the newest."""
        where, values = "account = ?", [account.name]
        if symbol is not None:
            where, values = f"{where} AND symbol = ?", [*values, symbol]
        order = "DESC"
        bounds: list[Any] = [*values]
        if since_ms is not None:
            where, order = f"{where} AND at_ms >= ?", "ASC"
            bounds.append(since_ms)
        rows = self._db.execute(
            f"SELECT {_EXECUTION_COLUMNS} FROM executions WHERE {where} "  # noqa: S608 - constants
            f"ORDER BY at_ms {order}, tid {order} LIMIT ?",
            (*bounds, limit),
        )
        found = [_execution(row) for row in rows]
        return found if order == "DESC" else found[::-1]

    def daily_volumes(self, account: Account, since_ms: int, until_ms: int) -> list[tuple[int, Decimal]]:
        """Return (UTC day since 1970, USD traded) from `since_ms` on and before `until_ms`, oldest first."""
        days: dict[int, Decimal] = {}
        for at_ms, notional in self._db.execute(
            "SELECT at_ms, notional_usd FROM executions WHERE account = ? AND at_ms >= ? AND at_ms < ?",
            (account.name, since_ms, until_ms),
        ):
            day = at_ms // 86_400_000
            days[day] = days.get(day, Decimal(0)) + Decimal(notional)
        return sorted(days.items())

    # The world

    def write_world(
        self,
        prices: Mapping[str, Decimal],
        bars: Iterable[tuple[str, Bar]],
        facts: dict[str, str],
        oldest_ms: int,
    ) -> None:
        """Write last prices, candles and facts; candles before `oldest_ms` are dropped."""
        self._db.executemany(
            "INSERT OR REPLACE INTO prices VALUES (?, ?)",
            [(name, to_wire(price)) for name, price in prices.items()],
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO candles VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(name, *bar) for name, bar in bars],
        )
        self._db.execute("DELETE FROM candles WHERE start_ms < ?", (oldest_ms,))
        self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", list(facts.items()))

    def prices(self) -> dict[str, Decimal]:
        """Return the last prices by symbol."""
        return {name: Decimal(price) for name, price in self._db.execute("SELECT * FROM prices")}

    def candles(self, symbol: str, since_ms: int) -> list[Bar]:
        """Return the stored bars of `symbol`, oldest first."""
        rows = self._db.execute(
            "SELECT start_ms, open, high, low, close, volume FROM candles "
            "WHERE symbol = ? AND start_ms >= ? ORDER BY start_ms",
            (symbol, since_ms),
        )
        return [Bar(*row) for row in rows]

    def fact(self, name: str) -> str | None:
        """Return a named value, None when it was never written."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])


def _marks(columns: str) -> str:
    return ", ".join("?" * (columns.count(",") + 1))


def _text(value: Decimal | None) -> str | None:
    return None if value is None else to_wire(value)


def _order_row(order: Order) -> tuple[Any, ...]:
    return (
        order.id,
        order.account.name,
        order.symbol,
        order.side,
        order.type,
        to_wire(order.price),
        to_wire(order.amount),
        to_wire(order.remaining),
        order.created_ms,
        order.option,
        _text(order.stop_price),
        order.client_order_id,
        order.api_session,
        to_wire(order.notional),
        to_wire(order.maker_bps),
        to_wire(order.taker_bps),
        order.is_live,
        order.is_triggered,
        order.reason,
    )


def _order(row: tuple[Any, ...], account: Account) -> Order:
    (
        order_id, _, symbol, side, kind, price, amount, remaining, created_ms, option, stop_price,
        client_order_id, api_session, notional, maker_bps, taker_bps, is_live, is_triggered, reason,
    ) = row  # fmt: skip
    return Order(
        id=order_id,
        account=account,
        symbol=symbol,
        side=Side(side),
        type=OrderType(kind),
        price=Decimal(price),
        amount=Decimal(amount),
        remaining=Decimal(remaining),
        created_ms=created_ms,
        option=None if option is None else ExecutionOption(option),
        stop_price=None if stop_price is None else Decimal(stop_price),
        client_order_id=client_order_id,
        api_session=api_session,
        notional=Decimal(notional),
        maker_bps=Decimal(maker_bps),
        taker_bps=Decimal(taker_bps),
        is_live=bool(is_live),
        is_triggered=bool(is_triggered),
        reason=reason,
    )


def _execution_row(execution: Execution) -> tuple[Any, ...]:
    return (
        execution.tid,
        execution.order_id,
        execution.account,
        execution.symbol,
        execution.side,
        to_wire(execution.price),
        to_wire(execution.amount),
        to_wire(execution.fee),
        execution.fee_currency,
        execution.is_maker,
        execution.at_ms,
        to_wire(execution.notional_usd),
        execution.client_order_id,
    )


def _execution(row: tuple[Any, ...]) -> Execution:
    tid, order_id, account, symbol, side, price, amount, fee, currency, is_maker, at_ms, usd, client_id = row
    return Execution(
        tid=tid,
        order_id=order_id,
        account=account,
        symbol=symbol,
        side=Side(side),
        price=Decimal(price),
        amount=Decimal(amount),
        fee=Decimal(fee),
        fee_currency=currency,
        is_maker=bool(is_maker),
        at_ms=at_ms,
        notional_usd=Decimal(usd),
        client_order_id=client_id,
    )
