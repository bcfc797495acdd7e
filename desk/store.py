"""The desk's one SQLite database: schema, transactions, and records that commit with their effects."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.clock import rfc3339
from domain.errors import LockedError
from guardrails.snapshot import Mode
from memory.journal import Journal
from memory.journal_files import JournalFiles
from memory.record import Record

log = logging.getLogger("matrix.desk")
SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS proposals (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, digest TEXT NOT NULL,
    created_at TEXT NOT NULL, expires_at TEXT NOT NULL, origin TEXT NOT NULL, conversation TEXT,
    rationale TEXT NOT NULL, body TEXT NOT NULL, outcome TEXT, client_order_id TEXT, replaced_by TEXT,
    is_flatten INTEGER NOT NULL, record_id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS proposals_state ON proposals(state);
CREATE TABLE IF NOT EXISTS orders (
    client_order_id TEXT PRIMARY KEY, venue_order_id TEXT UNIQUE, proposal_id TEXT, symbol TEXT NOT NULL,
    base TEXT NOT NULL, quote TEXT NOT NULL, side TEXT NOT NULL, type TEXT NOT NULL, option TEXT,
    purpose TEXT NOT NULL, origin TEXT NOT NULL, price TEXT NOT NULL, stop_price TEXT, amount TEXT NOT NULL,
    filled TEXT NOT NULL, spent TEXT NOT NULL, fees_usd TEXT NOT NULL, usd_rate TEXT NOT NULL,
    fee_bps TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, record_id TEXT NOT NULL, cause_id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_state ON orders(state);
CREATE INDEX IF NOT EXISTS orders_created ON orders(created_at);
CREATE TABLE IF NOT EXISTS fills (
    trade_id TEXT NOT NULL, venue_order_id TEXT NOT NULL, client_order_id TEXT, symbol TEXT NOT NULL,
    side TEXT NOT NULL, price TEXT NOT NULL, amount TEXT NOT NULL, fee TEXT NOT NULL,
    fee_currency TEXT NOT NULL, notional_usd TEXT NOT NULL, fee_usd TEXT NOT NULL, is_maker INTEGER NOT NULL,
    at TEXT NOT NULL, record_id TEXT NOT NULL, PRIMARY KEY (trade_id, venue_order_id));
CREATE INDEX IF NOT EXISTS fills_at ON fills(at);
CREATE INDEX IF NOT EXISTS fills_order ON fills(client_order_id);
CREATE TABLE IF NOT EXISTS positions (
    asset TEXT PRIMARY KEY, amount TEXT NOT NULL, cost_usd TEXT NOT NULL, realised_usd TEXT NOT NULL,
    fees_usd TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS days (
    day TEXT PRIMARY KEY, realised_usd TEXT NOT NULL, fees_usd TEXT NOT NULL, turnover_usd TEXT NOT NULL,
    entries_usd TEXT NOT NULL, start_unrealised_usd TEXT);
CREATE TABLE IF NOT EXISTS replies (
    request_id TEXT PRIMARY KEY, body_hash TEXT NOT NULL, reply TEXT NOT NULL, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS replies_at ON replies(at);
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the database for writing, durable at every commit; raises `LockedError` for a newer schema."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    path.chmod(0o600)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA busy_timeout=5000")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        connection.close()
        raise LockedError(
            "HOME_NEWER",
            f"{path} was written by a newer release (schema {version})",
            "Use that release, or another home.",
        )
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    return connection


class Store:
    """Transactions over the database. `record` inside one commits together with the effect it records."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        journal: Journal,
        files: JournalFiles,
        *,
        mode: Mode,
        venue: str,
        redact: Callable[[str], str],
    ) -> None:
        self.path = path
        self.redact = redact
        self.connection = connection
        self.mode = mode
        self.venue = venue
        self._journal = journal
        self._files = files
        self._depth = 0
        self._has_written = False
        self.is_journal_ok = True

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run one transaction; nested uses join the outer one. Any fault rolls everything back.

        A failed commit marks the journal as broken for good: nothing is sent until a restart
        (an fsync that failed once can't be trusted to succeed honestly when tried again).
        """
        if self._depth:
            yield self.connection
            return
        self._depth = 1
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException as error:
            if isinstance(error, sqlite3.Error):
                self.is_journal_ok = False
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            self._has_written = False
            raise
        finally:
            self._depth = 0
        self._after_commit()

    def _after_commit(self) -> None:
        if not self._has_written:
            return
        self._has_written = False
        try:
            report = self._files.catch_up(self.connection)
        except OSError:
            self.is_journal_ok = False
        else:
            for text in (*report.repaired, *report.faults):
                log.warning("journal files: %s", text)

    def record(
        self,
        kind: str,
        *,
        source: str = "desk",
        symbol: str | None = None,
        cause: str | None = None,
        payload_text: str | None = None,
        decision_text: str | None = None,
        result: Any = None,
        error_text: str | None = None,
        latency_ms: int | None = None,
        keys: Sequence[str | None] = (),
    ) -> Record:
        """Append one journal record in the current transaction, or in one of its own."""
        with self.transaction():
            record = self._journal.append(
                kind,
                mode=self.mode.value,
                venue=self.venue,
                symbol=symbol,
                cause=cause,
                source=source,
                payload_text=payload_text,
                decision_text=decision_text,
                result=result,
                error_text=error_text,
                latency_ms=latency_ms,
                order_keys=[key for key in keys if key],
            )
            self._has_written = True
        return record

    def prune_replies(self, before: datetime) -> None:
        """Forget stored replies older than `before`; nobody repeats a request that late."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM replies WHERE at<?", (rfc3339(before),))

    def get_meta(self, key: str) -> str | None:
        """Return a stored value."""
        row = self.connection.execute("SELECT value FROM meta WHERE key=?", (key,)).fetchone()
        return None if row is None else str(row["value"])

    def set_meta(self, key: str, value: str) -> None:
        """Store a value."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
