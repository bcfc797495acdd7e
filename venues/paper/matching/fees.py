"""Fee schedules: the account's own tier, and the fixed ones of stable pairs and perpetuals.

Perpetuals: Gemini's fee page as read in 2026. The venue says that stable pairs have a fixed schedule without
saying which: 0 and 1 bps are a rule of this exchange.
"""

from __future__ import annotations

from decimal import Decimal

from domain.money import ZERO
from venues.paper.matching.ledger import Tier
from venues.paper.matching.listings import Listing

STABLE = Tier(ZERO, ZERO, Decimal(1))
"""What every account pays where both sides are dollars."""

PERPETUAL_TIERS: tuple[Tier, ...] = tuple(
    Tier(Decimal(volume), Decimal(maker), Decimal(taker))
    for volume, maker, taker in (
        (0, 2, 7),
        (10_000, 2, 6),
        (50_000, 2, 5),
        (5_000_000, 1, 4),
        (10_000_000, 0, 4),
        (50_000_000, -1, 4),
        (100_000_000, -1, 3),
    )
)
"""Fees of perpetual swaps by 30-day volume; a negative one is paid out."""


def tier_on(listing: Listing, own: Tier) -> Tier:
    """Return what an account whose own tier is `own` pays in one market.

    Perpetuals go by the volume that `own` begins at: a tier's volume, not the account's to the cent.
    """
    if listing.is_stable:
        return STABLE
    if not listing.instrument.is_spot:
        return max(
            (each for each in PERPETUAL_TIERS if each.volume <= own.volume), key=lambda each: each.volume
        )
    return own
