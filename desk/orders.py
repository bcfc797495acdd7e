"""The desk's order and fill rows, and the JSON they are shown as."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.clock import parse_rfc3339, rfc3339
from domain.fees import fee
from domain.instrument import Side
from domain.money import CONTEXT, ZERO, to_wire
from domain.order import OrderState, Purpose
from guardrails.case import acquired


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order row. `usd_rate` is dollars per unit of quote when it was drafted."""

    client_order_id: str
    venue_order_id: str | None
    proposal_id: str | None
    symbol: str
    base: str
    quote: str
    side: Side
    type: str
    option: str | None
    purpose: str
    origin: str
    price: Decimal
    stop_price: Decimal | None
    amount: Decimal
    filled: Decimal
    spent: Decimal
    fees_usd: Decimal
    usd_rate: Decimal
    fee_bps: Decimal
    state: OrderState
    reason: str | None
    created_at: datetime
    updated_at: datetime
    record_id: str
    cause_id: str

    @property
    def adds_to(self) -> str | None:
        """Return the asset it adds to, None for a sale into cash."""
        return acquired(self.side, self.base, self.quote)

    @property
    def is_exit(self) -> bool:
        """Say whether it was meant to reduce a position."""
        return self.purpose != Purpose.ENTRY.value

    @property
    def remaining(self) -> Decimal:
        """Return what has not traded, zero once it cannot trade any more."""
        return self.amount - self.filled if self.state.is_live else ZERO

    @property
    def average_price(self) -> Decimal | None:
        """Return the mean price of its fills in quote per base."""
        return CONTEXT.divide(self.spent, self.filled) if self.filled else None

    @property
    def reserved_usd(self) -> Decimal:
        """Return the dollars the rest could still trade for, worst-case fee included."""
        gross = CONTEXT.multiply(CONTEXT.multiply(self.remaining, self.price), self.usd_rate)
        return gross + fee(gross, self.fee_bps)

    def as_json(self) -> dict[str, Any]:
        """Return the **order** of `docs/desk-api.md`."""
        return {
            "order_id": self.venue_order_id,
            "client_order_id": self.client_order_id,
            "proposal_id": self.proposal_id,
            "symbol": self.symbol,
            "side": self.side.value,
            "type": self.type,
            "option": self.option,
            "purpose": self.purpose,
            "price": to_wire(self.price),
            "stop_price": None if self.stop_price is None else to_wire(self.stop_price),
            "amount": to_wire(self.amount),
            "filled": to_wire(self.filled),
            "remaining": to_wire(self.remaining),
            "average_price": None if self.average_price is None else price_text(self.average_price),
            "fees_usd": to_wire(self.fees_usd),
            "state": self.state.value,
            "reason": self.reason,
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
            "record_id": self.record_id,
        }


def price_text(value: Decimal) -> str:
    """Write a computed price with at most ten decimals: enough for every tick, short enough to read."""
    return to_wire(value.quantize(Decimal("1E-10"), context=CONTEXT))


def order_from(row: sqlite3.Row) -> Order:
    """Return the order of a database row."""
    values = dict(row)
    for name in ("price", "amount", "filled", "spent", "fees_usd", "usd_rate", "fee_bps"):
        values[name] = Decimal(values[name])
    values["stop_price"] = None if values["stop_price"] is None else Decimal(values["stop_price"])
    values["side"] = Side(values["side"])
    values["state"] = OrderState(values["state"])
    for name in ("created_at", "updated_at"):
        values[name] = parse_rfc3339(values[name])
    return Order(**values)


def fill_json(row: sqlite3.Row) -> dict[str, Any]:
    """Return the fill of `docs/desk-api.md`."""
    return {
        "record_id": row["record_id"],
        "order_id": row["venue_order_id"],
        "client_order_id": row["client_order_id"],
        "trade_id": row["trade_id"],
        "symbol": row["symbol"],
        "side": row["side"],
        "price": row["price"],
        "amount": row["amount"],
        "fee": row["fee"],
        "fee_currency": row["fee_currency"],
        "is_maker": bool(row["is_maker"]),
        "at": row["at"],
    }
