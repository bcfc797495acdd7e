"""What the desk knows of the market: books and some candles from the socket, the rest over REST."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from domain.clock import Clock, rfc3339
from domain.errors import BadInputError, UnreachableError, VenueError
from domain.instrument import Instrument, InstrumentStatus
from domain.market import BookView, Candle
from domain.money import CONTEXT, ONE, to_wire
from venues.gemini.client import GeminiRest
from venues.gemini.market_feed import MarketFeed
from venues.gemini.parsing.parse import PriceQuote

PREFERRED_QUOTES = ("usd", "gusd", "btc", "eth", "usdt", "usdc", "eur")
MOST_WATCHED = 60
_JUMP_WINDOW_S = 5.0
_SAMPLE_S = 0.25
_CHANGE_EVERY_S = 30.0
_CANDLES_FRESH_S = {"1m": 5.0}
_OTHER_CANDLES_FRESH_S = 30.0
LIVE_CANDLES = "5m"
"""The width that the socket keeps for every symbol, so that comparing all pairs asks nothing."""
INTERVALS = ("1m", "5m", "15m", "30m", "1h", "6h", "1d")


def choose_symbols(instruments: Iterable[Instrument]) -> list[Instrument]:
    """Pick what to watch: spot pairs that trade, those quoted in dollars first, at most `MOST_WATCHED`.

    A closed pair, such as one that only wraps a token, has no book to wait for.
    """
    spot = [
        i
        for i in instruments
        if i.is_spot and i.status is not InstrumentStatus.CLOSED and i.quote in PREFERRED_QUOTES
    ]
    spot.sort(key=lambda i: (PREFERRED_QUOTES.index(i.quote), i.symbol))
    return spot[:MOST_WATCHED]


class Market:
    """Prices as the desk sees them; every view carries its age."""

    def __init__(self, rest: GeminiRest, clock: Clock, source: str) -> None:
        self._rest = rest
        self._source = source
        self._clock = clock
        self._feed: MarketFeed | None = None
        self._mids: dict[str, deque[tuple[float, Decimal]]] = {}
        self._changes: dict[str, PriceQuote] = {}
        self._candles: dict[tuple[str, str], tuple[float, list[Candle]]] = {}
        self.instruments: Mapping[str, Instrument] = {}

    def attach(self, feed: MarketFeed, instruments: Iterable[Instrument]) -> None:
        """Use this feed and these instruments from now on."""
        self._feed = feed
        self.instruments = {i.symbol: i for i in instruments}

    def instrument(self, symbol: str) -> Instrument:
        """Return the instrument; raises `BadInputError` that lists what there is."""
        found = self.instruments.get(symbol)
        if found is None:
            raise BadInputError(
                "UNKNOWN_SYMBOL",
                f"{symbol!r:.40} is not traded here",
                "Choose one of: " + ", ".join(sorted(self.instruments)) + ".",
            )
        return found

    def view(self, symbol: str, depth: int = 10) -> BookView:
        """Return the top of the book; an empty unsynced one before the first frame."""
        if self._feed is None:
            return BookView(symbol=symbol, bids=(), asks=(), age_s=None, synced=False)
        return self._feed.view(symbol, depth)

    def distrust(self, symbol: str, why: str) -> None:
        """Take the book of `symbol` as unknown until the venue sent it anew."""
        if self._feed is not None:
            self._feed.distrust(symbol, why)

    def previous_mid(self, symbol: str) -> Decimal | None:
        """Return the mid of about five seconds ago, the measure of a jump."""
        history = self._mids.get(symbol)
        return history[0][1] if history else None

    def sample_mids(self) -> None:
        """Remember each mid, for the jump rule; call a few times a second."""
        now = self._clock.monotonic()
        for symbol in self.instruments:
            view = self.view(symbol, 1)
            if view.mid is None or not view.synced:
                continue
            history = self._mids.setdefault(symbol, deque())
            history.append((now, view.mid))
            while len(history) > 1 and history[1][0] <= now - _JUMP_WINDOW_S:
                history.popleft()

    def usd_rates(self) -> dict[str, Decimal]:
        """Return dollars for one unit of each currency, direct or over one other pair."""
        rates = {"usd": ONE}
        mids = {
            (i.base, i.quote): mid for i in self.instruments.values() if (mid := self.view(i.symbol, 1).mid)
        }
        for _ in range(2):
            for (base, quote), mid in mids.items():
                if quote in rates and base not in rates:
                    rates[base] = CONTEXT.multiply(mid, rates[quote])
                elif base in rates and quote not in rates:
                    rates[quote] = CONTEXT.divide(rates[base], mid)
        return rates

    def price_json(self, symbol: str) -> dict[str, Any]:
        """Return one row of `/prices`."""
        instrument, view = self.instrument(symbol), self.view(symbol, 1)
        last = self._feed.last_trade(symbol) if self._feed else None
        known = self._changes.get(symbol)
        last_price = last.price if last else known.price if known else None
        return {
            "symbol": symbol,
            "base": instrument.base,
            "quote": instrument.quote,
            "bid": text_or_none(view.bid),
            "ask": text_or_none(view.ask),
            "mid": text_or_none(view.mid),
            "spread_pct": None if view.spread_pct is None else f"{view.spread_pct:.4f}",
            "last": text_or_none(last_price),
            "change_24h_pct": None
            if known is None or known.change_24h is None
            else to_wire(known.change_24h * 100),
            "age_s": None if view.age_s is None else round(view.age_s, 3),
            "source": self._source,
        }

    def prices_json(self, symbol: str | None = None) -> dict[str, Any]:
        """Return the answer of `/prices`."""
        symbols = [symbol] if symbol else list(self.instruments)
        return {"as_of": rfc3339(self._clock.now()), "prices": [self.price_json(s) for s in symbols]}

    def book_json(self, symbol: str, depth: int) -> dict[str, Any]:
        """Return the answer of `/book/{symbol}`."""
        self.instrument(symbol)
        view = self.view(symbol, depth)
        return {
            "symbol": symbol,
            "bids": [{"price": to_wire(p), "amount": to_wire(a)} for p, a in view.bids],
            "asks": [{"price": to_wire(p), "amount": to_wire(a)} for p, a in view.asks],
            "mid": text_or_none(view.mid),
            "spread_pct": None if view.spread_pct is None else f"{view.spread_pct:.4f}",
            "age_s": None if view.age_s is None else round(view.age_s, 3),
            "synced": view.synced,
        }

    async def candles(self, symbol: str, interval: str) -> list[Candle]:
        """Return the venue's candles, oldest first; cached for a few seconds."""
        self.instrument(symbol)
        if interval not in INTERVALS:
            raise BadInputError(
                "BAD_INTERVAL", f"{interval!r:.20} is no interval", "Choose one of: " + ", ".join(INTERVALS)
            )
        live = self._live_candles(symbol, interval)
        if live:
            return live
        key, now = (symbol, interval), self._clock.monotonic()
        cached = self._candles.get(key)
        if cached is None or now - cached[0] > _CANDLES_FRESH_S.get(interval, _OTHER_CANDLES_FRESH_S):
            cached = (now, await self._rest.candles(symbol, interval))
            self._candles[key] = cached
        return cached[1]

    def _live_candles(self, symbol: str, interval: str) -> list[Candle]:
        if interval != LIVE_CANDLES or self._feed is None or not self._feed.status().connected:
            return []
        return self._feed.candles(symbol, interval)

    async def histories(self, most_asked: int) -> list[tuple[Instrument, list[Candle]]]:
        """Return every instrument with its candles of `LIVE_CANDLES`, oldest first.

        They come from the socket; at most `most_asked` that it has not sent are asked for over REST, and the
        rest have none.
        """
        found = {symbol: self._live_candles(symbol, LIVE_CANDLES) for symbol in self.instruments}
        missing = [symbol for symbol, candles in found.items() if not candles][:most_asked]
        asked = await asyncio.gather(*(self.candles(symbol, LIVE_CANDLES) for symbol in missing))
        found |= dict(zip(missing, asked, strict=True))
        return [(self.instruments[symbol], candles) for symbol, candles in found.items()]

    async def follow_changes(self) -> None:
        """Refresh the 24-hour changes until cancelled."""
        while True:
            # The day's change decorates the price table: it keeps its last value until the venue answers.
            with contextlib.suppress(VenueError, UnreachableError):
                quotes = await self._rest.price_feed()
                self._changes = {q.symbol: q for q in quotes}
            await asyncio.sleep(_CHANGE_EVERY_S)

    async def follow_mids(self) -> None:
        """Sample mids until cancelled."""
        while True:
            self.sample_mids()
            await asyncio.sleep(_SAMPLE_S)


def text_or_none(value: Decimal | None) -> str | None:
    """Write a decimal, keep None."""
    return None if value is None else to_wire(value)


def candle_json(candle: Candle) -> dict[str, Any]:
    """Return one candle of `/candles`."""
    return {
        "start": rfc3339(candle.start),
        "open": to_wire(candle.open),
        "high": to_wire(candle.high),
        "low": to_wire(candle.low),
        "close": to_wire(candle.close),
        "volume": to_wire(candle.volume),
    }
