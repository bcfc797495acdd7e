"""The kill latch at work: cancel everything, flatten if a person said so, halt; only a person releases."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from desk.account import Account
from desk.drafts import Drafting
from desk.ledger import Ledger
from desk.limit_file import LimitFile
from desk.market import Market
from desk.orders import Order
from desk.proposals import Proposal, Proposals
from desk.proposing import Proposing
from desk.sending import Sending
from desk.settlement import Settlement
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

log = logging.getLogger("matrix.desk")
_LATCH = "kill_latch"
_KEPT = ", positions kept"
SENDING_WAIT_S = 5.0
ANSWER_S = 12.0
"""Below the 20 s that a client waits, above what a kill with one silent cancel needs."""


class Stopping:
    """Holds the latch, durable before anything acts on it."""

    def __init__(
        self,
        *,
        store: Store,
        ledger: Ledger,
        market: Market,
        drafting: Drafting,
        account: Account,
        settlement: Settlement,
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
        self._account = account
        self._settlement = settlement
        self._tasks: set[asyncio.Task[Any]] = set()
        self._selling = asyncio.Lock()
        self._kills = 0
        self._tries: defaultdict[str, int] = defaultdict(int)
        self._next_try: dict[str, float] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.on_card: Callable[[str], None] = lambda _proposal_id: None
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

    def _move(self, latch: Latch, kind: str, *, cause: str | None) -> str | None:
        """Take a new latch: in memory first, so that it holds even when the disk does not take it."""
        is_news = latch is not self.latch
        self.latch = latch
        record_id = None
        try:
            with self._store.transaction():
                record = self._store.record(
                    kind,
                    source=latch.actor.value,
                    cause=cause,
                    decision_text=f"{latch.state.value}: {latch.reason}",
                    result={"kill_state": latch.state.value, "reason": latch.reason},
                )
                self._store.set_meta(_LATCH, _latch_text(latch))
                record_id = record.id
        except sqlite3.Error:
            log.exception("the latch could not be written; it holds until this process ends")
        if is_news:
            self.on_change()
        return record_id

    # -- the person's stop

    async def kill(self, *, keep: bool) -> dict[str, Any]:
        """Do a person's kill: reducing, cancel, flatten unless `keep`, halted.

        Answers after at most `ANSWER_S`; what takes longer goes on, and the latch tells when it is done.
        """
        report: dict[str, Any] = {"cancelled": [], "failed": [], "flattened": [], "record_id": None}
        task = asyncio.create_task(self._kill(report, keep=keep))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait({task}, timeout=ANSWER_S)
        if done:
            task.result()
        else:
            report["failed"].append({"order_id": "", "message": "still stopping; watch the Trading light"})
        return {**self._state_json(), **report}

    async def _kill(self, report: dict[str, Any], *, keep: bool) -> None:
        reason = "stopped by the person" + (_KEPT if keep else "")
        self._kills += 1
        try:
            latch = self.latch.begin_reducing(Actor.PERSON, reason, self._clock.now())
            record_id = self._move(latch, "kill", cause=None)
            report["record_id"] = record_id
            self._void_pending("the desk was stopped", cause_source="person")
            _merge(report, await self._sending.cancel_all(cause=record_id, source="person"))
            async with self._selling:
                if not keep and self._limit_file.limits.kill_positions is KillPositions.FLATTEN:
                    await self._quiet(report, record_id)
                    await self._flatten(record_id, report)
        finally:
            self._kills -= 1
            self._halt_when_done(reason, report["record_id"])
            if not keep and self._kills == 0:
                self._offer_what_is_left(report["record_id"])

    async def _quiet(self, report: dict[str, Any], record_id: str | None) -> None:
        """Wait until nothing is on its way to the venue, cancel what arrived, and read what is free now."""
        for order in self._ledger.live():
            if order.state is OrderState.SENDING:
                await self._settlement.wait_for(
                    order.client_order_id, lambda o: o.state is not OrderState.SENDING, SENDING_WAIT_S
                )
        if any(not order.is_exit for order in self._ledger.live()):
            again = await self._sending.cancel_all(cause=record_id, source="person", keep_exits=True)
            _merge(report, again)
        await self._account.refresh()

    def _halt_when_done(self, reason: str, cause: str | None) -> None:
        """Halt, unless another stop is still selling: the last one halts."""
        if self._kills == 0 and self.latch.state is not KillState.ACTIVE:
            self._move(self.latch.halt(Actor.PERSON, reason, self._clock.now()), "kill", cause=cause)

    # -- a model's or a guard's stop

    async def halt_for(
        self, actor: Actor, reason: str, *, cause: str | None, conversation: str | None
    ) -> dict[str, Any]:
        """Do a model's or a guard's stop: cancel, halt; selling is offered as cards."""
        latch = self.latch.stop(actor, reason, self._clock.now())
        record_id = None
        if latch is not self.latch:
            record_id = self._move(latch, "kill", cause=cause)
            self._void_pending("the desk was stopped", cause_source=actor.value)
        report = await self._sending.cancel_all(cause=record_id or cause, source=actor.value)
        await self._account.refresh()
        cards = self._offer_to_flatten(record_id or cause, conversation)
        return {**self._state_json(), **report, "proposals": cards, "record_id": record_id}

    # -- after a stop

    def release(self) -> None:
        """Let a person's release re-arm the desk, the breaker of refused orders included."""
        latch = self.latch.release(Actor.PERSON, "released by the person", self._clock.now())
        if latch is not self.latch or self._health.rejects_in_a_row:
            self._move(latch, "release", cause=None)
            self._health.clear_rejects()

    async def flatten_approved(self, send: Callable[[], Awaitable[Any]], *, cause: str) -> Any:
        """Send one approved flatten card: reducing for its length, then halted again."""
        self._kills += 1
        try:
            async with self._selling:
                latch = self.latch.begin_reducing(
                    Actor.PERSON, "flatten approved by the person", self._clock.now()
                )
                self._move(latch, "kill", cause=cause)
                return await send()
        finally:
            self._kills -= 1
            self._halt_when_done("flattened", cause)

    async def sweep(self) -> None:
        """While stopped, cancel whatever entry is still live at the venue; called about once a second.

        A cancel that failed, an order that was on its way, a crash between latch and cancels: all end here.
        """
        if self.latch.state is KillState.ACTIVE or self._kills:
            return
        now = self._clock.monotonic()
        late = [
            o
            for o in self._ledger.live()
            if o.venue_order_id is not None and self._next_try.get(o.client_order_id, 0.0) <= now
        ]
        for order in late:
            # One second, then two, four … half a minute: a venue in trouble is not stormed with cancels.
            waited = self._tries[order.client_order_id]
            self._tries[order.client_order_id] = waited + 1
            self._next_try[order.client_order_id] = now + min(2.0**waited, 30.0)
        if late and await self._sending.cancel_these(late, source="guard"):
            await self._account.refresh()
            self._offer_what_is_left(None)

    def after_fill(self, order: Order) -> None:
        """Offer to sell what a late fill brought in after the desk had stopped."""
        if self.latch.state is KillState.HALTED and not order.is_exit:
            self._offer_what_is_left(order.cause_id)

    def _offer_what_is_left(self, cause: str | None) -> None:
        """Put a card up for each position that a stop has left, unless the person wanted to keep them."""
        if self.latch.reason.endswith(_KEPT):
            return
        try:
            for card in self._offer_to_flatten(cause, None):
                self.on_card(card.id)
        except (MatrixError, sqlite3.Error) as error:
            log.warning("no card could be made for what is left: %s", error)

    def _void_pending(self, text: str, *, cause_source: str) -> None:
        with suppress(sqlite3.Error):
            for proposal in self._proposals.select(pending_only=True, limit=1000):
                self._proposals.answer(proposal, "voided", text=text, source=cause_source)
                self.on_card(proposal.id)

    # -- selling

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

    async def _flatten(self, record_id: str | None, report: dict[str, Any]) -> None:
        """Sell each position; what could not be sold stands in `failed` with the reason."""
        for intent in self._exits():
            try:
                draft = self._drafting.draft(intent, Origin.KILL)
                outcome = await self._sending.send(
                    draft,
                    consent=Consent(kind=ConsentKind.KILL),
                    cause=record_id,
                    proposal_id=None,
                    pending=0,
                )
            except (MatrixError, sqlite3.Error) as error:
                report["failed"].append({"order_id": intent.symbol, "message": f"not sold: {error}"})
                continue
            order = self._ledger.get(draft.client_order_id)
            if order is not None:
                report["flattened"].append(order.as_json())
            if outcome["state"] != "filled":
                report["failed"].append({"order_id": intent.symbol, "message": outcome["text"]})

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


def _latch_text(latch: Latch) -> str:
    return json.dumps(
        {
            "state": latch.state.value,
            "reason": latch.reason,
            "since": rfc3339(latch.since),
            "actor": latch.actor.value,
        }
    )


def _merge(report: dict[str, Any], more: dict[str, Any]) -> None:
    """Add a later round of cancels: what is cancelled now has not failed after all."""
    report["cancelled"].extend(more["cancelled"])
    done = set(report["cancelled"])
    report["failed"] = [f for f in [*report["failed"], *more["failed"]] if f["order_id"] not in done]
