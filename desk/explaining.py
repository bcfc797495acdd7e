"""Why something happened: from an order back along its causes, from the journal alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from desk.ledger import Ledger
from desk.orders import Order
from desk.periods import parse_moment
from desk.store import Store
from domain.clock import Clock
from domain.errors import BadInputError
from memory import journal_read
from tools import recall


class Explaining:
    """Answers `/explain` and the journal's read routes."""

    def __init__(self, store: Store, ledger: Ledger, clock: Clock, zone: str) -> None:
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._zone = zone

    @property
    def _db(self) -> sqlite3.Connection:
        return self._store.connection

    def explain(
        self, *, time: str | None, symbol: str | None, side: str | None, order_id: str | None
    ) -> dict[str, Any]:
        """Return the answer of `/explain`: the order that is meant, its fills, and each step."""
        if side not in {None, "buy", "sell"}:
            raise BadInputError("BAD_SIDE", f"{side!r:.20} is no side", "Say buy or sell.")
        order = self._which(time=time, symbol=symbol, side=side, order_id=order_id)
        answer: dict[str, Any] = {
            "found": order is not None,
            "order": None,
            "fills": [],
            "steps": [],
            "missing": [],
            "timezone": self._zone,
            "note": "",
        }
        if order is None:
            answer["note"] = "No such order is recorded."
            return answer
        fills = list(reversed(self._ledger.fills(client_order_id=order.client_order_id)))
        answer["order"], answer["fills"] = order.as_json(), fills
        steps, missing = self._steps(order, fills)
        answer["steps"], answer["missing"] = steps, missing
        return answer

    def _which(
        self, *, time: str | None, symbol: str | None, side: str | None, order_id: str | None
    ) -> Order | None:
        if order_id is not None:
            found = self._ledger.find(client_order_id=order_id, venue_order_id=order_id)
            return found or self._of_proposal(order_id)
        start: datetime | None
        start, end = (None, None) if time is None else parse_moment(time, self._clock.now(), self._zone)
        fills = self._ledger.fills(symbol=symbol, start=start, end=end, limit=1000)
        for fill in fills:
            if side in {None, fill["side"]}:
                return self._ledger.get(fill["client_order_id"])
        for order in self._ledger.orders(symbol=symbol, start=start, end=end, limit=1000):
            if side in {None, order.side.value}:
                return order
        return None

    def _of_proposal(self, proposal_id: str) -> Order | None:
        sql = "SELECT client_order_id FROM orders WHERE proposal_id=?"
        row = self._db.execute(sql, (proposal_id,)).fetchone()
        return None if row is None else self._ledger.get(row["client_order_id"])

    def _lookup(self, record_id: str) -> Mapping[str, Any] | None:
        record = journal_read.get(self._db, record_id)
        return None if record is None else record.as_json()

    def _steps(self, order: Order, fills: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
        """Walk up from each end (every fill, and the order's last record); each step once, in time order."""
        seen: dict[str, dict[str, Any]] = {}
        missing: list[str] = []
        for end in [*(f["record_id"] for f in fills), order.cause_id, *self._later(order)]:
            record = self._lookup(end)
            if record is None:
                missing.append(f"not recorded: {end}")
                continue
            for step in recall.walk(record, self._lookup):
                if step.record_id is None:
                    missing.append(step.text)
                else:
                    seen.setdefault(
                        step.record_id,
                        {"record_id": step.record_id, "ts": step.ts, "kind": step.kind, "text": step.text},
                    )
        ordered = sorted(seen.values(), key=lambda s: (s["ts"], s["record_id"]))
        return ordered, sorted(set(missing))

    def _later(self, order: Order) -> list[str]:
        """Return records about this order that nothing was caused by, such as its cancellation."""
        found = journal_read.search(self._db, order_id=order.client_order_id, limit=200)
        return [r.id for r in found if r.kind in {"order.cancelled", "order.closed", "order.rejected"}]
