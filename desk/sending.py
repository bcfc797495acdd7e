"""Reserve, record, send once, and find out what became of it. Nothing here ever sends twice."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from desk.account import Account
from desk.adoption import Adoption
from desk.drafts import Drafting
from desk.ledger import Ledger
from desk.orders import Order, price_text
from desk.settlement import Settlement, about
from desk.snapshots import Health, MessageCount, Snapshots
from desk.store import Store
from desk.wire import Wire
from domain.clock import Clock
from domain.errors import MatrixError, OutcomeUnknownError, VenueRejectedError
from domain.money import ZERO, to_wire
from domain.order import OrderDraft, OrderState, Purpose, VenueOrder
from guardrails import gate
from guardrails.consent import wire_fields
from guardrails.limits import Limits
from guardrails.snapshot import Consent, KillState
from tools import order_builder

_NEVER_LEFT = frozenset({"NOT_SENT", "NONCE_PASSED", "WITHDRAWN"})
_NONCE_ATTEMPTS = 20
SETTLE_WAIT_S = 4.0
"""How long an answer waits for the venue's events before it says `resting` or `unknown`."""
CANCEL_WAIT_S = 2.5
"""How long a stop waits for its cancels before it goes on to sell."""


class Sending:
    """The only caller of `GeminiRest.submit`."""

    def __init__(
        self,
        *,
        wire: Wire,
        store: Store,
        ledger: Ledger,
        account: Account,
        drafting: Drafting,
        snapshots: Snapshots,
        settlement: Settlement,
        messages: MessageCount,
        health: Health,
        clock: Clock,
        limits: Callable[[], Limits],
        kill_state: Callable[[], KillState],
        orders: MessageCount,
        adoption: Adoption,
    ) -> None:
        self._orders = orders
        self._adoption = adoption
        self._late: set[asyncio.Task[Any]] = set()
        self._wire = wire
        self._store = store
        self._ledger = ledger
        self._account = account
        self._drafting = drafting
        self._snapshots = snapshots
        self._settlement = settlement
        self._messages = messages
        self._health = health
        self._clock = clock
        self._limits = limits
        self._kill_state = kill_state

    async def send(
        self,
        draft: OrderDraft,
        *,
        consent: Consent,
        cause: str | None,
        proposal_id: str | None,
        pending: int,
        leaves_by: float | None = None,
    ) -> dict[str, Any]:
        """Judge `draft` again and, if every rule passes, send it once. Returns the **outcome**.

        `leaves_by`: the monotonic time at which the yes ends; bytes that have not left by then never do.
        """
        refused = self._reserve(draft, consent=consent, cause=cause, proposal_id=proposal_id, pending=pending)
        if refused is not None:
            return refused
        await self._submit(draft, leaves_by)
        return await self.outcome(draft.client_order_id)

    def _reserve(
        self, draft: OrderDraft, *, consent: Consent, cause: str | None, proposal_id: str | None, pending: int
    ) -> dict[str, Any] | None:
        """Check and reserve in one transaction, without awaiting anything in between."""
        snapshot = self._snapshots.take(
            draft, kill_state=self._kill_state(), consent=consent, pending_approvals=pending
        )
        verdict = gate.decide(draft, snapshot, self._limits(), self._clock.now())
        with self._store.transaction():
            judged = self._store.record(
                "verdict",
                symbol=draft.symbol,
                cause=cause,
                decision_text=None if verdict.may_send else "refused at send: " + ", ".join(verdict.codes),
                result={**verdict.as_json(), "stage": "send"},
                keys=[draft.client_order_id, proposal_id],
            )
            if not verdict.may_send:
                texts = [c.text for c in verdict.checks if not c.ok]
                return {
                    "state": "refused_at_send",
                    "text": "Not sent: " + "; ".join(texts),
                    "record_ids": [judged.id],
                }
            rates = self._drafting.rates(draft.instrument, draft.option)
            sending = self._store.record(
                "order.sending",
                symbol=draft.symbol,
                cause=judged.id,
                result={"order": wire_fields(draft), "digest": consent.digest, "proposal_id": proposal_id},
                keys=[draft.client_order_id, proposal_id],
            )
            self._ledger.reserve(
                draft,
                usd_rate=rates.usd_rate,
                fee_bps=rates.fee_bps,
                proposal_id=proposal_id,
                record_id=sending.id,
            )
        return None

    def _may_leave(self, draft: OrderDraft, leaves_by: float | None) -> bool:
        """Say whether the bytes may still leave: asked when it is the order's turn on the wire."""
        state = self._kill_state()
        is_exit = draft.purpose is not Purpose.ENTRY
        is_open = state is KillState.ACTIVE or (state is KillState.REDUCING and is_exit)
        is_in_time = leaves_by is None or self._clock.monotonic() <= leaves_by
        return is_open and is_in_time and self._store.is_journal_ok

    async def _submit(self, draft: OrderDraft, leaves_by: float | None) -> None:
        order = self._ledger.get(draft.client_order_id)
        assert order is not None
        started = self._clock.monotonic()
        self._messages.hit()
        self._orders.hit()
        try:
            venue = await self._leave(draft, leaves_by)
        except VenueRejectedError as error:
            is_ours = error.code in _NEVER_LEFT
            if not is_ours:
                self._health.count_reject()
            reason = f"{error.reason or error.code}: {error.message}"
            self._settlement.reject(order, reason, never_sent=is_ours)
            return
        except OutcomeUnknownError as error:
            self._mark_unknown(order, error.message, started)
            return
        except asyncio.CancelledError:
            self._mark_unknown(order, "the desk stopped while waiting for the answer", started)
            raise
        except MatrixError as error:
            self._settlement.reject(order, f"{error.code}: {error.message}", never_sent=True)
            return
        self._settlement.accept(order, venue)
        self._health.clear_rejects()
        if not venue.is_live:
            self._settlement.close(draft.client_order_id, venue)
        self._account.latency_ms = round((self._clock.monotonic() - started) * 1000)

    async def _leave(self, draft: OrderDraft, leaves_by: float | None) -> VenueOrder:
        """Sign and send.

        A request that took its nonce later may leave first: then these bytes never do, and the same order
        is signed anew. What may have left is never signed again.
        """
        attempts = 0
        while True:
            signed = order_builder.build(draft, self._wire.credentials, self._wire.nonces.next())
            try:
                return await self._wire.rest.submit(
                    signed, may_leave=lambda: self._may_leave(draft, leaves_by)
                )
            except VenueRejectedError as error:
                attempts += 1
                if error.code != "NONCE_PASSED" or attempts >= _NONCE_ATTEMPTS:
                    raise

    def _mark_unknown(self, order: Order, why: str, started: float) -> None:
        with self._store.transaction():
            record = self._store.record(
                "order.unknown",
                symbol=order.symbol,
                cause=order.cause_id,
                result=about(order),
                error_text=why,
                latency_ms=round((self._clock.monotonic() - started) * 1000),
                keys=[order.client_order_id],
            )
            current = self._ledger.get(order.client_order_id)
            # Its events may have come in on the socket before the answer was lost.
            if current is not None and current.state is OrderState.SENDING:
                self._ledger.set_state(
                    order.client_order_id, OrderState.UNKNOWN, reason=why, cause_id=record.id
                )

    async def cancel(self, order: Order, *, cause: str | None, source: str) -> str | None:
        """Cancel one order at the venue; returns None, or why it could not be. Never blocked by a cap."""
        if order.venue_order_id is None:
            return "the exchange has not confirmed it yet; it is looked up and will be shown"
        # A cancel only reduces risk: a journal that cannot be written stops sends, never this.
        with suppress(sqlite3.Error):
            self._store.record(
                "order.cancelling",
                source=source,
                symbol=order.symbol,
                cause=cause or order.cause_id,
                result=about(order),
                keys=[order.venue_order_id, order.client_order_id],
            )
        self._messages.hit()
        try:
            venue = await self._wire.rest.cancel(order.venue_order_id)
            with suppress(sqlite3.Error):
                await self._after_cancel(order, venue)
        except MatrixError as error:
            return f"{error.code}: {error.message}"
        return None

    async def _after_cancel(self, order: Order, venue: VenueOrder) -> None:
        self._settlement.accept(order, venue)
        if venue.is_live:
            return
        if venue.executed_amount > order.filled:
            await self.look_up(order)
        self._settlement.close(order.client_order_id, venue)

    async def cancel_all(self, *, cause: str | None, source: str, keep_exits: bool = False) -> dict[str, Any]:
        """Cancel every live order of the account, also those made elsewhere.

        Returns the answer of `POST /cancel` after at most `CANCEL_WAIT_S`; what takes longer goes on by
        itself and is told as failed for now.
        """
        report: dict[str, Any] = {"cancelled": [], "failed": []}
        first = [o for o in self._ledger.live() if not (keep_exits and o.is_exit)]
        await self._cancel_these(first, report, cause=cause, source=source)
        try:
            known = await asyncio.wait_for(self._adoption.adopt_unknown(), CANCEL_WAIT_S)
        except (MatrixError, TimeoutError, sqlite3.Error):
            known = []
        known = [o for o in known if not (keep_exits and o.is_exit)]
        await self._cancel_these(known, report, cause=cause, source=source)
        # What could not be cancelled under our id may have been under the venue's.
        done = {o.client_order_id for o in known if o.venue_order_id in report["cancelled"]}
        report["failed"] = [f for f in report["failed"] if f["order_id"] not in done]
        if not self._store.is_journal_ok and not keep_exits:
            # Rows that could not be written may hide an order: the venue's own list cancels it too.
            with suppress(MatrixError, TimeoutError):
                await asyncio.wait_for(self._wire.rest.cancel_session(), CANCEL_WAIT_S)
        return report

    async def cancel_these(self, orders: list[Order], *, source: str) -> list[str]:
        """Cancel these orders at once; returns the names of those that were."""
        report: dict[str, Any] = {"cancelled": [], "failed": []}
        await self._cancel_these(orders, report, cause=None, source=source)
        return list(report["cancelled"])

    async def _cancel_these(
        self, orders: list[Order], report: dict[str, Any], *, cause: str | None, source: str
    ) -> None:
        if not orders:
            return
        tasks = {asyncio.create_task(self.cancel(o, cause=cause, source=source)): o for o in orders}
        await asyncio.wait(tasks, timeout=CANCEL_WAIT_S)
        for task, order in tasks.items():
            name = order.venue_order_id or order.client_order_id
            problem = task.result() if task.done() else "still being cancelled"
            if problem is None:
                report["cancelled"].append(name)
            else:
                report["failed"].append({"order_id": name, "message": problem})
            if not task.done():
                self._late.add(task)
                task.add_done_callback(self._late.discard)

    async def look_up(self, order: Order) -> bool:
        """Ask the venue for one order, by its own id when that is known; returns whether it was found.

        Raises venue faults.
        """
        if order.venue_order_id is not None:
            found = await self._wire.rest.order_status(venue_order_id=order.venue_order_id)
        else:
            found = await self._wire.rest.order_status(client_order_id=order.client_order_id)
        if not found:
            ours = {order.client_order_id, order.venue_order_id} - {None}
            found = [
                v for v in await self._wire.rest.open_orders() if {v.client_order_id, v.venue_order_id} & ours
            ]
        if not found:
            return False
        fills = []
        if any(v.executed_amount > order.filled for v in found):
            fills = await self._wire.rest.my_trades(symbol=order.symbol)
        for venue in found:
            self._settlement.apply_state(venue, fills)
        return True

    async def outcome(self, client_order_id: str) -> dict[str, Any]:
        """Return the **outcome** of `docs/desk-api.md` once the venue's events are in, or after a while."""
        order = self._ledger.get(client_order_id)
        assert order is not None
        if order.state.is_live:
            if order.option is None and order.state is OrderState.OPEN:
                # A resting order answers at once; one that trades on arrival gets the time its fills need.
                settled = await self._settlement.wait_for(client_order_id, _is_done, 0.6)
            else:
                settled = await self._settlement.wait_for(client_order_id, _is_done, SETTLE_WAIT_S)
            order = settled or order
        await self._account.refresh()
        order = self._ledger.get(client_order_id) or order
        return outcome_of(order, self._ledger.fills(client_order_id=client_order_id))


def _is_done(order: Order) -> bool:
    return not order.state.is_live


def outcome_of(order: Order, fills: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what became of an order, in words made of its own numbers."""
    base, quote = order.base.upper(), order.quote.upper()
    fee = sum((Decimal(f["fee"]) for f in fills), start=ZERO)
    average = None if order.average_price is None else price_text(order.average_price)
    done = f"{to_wire(order.filled)} {base} at {average} {quote}, fee {to_wire(fee)} {quote}"
    name = order.venue_order_id or order.client_order_id
    verb = "Bought" if order.side.value == "buy" else "Sold"
    state, text = _describe(order, done, verb, base, quote)
    return {
        "state": state,
        "text": f"{text} (order {name}).",
        "order_id": order.venue_order_id,
        "filled": to_wire(order.filled),
        "average_price": average,
        "fee": to_wire(fee),
        "fee_currency": quote,
        "record_ids": [order.record_id, *(f["record_id"] for f in fills)],
    }


def _describe(order: Order, done: str, verb: str, base: str, quote: str) -> tuple[str, str]:
    rest = f"{to_wire(order.amount - order.filled)} {base}"
    resting = f"{order.side.value} {rest} at {to_wire(order.price)} {quote}"
    never = ("rejected", f"Not placed: {order.reason}")
    unsure = ("unknown", "No answer from the exchange yet; it counts as live and is being looked up")
    untouched = {
        OrderState.CANCELLED: ("cancelled", f"Nothing traded: cancelled ({order.reason})"),
        OrderState.OPEN: ("resting", f"Resting: {resting}"),
    }
    traded = {
        OrderState.CANCELLED: ("partly_filled", f"{verb} {done}; {rest} was cancelled ({order.reason})"),
        OrderState.OPEN: ("resting", f"{verb} {done}; still resting: {resting}"),
    }
    by_state = {
        OrderState.FILLED: ("filled", f"{verb} {done}"),
        OrderState.REJECTED: never,
        OrderState.NEVER_ARRIVED: never,
        OrderState.SENDING: unsure,
        OrderState.UNKNOWN: unsure,
        **(traded if order.filled else untouched),
    }
    return by_state[order.state]
