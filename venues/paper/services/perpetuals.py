"""Perpetual swaps as far as accounts see them: mark prices and the hourly funding amounts.

Our rule: the amount of an hour is a small part of the listed price, of either sign, and follows from symbol
and hour alone; so the past does not change with the seed, the price or a restart.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import Final

from venues.paper.call import market_or_invalid
from venues.paper.engine import Market
from venues.paper.exchange import Exchange
from venues.paper.listings import SEEDED_LISTINGS
from venues.paper.refusals import RefusedError

HOUR_MS: Final = 3_600_000

_STEPS: Final = 2000
_STEP: Final = Decimal("1e-8")
_PLACES: Final = Decimal("1e-8")
_PRICES: Final = {each.symbol: each.start_price for each in SEEDED_LISTINGS}


def perpetual(exchange: Exchange, symbol: object) -> Market:
    """Return the market of a perpetual swap. Raises `InvalidSymbol` for anything else."""
    market = market_or_invalid(exchange, symbol)
    if market.instrument.is_spot:
        raise RefusedError("InvalidSymbol", f"{market.symbol.upper()} is not a perpetual swap")
    return market


def funding_amount(market: Market, hour_ms: int) -> Decimal:
    """Return what a long position of one pays for the hour that begins at `hour_ms`, in the quote."""
    digest = sha256(f"{market.symbol} {hour_ms // HOUR_MS}".encode()).digest()
    steps = int.from_bytes(digest[:4]) % (2 * _STEPS + 1) - _STEPS
    price = _PRICES.get(market.symbol, market.listing.start_price)
    return (price * steps * _STEP).quantize(_PLACES)
