"""Real journals on real SQLite databases, set up as the desk sets them up."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from domain.clock import ManualClock
from domain.ids import IdSource
from memory.journal import Journal, create
from memory.record import Record

START = datetime(2026, 11, 20, 23, 59, 50, tzinfo=UTC)
SECRET = "account-Zx81Qm40Rt77Lp29"
BASE = {"mode": "paper", "venue": "paper", "source": "desk"}


def redact(text: str) -> str:
    return text.replace(SECRET, "[redacted]")


def connect(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


class Desk:
    """A database with a journal and a clock that a test moves."""

    def __init__(
        self, path: Path | str = ":memory:", *, seed: int = 1, redact: Callable[[str], str] = redact
    ) -> None:
        self.connection = connect(path)
        create(self.connection)
        self.clock = ManualClock(START)
        self.journal = Journal(
            self.connection, clock=self.clock, ids=IdSource(self.clock, Random(seed)), redact=redact
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def write(self, kind: str = "fill", **fields) -> Record:
        with self.transaction():
            return self.journal.append(kind, **{**BASE, **fields})

    def write_many(self, count: int, *, step_s: float = 1.0) -> list[Record]:
        made = []
        for number in range(count):
            made.append(self.write(result={"n": number, "price": "50000.00"}, decision_text=f"step {number}"))
            self.clock.advance(step_s)
        return made

    def tamper(self, sql: str, *values: object) -> None:
        """Change the table as someone with the file in hand would: the seatbelts off."""
        for seatbelt in ("journal_keeps", "journal_holds", "journal_grows"):
            self.connection.execute(f"DROP TRIGGER IF EXISTS {seatbelt}")
        self.connection.execute(sql, values)
