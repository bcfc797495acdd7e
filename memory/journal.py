"""The journal's table and its only writer.

The desk owns the connection and the transactions: `append` runs inside the caller's transaction, so that
an effect and its record commit together or not at all. The head is read back from the table each time;
a rollback therefore needs no repair and leaves no gap. Words are indexed apart (`memory.words`), since
full text in the same transaction would cost several flushes of latency.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Sequence

from domain.clock import Clock, rfc3339
from domain.errors import BadInputError
from domain.ids import IdSource
from memory import words
from memory.record import COLUMNS, GENESIS_HASH, RECORD_ID, Record, Unhashed, clean, encode, plain
from memory.transactions import plain_cursor, transaction

MAX_TEXT = 262_144
"""Characters of one text field; what is longer is cut and says by how much."""

MAX_RESULT = 1_048_576
"""Characters of a result's JSON; what is longer is refused."""

_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,3}", re.ASCII)
_MIN_SECRET = 8
"""No shorter piece of text can hold what must not be written (eight characters of a secret in a row)."""

_MAX_LABEL = 200
_MAX_LATENCY = 2**53
_INSERT = f"INSERT INTO journal ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - own names
_INSERT_KEY = "INSERT OR IGNORE INTO journal_order_keys (order_key, seq) VALUES (?, ?)"

_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE journal (
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, ts TEXT NOT NULL,
            prev TEXT NOT NULL, hash TEXT NOT NULL, kind TEXT NOT NULL, mode TEXT NOT NULL,
            venue TEXT NOT NULL, symbol TEXT, cause TEXT, source TEXT NOT NULL,
            payload_text TEXT, headers_text TEXT, decision_text TEXT, result_json TEXT,
            error_text TEXT, latency_ms INTEGER, redacted INTEGER NOT NULL)""",
        "CREATE INDEX journal_ts ON journal (ts)",
        "CREATE INDEX journal_kind ON journal (kind)",
        "CREATE INDEX journal_symbol ON journal (symbol) WHERE symbol IS NOT NULL",
        "CREATE INDEX journal_cause ON journal (cause) WHERE cause IS NOT NULL",
        """CREATE TRIGGER journal_keeps BEFORE UPDATE ON journal
            BEGIN SELECT RAISE(ABORT, 'a journal record is never changed'); END""",
        """CREATE TRIGGER journal_holds BEFORE DELETE ON journal
            BEGIN SELECT RAISE(ABORT, 'a journal record is never deleted'); END""",
        """CREATE TRIGGER journal_grows BEFORE INSERT ON journal
            WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM journal)
            BEGIN SELECT RAISE(ABORT, 'a journal record is only ever added at the end'); END""",
        """CREATE TABLE journal_order_keys (order_key TEXT NOT NULL, seq INTEGER NOT NULL,
            PRIMARY KEY (order_key, seq)) WITHOUT ROWID""",
        """CREATE TABLE journal_heads (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, ts TEXT NOT NULL,
            public_key TEXT NOT NULL, signature TEXT NOT NULL)""",
    ),
)
SCHEMA_VERSION = len(_MIGRATIONS)


def create(connection: sqlite3.Connection) -> None:
    """Make the journal's tables, or bring those of an older release up to date; repeating it is harmless.

    Raises `BadInputError` when a newer release wrote the tables.
    """
    with transaction(connection):
        connection.execute("CREATE TABLE IF NOT EXISTS journal_schema (version INTEGER NOT NULL)")
        row = plain_cursor(connection).execute("SELECT max(version) FROM journal_schema").fetchone()
        version = row[0] or 0
        if version > SCHEMA_VERSION:
            raise BadInputError(
                "JOURNAL_TOO_NEW",
                f"the journal has schema version {version}, this release knows up to {SCHEMA_VERSION}",
                "Start the newer release, or restore the backup made before the upgrade.",
            )
        for number, statements in enumerate(_MIGRATIONS[version:], start=version + 1):
            for statement in statements:
                connection.execute(statement)
            connection.execute("INSERT INTO journal_schema (version) VALUES (?)", (number,))
        words.create(connection)


class Journal:
    """Appends records. `redact` returns its text without secrets; it is applied to all free text."""

    def __init__(
        self, connection: sqlite3.Connection, *, clock: Clock, ids: IdSource, redact: Callable[[str], str]
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._ids = ids
        self._redact = redact

    def append(
        self,
        kind: str,
        *,
        mode: str,
        venue: str,
        source: str,
        symbol: str | None = None,
        cause: str | None = None,
        payload_text: str | None = None,
        headers_text: str | None = None,
        decision_text: str | None = None,
        result: object = None,
        error_text: str | None = None,
        latency_ms: int | None = None,
        order_keys: Sequence[str] = (),
    ) -> Record:
        """Write one record inside the caller's transaction and return it.

        `result` is any JSON value; decimals and aware times become text, floats are refused.
        `order_keys` are the ids (venue order, client order, proposal, trade) it can be found by.
        Raises `BadInputError` outside a transaction and for what a record cannot hold.
        """
        self._check(kind, cause, latency_ms)
        scrub = _Scrubber(self._redact)
        fields: dict[str, object] = {
            "id": self._ids.record(),
            "ts": rfc3339(self._clock.now()),
            "kind": kind,
            "mode": str(mode),
            "venue": str(venue),
            "symbol": scrub.text(symbol, _MAX_LABEL),
            "cause": cause,
            "source": scrub.text(source, _MAX_LABEL),
            "payload_text": scrub.text(payload_text, MAX_TEXT),
            "headers_text": scrub.text(headers_text, MAX_TEXT),
            "decision_text": scrub.text(decision_text, MAX_TEXT),
            "error_text": scrub.text(error_text, MAX_TEXT),
            "latency_ms": latency_ms,
        }
        value, text = scrub.result(result)
        fields["redacted"] = scrub.changed
        fields["seq"], fields["prev"] = self._next()
        fields["hash"] = Unhashed.of(fields, text or "null").digest()
        self._insert(fields, text, order_keys)
        return Record(result_json=value, **fields)  # type: ignore[arg-type]  # built above, key by key

    def _check(self, kind: str, cause: str | None, latency_ms: int | None) -> None:
        if not self._connection.in_transaction:
            raise BadInputError(
                "NO_TRANSACTION",
                "a journal record was about to be written outside a transaction",
                "Begin one, so that the effect and its record commit together.",
            )
        if not _KIND.fullmatch(kind):
            raise BadInputError("BAD_KIND", f"{kind!r:.80} is not a record kind", "Use a word such as fill.")
        if cause is not None and not RECORD_ID.fullmatch(cause):
            raise BadInputError("BAD_CAUSE", f"{cause!r:.80} is not a record id", "Give an id such as R-01….")
        if latency_ms is not None and (type(latency_ms) is not int or not 0 <= latency_ms < _MAX_LATENCY):
            raise BadInputError(
                "BAD_LATENCY", f"{latency_ms!r:.80} is not a latency", "Give whole milliseconds from 0."
            )

    def _next(self) -> tuple[int, str]:
        row = (
            plain_cursor(self._connection)
            .execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1")
            .fetchone()
        )
        return (1, GENESIS_HASH) if row is None else (row[0] + 1, row[1])

    def _insert(self, fields: dict[str, object], result_text: str | None, order_keys: Sequence[str]) -> None:
        cursor = plain_cursor(self._connection)
        stored = {**fields, "result_json": result_text, "redacted": int(bool(fields["redacted"]))}
        cursor.execute(_INSERT, [stored[name] for name in COLUMNS])
        for key in order_keys:
            if key:
                cursor.execute(_INSERT_KEY, (clean(str(key)), fields["seq"]))


class _Scrubber:
    """Redacts the fields of one record and remembers whether anything was changed."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        # A result repeats its keys and short texts. The scrubber, and with it this, lasts for one record.
        self._seen: dict[str, str] = {}
        self.changed = False

    def text(self, text: str | None, limit: int) -> str | None:
        if text is None:
            return None
        kept = self._scrubbed(clean(text))
        if len(kept) <= limit:
            return kept
        return f"{kept[:limit]}… [cut here: {len(kept) - limit} more characters]"

    def result(self, result: object) -> tuple[object, str | None]:
        value = plain(result)
        if value is None:
            return None, None
        text = encode(value)
        if "\\" in text:
            # Escapes can break up a secret in the encoded text, so each string is looked at by itself too.
            value = self._leaves(value)
            text = encode(value)
        kept = self._scrubbed(text)
        if kept != text:
            value, text = _reread(kept)
        if len(text) > MAX_RESULT:
            raise BadInputError(
                "RECORD_TOO_LARGE",
                f"a result of {len(text)} characters does not fit into a record ({MAX_RESULT})",
                "Record a summary, or the part that was acted on.",
            )
        return (None, None) if value is None else (value, text)

    def _leaves(self, value: object) -> object:
        if isinstance(value, str):
            return self._scrubbed(value)
        if isinstance(value, list):
            return [self._leaves(item) for item in value]
        if isinstance(value, dict):
            return {self._scrubbed(key): self._leaves(item) for key, item in value.items()}
        return value

    def _scrubbed(self, text: str) -> str:
        if len(text) < _MIN_SECRET:
            return text
        kept = self._seen.get(text)
        if kept is None:
            redacted = self._redact(text)
            self.changed = self.changed or redacted != text
            kept = self._seen[text] = clean(redacted)
        return kept


def _reread(text: str) -> tuple[object, str]:
    """Read a result after redaction; should it be JSON no more, keep it as one piece of text."""
    value: object
    try:
        value = plain(json.loads(text))
    except (ValueError, RecursionError, BadInputError):
        value = text
    return value, encode(value)
