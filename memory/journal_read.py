"""Reading the journal: by words, kind, symbol, order, time and cause.

Works on any connection to the desk's database and treats what a person or a model typed as data: values are
bound, words are quoted. A row that was tampered with raises `ConflictError("JOURNAL_DAMAGED")`.
Nothing is written but, by a search for words, the word index that has fallen behind.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import TypedDict, Unpack

from domain.clock import rfc3339
from domain.errors import BadInputError, ConflictError
from memory import words
from memory.record import COLUMNS, TEXT_COLUMNS, Record, clean, row_record
from memory.transactions import one_picture, plain_cursor

MAX_LIMIT = 1_000

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM journal"  # noqa: S608 - own names
_COUNT = "SELECT count(*) FROM journal"
_ALL_TEXT = " || ' ' || ".join(f"coalesce({name}, '')" for name in TEXT_COLUMNS)
_MATCHES = (
    "(seq IN (SELECT rowid FROM journal_words WHERE journal_words MATCH ?)"
    " OR seq IN (SELECT value FROM json_each(?)))"
)

_Clause = tuple[str, list[object]]


class Filters(TypedDict, total=False):
    """What a search can ask for; a condition that is absent or None asks for nothing.

    `text`: every word must occur in the record's texts. `kind`: exact, or a family as in `order.*`.
    `order_id`: any of the ids a record was filed under, exactly. `start` counts, `end` does not.
    """

    text: str | None
    kind: str | None
    symbol: str | None
    order_id: str | None
    start: datetime | None
    end: datetime | None


def search(connection: sqlite3.Connection, *, limit: int = 50, **filters: Unpack[Filters]) -> list[Record]:
    """Return the newest records that meet every condition, newest first."""
    if filters.get("text"):
        words.follow(connection)
    with one_picture(connection):
        where, values = _where(connection, filters)
        return _records(connection, f"{where} ORDER BY seq DESC LIMIT ?", [*values, _limited(limit)])


def count(connection: sqlite3.Connection, **filters: Unpack[Filters]) -> int:
    """Return how many records meet every condition."""
    if filters.get("text"):
        words.follow(connection)
    with one_picture(connection):
        where, values = _where(connection, filters)
        return int(plain_cursor(connection).execute(f"{_COUNT}{where}", values).fetchone()[0])


def tail(connection: sqlite3.Connection, after_seq: int = 0, limit: int = 100) -> list[Record]:
    """Return the records after `after_seq`, oldest first."""
    return _records(connection, " WHERE seq > ? ORDER BY seq LIMIT ?", [_number(after_seq), _limited(limit)])


def get(connection: sqlite3.Connection, record_id: str) -> Record | None:
    """Return the record with this id, or None."""
    found = _records(connection, " WHERE id = ?", [clean(record_id)])
    return found[0] if found else None


def effects(connection: sqlite3.Connection, record_id: str, limit: int = MAX_LIMIT) -> list[Record]:
    """Return the records whose cause is `record_id`, oldest first."""
    return _records(connection, " WHERE cause = ? ORDER BY seq LIMIT ?", [clean(record_id), _limited(limit)])


def latest(
    connection: sqlite3.Connection,
    kind: str,
    *,
    symbol: str | None = None,
    order_id: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Record | None:
    """Return the newest record of `kind` that also meets the other conditions, or None."""
    found = search(connection, kind=kind, symbol=symbol, order_id=order_id, start=start, end=end, limit=1)
    return found[0] if found else None


def rows_after(connection: sqlite3.Connection, seq: int) -> Iterator[tuple[object, ...]]:
    """Yield the raw rows after `seq` in order, for what checks or copies the table."""
    yield from plain_cursor(connection).execute(f"{_SELECT} WHERE seq > ? ORDER BY seq", (seq,))


def _records(connection: sqlite3.Connection, rest: str, values: list[object]) -> list[Record]:
    rows = plain_cursor(connection).execute(f"{_SELECT}{rest}", values).fetchall()
    try:
        return [row_record(row) for row in rows]
    except ValueError as error:
        raise ConflictError(
            "JOURNAL_DAMAGED",
            f"a journal record was changed and cannot be read: {error}",
            "Run `matrix journal verify` to find it; the daily files hold what was written.",
        ) from error


def _where(connection: sqlite3.Connection, filters: Filters) -> tuple[str, list[object]]:
    clauses = [*_exact(filters), *_span(filters), *_words(connection, filters.get("text"))]
    if not clauses:
        return "", []
    where = " AND ".join(clause for clause, _ in clauses)
    return f" WHERE {where}", [value for _, values in clauses for value in values]


def _exact(filters: Filters) -> Iterator[_Clause]:
    kind, symbol, order_id = filters.get("kind"), filters.get("symbol"), filters.get("order_id")
    if kind and kind.endswith(".*"):
        stem = clean(kind[:-1])
        yield "kind >= ? AND kind < ?", [stem, f"{stem[:-1]}/"]
    elif kind:
        yield "kind = ?", [clean(kind)]
    if symbol:
        yield "symbol = ?", [clean(symbol)]
    if order_id:
        yield "seq IN (SELECT seq FROM journal_order_keys WHERE order_key = ?)", [clean(order_id)]


def _span(filters: Filters) -> Iterator[_Clause]:
    start, end = filters.get("start"), filters.get("end")
    if start is not None:
        yield "ts >= ?", [rfc3339(start)]
    if end is not None:
        yield "ts < ?", [rfc3339(end)]


def _words(connection: sqlite3.Connection, text: str | None) -> Iterator[_Clause]:
    if not text or not text.strip():
        return
    tokens = words.tokens(text)
    expression = words.match_expression(tokens)
    if expression is None or not words.is_indexed(connection):
        for token in tokens:
            yield f"instr(lower({_ALL_TEXT}), lower(?)) > 0", [token]
        return
    recent = words.recent_matches(connection, expression, words.mark(connection))
    yield _MATCHES, [expression, json.dumps(recent)]


def _limited(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise BadInputError(
            "BAD_LIMIT", f"a limit of {limit} is not possible", f"Ask for 1 to {MAX_LIMIT} records."
        )
    return limit


def _number(seq: int) -> int:
    if not 0 <= seq < 2**63:
        raise BadInputError("BAD_SEQ", f"{seq} is not a sequence number", "Give 0 or a record's own seq.")
    return seq
