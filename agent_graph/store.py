"""The conversation store: transcripts, turns, evidence, waiting cards and unsent journal entries.

It lives on the checkpointer's own connection and takes its lock, so that one process has one writer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent_graph.turn import Conversation, Message
from domain.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE conversations (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, source TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL
) STRICT;
CREATE TABLE turns (
    id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL REFERENCES conversations(id),
    state TEXT NOT NULL CHECK (state IN ('running', 'waiting', 'done', 'interrupted', 'failed')),
    cause TEXT, started_at TEXT NOT NULL, ended_at TEXT
) STRICT;
CREATE INDEX turns_open ON turns(state) WHERE state IN ('running', 'waiting');
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations(id),
    turn_id TEXT NOT NULL, role TEXT NOT NULL CHECK (role IN ('person', 'assistant', 'notice')),
    text TEXT NOT NULL, at TEXT NOT NULL,
    citations TEXT NOT NULL, proposals TEXT NOT NULL, model TEXT NOT NULL
) STRICT;
CREATE INDEX messages_of ON messages(conversation_id, seq);
CREATE TABLE evidence (
    seq INTEGER PRIMARY KEY, conversation_id TEXT NOT NULL REFERENCES conversations(id),
    turn_id TEXT NOT NULL, call_id TEXT NOT NULL,
    name TEXT NOT NULL, args TEXT NOT NULL, result TEXT NOT NULL,
    is_write INTEGER NOT NULL, at TEXT NOT NULL, UNIQUE (turn_id, call_id)
) STRICT;
CREATE INDEX evidence_of ON evidence(conversation_id, seq);
CREATE TABLE waiting (
    proposal_id TEXT PRIMARY KEY, turn_id TEXT NOT NULL REFERENCES turns(id),
    conversation_id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('waiting', 'settled'))
) STRICT;
CREATE TABLE outbox (request_id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
"""
_STEPS: Sequence[str] = (_SCHEMA, "ALTER TABLE turns ADD COLUMN owner TEXT")
"""What leads from each version to the next; a new store takes them all."""
_MESSAGES_OF = (
    "SELECT id, role, text, at, citations, proposals, model, turn_id FROM messages "
    "WHERE conversation_id = ? ORDER BY seq DESC LIMIT ?"
)
_ADD_MESSAGE = (
    "INSERT OR IGNORE INTO messages "
    "(id, conversation_id, turn_id, role, text, at, citations, proposals, model) VALUES (?,?,?,?,?,?,?,?,?)"
)
_TOUCH_AND_TITLE = (
    "UPDATE conversations SET updated_at = ?, title = CASE title WHEN '' THEN ? ELSE title END WHERE id = ?"
)
_ADD_EVIDENCE = (
    "INSERT INTO evidence (conversation_id, turn_id, call_id, name, args, result, is_write, at) "
    "VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (turn_id, call_id) DO UPDATE SET result = excluded.result"
)
_EVIDENCE_OF = (
    "SELECT name, args, result, is_write, seq FROM evidence "
    "WHERE conversation_id = ? AND seq > ? ORDER BY seq DESC LIMIT ?"
)
_PERSON_TEXTS = (
    "SELECT seq, text FROM messages WHERE conversation_id = ? AND role = 'person' AND seq > ? ORDER BY seq"
)
_BEGIN_TURN = "INSERT INTO turns (id, conversation_id, state, started_at, owner) VALUES (?,?,'running',?,?)"

_OPEN_TURNS = (
    "SELECT id, conversation_id, state, started_at, owner FROM turns WHERE state IN ('running', 'waiting')"
)
_WAITING_TURN = (
    "SELECT turns.id, turns.conversation_id, turns.state, started_at, owner FROM waiting "
    "JOIN turns ON turns.id = turn_id WHERE proposal_id = ? AND waiting.state = 'waiting'"
)

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A turn that has not ended: `state` is running or waiting, `owner` None when nobody holds it."""

    id: str
    conversation_id: str
    state: str
    started_at: str
    owner: str | None


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class ConversationStore:
    """Reads and writes `state/app.sqlite`; every method is one transaction.

    Turns begun through it belong to `owner`; other processes may share the file.
    """

    def __init__(self, saver: AsyncSqliteSaver, owner: str) -> None:
        self._conn = saver.conn
        self._lock: asyncio.Lock = saver.lock
        self._owner = owner

    async def migrate(self) -> None:
        """Bring the schema to this version; refuses a file that a newer release wrote."""
        async with self._transaction():
            await self._conn.execute("BEGIN IMMEDIATE")  # two processes may start at once
            version = (await self._rows("PRAGMA user_version"))[0][0]
            if version > SCHEMA_VERSION:
                raise BadInputError(
                    "STORE_TOO_NEW",
                    f"the conversation store has version {version}, this release reads {SCHEMA_VERSION}",
                    "Start the newer release, or restore a backup made by this one.",
                )
            for step in _STEPS[version:]:
                for statement in filter(None, map(str.strip, step.split(";"))):
                    await self._conn.execute(statement)
            await self._conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    async def add_conversation(self, conversation: Conversation) -> None:
        """Write a new conversation."""
        c = conversation
        await self._write(
            [
                (
                    "INSERT INTO conversations VALUES (?,?,?,?,?)",
                    (c.id, c.title, c.source, c.created_at, c.updated_at),
                )
            ]
        )

    async def conversations(self, limit: int = 200, sources: Sequence[str] = ()) -> list[Conversation]:
        """Return the conversations, last used first; with `sources` only those that were begun there."""
        wanted = list(sources)
        rows = await self._read(
            "SELECT id, title, source, created_at, updated_at FROM conversations "
            "WHERE ? = '[]' OR source IN (SELECT value FROM json_each(?)) "
            "ORDER BY updated_at DESC, id DESC LIMIT ?",
            (json.dumps(wanted), json.dumps(wanted), limit),
        )
        return [
            Conversation(id=r[0], title=r[1], source=r[2], created_at=r[3], updated_at=r[4]) for r in rows
        ]

    async def has_conversation(self, conversation_id: str) -> bool:
        """Say whether it exists."""
        return bool(await self._read("SELECT 1 FROM conversations WHERE id = ?", (conversation_id,)))

    async def begin_turn(self, message: Message, conversation_id: str, notice: Message | None) -> None:
        """Store the person's message and the running turn, before anything else happens."""
        title = " ".join(message.text.split())[:80]
        statements = [
            (_BEGIN_TURN, (message.turn_id, conversation_id, message.at, self._owner)),
            self._insert_message(message, conversation_id),
            (
                _TOUCH_AND_TITLE,
                (message.at, title, conversation_id),
            ),
        ]
        if notice is not None:
            statements.append(self._insert_message(notice, conversation_id))
        await self._write(statements)

    async def add_message(self, message: Message, conversation_id: str) -> None:
        """Store one message; the same id again changes nothing."""
        await self._write([self._insert_message(message, conversation_id)])

    async def finish_answer(
        self, message: Message, conversation_id: str, *, waiting: Iterable[str], settled: Iterable[str]
    ) -> None:
        """Store an answer together with the cards that now wait and those that are settled."""
        statements = [self._insert_message(message, conversation_id)]
        statements += [
            ("INSERT OR IGNORE INTO waiting VALUES (?,?,?,'waiting')", (p, message.turn_id, conversation_id))
            for p in waiting
        ]
        statements += [("UPDATE waiting SET state = 'settled' WHERE proposal_id = ?", (p,)) for p in settled]
        statements.append(
            ("UPDATE conversations SET updated_at = ? WHERE id = ?", (message.at, conversation_id))
        )
        await self._write(statements)

    async def messages(self, conversation_id: str, limit: int = 10_000) -> list[Message]:
        """Return the newest `limit` messages, oldest first."""
        rows = await self._read(
            _MESSAGES_OF,
            (conversation_id, limit),
        )
        return [_message(row) for row in reversed(rows)]

    async def set_turn(self, turn_id: str, state: str, at: str | None = None) -> None:
        """Move a turn to `state`."""
        await self._write([("UPDATE turns SET state = ?, ended_at = ? WHERE id = ?", (state, at, turn_id))])

    async def set_cause(self, turn_id: str, cause: str) -> None:
        """Remember the journal record of the person's message."""
        await self._write([("UPDATE turns SET cause = ? WHERE id = ?", (cause, turn_id))])

    async def open_turns(self) -> list[OpenTurn]:
        """Return the turns that never ended, whosoever they are."""
        return [OpenTurn(*row) for row in await self._read(_OPEN_TURNS)]

    async def waiting_turn(self, proposal_id: str) -> OpenTurn | None:
        """Return the turn that waits for this proposal, None when none does."""
        rows = await self._read(_WAITING_TURN, (proposal_id,))
        return OpenTurn(*rows[0]) if rows else None

    async def claim(self, turn: OpenTurn) -> bool:
        """Make a turn ours if it still is whose it was; say whether it now is."""
        async with self._transaction():
            changed = await self._conn.execute(
                "UPDATE turns SET owner = ? WHERE id = ? AND owner IS ?", (self._owner, turn.id, turn.owner)
            )
            return changed.rowcount == 1

    async def let_go(self) -> None:
        """Leave our waiting turns to whoever hears of their cards."""
        await self._write(
            [("UPDATE turns SET owner = NULL WHERE owner = ? AND state = 'waiting'", (self._owner,))]
        )

    async def waiting_proposals(self, turn_id: str) -> list[str]:
        """Return the proposals that a turn still waits for."""
        rows = await self._read(
            "SELECT proposal_id FROM waiting WHERE turn_id = ? AND state = 'waiting'", (turn_id,)
        )
        return [row[0] for row in rows]

    async def is_known_proposal(self, proposal_id: str) -> bool:
        """Say whether a turn ever waited for it."""
        return bool(await self._read("SELECT 1 FROM waiting WHERE proposal_id = ?", (proposal_id,)))

    async def add_evidence(
        self, conversation_id: str, turn_id: str, at: str, rows: Iterable[Mapping[str, Any]]
    ) -> None:
        """Store tool results `{"call_id", "name", "args", "result", "is_write"}`; a repeat replaces."""
        await self._write(
            [
                (
                    _ADD_EVIDENCE,
                    (
                        conversation_id,
                        turn_id,
                        row["call_id"],
                        row["name"],
                        _dump(row["args"]),
                        _dump(row["result"]),
                        int(row["is_write"]),
                        at,
                    ),
                )
                for row in rows
            ]
        )

    async def evidence(self, conversation_id: str, limit: int, *, after: int = 0) -> list[dict[str, Any]]:
        """Return the newest `limit` tool results that came after number `after`, oldest first."""
        rows = await self._read(_EVIDENCE_OF, (conversation_id, after, limit))
        return [
            {
                "name": r[0],
                "args": json.loads(r[1]),
                "result": json.loads(r[2]),
                "is_write": bool(r[3]),
                "seq": r[4],
            }
            for r in reversed(rows)
        ]

    async def person_texts(self, conversation_id: str, after: int) -> list[tuple[int, str]]:
        """Return number and text of what the person wrote after number `after`, oldest first."""
        return [(r[0], r[1]) for r in await self._read(_PERSON_TEXTS, (conversation_id, after))]

    async def keep_unsent(self, request_id: str, body: Mapping[str, Any]) -> None:
        """Keep a journal entry that the desk could not take."""
        await self._write([("INSERT OR IGNORE INTO outbox VALUES (?,?)", (request_id, _dump(body)))])

    async def unsent(self, limit: int = 500) -> list[dict[str, Any]]:
        """Return kept journal entries, oldest first."""
        rows = await self._read("SELECT body FROM outbox ORDER BY rowid LIMIT ?", (limit,))
        return [json.loads(row[0]) for row in rows]

    async def drop_unsent(self, request_id: str) -> None:
        """Forget a kept entry that the desk now has."""
        await self._write([("DELETE FROM outbox WHERE request_id = ?", (request_id,))])

    @staticmethod
    def _insert_message(message: Message, conversation_id: str) -> tuple[str, Row]:
        m = message
        values = (
            m.id,
            conversation_id,
            m.turn_id,
            m.role,
            m.text,
            m.at,
            _dump(m.citations),
            _dump(m.proposals),
            m.model,
        )
        return (_ADD_MESSAGE, values)

    async def _read(self, sql: str, values: Row = ()) -> list[Row]:
        async with self._lock:
            return await self._rows(sql, values)

    async def _rows(self, sql: str, values: Row = ()) -> list[Row]:
        return list(await self._conn.execute_fetchall(sql, values))

    async def _write(self, statements: Sequence[tuple[str, Row]]) -> None:
        async with self._transaction():
            for sql, values in statements:
                await self._conn.execute(sql, values)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        async with self._lock:
            try:
                yield
            except BaseException:
                await self._conn.rollback()
                raise
            await self._conn.commit()


def _message(row: Row) -> Message:
    return Message(
        id=row[0],
        role=row[1],
        text=row[2],
        at=row[3],
        citations=tuple(json.loads(row[4])),
        proposals=tuple(json.loads(row[5])),
        model=row[6],
        turn_id=row[7],
    )
