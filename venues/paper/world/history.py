"""A believable last day of candles that ends exactly at the given prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext

from venues.paper.matching.candles import MINUTE_MS, Bar
from venues.paper.matching.listings import Listing
from venues.paper.world.drift import Dice, Drift

HISTORY_MINUTES = 1440
_DIGITS = 18
"""Enough for made-up prices that end as whole ticks, and much quicker than the ledger's precision."""

_POINTS = 4
"""Prices looked at within a minute: open, high, low and close come from these."""


def make_history(
    listings: Sequence[Listing], dice: Dice, end_ms: int, usd_rates: Mapping[str, Decimal]
) -> dict[str, list[Bar]]:
    """Return one-minute bars by symbol, oldest first, for the 24 hours before the minute of `end_ms`.

    `usd_rates` are dollars per unit of each quote currency, for volumes.
    """
    with localcontext(prec=_DIGITS):
        return _history(listings, dice, end_ms, usd_rates)


def _history(
    listings: Sequence[Listing], dice: Dice, end_ms: int, usd_rates: Mapping[str, Decimal]
) -> dict[str, list[Bar]]:
    currencies = {c for listing in listings for c in (listing.instrument.base, listing.instrument.quote)}
    drift = Drift(currencies, dice, Decimal(60) / _POINTS)
    path, heats = [dict(drift.index)], [drift.heat]
    for _ in range(HISTORY_MINUTES * _POINTS):
        drift.step()
        path.append(dict(drift.index))
        heats.append(drift.heat)
    start_ms = end_ms - end_ms % MINUTE_MS - HISTORY_MINUTES * MINUTE_MS
    found = {}
    for listing in listings:
        instrument = listing.instrument
        ticks = _ticks(listing, path)
        usual_usd = listing.trades_per_minute * listing.trade_usd
        usual = usual_usd / (listing.start_price * usd_rates[instrument.quote] * instrument.amount_step)
        lots = [int(usual * heat * dice.between(20, 180) / 100) for heat in heats[:-1:_POINTS]]
        found[listing.symbol] = _bars(ticks, lots, start_ms)
    return found


def _ticks(listing: Listing, path: Sequence[Mapping[str, Decimal]]) -> list[int]:
    instrument, final = listing.instrument, path[-1]
    base, quote = instrument.base, instrument.quote
    scale = listing.start_price / instrument.price_tick * final[quote] / final[base]
    return [int(scale * point[base] / point[quote]) for point in path]


def _bars(ticks: Sequence[int], lots: Sequence[int], start_ms: int) -> list[Bar]:
    bars = []
    for minute, volume in enumerate(lots):
        seen = ticks[minute * _POINTS : (minute + 1) * _POINTS + 1]
        bars.append(Bar(start_ms + minute * MINUTE_MS, seen[0], max(seen), min(seen), seen[-1], volume))
    return bars
