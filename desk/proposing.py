"""From an intent to a card, from a card to a yes, an edit or a no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from desk.cards import limit_card, order_card
from desk.drafts import Drafting, draft_from_json, draft_json
from desk.limit_file import LimitFile
from desk.market import Market
from desk.proposals import PENDING, Proposal, Proposals
from desk.snapshots import Snapshots
from desk.store import Store
from domain.clock import Clock, rfc3339
from domain.errors import BadInputError, ConflictError, MatrixError
from domain.market import BookView
from domain.money import parse_decimal, to_wire
from domain.order import OrderDraft, OrderIntent, Origin
from guardrails import consent as consents
from guardrails import gate
from guardrails.snapshot import Consent, ConsentKind, KillState, Snapshot
from guardrails.verdict import Verdict


class Proposing:
    """Makes and edits proposals; answers to them are in `desk.service`."""

    def __init__(
        self,
        *,
        store: Store,
        market: Market,
        drafting: Drafting,
        snapshots: Snapshots,
        proposals: Proposals,
        limit_file: LimitFile,
        clock: Clock,
        account_name: str,
        kill_state: Callable[[], KillState],
    ) -> None:
        self._store = store
        self._market = market
        self._drafting = drafting
        self._snapshots = snapshots
        self._proposals = proposals
        self._limit_file = limit_file
        self._clock = clock
        self._account_name = account_name
        self._kill_state = kill_state

    def propose(
        self,
        intent: OrderIntent,
        *,
        origin: Origin,
        intent_json: dict[str, Any],
        cause: str | None,
        conversation: str | None,
        is_flatten: bool = False,
    ) -> Proposal:
        """Record the intent, draft it, judge it and store the card. Raises `BadInputError` (recorded)."""
        wanted = self._store.record(
            "intent",
            source=origin.value,
            symbol=intent.symbol,
            cause=cause,
            payload_text=intent.rationale or None,
            result=intent_json,
        )
        try:
            draft = self._drafting.draft(intent, origin)
        except MatrixError as error:
            self._store.record(
                "verdict",
                symbol=intent.symbol,
                cause=wanted.id,
                decision_text=f"refused before drafting: {error.code}",
                error_text=str(error),
            )
            raise
        return self._store_draft(
            draft,
            cause=wanted.id,
            conversation=conversation,
            rationale=intent.rationale,
            is_flatten=is_flatten,
            notes=_rounding(intent, draft),
        )

    def _store_draft(
        self,
        draft: OrderDraft,
        *,
        cause: str,
        conversation: str | None,
        rationale: str,
        is_flatten: bool,
        notes: tuple[str, ...] = (),
    ) -> Proposal:
        """Judge one draft and store its proposal, pending or refused."""
        snapshot, verdict = self._judge(draft, is_flatten=is_flatten)
        limits = self._limit_file.limits
        created = self._clock.now()
        expires = self._proposals.expiry(int(limits.approval_ttl_s))
        fields = consents.wire_fields(draft)
        book = snapshot.book
        with self._store.transaction():
            proposal_id = self._proposals.new_id()
            judged = self._store.record(
                "verdict",
                symbol=draft.symbol,
                cause=cause,
                decision_text=None if not verdict.is_refused else "refused: " + ", ".join(verdict.codes),
                result={
                    **verdict.as_json(),
                    "stage": "proposal",
                    "proposal_id": proposal_id,
                    "market": None if book is None else _as_seen(book),
                },
                keys=[proposal_id, draft.client_order_id],
            )
            proposal = Proposal(
                id=proposal_id,
                kind="order",
                state="refused" if verdict.is_refused else PENDING,
                digest=self._digest(fields, rfc3339(expires)),
                created_at=created,
                expires_at=expires,
                origin=draft.origin.value,
                conversation=conversation,
                rationale=rationale,
                body={
                    "card": order_card(draft, fields, snapshot, (*notes, *verdict.warnings)),
                    "verdict": verdict.as_json(),
                    "draft": draft_json(draft),
                },
                outcome=None,
                client_order_id=draft.client_order_id,
                replaced_by=None,
                is_flatten=is_flatten,
                record_id=judged.id,
            )
            self._proposals.insert(proposal)
        return proposal

    def _judge(
        self, draft: OrderDraft, *, is_flatten: bool, is_edit: bool = False
    ) -> tuple[Snapshot, Verdict]:
        """Take the picture and ask the gate, before anybody has said yes."""
        snapshot = self._snapshots.take(
            draft,
            # A flatten card's yes is the person's own move into `reducing`, so it is judged as in there.
            kill_state=KillState.REDUCING if is_flatten else self._kill_state(),
            consent=Consent(kind=ConsentKind.NONE),
            # An edit replaces a card, and one that reduces what is held must not be crowded out by others.
            pending_approvals=0 if is_flatten or is_edit else self._proposals.count_pending(),
        )
        if is_flatten:
            snapshot = _unpaced(snapshot)
        return snapshot, gate.decide(draft, snapshot, self._limit_file.limits, self._clock.now())

    def _digest(self, fields: dict[str, object], expires_at: str) -> str:
        return consents.digest(
            fields,
            mode=self._store.mode.value,
            venue=self._store.venue,
            account=self._account_name,
            expires_at=expires_at,
        )

    def draft_of(self, proposal: Proposal) -> OrderDraft:
        """Return the stored draft, valued at today's rate: the bytes stay, their dollars are fresh."""
        values = proposal.body["draft"]
        draft = draft_from_json(values, self._market.instrument(values["symbol"]))
        rates = self._drafting.rates(draft.instrument, draft.option)
        return self._drafting.revalue(draft, rates)

    def digest_now(self, proposal: Proposal, draft: OrderDraft) -> str:
        """Return the digest of the bytes that would be sent now; the gate compares it with the yes."""
        return self._digest(consents.wire_fields(draft), rfc3339(proposal.expires_at))

    def edit(self, proposal_id: str, *, amount: str | None, price: str | None) -> Proposal:
        """Void a card and make a new one with another amount or price. Bad numbers raise and void nothing."""
        old = self._proposals.get(proposal_id)
        if old.kind != "order":
            raise BadInputError("NOT_EDITABLE", "only an order can be edited", "Reject it and ask anew.")
        if amount is None and price is None:
            raise BadInputError(
                "NOTHING_TO_EDIT", "neither amount nor price was given", "Change one of them."
            )
        if old.state != PENDING:
            raise ConflictError(
                "ANSWERED_BEFORE", f"proposal {old.id} is {old.state} already", "Ask for a new card."
            )
        draft = self._edited(self.draft_of(old), amount, price)
        self._check_edit(old, draft)
        with self._store.transaction():
            voided = self._proposals.answer(
                old, "voided", text="edited by the person: a new card replaces it"
            )
            new = self._store_draft(
                draft,
                cause=voided.record_id,
                conversation=old.conversation,
                rationale=old.rationale,
                is_flatten=old.is_flatten,
            )
            self._proposals.set_replaced(old.id, new.id)
        return new

    def _check_edit(self, old: Proposal, draft: OrderDraft) -> None:
        """Raise when the rules refuse the edited order, so that the old card stays as it is."""
        _, verdict = self._judge(draft, is_flatten=old.is_flatten, is_edit=True)
        if not verdict.is_refused:
            return
        why = " ".join(c.text for c in verdict.checks if not c.ok and c.rule != "consent")
        self._store.record(
            "verdict",
            symbol=draft.symbol,
            cause=old.record_id,
            decision_text="an edit was refused: " + ", ".join(verdict.codes),
            result={**verdict.as_json(), "stage": "edit", "proposal_id": old.id},
            keys=[old.id],
        )
        raise BadInputError("EDIT_REFUSED", why, "The card is unchanged: edit again, approve or reject it.")

    def _edited(self, draft: OrderDraft, amount: str | None, price: str | None) -> OrderDraft:
        instrument = draft.instrument
        new_price = draft.price if price is None else _positive(price, "price")
        new_amount = draft.amount if amount is None else _positive(amount, "amount")
        if instrument.round_price(new_price, draft.side) != new_price:
            raise BadInputError(
                "OFF_TICK",
                f"the price {price} is not on the tick of {instrument.price_tick}",
                f"Use {instrument.round_price(new_price, draft.side)}.",
            )
        if instrument.round_amount(new_amount) != new_amount:
            raise BadInputError(
                "OFF_STEP",
                f"the amount {amount} is finer than the step of {instrument.amount_step:f}",
                f"Use {instrument.round_amount(new_amount):f}.",
            )
        changed = replace(
            draft, amount=new_amount, price=new_price, client_order_id=self._drafting.new_order_id()
        )
        return self._drafting.revalue(changed, self._drafting.rates(instrument, draft.option))

    def _same_limit(self, name: str) -> list[Proposal]:
        """Return waiting cards for this limit; raises `ConflictError` when too many others wait."""
        most = self._limit_file.limits.max_pending_approvals
        waiting = self._proposals.select(pending_only=True, limit=1000)
        same = [p for p in waiting if p.kind == "limit" and p.body["change"]["name"] == name]
        if len(waiting) - len(same) >= most:
            raise ConflictError(
                "TOO_MANY_CARDS",
                f"{len(waiting)} cards are waiting and {most} are allowed",
                "Answer some of them first.",
            )
        return same

    def propose_limit(
        self, name: str, value: str, *, origin: Origin, cause: str | None, conversation: str | None
    ) -> Proposal:
        """Store a card for a changed limit; raises `BadInputError` for an unknown name or a bad value."""
        change = self._limit_file.judge(name, value)
        limits = self._limit_file.limits
        same = self._same_limit(name)
        created = self._clock.now()
        expires = self._proposals.expiry(int(limits.approval_ttl_s))
        with self._store.transaction():
            for older in same:
                self._proposals.answer(older, "voided", text="a newer card for this limit", source="desk")
            proposal_id = self._proposals.new_id()
            wanted = self._store.record(
                "intent",
                source=origin.value,
                cause=cause,
                result={"limit": name, "value": value},
                keys=[proposal_id],
            )
            proposal = Proposal(
                id=proposal_id,
                kind="limit",
                state=PENDING,
                digest=self._limit_file.digest(
                    change,
                    mode=self._store.mode.value,
                    account=self._account_name,
                    expires_at=rfc3339(expires),
                ),
                created_at=created,
                expires_at=expires,
                origin=origin.value,
                conversation=conversation,
                rationale="",
                body={
                    "card": limit_card(
                        change.name,
                        change.old,
                        change.new,
                        change.unit,
                        is_tightening=change.is_tightening,
                        delay_s=str(limits.widen_delay_s),
                    ),
                    "verdict": {"outcome": "needs_person", "codes": [], "checks": [], "warnings": []},
                    "change": {"name": change.name, "value": change.new},
                },
                outcome=None,
                client_order_id=None,
                replaced_by=None,
                is_flatten=False,
                record_id=wanted.id,
            )
            self._proposals.insert(proposal)
        return proposal


def _rounding(intent: OrderIntent, draft: OrderDraft) -> tuple[str, ...]:
    """Say where the order differs from what was asked, because the exchange trades in steps."""
    pairs = (("price", intent.price, draft.price), ("amount", intent.amount, draft.amount))
    return tuple(
        f"The {name} was rounded in your favour, from {to_wire(asked)} to {to_wire(used)}."
        for name, asked, used in pairs
        if asked is not None and asked != used
    )


def _unpaced(snapshot: Snapshot) -> Snapshot:
    """Return the picture without the day's pace: a card that closes a position is always offered."""
    return replace(
        snapshot,
        orders_last_60s=0,
        messages_last_60s=0,
        rejects_in_a_row=0,
        seconds_since_order_in_symbol=None,
        seconds_since_same_order=None,
    )


def _as_seen(book: BookView) -> dict[str, str | None]:
    """Return the market as the verdict saw it, for the record."""
    return {
        "bid": None if book.bid is None else to_wire(book.bid),
        "ask": None if book.ask is None else to_wire(book.ask),
        "age_s": None if book.age_s is None else f"{book.age_s:.3f}",
    }


def _positive(text: str, what: str) -> Decimal:
    value = parse_decimal(text, what)
    if value <= 0:
        raise BadInputError("NOT_POSITIVE", f"{what} must be above zero", f"Give a {what} above zero.")
    return value
