"""Full text over the journal: an FTS5 index that follows the table, off the path of an order.

The index is a cache over the table's own columns. `index` brings it up to date after a commit; a search
covers what is not indexed yet in memory, with the same tokenizer, so it never misses a record.
Where SQLite has no FTS5, a search looks for the words as parts of the text instead.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from functools import cache

from domain.errors import BadInputError
from memory.record import TEXT_COLUMNS, clean
from memory.transactions import plain_cursor, transaction

MAX_QUERY = 1_000
"""Characters of a search text."""

MAX_UNINDEXED = 500
"""Records that a search reads through by itself before it has them indexed."""

_NAMES = ", ".join(TEXT_COLUMNS)
_TOKENIZE = "tokenize = 'unicode61 remove_diacritics 2'"
_CREATE = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS journal_words USING fts5({_NAMES}, "
    f"content = 'journal', content_rowid = 'seq', {_TOKENIZE})"
)
_CREATE_RECENT = f"CREATE VIRTUAL TABLE recent USING fts5({_NAMES}, {_TOKENIZE})"
_MARKS = ", ".join("?" * len(TEXT_COLUMNS))
_SELECT_NEW = f"SELECT seq, {_NAMES} FROM journal WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - own names
_INSERT = f"INSERT INTO journal_words (rowid, {_NAMES}) VALUES (?, {_MARKS})"  # noqa: S608 - own names
_INSERT_RECENT = f"INSERT INTO recent (rowid, {_NAMES}) VALUES (?, {_MARKS})"  # noqa: S608 - own names


def create(connection: sqlite3.Connection) -> None:
    """Make the index if this SQLite can have one."""
    if has_fts5():
        connection.execute(_CREATE)
        connection.execute("CREATE TABLE IF NOT EXISTS journal_words_mark (seq INTEGER NOT NULL)")


@cache
def has_fts5() -> bool:
    """Say whether this Python's SQLite was built with full text search."""
    probe = sqlite3.connect(":memory:")
    try:
        probe.execute("CREATE VIRTUAL TABLE probe USING fts5(text)")
    except sqlite3.OperationalError:
        return False
    finally:
        probe.close()
    return True


def index(connection: sqlite3.Connection, limit: int = 1_000) -> int:
    """Index up to `limit` records that are not indexed yet and return how many were.

    Meant for quiet moments after commits, away from the path of an order; searches fall back on `follow`.
    """
    if not is_indexed(connection):
        return 0
    with transaction(connection):
        cursor = plain_cursor(connection)
        rows = cursor.execute(_SELECT_NEW, (mark(connection), limit)).fetchall()
        if rows:
            cursor.executemany(_INSERT, rows)
            cursor.execute("DELETE FROM journal_words_mark")
            cursor.execute("INSERT INTO journal_words_mark (seq) VALUES (?)", (rows[-1][0],))
    return len(rows)


def follow(connection: sqlite3.Connection) -> None:
    """Index what a search would otherwise have to read through, if this connection may write now."""
    if connection.in_transaction or not is_indexed(connection):
        return
    newest = plain_cursor(connection).execute("SELECT max(seq) FROM journal").fetchone()[0] or 0
    if newest - mark(connection) <= MAX_UNINDEXED:
        return
    with suppress(sqlite3.OperationalError):  # read-only, or another writer is at work: search without it
        while index(connection):
            pass


def is_indexed(connection: sqlite3.Connection) -> bool:
    """Say whether the database has the index and this SQLite can read it."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal_words_mark'").fetchone()
    return found is not None and has_fts5()


def mark(connection: sqlite3.Connection) -> int:
    """Return the sequence number up to which records are indexed."""
    row = plain_cursor(connection).execute("SELECT max(seq) FROM journal_words_mark").fetchone()
    return int(row[0] or 0)


def tokens(text: str) -> list[str]:
    """Split a person's search text into words, none of which can act as search syntax.

    Raises `BadInputError` when it is too long.
    """
    if len(text) > MAX_QUERY:
        raise BadInputError(
            "TEXT_TOO_LONG",
            f"a search text of {len(text)} characters is too long ({MAX_QUERY} at most)",
            "Search for a few words.",
        )
    return clean(text.replace("\0", " ")).split()


def match_expression(words: Iterable[str]) -> str | None:
    """Return the FTS5 expression that asks for every word, or None when no word has a letter or digit.

    Each word becomes a quoted phrase, the only form in which FTS5 reads no operators.
    """
    quoted = [
        '"{}"'.format(word.replace('"', '""')) for word in words if any(char.isalnum() for char in word)
    ]
    return " ".join(quoted) or None


def recent_matches(connection: sqlite3.Connection, expression: str, after: int) -> list[int]:
    """Return the numbers of matching records above `after`, which the index does not hold yet."""
    rows = plain_cursor(connection).execute(_SELECT_NEW, (after, -1))
    memory = sqlite3.connect(":memory:")
    try:
        memory.execute(_CREATE_RECENT)
        memory.executemany(_INSERT_RECENT, rows)
        found = memory.execute("SELECT rowid FROM recent WHERE recent MATCH ?", (expression,))
        return [int(row[0]) for row in found]
    finally:
        memory.close()
