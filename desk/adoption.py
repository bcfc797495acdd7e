"""Orders that stand at the venue without a row here: made elsewhere with the same account, or lost by us.

They count against every limit from the moment they are seen, and a stop cancels them too.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

from desk.account import Account
from desk.ledger import Ledger
from desk.market import Market
from desk.orders import Order
from desk.settlement import Settlement
from desk.store import Store
from desk.wire import Wire
from domain.clock import Clock, rfc3339
from domain.money import ZERO, to_wire
from domain.order import OrderState, VenueOrder


class Adoption:
    """Takes over what is found; `adopt_unknown` raises venue faults."""

    def __init__(
        self,
        *,
        wire: Wire,
        store: Store,
        ledger: Ledger,
        market: Market,
        account: Account,
        settlement: Settlement,
        clock: Clock,
    ) -> None:
        self._wire = wire
        self._store = store
        self._ledger = ledger
        self._market = market
        self._account = account
        self._settlement = settlement
        self._clock = clock

    async def adopt_unknown(self) -> list[Order]:
        """Read the venue's open orders; return those not known as live here, adopted or recognised."""
        found: list[Order] = []
        for venue in await self._wire.rest.open_orders():
            known = self._ledger.find(
                client_order_id=venue.client_order_id, venue_order_id=venue.venue_order_id
            )
            if known is None:
                found.append(self._adopt(venue))
            elif not known.state.is_live or known.venue_order_id is None:
                found.append(self._recognise(known, venue))
        return found

    def _recognise(self, known: Order, venue: VenueOrder) -> Order:
        """Note that the venue has an order of ours; on a dead disk at least this answer knows its id."""
        with suppress(sqlite3.Error):
            self._settlement.accept(known, venue)
            noted = self._ledger.get(known.client_order_id)
            if noted is not None and noted.venue_order_id is not None:
                return noted
        return replace(known, venue_order_id=venue.venue_order_id)

    def _adopt(self, venue: VenueOrder) -> Order:
        """Take over an order that stands at the venue without us knowing it: it counts against the limits."""
        instrument = self._market.instruments.get(venue.symbol)
        rates = self._market.usd_rates()
        now = rfc3339(self._clock.now())
        found = {
            "order_id": venue.venue_order_id,
            "symbol": venue.symbol,
            "side": venue.side.value,
            "price": to_wire(venue.price),
            "amount": to_wire(venue.original_amount),
        }
        with self._store.transaction():
            record = self._store.record(
                "order.adopted",
                source="venue",
                symbol=venue.symbol,
                result=found,
                keys=[venue.venue_order_id, venue.client_order_id],
            )
            quote = instrument.quote if instrument else "usd"
            self._ledger.adopt(
                {
                    "client_order_id": venue.client_order_id or f"venue-{venue.venue_order_id}",
                    "venue_order_id": venue.venue_order_id,
                    "symbol": venue.symbol,
                    "base": instrument.base if instrument else venue.symbol.removesuffix("usd"),
                    "quote": quote,
                    "side": venue.side.value,
                    "type": venue.order_type.value,
                    "purpose": "entry" if venue.side.value == "buy" else "reduce",
                    "origin": "venue",
                    "price": to_wire(venue.price),
                    "amount": to_wire(venue.original_amount),
                    "filled": "0",
                    "spent": "0",
                    "fees_usd": "0",
                    "usd_rate": to_wire(rates.get(quote, Decimal(1))),
                    "fee_bps": to_wire(self._account.fees.taker_bps if self._account.fees else ZERO),
                    "state": OrderState.OPEN.value,
                    "created_at": now,
                    "updated_at": now,
                    "record_id": record.id,
                    "cause_id": record.id,
                }
            )
        adopted = self._ledger.find(venue_order_id=venue.venue_order_id)
        assert adopted is not None
        return adopted
