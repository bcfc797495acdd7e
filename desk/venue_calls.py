"""A person's own calls to the venue: any row of the catalogue but orders, shown first, sent once.

Orders never pass here; they go through the gate. What moves money waits for the latch to be open, because an
instant buy or a wrap changes positions too. Each call is in the journal before its bytes leave.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from desk.service import Desk
from domain.errors import BadInputError, ConflictError, LockedError, UnreachableError, VenueRejectedError
from domain.ids import RecordId
from guardrails.snapshot import KillState
from venues.gemini.catalogue import TABLE, Call, Host, Money
from venues.gemini.catalogue.kinds import Field
from venues.gemini.person_calls import CallRecord, PersonCalls, PreparedCall, Stage

LIFETIME_S: Final = 120.0
"""How long a prepared call may be sent: as long as a card may be approved."""
MOST_WAITING: Final = 20
_NOTHING_MOVED: Final = (BadInputError, LockedError, UnreachableError, VenueRejectedError)

log = logging.getLogger("matrix.desk")


@dataclass(frozen=True, slots=True)
class _Waiting:
    prepared: PreparedCall
    until: float


class VenueCalls:
    """Prepares and sends a person's calls. One per desk; everything is gone at a restart."""

    def __init__(self, desk: Desk) -> None:
        self._parts = desk.parts
        self._waiting: dict[str, _Waiting] = {}

    def catalogue(self) -> dict[str, Any]:
        """Return every call that a person may build, with the fields that it takes."""
        return {"calls": [_row(call) for call in TABLE.values() if _is_open(call)]}

    def prepare(
        self,
        name: str,
        *,
        path: Mapping[str, str],
        query: Mapping[str, str],
        fields: Mapping[str, object],
        account: str | None,
    ) -> dict[str, Any]:
        """Judge a call and return its preview with the id to send it by.

        Raises `BadInputError` for a call or fields outside the catalogue, `LockedError` for an order.
        """
        self._check(TABLE.get(name))
        calls = PersonCalls(self._parts.wire.rest.caller, self._note([]))
        prepared = calls.prepare(name, path, query, fields, account)
        now = self._parts.clock.monotonic()
        self._waiting = {key: each for key, each in self._waiting.items() if each.until > now}
        if len(self._waiting) >= MOST_WAITING:
            raise ConflictError(
                "TOO_MANY_PREPARED",
                f"{MOST_WAITING} prepared calls already wait",
                "Send one of them, or wait two minutes until they are gone.",
            )
        call_id = f"C-{self._parts.ids.ulid()}"
        self._waiting[call_id] = _Waiting(prepared, now + LIFETIME_S)
        return {
            "id": call_id,
            "name": name,
            "money": prepared.call.money.value,
            "expires_in_s": LIFETIME_S,
            "preview": asdict(prepared.preview),
        }

    async def send(self, call_id: str) -> dict[str, Any]:
        """Send a prepared call, once, and return what the venue answered.

        Raises what `PersonCalls.send` raises, `ConflictError` for an id that is unknown, used or too old.
        """
        waiting = self._waiting.pop(call_id, None)
        if waiting is None or waiting.until <= self._parts.clock.monotonic():
            raise ConflictError(
                "CALL_GONE",
                "no prepared call with this id waits",
                "It was sent or is too old: prepare anew.",
            )
        self._check(waiting.prepared.call)
        records: list[RecordId] = []
        moves = waiting.prepared.call.money is Money.MOVES
        try:
            answer = await PersonCalls(self._parts.wire.rest.caller, self._note(records)).send(
                waiting.prepared
            )
        except _NOTHING_MOVED:
            moves = False
            raise
        finally:
            if moves:
                # Balances may have moved outside the order path: compare the books before anything trades.
                self._parts.health.doubt()
        is_file = answer.data is None
        return {
            "status": answer.status,
            "content_type": answer.content_type,
            "text": "" if is_file else answer.body.decode("utf-8", "replace"),
            "file": b64encode(answer.body).decode("ascii") if is_file else "",
            "misfits": list(answer.misfits),
            "record_ids": records,
        }

    def _check(self, call: Call | None) -> None:
        if call is None:
            return  # told with the names of the catalogue by `PersonCalls.prepare`
        if call.money is Money.TRADES:
            raise LockedError(
                "ORDERS_THROUGH_THE_GATE",
                f"{call.name} is not sent from here",
                "Propose an order and approve its card, or cancel it in Orders.",
            )
        state = self._parts.stopping.state()
        if call.money is Money.MOVES and state is not KillState.ACTIVE:
            raise LockedError(
                "HALTED", f"the desk is {state.value}: nothing may move money now", "Release it first."
            )
        if call.money is not Money.READS and not self._parts.store.is_journal_ok:
            raise _no_journal()

    def _note(self, records: list[RecordId]) -> Callable[[CallRecord], None]:
        """Return the journal hook of one call; what it writes is linked in a chain.

        Raises `LockedError` before the bytes leave, when the desk was stopped while they waited for their
        turn, and when it cannot be written that they leave. Afterwards it never raises.
        """

        def note(record: CallRecord) -> None:
            is_leaving = record.stage is Stage.SENDING
            if is_leaving:
                self._check(TABLE.get(record.name))
            try:
                records.append(self._write(record, records[-1] if records else None))
            except sqlite3.Error as error:
                if is_leaving:
                    raise _no_journal() from error
                # What the exchange answered must reach the person, or they would do it again.
                log.exception("the end of %s is not in the journal", record.name)

        return note

    def _write(self, record: CallRecord, cause: RecordId | None) -> RecordId:
        told = {
            "call": record.name,
            "method": record.method,
            "target": record.target,
            "money": record.money.value,
            "fields": dict(record.fields),
            "payload_sha256": record.payload_digest,
        }
        written = self._parts.store.record(
            f"venue_call.{record.stage.value}",
            source="person",
            cause=cause,
            payload_text=json.dumps(told, sort_keys=True, default=str),
            result=None if record.stage is Stage.SENDING else {"status": record.status},
            error_text=record.error_code or None,
        )
        return written.id


def _no_journal() -> LockedError:
    return LockedError(
        "JOURNAL",
        "the journal cannot be written, so nothing was sent",
        "Free space on the disk and start the desk again.",
    )


def _is_open(call: Call) -> bool:
    return call.host is Host.REST and call.method != "WS" and call.money is not Money.TRADES


def _row(call: Call) -> dict[str, Any]:
    return {
        "name": call.name,
        "method": call.method,
        "path": call.path,
        "signed": call.auth.value == "signed",
        "roles": sorted(call.roles),
        "group_key_only": call.is_master_only,
        "money": call.money.value,
        "tier": call.tier,
        "query": [_field(each) for each in call.query],
        "fields": [_field(each) for each in call.request],
        "note": call.sim,
    }


def _field(field: Field) -> dict[str, Any]:
    return {"name": field.name, "kind": str(field.kind), "required": field.is_required}
