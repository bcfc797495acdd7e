"""Instruments: what can be traded, in which steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.money import ceil_to, floor_to

SYMBOL = re.compile(r"[a-z0-9]{4,20}", re.ASCII)
"""A symbol in lower-case wire form, such as `btcusd`."""


class Side(StrEnum):
    """Which way an order goes."""

    BUY = "buy"
    SELL = "sell"


class InstrumentStatus(StrEnum):
    """The venue's word for what is allowed at the moment."""

    OPEN = "open"
    CLOSED = "closed"
    CANCEL_ONLY = "cancel_only"
    POST_ONLY = "post_only"
    LIMIT_ONLY = "limit_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One spot pair. `price_tick` is in quote per base, `amount_step` and `min_amount` in base.

    Gemini's own names mislead: its `tick_size` is our `amount_step`, its `quote_increment` our `price_tick`.
    """

    symbol: str
    base: str
    quote: str
    price_tick: Decimal
    amount_step: Decimal
    min_amount: Decimal
    status: InstrumentStatus = InstrumentStatus.OPEN
    is_spot: bool = True

    def round_price(self, price: Decimal, side: Side) -> Decimal:
        """Round to the tick so that we never pay more or receive less than asked."""
        return floor_to(price, self.price_tick) if side is Side.BUY else ceil_to(price, self.price_tick)

    def round_amount(self, amount: Decimal) -> Decimal:
        """Round down to the lot, so that we never trade more than asked."""
        return floor_to(amount, self.amount_step)
