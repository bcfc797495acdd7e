"""Positions at average cost: fees included, in USD at the time of each fill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from domain.instrument import Side
from domain.money import CONTEXT, ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One asset held: `amount` in units, `cost_usd` what it cost with fees, `realised_usd` so far."""

    asset: str
    amount: Decimal = ZERO
    cost_usd: Decimal = ZERO
    realised_usd: Decimal = ZERO
    fees_usd: Decimal = ZERO

    @property
    def average_cost_usd(self) -> Decimal | None:
        """Return USD per unit with entry fees, None when nothing is held."""
        return CONTEXT.divide(self.cost_usd, self.amount) if self.amount > 0 else None

    def apply(self, side: Side, amount: Decimal, price_usd: Decimal, fee_usd: Decimal) -> Position:
        """Return the position after a fill of `amount` at `price_usd`, having paid `fee_usd`.

        A sale beyond what is held (units that came from elsewhere) counts those units at cost zero profit:
        their cost is taken as the sale price, so that no profit is invented.
        """
        gross = CONTEXT.multiply(amount, price_usd)
        if side is Side.BUY:
            return replace(
                self,
                amount=self.amount + amount,
                cost_usd=self.cost_usd + gross + fee_usd,
                fees_usd=self.fees_usd + fee_usd,
            )
        held = min(amount, self.amount)
        cost = self.cost_usd if held == self.amount else CONTEXT.divide(self.cost_usd * held, self.amount)
        foreign = CONTEXT.multiply(amount - held, price_usd)
        return replace(
            self,
            amount=self.amount - held,
            cost_usd=self.cost_usd - cost,
            realised_usd=self.realised_usd + gross - foreign - fee_usd - cost,
            fees_usd=self.fees_usd + fee_usd,
        )

    def unrealised_usd(self, bid_usd: Decimal, fee_bps: Decimal) -> Decimal:
        """Return what selling all at `bid_usd` would bring above cost, after the taker fee."""
        gross = CONTEXT.multiply(self.amount, bid_usd)
        return gross - CONTEXT.divide(gross * fee_bps, Decimal(10_000)) - self.cost_usd
