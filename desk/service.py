"""The desk as one thing: what its API and its timers do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from desk.account import Account
from desk.drafts import Drafting, intent_from_json
from desk.events import EventHub
from desk.explaining import Explaining
from desk.ledger import Ledger
from desk.lights import Lights
from desk.limit_file import LimitFile
from desk.market import Market
from desk.orders import Order
from desk.portfolio import Portfolio
from desk.proposals import PENDING, Proposal, Proposals
from desk.proposing import Proposing
from desk.reconciliation import Reconciliation
from desk.sending import Sending, outcome_of
from desk.settings import Settings
from desk.settlement import Settlement
from desk.snapshots import Health
from desk.stopping import Stopping
from desk.store import Store
from desk.wire import Wire
from domain.clock import Clock, rfc3339
from domain.errors import BadInputError, ConflictError, LockedError, MatrixError, NotFoundError
from domain.ids import IdSource
from domain.order import Origin
from guardrails.kill_switch import Actor
from guardrails.snapshot import Consent, ConsentKind, KillState

VERSION = "0.1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything wiring built, each with one job."""

    settings: Settings
    store: Store
    wire: Wire
    ids: IdSource
    ledger: Ledger
    market: Market
    account: Account
    portfolio: Portfolio
    drafting: Drafting
    proposals: Proposals
    proposing: Proposing
    settlement: Settlement
    sending: Sending
    stopping: Stopping
    reconciliation: Reconciliation
    explaining: Explaining
    limit_file: LimitFile
    lights: Lights
    health: Health
    hub: EventHub
    clock: Clock
    account_name: str
    journal_key: Ed25519PublicKey
    mode_line: Callable[[], str]


class Desk:
    """What can be asked of the desk. Scopes are checked before, in `desk.api`."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        parts.settlement.on_order = self._order_changed
        parts.settlement.on_fill = self._filled
        parts.stopping.on_change = self._latch_changed
        parts.stopping.on_card = self._publish_proposal

    # -- showing

    def status(self) -> dict[str, Any]:
        """Return **status** of `docs/desk-api.md`."""
        p = self.parts
        return {
            "mode": p.store.mode.value,
            "venue": p.store.venue,
            "account": p.account_name,
            "mode_line": p.mode_line(),
            "kill_state": p.stopping.state().value,
            "kill_reason": p.stopping.latch.reason,
            "now": rfc3339(p.clock.now()),
            "timezone": p.settings.timezone,
            "lights": p.lights.as_json(),
            "pending_proposals": p.proposals.count_pending(),
            "reconciled": p.health.is_reconciled,
            "version": VERSION,
        }

    def proposal_json(self, proposal: Proposal) -> dict[str, Any]:
        """Return **proposal** of `docs/desk-api.md`."""
        order = None
        if proposal.client_order_id:
            found = self.parts.ledger.get(proposal.client_order_id)
            order = None if found is None else found.as_json()
        return {
            "id": proposal.id,
            "kind": proposal.kind,
            "state": proposal.state,
            "digest": proposal.digest,
            "created_at": rfc3339(proposal.created_at),
            "expires_at": rfc3339(proposal.expires_at),
            "expires_in_s": round(self.parts.proposals.seconds_left(proposal), 1),
            "origin": proposal.origin,
            "conversation": proposal.conversation,
            "rationale": proposal.rationale,
            "card": proposal.body["card"],
            "verdict": proposal.body["verdict"],
            "order": order,
            "outcome": proposal.outcome,
            "replaced_by": proposal.replaced_by,
            "is_flatten": proposal.is_flatten,
            "record_id": proposal.record_id,
        }

    # -- what the conversation may do

    def propose(
        self, intent: dict[str, Any], *, origin: Origin, cause: str | None, conversation: str | None
    ) -> Proposal:
        """Make a card, or a refusal with its numbers."""
        proposal = self.parts.proposing.propose(
            intent_from_json(intent),
            origin=origin,
            intent_json=intent,
            cause=cause,
            conversation=conversation,
        )
        self._publish_proposal(proposal.id)
        return proposal

    def propose_limit(
        self, name: str, value: str, *, origin: Origin, cause: str | None, conversation: str | None
    ) -> Proposal:
        """Make a card for a changed limit."""
        proposal = self.parts.proposing.propose_limit(
            name, value, origin=origin, cause=cause, conversation=conversation
        )
        self._publish_proposal(proposal.id)
        return proposal

    async def cancel(self, order_id: str | None, *, cause: str | None, source: str) -> dict[str, Any]:
        """Cancel one order by either id, or all of ours."""
        if order_id is None:
            return await self.parts.sending.cancel_all(cause=cause, source=source)
        order = self.parts.ledger.find(client_order_id=order_id, venue_order_id=order_id)
        if order is None:
            raise NotFoundError(
                "NO_SUCH_ORDER", f"there is no order {order_id!r:.40}", "List the open ones first."
            )
        if not order.state.is_live:
            raise ConflictError(
                "ORDER_CLOSED", f"order {order_id} is {order.state.value} already", "Nothing to cancel."
            )
        problem = await self.parts.sending.cancel(order, cause=cause, source=source)
        failed = [] if problem is None else [{"order_id": order_id, "message": problem}]
        await self.parts.account.refresh()
        return {"cancelled": [] if problem else [order_id], "failed": failed}

    async def flatten_and_pause(
        self, reason: str, *, cause: str | None, conversation: str | None
    ) -> dict[str, Any]:
        """Do a model's stop: cancel and halt now, offer the sale as cards."""
        answer = await self.parts.stopping.halt_for(
            Actor.MODEL, reason or "stopped from the chat", cause=cause, conversation=conversation
        )
        cards = [self.proposal_json(p) for p in answer.pop("proposals")]
        for card in cards:
            self.parts.hub.publish("proposal", card)
        return {**answer, "proposals": cards}

    # -- what only a person may do

    async def approve(self, proposal_id: str, digest: str) -> Proposal:
        """Take a person's yes to exactly this digest; first answer wins, and all rules run again."""
        p = self.parts
        proposal = p.proposals.get(proposal_id)
        if p.stopping.state() is not KillState.ACTIVE and proposal.kind == "order":
            self._check_halted(proposal)
        leaves_by = p.clock.monotonic() + p.proposals.seconds_left(proposal)
        approved = p.proposals.answer(
            proposal, "approved", text="approved by the person", digest=digest, source="person"
        )
        self._publish_proposal(proposal_id)
        if approved.kind == "limit":
            return self._apply_limit(approved)
        outcome: dict[str, Any] | None = None
        try:
            if approved.is_flatten and p.stopping.state() is not KillState.ACTIVE:
                outcome = await p.stopping.flatten_approved(
                    lambda: self._send(approved, digest, leaves_by), cause=approved.record_id
                )
            else:
                outcome = await self._send(approved, digest, leaves_by)
        except (MatrixError, sqlite3.Error) as error:
            outcome = self._outcome_now(approved) or _not_sent(str(error), approved.record_id)
        done = p.proposals.set_outcome(proposal_id, outcome)
        self._publish_proposal(proposal_id)
        self._publish_portfolio()
        return done

    def _check_halted(self, proposal: Proposal) -> None:
        if proposal.is_flatten or proposal.state != PENDING:
            return
        raise LockedError(
            "HALTED",
            f"the desk is {self.parts.stopping.state().value}: {self.parts.stopping.latch.reason}",
            "Release it first (matrix release, or the button), then ask for a fresh card.",
        )

    async def _send(self, proposal: Proposal, digest: str, leaves_by: float) -> dict[str, Any]:
        draft = self.parts.proposing.draft_of(proposal)
        now = self.parts.proposing.digest_now(proposal, draft)
        consent = Consent(kind=ConsentKind.PERSON, digest=digest, draft_digest=now)
        if proposal.is_flatten and self.parts.stopping.state() is KillState.REDUCING and now == digest:
            # The person's yes to a sale after a stop is the person's own stop: not held up by its pace.
            consent = Consent(kind=ConsentKind.KILL, digest=digest, draft_digest=now)
            draft = replace(draft, origin=Origin.KILL)
        return await self.parts.sending.send(
            draft,
            consent=consent,
            cause=proposal.record_id,
            proposal_id=proposal.id,
            pending=self.parts.proposals.count_pending(),
            leaves_by=leaves_by,
        )

    def _outcome_now(self, proposal: Proposal) -> dict[str, Any] | None:
        """Return what the ledger knows of an approved card's order, None when none was sent."""
        order = None
        if proposal.client_order_id:
            order = self.parts.ledger.get(proposal.client_order_id)
        if order is None:
            return None
        return outcome_of(order, self.parts.ledger.fills(client_order_id=order.client_order_id))

    def close_open_ends(self) -> None:
        """Give every card that was approved before a crash its outcome, or say that it was not sent."""
        for proposal in self.parts.proposals.without_outcome():
            outcome = self._outcome_now(proposal)
            self.parts.proposals.set_outcome(
                proposal.id,
                outcome or _not_sent("the desk stopped before it was sent", proposal.record_id),
            )

    def _apply_limit(self, proposal: Proposal) -> Proposal:
        change = proposal.body["change"]
        try:
            text = self.parts.limit_file.apply(change["name"], change["value"], cause=proposal.record_id)
            outcome = {"state": "applied", "text": text, "record_ids": [proposal.record_id]}
        except BadInputError as error:
            outcome = {"state": "rejected", "text": str(error), "record_ids": [proposal.record_id]}
        done = self.parts.proposals.set_outcome(proposal.id, outcome)
        self._publish_proposal(proposal.id)
        return done

    def reject(self, proposal_id: str, reason: str | None) -> Proposal:
        """Take a person's no."""
        proposal = self.parts.proposals.get(proposal_id)
        text = "rejected by the person" + (f": {reason}" if reason else "")
        done = self.parts.proposals.answer(proposal, "rejected", text=text)
        self._publish_proposal(proposal_id)
        return done

    def edit(self, proposal_id: str, *, amount: str | None, price: str | None) -> Proposal:
        """Make a new card in place of one."""
        new = self.parts.proposing.edit(proposal_id, amount=amount, price=price)
        self._publish_proposal(proposal_id)
        self._publish_proposal(new.id)
        return new

    async def kill(self, *, keep: bool) -> dict[str, Any]:
        """Do a person's stop."""
        answer = await self.parts.stopping.kill(keep=keep)
        self._publish_portfolio()
        return answer

    def release(self) -> dict[str, Any]:
        """Do a person's release."""
        self.parts.stopping.release()
        return self.status()

    # -- timers

    def expire(self) -> None:
        """End every card whose time is up, those of an earlier start included."""
        for proposal in self.parts.proposals.overdue():
            self.parts.proposals.answer(proposal, "expired", text="expired unanswered", source="desk")
            self._publish_proposal(proposal.id)

    # -- telling

    def _order_changed(self, order: Order) -> None:
        self.parts.hub.publish("order", order.as_json())
        self._refresh_outcome(order)

    def _filled(self, fill: dict[str, Any]) -> None:
        order = self.parts.ledger.get(fill["client_order_id"])
        if order is not None:
            self.parts.stopping.after_fill(order)
        self.parts.hub.publish("fill", fill)
        self._publish_portfolio()

    def _refresh_outcome(self, order: Order) -> None:
        """Keep the card's outcome true when its order moves later, such as a resting one that fills."""
        if not order.proposal_id:
            return
        proposal = self.parts.proposals.get(order.proposal_id)
        if proposal.outcome is None:
            return
        outcome = self._outcome_now(proposal)
        if outcome is not None and outcome != proposal.outcome:
            self.parts.proposals.set_outcome(proposal.id, outcome)
            self._publish_proposal(proposal.id)

    def _publish_proposal(self, proposal_id: str) -> None:
        if self.parts.hub.has_readers:
            self.parts.hub.publish("proposal", self.proposal_json(self.parts.proposals.get(proposal_id)))

    def _publish_portfolio(self) -> None:
        if self.parts.hub.has_readers:
            self.parts.hub.publish("portfolio", self.parts.portfolio.as_json())

    def _latch_changed(self) -> None:
        latch = self.parts.stopping.latch
        self.parts.hub.publish("kill", {"kill_state": latch.state.value, "reason": latch.reason})
        self.parts.hub.publish("status", self.status())


def _not_sent(why: str, record_id: str) -> dict[str, Any]:
    return {"state": "refused_at_send", "text": f"Not sent: {why}", "record_ids": [record_id]}
