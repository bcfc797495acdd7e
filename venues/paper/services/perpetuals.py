"""Perpetual swaps as far as accounts see them: which market a request means, and the hourly funding."""

from __future__ import annotations

from venues.paper.call import market_or_invalid
from venues.paper.engine import Market
from venues.paper.exchange import Exchange
from venues.paper.perpetuals import HOUR_MS, funding_amount
from venues.paper.refusals import RefusedError

__all__ = ["HOUR_MS", "funding_amount", "perpetual"]


def perpetual(exchange: Exchange, symbol: object) -> Market:
    """Return the market of a perpetual swap. Raises `InvalidSymbol` for anything else."""
    market = market_or_invalid(exchange, symbol)
    if market.instrument.is_spot:
        raise RefusedError("InvalidSymbol", f"{market.symbol.upper()} is not a perpetual swap")
    return market
