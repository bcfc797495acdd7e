"""Perpetual swaps as data: index, mark price, hourly funding, open interest.

Our rules: the index is the middle of the spot market in dollars. The mark price leaves it by a premium that
moves evenly from hour to hour. A long position of one pays the amount of each hour at its end, or receives a
negative one; the amount follows from symbol and hour alone, so that the past never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Final

from venues.paper.matching.engine import Engine, Market
from venues.paper.matching.listings import SEEDED_LISTINGS

HOUR_MS: Final = 3_600_000
FUNDING_MINUTES: Final = 60

_STEPS: Final = 2000
_STEP: Final = Decimal("1e-8")
_PLACES: Final = Decimal("1e-8")
_HOURS_OF_PREMIUM: Final = 8
"""The premium over the index is what these many hours of funding come to."""

_PRICES: Final = {each.symbol: each.start_price for each in SEEDED_LISTINGS}
_OPEN_USD: Final = Decimal(400_000)
"""The usual worth of all open positions in one swap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """Where the funding of a swap stands: the last payment, what the next one will be, all in the quote.

    `rate` is `estimate` as a part of the mark price.
    """

    symbol: str
    paid_at_ms: int
    paid: Decimal
    next_at_ms: int
    estimate: Decimal
    rate: Decimal
    mark: Decimal


def index_price(engine: Engine, symbol: str) -> Decimal:
    """Return the price of the underlying in dollars: the middle of its spot market, else the swap's last."""
    market = engine.markets[symbol]
    spot = engine.markets.get(f"{market.instrument.base.lower()}usd")
    if spot is None:
        return market.last
    return spot.book.mid or spot.last


def mark_price(engine: Engine, symbol: str, at_ms: int) -> Decimal:
    """Return the price that positions are valued at, on the swap's tick."""
    market = engine.markets[symbol]
    tick = market.instrument.price_tick
    hour, into_ms = divmod(at_ms, HOUR_MS)
    before, after = _steps(symbol, hour), _steps(symbol, hour + 1)
    steps = before + Decimal(after - before) * into_ms / HOUR_MS
    premium = steps * _STEP * _HOURS_OF_PREMIUM
    return tick * round(index_price(engine, symbol) * (1 + premium) / tick)


def funding_amount(market: Market, hour_ms: int) -> Decimal:
    """Return what a long position of one pays for the hour that begins at `hour_ms`, in the quote."""
    price = _PRICES.get(market.symbol, market.listing.start_price)
    return (price * _steps(market.symbol, hour_ms // HOUR_MS) * _STEP).quantize(_PLACES)


def funding(engine: Engine, symbol: str, at_ms: int) -> Funding:
    """Return where the funding of a swap stands at `at_ms`."""
    market, hour_ms = engine.markets[symbol], at_ms - at_ms % HOUR_MS
    estimate, mark = funding_amount(market, hour_ms), mark_price(engine, symbol, at_ms)
    return Funding(
        symbol=symbol,
        paid_at_ms=hour_ms,
        paid=funding_amount(market, hour_ms - HOUR_MS),
        next_at_ms=hour_ms + HOUR_MS,
        estimate=estimate,
        rate=(estimate / mark).quantize(_PLACES),
        mark=mark,
    )


def open_interest(engine: Engine, symbol: str, at_ms: int) -> Decimal:
    """Return how much is open, in the base: it changes from hour to hour, whatever anybody does."""
    instrument = engine.markets[symbol].instrument
    price = _PRICES.get(symbol, engine.markets[symbol].listing.start_price)
    percent = 100 + _steps(symbol, at_ms // HOUR_MS) // 100
    return instrument.round_amount(_OPEN_USD * percent / 100 / price)


def _steps(symbol: str, hour: int) -> int:
    digest = sha256(f"{symbol} {hour}".encode()).digest()
    return int.from_bytes(digest[:4]) % (2 * _STEPS + 1) - _STEPS
