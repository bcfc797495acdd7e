"""Proposals: what waits for a person, and every state it can end in."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from desk.store import Store
from domain.clock import Clock, parse_rfc3339, rfc3339
from domain.errors import ConflictError, ExpiredError, NotFoundError
from domain.ids import IdSource

PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One row. `body` holds card, verdict and the stored draft or limit change."""

    id: str
    kind: str
    state: str
    digest: str
    created_at: datetime
    expires_at: datetime
    origin: str
    conversation: str | None
    rationale: str
    body: dict[str, Any]
    outcome: dict[str, Any] | None
    client_order_id: str | None
    replaced_by: str | None
    is_flatten: bool
    record_id: str


class Proposals:
    """The store of proposals. Expiry runs on monotonic time, so a changed clock can't stretch a yes."""

    def __init__(self, store: Store, clock: Clock, ids: IdSource) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._deadlines: dict[str, float] = {}

    def new_id(self) -> str:
        """Return an id for the next proposal."""
        return self._ids.proposal()

    def expiry(self, ttl_s: int) -> datetime:
        """Return the wall time at which a proposal made now ends."""
        return self._clock.now() + timedelta(seconds=ttl_s)

    def insert(self, proposal: Proposal) -> None:
        """Store one, inside the caller's transaction."""
        self._store.connection.execute(
            "INSERT INTO proposals VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                proposal.id,
                proposal.kind,
                proposal.state,
                proposal.digest,
                rfc3339(proposal.created_at),
                rfc3339(proposal.expires_at),
                proposal.origin,
                proposal.conversation,
                proposal.rationale,
                json.dumps(proposal.body),
                None if proposal.outcome is None else json.dumps(proposal.outcome),
                proposal.client_order_id,
                proposal.replaced_by,
                int(proposal.is_flatten),
                proposal.record_id,
            ),
        )
        if proposal.state == PENDING:
            ttl = (proposal.expires_at - proposal.created_at).total_seconds()
            self._deadlines[proposal.id] = self._clock.monotonic() + ttl

    def get(self, proposal_id: str) -> Proposal:
        """Return one; raises `NotFoundError`."""
        row = self._store.connection.execute("SELECT * FROM proposals WHERE id=?", (proposal_id,)).fetchone()
        if row is None:
            raise NotFoundError(
                "NO_SUCH_PROPOSAL",
                f"there is no proposal {proposal_id!r:.40}",
                "List them: matrix proposals.",
            )
        return _proposal(row)

    def select(self, *, pending_only: bool, limit: int = 100) -> list[Proposal]:
        """Return proposals, newest first."""
        where = "WHERE state='pending'" if pending_only else ""
        sql = f"SELECT * FROM proposals {where} ORDER BY created_at DESC LIMIT ?"  # noqa: S608 - fixed text
        return [_proposal(row) for row in self._store.connection.execute(sql, (limit,))]

    def count_pending(self) -> int:
        """Return how many wait."""
        sql = "SELECT COUNT(*) FROM proposals WHERE state='pending'"
        return int(self._store.connection.execute(sql).fetchone()[0])

    def seconds_left(self, proposal: Proposal) -> float:
        """Return how long a yes still counts; zero once it does not, or after a restart."""
        if proposal.state != PENDING:
            return 0.0
        return max(0.0, self._deadlines.get(proposal.id, 0.0) - self._clock.monotonic())

    def answer(
        self, proposal: Proposal, state: str, *, text: str, digest: str | None = None, source: str = "person"
    ) -> Proposal:
        """Move a pending proposal to `state` with its consent record, first answer wins.

        Raises `ConflictError` when it was answered before or `digest` is another one,
        `ExpiredError` when it is too late. Runs in the caller's transaction.
        """
        if proposal.state != PENDING:
            raise ConflictError(
                "ANSWERED_BEFORE",
                f"proposal {proposal.id} is {proposal.state} already",
                "Nothing was changed. Ask for a new card if you still want it.",
            )
        if digest is not None and digest != proposal.digest:
            raise ConflictError(
                "WRONG_DIGEST",
                "the digest is not that of this card",
                "Read the card again; it may have been edited.",
            )
        if state == "approved" and self.seconds_left(proposal) <= 0:
            raise ExpiredError(
                "EXPIRED", f"proposal {proposal.id} has expired", "Ask again for a card with fresh prices."
            )
        with self._store.transaction() as connection:
            changed = connection.execute(
                "UPDATE proposals SET state=? WHERE id=? AND state='pending'", (state, proposal.id)
            ).rowcount
            if changed != 1:
                raise ConflictError("ANSWERED_BEFORE", "another answer came first", "Nothing was changed.")
            record = self._store.record(
                "consent",
                source=source,
                symbol=proposal.body.get("draft", {}).get("symbol"),
                cause=proposal.record_id,
                decision_text=text,
                result={"proposal_id": proposal.id, "decision": state, "digest": proposal.digest},
                keys=[proposal.id, proposal.client_order_id],
            )
            connection.execute("UPDATE proposals SET record_id=? WHERE id=?", (record.id, proposal.id))
        self._deadlines.pop(proposal.id, None)
        return replace(proposal, state=state, record_id=record.id)

    def set_outcome(self, proposal_id: str, outcome: dict[str, Any]) -> Proposal:
        """Store what became of it."""
        with self._store.transaction() as connection:
            connection.execute(
                "UPDATE proposals SET outcome=? WHERE id=?", (json.dumps(outcome), proposal_id)
            )
        return self.get(proposal_id)

    def set_replaced(self, proposal_id: str, new_id: str) -> None:
        """Name the proposal that an edit made instead."""
        with self._store.transaction() as connection:
            connection.execute("UPDATE proposals SET replaced_by=? WHERE id=?", (new_id, proposal_id))

    def without_outcome(self) -> list[Proposal]:
        """Return approved proposals of which it was never recorded what became of them."""
        sql = "SELECT * FROM proposals WHERE state='approved' AND outcome IS NULL"
        return [_proposal(row) for row in self._store.connection.execute(sql)]

    def overdue(self) -> list[Proposal]:
        """Return pending proposals whose time is up (all of an earlier start's)."""
        return [p for p in self.select(pending_only=True, limit=1000) if self.seconds_left(p) <= 0]


def _proposal(row: sqlite3.Row) -> Proposal:
    values = dict(row)
    values["created_at"] = parse_rfc3339(values["created_at"])
    values["expires_at"] = parse_rfc3339(values["expires_at"])
    values["body"] = json.loads(values["body"])
    values["outcome"] = None if values["outcome"] is None else json.loads(values["outcome"])
    values["is_flatten"] = bool(values["is_flatten"])
    return Proposal(**values)
