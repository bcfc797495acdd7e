"""The kill latch at work: cancel everything, flatten if a person said so, halt; only a person releases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from desk.drafts import Drafting
from desk.ledger import Ledger
from desk.limit_file import LimitFile
from desk.market import Market
from desk.orders import Order
from desk.proposals import Proposal, Proposals
from desk.proposing import Proposing
from desk.sending import Sending
from desk.snapshots import Health
from desk.store import Store
from domain.clock import Clock, parse_rfc3339, rfc3339
from domain.errors import MatrixError
from domain.instrument import Side
from domain.money import CONTEXT, to_wire
from domain.order import ExecutionOption, OrderIntent, OrderState, Origin, Purpose
from guardrails.kill_switch import Actor, Latch
from guardrails.limits import KillPositions
from guardrails.snapshot import Consent, ConsentKind, KillState

_LATCH = "kill_latch"


class Stopping:
    """Holds the latch, durable before anything acts on it."""

    def __init__(
        self,
        *,
        store: Store,
        ledger: Ledger,
        market: Market,
        drafting: Drafting,
        proposals: Proposals,
        health: Health,
        limit_file: LimitFile,
        clock: Clock,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._market = market
        self._drafting = drafting
        self._proposals = proposals
        self._health = health
        self._limit_file = limit_file
        self._clock = clock
        self._tasks: set[asyncio.Task[Any]] = set()
        self.on_change: Callable[[], None] = lambda: None
        self.on_voided: Callable[[str], None] = lambda _proposal_id: None
        self.latch = self._load()

    def connect(self, sending: Sending, proposing: Proposing) -> None:
        """Take the parts that themselves look at the latch."""
        self._sending = sending
        self._proposing = proposing

    def state(self) -> KillState:
        """Return where the latch stands."""
        return self.latch.state

    def _load(self) -> Latch:
        stored = self._store.get_meta(_LATCH)
        if stored is None:
            return Latch(
                state=KillState.ACTIVE, reason="first start", since=self._clock.now(), actor=Actor.PERSON
            )
        values = json.loads(stored)
        state = KillState(values["state"])
        # A stop that a crash cut short is finished as halted: it never re-fires by itself.
        return Latch(
            state=KillState.HALTED if state is KillState.REDUCING else state,
            reason=values["reason"],
            since=parse_rfc3339(values["since"]),
            actor=Actor(values["actor"]),
        )

    def _move(self, latch: Latch, kind: str, *, cause: str | None) -> str:
        with self._store.transaction():
            record = self._store.record(
                kind,
                source=latch.actor.value,
                cause=cause,
                decision_text=f"{latch.state.value}: {latch.reason}",
                result={"kill_state": latch.state.value, "reason": latch.reason},
            )
            self._store.set_meta(
                _LATCH,
                json.dumps(
                    {
                        "state": latch.state.value,
                        "reason": latch.reason,
                        "since": rfc3339(latch.since),
                        "actor": latch.actor.value,
                    }
                ),
            )
        self.latch = latch
        self.on_change()
        return record.id

    async def kill(self, *, keep: bool) -> dict[str, Any]:
        """Do a person's kill: reducing, cancel, flatten unless `keep`, halted."""
        is_running = self.latch.state is KillState.REDUCING
        if is_running or (keep and self.latch.state is KillState.HALTED):
            report = await self._sending.cancel_all(cause=None, source="person")
            return {**self._state_json(), **report, "flattened": [], "record_id": None}
        reason = "stopped by the person" + (", positions kept" if keep else "")
        # Halted already (the model stopped it, say): the person's own stop still flattens.
        latch = self.latch.begin_reducing(Actor.PERSON, reason, self._clock.now())
        record_id = self._move(latch, "kill", cause=None)
        self._void_pending("the desk was stopped", cause_source="person")
        flattened: list[Order] = []
        try:
            report = await self._sending.cancel_all(cause=record_id, source="person")
            if not keep and self._limit_file.limits.kill_positions is KillPositions.FLATTEN:
                flattened = await self._flatten(record_id)
        finally:
            self._move(self.latch.halt(Actor.PERSON, reason, self._clock.now()), "kill", cause=record_id)
        rows = [o.as_json() for o in flattened]
        return {**self._state_json(), **report, "flattened": rows, "record_id": record_id}

    async def halt_for(
        self, actor: Actor, reason: str, *, cause: str | None, conversation: str | None
    ) -> Any:
        """Do a model's or a guard's stop: cancel, halt; selling is offered as cards."""
        latch = self.latch.stop(actor, reason, self._clock.now())
        record_id = None
        if latch is not self.latch:
            record_id = self._move(latch, "kill", cause=cause)
            self._void_pending("the desk was stopped", cause_source=actor.value)
        report = await self._sending.cancel_all(cause=record_id or cause, source=actor.value)
        cards = self._offer_to_flatten(record_id or cause, conversation)
        return {**self._state_json(), **report, "proposals": cards, "record_id": record_id}

    def release(self) -> None:
        """Let a person's release re-arm the desk."""
        latch = self.latch.release(Actor.PERSON, "released by the person", self._clock.now())
        if latch is not self.latch:
            self._health.rejects_in_a_row = 0
            self._move(latch, "release", cause=None)

    async def flatten_approved(self, send: Callable[[], Any], *, cause: str) -> Any:
        """Send one approved flatten card: reducing for its length, then halted again."""
        latch = self.latch.begin_reducing(Actor.PERSON, "flatten approved by the person", self._clock.now())
        self._move(latch, "kill", cause=cause)
        try:
            return await send()
        finally:
            self._move(self.latch.halt(Actor.PERSON, "flattened", self._clock.now()), "kill", cause=cause)

    def after_order_change(self, order: Order) -> None:
        """Cancel what the venue acknowledges after a stop, unless it reduces."""
        is_exit = order.purpose != Purpose.ENTRY.value and self.latch.state is KillState.REDUCING
        if self.latch.state is KillState.ACTIVE or is_exit or order.state is not OrderState.OPEN:
            return
        task = asyncio.get_running_loop().create_task(self._cancel_late(order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _cancel_late(self, order: Order) -> None:
        current = self._ledger.get(order.client_order_id)
        if current is not None and current.state is OrderState.OPEN:
            await self._sending.cancel(current, cause=None, source="guard")

    def _void_pending(self, text: str, *, cause_source: str) -> None:
        for proposal in self._proposals.select(pending_only=True, limit=1000):
            self._proposals.answer(proposal, "voided", text=text, source=cause_source)
            self.on_voided(proposal.id)

    def _exits(self) -> list[OrderIntent]:
        """Return one exit per position that is large enough to sell, priced inside the collar."""
        intents = []
        for position in self._ledger.positions():
            instrument = self._market.instruments.get(f"{position.asset}usd")
            if instrument is None or instrument.round_amount(position.amount) < instrument.min_amount:
                continue
            mid = self._market.view(instrument.symbol, 1).mid
            if mid is None:
                continue
            # Half-way to the collar: deep enough to fill at the market's own prices, and still inside
            # when the market moves between the card and the yes.
            floor = CONTEXT.multiply(mid, 1 - self._limit_file.limits.price_collar_pct / 200)
            intents.append(
                OrderIntent(
                    symbol=instrument.symbol,
                    side=Side.SELL,
                    amount=instrument.round_amount(position.amount),
                    price=instrument.round_price(floor, Side.SELL),
                    option=ExecutionOption.IMMEDIATE_OR_CANCEL,
                    purpose=Purpose.REDUCE,
                    rationale="Flatten after the stop.",
                )
            )
        return intents

    async def _flatten(self, record_id: str) -> list[Order]:
        orders = []
        for intent in self._exits():
            try:
                draft = self._drafting.draft(intent, Origin.KILL)
            except MatrixError as error:
                self._store.record("kill", cause=record_id, symbol=intent.symbol, error_text=str(error))
                continue
            await self._sending.send(
                draft, consent=Consent(kind=ConsentKind.KILL), cause=record_id, proposal_id=None, pending=0
            )
            order = self._ledger.get(draft.client_order_id)
            if order is not None:
                orders.append(order)
        return orders

    def _offer_to_flatten(self, cause: str | None, conversation: str | None) -> list[Proposal]:
        waiting = {
            p.body["draft"]["symbol"] for p in self._proposals.select(pending_only=True) if p.is_flatten
        }
        cards = []
        for intent in self._exits():
            if intent.symbol in waiting:
                continue
            assert intent.amount is not None
            wanted = {"symbol": intent.symbol, "side": "sell", "amount": to_wire(intent.amount)}
            cards.append(
                self._proposing.propose(
                    intent,
                    origin=Origin.MODEL,
                    intent_json=wanted,
                    cause=cause,
                    conversation=conversation,
                    is_flatten=True,
                )
            )
        return cards

    def _state_json(self) -> dict[str, Any]:
        return {"kill_state": self.latch.state.value}
