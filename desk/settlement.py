"""From the venue's words to booked fills: events, replies and lookups all end here, each booked once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from desk.ledger import Ledger
from desk.market import Market
from desk.orders import Order
from desk.store import Store
from domain.clock import rfc3339
from domain.money import ONE, to_wire
from domain.order import Fill, OrderEvent, OrderEventType, OrderState, VenueOrder


class Settlement:
    """Applies what the venue said. `changed` is told each order that moved."""

    def __init__(self, store: Store, ledger: Ledger, market: Market) -> None:
        self._store = store
        self._ledger = ledger
        self._market = market
        self._waiters: dict[str, list[asyncio.Event]] = {}
        self.on_stranger: Callable[[], None] = lambda: None
        self.on_order: Callable[[Order], None] = lambda _order: None
        self.on_fill: Callable[[dict[str, Any]], None] = lambda _fill: None

    def apply_event(self, event: OrderEvent) -> None:
        """Apply one event of the order socket; an order we do not know calls for reconciliation."""
        order = self._ledger.find(
            client_order_id=event.order.client_order_id, venue_order_id=event.order.venue_order_id
        )
        if order is None:
            self.on_stranger()
            return
        if event.type is OrderEventType.REJECTED:
            self.reject(order, event.order.reason or "rejected by the venue")
            return
        if event.type is OrderEventType.CANCEL_REJECTED:
            return
        self.accept(order, event.order)
        if event.fill is not None:
            self.book(event.fill)
        if event.type in {OrderEventType.CANCELLED, OrderEventType.CLOSED}:
            self.close(order.client_order_id, event.order)

    def accept(self, order: Order, venue: VenueOrder) -> None:
        """Record that the venue has the order; does nothing when that is known.

        An order we had given up counts as live again the moment the venue says that it is.
        """
        current = self._ledger.get(order.client_order_id)
        if current is None or not _needs_accepting(current, venue):
            return
        with self._store.transaction():
            record = self._store.record(
                "order.accepted",
                source="venue",
                symbol=current.symbol,
                cause=current.cause_id,
                result={**about(current), "order_id": venue.venue_order_id},
                keys=[venue.venue_order_id, current.client_order_id],
            )
            self._ledger.set_state(
                current.client_order_id,
                OrderState.OPEN,
                venue_order_id=venue.venue_order_id,
                cause_id=record.id,
            )
        self._tell(current.client_order_id)

    def reject(self, order: Order, reason: str, *, never_sent: bool = False) -> None:
        """Record a refusal: proof that nothing is reserved any more."""
        with self._store.transaction():
            record = self._store.record(
                "order.rejected",
                source="desk" if never_sent else "venue",
                symbol=order.symbol,
                cause=order.cause_id,
                result=about(order),
                error_text=reason,
                keys=[order.client_order_id],
            )
            self._ledger.set_state(
                order.client_order_id, OrderState.REJECTED, reason=reason, cause_id=record.id
            )
        self._tell(order.client_order_id)

    def book(self, fill: Fill) -> bool:
        """Book one execution once; returns False when it is known or belongs to no order of ours."""
        order = self._ledger.find(client_order_id=fill.client_order_id, venue_order_id=fill.venue_order_id)
        if order is None or self._ledger.has_fill(fill):
            return False
        rate = self._market.usd_rates().get(order.quote, order.usd_rate)
        with self._store.transaction():
            record = self._store.record(
                "fill",
                source="venue",
                symbol=fill.symbol,
                cause=order.cause_id,
                result={
                    "order_id": fill.venue_order_id,
                    "client_order_id": order.client_order_id,
                    "trade_id": fill.trade_id,
                    "symbol": fill.symbol,
                    "side": fill.side.value,
                    "price": to_wire(fill.price),
                    "amount": to_wire(fill.amount),
                    "fee": to_wire(fill.fee),
                    "fee_currency": fill.fee_currency,
                    "is_maker": fill.is_maker,
                    "at": rfc3339(fill.at),
                },
                keys=[fill.venue_order_id, order.client_order_id, fill.trade_id],
            )
            self._ledger.book_fill(
                fill, order, usd_rate=ONE if order.quote == "usd" else rate, record_id=record.id
            )
            after = self._ledger.get(order.client_order_id)
            if after is not None and after.filled >= after.amount:
                self._ledger.set_state(after.client_order_id, OrderState.FILLED)
        (row, *_) = self._ledger.fills(client_order_id=order.client_order_id, limit=1)
        self.on_fill(row)
        self._tell(order.client_order_id)
        return True

    def close(self, client_order_id: str, venue: VenueOrder) -> None:
        """Record the end of an order, once all of its executions are booked."""
        order = self._ledger.get(client_order_id)
        if order is None or not order.state.is_live or order.filled < venue.executed_amount:
            return
        is_filled = order.filled >= order.amount
        state = OrderState.FILLED if is_filled else OrderState.CANCELLED
        with self._store.transaction():
            record = self._store.record(
                "order.closed" if is_filled else "order.cancelled",
                source="venue",
                symbol=order.symbol,
                cause=order.cause_id,
                result={
                    **about(order),
                    "order_id": venue.venue_order_id,
                    "filled": to_wire(order.filled),
                    "reason": venue.reason,
                },
                keys=[venue.venue_order_id, client_order_id],
            )
            self._ledger.set_state(
                client_order_id,
                state,
                reason=venue.reason,
                venue_order_id=venue.venue_order_id,
                cause_id=record.id if is_filled else None,
            )
        self._tell(client_order_id)

    def apply_state(self, venue: VenueOrder, fills: Iterable[Fill]) -> None:
        """Apply a looked-up order together with the executions the venue reports for it."""
        order = self._ledger.find(client_order_id=venue.client_order_id, venue_order_id=venue.venue_order_id)
        if order is None:
            return
        self.accept(order, venue)
        for fill in fills:
            if fill.venue_order_id == venue.venue_order_id:
                self.book(fill)
        if not venue.is_live:
            self.close(order.client_order_id, venue)

    def never_arrived(self, order: Order, waited_s: float) -> None:
        """Record that the venue never had the order, after the whole queue horizon has passed."""
        with self._store.transaction():
            record = self._store.record(
                "order.settled",
                symbol=order.symbol,
                cause=order.cause_id,
                result=about(order),
                decision_text=f"not found by any lookup for {waited_s:.0f} s: it never arrived",
                keys=[order.client_order_id],
            )
            self._ledger.set_state(
                order.client_order_id,
                OrderState.NEVER_ARRIVED,
                reason="the request never reached the exchange",
                cause_id=record.id,
            )
        self._tell(order.client_order_id)

    async def wait_for(
        self, client_order_id: str, is_done: Callable[[Order], bool], timeout_s: float
    ) -> Order | None:
        """Return the order once `is_done` holds or the time is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        changed = asyncio.Event()
        self._waiters.setdefault(client_order_id, []).append(changed)
        try:
            while True:
                order = self._ledger.get(client_order_id)
                if order is None or is_done(order) or loop.time() >= deadline:
                    return order
                changed.clear()
                try:
                    await asyncio.wait_for(changed.wait(), max(0.0, deadline - loop.time()))
                except TimeoutError:
                    continue
        finally:
            self._waiters[client_order_id].remove(changed)
            if not self._waiters[client_order_id]:
                del self._waiters[client_order_id]

    def _tell(self, client_order_id: str) -> None:
        order = self._ledger.get(client_order_id)
        if order is not None:
            self.on_order(order)
        for waiter in self._waiters.get(client_order_id, []):
            waiter.set()


def about(order: Order) -> dict[str, str | None]:
    """Return what a record says of an order, so that it can be told without looking elsewhere."""
    return {
        "order_id": order.venue_order_id,
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "amount": to_wire(order.amount),
        "price": to_wire(order.price),
    }


def _needs_accepting(order: Order, venue: VenueOrder) -> bool:
    if order.state in {OrderState.SENDING, OrderState.UNKNOWN}:
        return True
    return venue.is_live and order.state in {
        OrderState.CANCELLED,
        OrderState.REJECTED,
        OrderState.NEVER_ARRIVED,
    }
