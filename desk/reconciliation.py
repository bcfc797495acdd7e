"""Desk against venue: at start, after every gap, and for orders whose outcome is unknown.

Every difference becomes a `reconcile` record. Trading starts only when one whole pass has gone through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from desk.account import Account
from desk.adoption import Adoption
from desk.ledger import Ledger
from desk.market import Market
from desk.orders import Order
from desk.sending import Sending
from desk.settlement import Settlement, about
from desk.snapshots import Health
from desk.store import Store
from desk.wire import Wire
from domain.clock import Clock, epoch_ms, rfc3339
from domain.errors import BadInputError, MatrixError
from domain.money import CONTEXT, ZERO, to_wire
from domain.order import Fill, OrderState
from domain.position import Position

HORIZON_S = 60.0
"""Gemini may queue a request and run it later (docs.gemini.com/rate-limit): only after this long with a
healthy venue can an order that no lookup finds be called never arrived."""
_OVERLAP = timedelta(minutes=10)
_BALANCES_READ = "balances_reconciled"


class Reconciliation:
    """Compares and settles; `run` is awaited at start and after each reconnect of the order socket."""

    def __init__(
        self,
        *,
        wire: Wire,
        store: Store,
        ledger: Ledger,
        market: Market,
        account: Account,
        sending: Sending,
        settlement: Settlement,
        health: Health,
        adoption: Adoption,
        clock: Clock,
    ) -> None:
        self._wire = wire
        self._store = store
        self._ledger = ledger
        self._market = market
        self._account = account
        self._sending = sending
        self._settlement = settlement
        self._health = health
        self._adoption = adoption
        self._clock = clock
        self._lock = asyncio.Lock()
        self._healthy_since: dict[str, float] = {}
        self._has_begun = False
        self.last_error: str | None = None

    async def run(self) -> None:
        """Do one whole pass; a venue fault leaves the desk unreconciled, and the timer tries again."""
        self._health.doubt()
        await self.check(is_routine=False)

    async def check(self, *, is_routine: bool = True) -> None:
        """Do one whole pass without stopping trading meanwhile; a quiet routine pass leaves no record."""
        async with self._lock:
            doubts = self._health.doubts
            try:
                differences = await self._pass()
            except MatrixError as error:
                self.last_error = error.message
                return
            self.last_error = None
            if differences or not is_routine:
                self._store.record(
                    "reconcile",
                    decision_text=f"{len(differences)} differences",
                    result={"differences": differences},
                )
            if self._health.doubts == doubts:
                self._health.is_reconciled = True

    async def _pass(self) -> list[dict[str, Any]]:
        differences: list[dict[str, Any]] = []
        self._mark_interrupted(differences)
        await self._account.refresh_fees()
        await self._fills(differences)
        differences.extend(_extra(order) for order in await self._adoption.adopt_unknown())
        for order in self._ledger.live():
            await self._look_up(order, differences)
        await self._settle_balances(differences)
        return differences

    async def _settle_balances(self, differences: list[dict[str, Any]]) -> None:
        """Compare balances until they agree; only what stays different after three looks is a difference.

        An execution between reading the trades and reading the balances would look like one.
        """
        for _ in range(3):
            await self._fills(differences)
            await self._account.refresh()
            if not self._unequal():
                break
        self._compare_balances(differences)

    def _unequal(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Return asset: (ours, the venue's) where the two differ."""
        balances = self._account.balances
        if balances is None:
            return {}
        assets = {p.asset for p in self._ledger.positions()} | set(balances)
        # While an order can still trade, its fills and the balances are read at different moments.
        moving = {asset for order in self._ledger.live() for asset in (order.base, order.quote)}
        pairs = {
            asset: (
                self._ledger.position(asset).amount,
                balances[asset].amount if asset in balances else ZERO,
            )
            for asset in assets - {"usd"} - moving
        }
        return {asset: pair for asset, pair in sorted(pairs.items()) if pair[0] != pair[1]}

    async def _look_up(self, order: Order, differences: list[dict[str, Any]]) -> None:
        try:
            is_found = await self._sending.look_up(order)
        except BadInputError as error:
            # One odd id, of an order made elsewhere, must not keep all others from being compared.
            differences.append(
                {"kind": "unreadable order", "id": order.client_order_id, "why": error.message}
            )
            return
        if is_found:
            return
        differences.append({"kind": "missing order", "client_order_id": order.client_order_id})
        now = self._ledger.get(order.client_order_id)
        if now is not None and now.state is OrderState.OPEN:
            self._doubt(now)

    def _mark_interrupted(self, differences: list[dict[str, Any]]) -> None:
        """Turn orders that a crash caught while sending into unknown ones; only the first pass finds any."""
        if self._has_begun:
            return
        self._has_begun = True
        for order in self._ledger.live():
            if order.state is OrderState.SENDING:
                differences.append({"kind": "interrupted send", "client_order_id": order.client_order_id})
                self._doubt(order)

    def _doubt(self, order: Order) -> None:
        with self._store.transaction():
            record = self._store.record(
                "order.unknown",
                symbol=order.symbol,
                cause=order.cause_id,
                result=about(order),
                error_text="its fate at the exchange is not known yet",
                keys=[order.client_order_id, order.venue_order_id],
            )
            self._ledger.set_state(order.client_order_id, OrderState.UNKNOWN, cause_id=record.id)

    async def _fills(self, differences: list[dict[str, Any]]) -> None:
        """Book every execution that the socket did not bring."""
        last = self._ledger.last_fill_at()
        since = None if last is None else epoch_ms(last - _OVERLAP)
        if since is None:
            reported: Sequence[Fill] = await self._wire.rest.my_trades()
        else:
            found = await self._wire.rest.own_trades(None, since)
            reported = found.fills
            if found.gap is not None:
                start, end = (rfc3339(moment) for moment in found.gap)
                gap = {"kind": "fills may be missing", "from": start, "to": end}
                differences.extend([] if gap in differences else [gap])
        differences.extend(
            [
                {"kind": "missing fill", "trade_id": fill.trade_id, "order_id": fill.venue_order_id}
                for fill in reversed(reported)
                if self._settlement.book(fill)
            ]
        )

    def _compare_balances(self, differences: list[dict[str, Any]]) -> None:
        """Make positions equal the venue's balances; units of unknown origin cost what they are worth now."""
        rates = self._market.usd_rates()
        is_first = self._store.get_meta(_BALANCES_READ) is None
        traded = {asset for i in self._market.instruments.values() for asset in (i.base, i.quote)}
        unpriced = sorted(asset for asset in self._unequal() if asset in traded and asset not in rates)
        if unpriced:
            raise MatrixError(
                "NO_PRICE_YET",
                f"no price yet for {', '.join(unpriced)}, so what is held of it cannot be valued",
                "Wait until the market light is green.",
            )
        for asset, (ours, actual) in self._unequal().items():
            differences.append(
                {
                    "kind": "opening balance" if is_first else "balance",
                    "currency": asset,
                    "ours": to_wire(ours),
                    "venue": to_wire(actual),
                }
            )
            self._ledger.save_position(
                _adjusted(self._ledger.position(asset), actual, rates.get(asset, ZERO))
            )
        self._store.set_meta(_BALANCES_READ, rfc3339(self._clock.now()))

    # -- unknown orders

    async def settle_unknown(self) -> None:
        """Look every unknown order up once; called every second or so."""
        unknown = [o for o in self._ledger.live() if o.state is OrderState.UNKNOWN]
        for gone in set(self._healthy_since) - {o.client_order_id for o in unknown}:
            del self._healthy_since[gone]
        for order in unknown:
            try:
                is_found = await self._sending.look_up(order)
            except MatrixError as error:
                self.last_error = error.message
                self._healthy_since.pop(order.client_order_id, None)
                continue
            if not is_found:
                self._wait_or_give_up(order)

    def _wait_or_give_up(self, order: Order) -> None:
        now = self._clock.monotonic()
        since = self._healthy_since.setdefault(order.client_order_id, now)
        if not self._health.order_events_ok():
            self._healthy_since[order.client_order_id] = now
            return
        sent_ago = (self._clock.now() - order.created_at).total_seconds()
        if now - since >= HORIZON_S and sent_ago >= HORIZON_S:
            self._settlement.never_arrived(order, now - since)


def _adjusted(position: Position, actual: Decimal, rate: Decimal) -> Position:
    difference = actual - position.amount
    if difference > 0:
        cost = position.cost_usd + CONTEXT.multiply(difference, rate)
    else:
        cost = CONTEXT.divide(position.cost_usd * actual, position.amount) if position.amount else ZERO
    return Position(
        asset=position.asset,
        amount=actual,
        cost_usd=cost,
        realised_usd=position.realised_usd,
        fees_usd=position.fees_usd,
    )


def _extra(order: Order) -> dict[str, Any]:
    return {
        "kind": "extra order",
        "order_id": order.venue_order_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "price": to_wire(order.price),
        "amount": to_wire(order.amount),
    }
