"""The exchange's durable state in one SQLite file: what a customer was told is on disk before it is said.

Makers' and takers' orders are not kept; their last prices and the candles are, every few seconds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from domain.errors import BadInputError
from domain.money import to_wire
from venues.paper.matching.engine import Batch
from venues.paper.matching.ledger import Account, Funds
from venues.paper.matching.orders import Execution, Order
from venues.paper.state.documents import Document
from venues.paper.state.keys import ApiKey
from venues.paper.state.market_store import MarketStore
from venues.paper.state.schema import migrate
from venues.paper.state.store_rows import (
    ACCOUNT_COLUMNS,
    EXECUTION_COLUMNS,
    KEY_COLUMNS,
    ORDER_COLUMNS,
    account_of,
    account_row,
    execution_of,
    execution_row,
    key_of,
    key_row,
    marks,
    order_of,
    order_row,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which records somebody asks for: the oldest `limit` since a time, else the newest; newest first."""

    limit: int
    since_ms: int | None = None
    symbol: str | None = None


class _Log(NamedTuple):
    """A table to page through: which columns, which of them are its time and its number, and which rows."""

    table: str
    columns: str
    time: str
    number: str
    where: str


_CLOSED_ORDERS = _Log("orders", ORDER_COLUMNS, "created_ms", "id", "is_live = 0 AND ")
_EXECUTIONS = _Log("executions", EXECUTION_COLUMNS, "at_ms", "tid", "")


class Store:
    """One connection, one writer. Every write method runs inside `transaction()`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, cached_statements=64)
            path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            with self.transaction():
                migrate(self._db)
            self.markets = MarketStore(self._db)
        except (OSError, sqlite3.Error) as error:
            raise BadInputError(
                "EXCHANGE_STATE_UNREADABLE",
                f"the exchange's state {path} cannot be used: {error}",
                "Move the file away to start with fresh play money, or name another one with --state.",
            ) from error

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

    # Accounts, keys, documents

    def write_account(self, account: Account) -> None:
        """Write a new account, or what may change of a known one, without its balances."""
        self._db.execute(
            f"INSERT INTO accounts ({ACCOUNT_COLUMNS}) VALUES ({marks(ACCOUNT_COLUMNS)}) "  # noqa: S608 - constants
            "ON CONFLICT (account_id) DO UPDATE SET short_name = excluded.short_name, "
            "title = excluded.title, is_closed = excluded.is_closed",
            account_row(account),
        )

    def accounts(self) -> dict[str, Account]:
        """Return all customers' accounts by name, with balances, holds still empty."""
        rows = self._db.execute(f"SELECT {ACCOUNT_COLUMNS} FROM accounts ORDER BY account_id")  # noqa: S608 - constants
        found = {account.name: account for account in map(account_of, rows)}
        for name, currency, amount in self._db.execute("SELECT account, currency, amount FROM balances"):
            found[name].funds[currency] = Funds(amount=Decimal(amount))
        return found

    def write_key(self, key: ApiKey) -> None:
        """Write a new key."""
        self._db.execute(
            f"INSERT INTO keys ({KEY_COLUMNS}) VALUES ({marks(KEY_COLUMNS)})",  # noqa: S608 - constants
            key_row(key),
        )

    def keys(self, accounts: Mapping[str, Account]) -> dict[str, ApiKey]:
        """Return all keys by their text, in the order in which they were made."""
        rows = self._db.execute(f"SELECT {KEY_COLUMNS} FROM keys ORDER BY number")  # noqa: S608 - constants
        return {row[0]: key_of(row, accounts) for row in rows}

    def write_nonce(self, key: ApiKey) -> None:
        """Remember the last nonce that `key` used up."""
        self._db.execute("UPDATE keys SET nonce = ? WHERE api_key = ?", (f"{key.last_nonce:f}", key.api_key))

    def documents(self) -> list[Document]:
        """Return all documents."""
        rows = self._db.execute("SELECT kind, key, account, number, text FROM documents")
        return [
            Document(kind=kind, key=key, account=account, number=number, text=text)
            for kind, key, account, number, text in rows
        ]

    def write_documents(self, changes: Mapping[tuple[str, str], Document | None]) -> None:
        """Write the changed documents and drop the removed ones."""
        for (kind, key), document in changes.items():
            if document is None:
                self._db.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key))
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO documents (kind, key, account, number, text) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (kind, key, document.account, document.number, document.text),
                )

    def _write_balances(self, account: Account) -> None:
        self._db.executemany(
            "INSERT INTO balances (account, currency, amount) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET amount = excluded.amount WHERE amount <> excluded.amount",
            [(account.name, currency, to_wire(funds.amount)) for currency, funds in account.funds.items()],
        )

    # Orders and executions

    def write_batch(self, batch: Batch) -> None:
        """Write the orders, executions and balances that an operation changed."""
        self._db.executemany(
            # Of a known order only what changes, so that the indexes over the rest stay as they are.
            f"INSERT INTO orders ({ORDER_COLUMNS}) VALUES ({marks(ORDER_COLUMNS)}) ON CONFLICT (id) "  # noqa: S608 - constants
            "DO UPDATE SET remaining = excluded.remaining, notional = excluded.notional, "
            "is_live = excluded.is_live, is_triggered = excluded.is_triggered, reason = excluded.reason",
            [order_row(order) for order in batch.orders.values()],
        )
        self._db.executemany(
            f"INSERT INTO executions ({EXECUTION_COLUMNS}) VALUES ({marks(EXECUTION_COLUMNS)})",  # noqa: S608 - constants
            [execution_row(execution) for execution in batch.executions],
        )
        for account in batch.accounts:
            self._write_balances(account)

    def live_orders(self, accounts: dict[str, Account]) -> list[Order]:
        """Return the live orders of `accounts`, in the order of their ids."""
        rows = self._db.execute(f"SELECT {ORDER_COLUMNS} FROM orders WHERE is_live = 1 ORDER BY id")  # noqa: S608 - constants
        return [order_of(row, accounts[row[1]]) for row in rows if row[1] in accounts]

    def order(self, account: Account, order_id: int) -> Order | None:
        """Return one order of `account`, None when it has no such order."""
        row = self._db.execute(
            f"SELECT {ORDER_COLUMNS} FROM orders WHERE id = ? AND account = ?",  # noqa: S608 - constants
            (order_id, account.name),
        ).fetchone()
        return None if row is None else order_of(row, account)

    def orders_by_client_id(self, account: Account, client_order_id: str) -> list[Order]:
        """Return all orders of `account` that carry `client_order_id`, newest first."""
        rows = self._db.execute(
            f"SELECT {ORDER_COLUMNS} FROM orders WHERE account = ? AND client_order_id = ? ORDER BY id DESC",  # noqa: S608 - constants
            (account.name, client_order_id),
        )
        return [order_of(row, account) for row in rows]

    def closed_orders(self, account: Account, page: Page) -> list[Order]:
        """Return a page of the orders of `account` that are not live any more."""
        rows = self._page(_CLOSED_ORDERS, account, page)
        return [order_of(row, account) for row in rows]

    def executions_of(self, *order_ids: int) -> list[Execution]:
        """Return the executions of these orders, newest first."""
        rows = self._db.execute(
            f"SELECT {EXECUTION_COLUMNS} FROM executions "  # noqa: S608 - constants
            f"WHERE order_id IN ({', '.join('?' * len(order_ids))}) ORDER BY tid DESC",
            order_ids,
        )
        return [execution_of(row) for row in rows]

    def executions(self, account: Account, page: Page) -> list[Execution]:
        """Return a page of the executions of `account`."""
        rows = self._page(_EXECUTIONS, account, page)
        return [execution_of(row) for row in rows]

    def executions_after(
        self, accounts: Sequence[Account], position: tuple[int, int, int], limit: int
    ) -> list[Execution]:
        """Return at most `limit` executions of `accounts` after (time in ms, tid, order id), oldest first."""
        names = [account.name for account in accounts]
        rows = self._db.execute(
            f"SELECT {EXECUTION_COLUMNS} FROM executions WHERE account IN ({', '.join('?' * len(names))}) "  # noqa: S608 - constants and marks
            "AND at_ms >= ? AND (at_ms, tid, order_id) > (?, ?, ?) ORDER BY at_ms, tid, order_id LIMIT ?",
            (*names, position[0], *position, limit),
        )
        return [execution_of(row) for row in rows]

    def executions_between(self, account: Account, since_ms: int, until_ms: int) -> list[Execution]:
        """Return the executions of `account` from `since_ms` on and before `until_ms`, oldest first."""
        rows = self._db.execute(
            f"SELECT {EXECUTION_COLUMNS} FROM executions "  # noqa: S608 - constants
            "WHERE account = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms, tid",
            (account.name, since_ms, until_ms),
        )
        return [execution_of(row) for row in rows]

    def _page(self, log: _Log, account: Account, page: Page) -> list[tuple[Any, ...]]:
        """Return the rows of a page, newest first.

        A page with a start never ends inside a moment: it takes all records of its last one, even beyond the
        limit. Going on one millisecond later, as the venue's pages advise, thus skips nothing.
        """
        where, values = f"{log.where}account = ?", [account.name]
        if page.symbol is not None:
            where, values = f"{where} AND symbol = ?", [*values, page.symbol]
        every = f"SELECT {log.columns} FROM {log.table} WHERE {where}"  # noqa: S608 - constants
        if page.since_ms is None:
            return self._db.execute(
                f"{every} ORDER BY {log.time} DESC, {log.number} DESC LIMIT ?", (*values, page.limit)
            ).fetchall()
        times = self._db.execute(
            f"SELECT {log.time} FROM {log.table} WHERE {where} AND {log.time} >= ? "  # noqa: S608 - constants
            f"ORDER BY {log.time} LIMIT ?",
            (*values, page.since_ms, page.limit),
        ).fetchall()
        if not times:
            return []
        (last_ms,) = times[-1]
        return self._db.execute(
            f"{every} AND {log.time} BETWEEN ? AND ? ORDER BY {log.time} DESC, {log.number} DESC",
            (*values, page.since_ms, last_ms),
        ).fetchall()

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
