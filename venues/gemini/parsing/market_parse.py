"""The rarer frames of `/v2/marketdata` as domain types: candles, mark prices, funding.

Each function takes the frame's bytes and raises one of `reading.UNREADABLE` for anything that does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from domain.market import Candle, Funding, MarkPrice
from venues.gemini.catalogue import INTERVALS
from venues.gemini.parsing import wire
from venues.gemini.parsing.parse import candle
from venues.gemini.parsing.reading import exact, maybe, moment, symbol_of

_CANDLES: Final = re.compile(r"candles_([0-9a-z]{2,6})_updates", re.ASCII)
_WIDTHS: Final[Mapping[str, str]] = {theirs: ours for ours, theirs in INTERVALS.items()} | {
    ours: ours for ours in INTERVALS
}

_candles = msgspec.json.Decoder(wire.CandlesWire).decode
_mark_prices = msgspec.json.Decoder(wire.MarkPricesWire).decode
_fundings = msgspec.json.Decoder(wire.FundingsWire).decode


def width_of(kind: str) -> str | None:
    """Return our spelling of a candles frame's width (`1h` for `1h` and `1hr`), None for another kind."""
    found = _CANDLES.fullmatch(kind)
    return _WIDTHS.get(found[1]) if found else None


def candles(body: bytes) -> tuple[str, list[Candle]]:
    """Read a candles frame as its symbol in lower case and the candles that changed, oldest first."""
    found = _candles(body)
    return symbol_of(found.symbol), sorted((candle(c) for c in found.changes), key=lambda c: c.start)


def mark_prices(body: bytes) -> list[MarkPrice]:
    """Read a mark price frame, oldest first."""
    found = _mark_prices(body)
    symbol = symbol_of(found.symbol)
    read = [
        MarkPrice(symbol=symbol, price=exact(c.mark_price), index=maybe(c.spot_index), at=moment(c.timestamp))
        for c in found.changes
    ]
    return sorted(read, key=lambda m: m.at)


def fundings(body: bytes) -> list[Funding]:
    """Read a funding frame, oldest first."""
    found = _fundings(body)
    symbol = symbol_of(found.symbol)
    read = [
        Funding(
            symbol=symbol,
            amount=exact(c.funding_amount),
            at=moment(c.timestamp),
            due=moment(c.funding_date_time),
            is_realized=c.is_realized,
            interval_min=c.funding_interval_in_minutes,
            rate=maybe(c.funding_rate),
            mark_price=maybe(c.mark_price),
        )
        for c in found.changes
    ]
    return sorted(read, key=lambda f: f.at)
