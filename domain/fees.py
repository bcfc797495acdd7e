"""Fee and break-even maths. All of it exact; rounding happens once, to the tick, away from us.

Rates are basis points (1 bps = 0.01 %) of the notional, charged in the quote currency
(Gemini's schedule: docs.gemini.com fees page, read back at run time from /v1/notionalvolume).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.money import BPS, CONTEXT, ZERO, ceil_to


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTier:
    """The account's own rates in basis points."""

    maker_bps: Decimal
    taker_bps: Decimal


def fee(notional: Decimal, bps: Decimal) -> Decimal:
    """Return the fee on `notional`, same currency."""
    return CONTEXT.divide(CONTEXT.multiply(notional, bps), BPS)


def break_even_price(
    *,
    cost_per_unit: Decimal,
    exit_bps: Decimal,
    amount: Decimal,
    profit: Decimal = ZERO,
    half_spread: Decimal = ZERO,
    slippage_bps: Decimal = ZERO,
    tick: Decimal,
) -> Decimal:
    """Return the lowest limit price on the tick at which selling `amount` leaves `profit`.

    `cost_per_unit` includes the entry fee. The price p solves
    `amount * (p * (1 - slippage - exit) - half_spread) >= amount * cost_per_unit + profit`,
    where exit and slippage are `bps / 10000`. Raises `ValueError` when the rates eat the whole price.
    """
    keep = 1 - (exit_bps + slippage_bps) / BPS
    if keep <= 0 or amount <= 0:
        raise ValueError("no price can break even")
    needed = cost_per_unit + half_spread + CONTEXT.divide(profit, amount)
    return ceil_to(CONTEXT.divide(needed, keep), tick)


def round_trip_pct(*, entry_bps: Decimal, exit_bps: Decimal) -> Decimal:
    """Return by how many per cent a price must rise for one buy and one sell to cost nothing."""
    return ((1 + entry_bps / BPS) / (1 - exit_bps / BPS) - 1) * 100
