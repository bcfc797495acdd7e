"""The public reads: symbols, books, trades, tickers, candles, perpetuals. No key is needed for them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial

from domain.errors import BadInputError, VenueRejectedError
from domain.instrument import Instrument
from domain.market import BookView, Candle, PublicTrade
from venues.gemini.caller import Caller
from venues.gemini.catalogue import INTERVALS, TABLE
from venues.gemini.parsing import parse, parse_perpetuals

_DETAILS_AT_ONCE = 4


class MarketReads:
    """What anyone may ask. Raises `VenueRejectedError`, `VenueRetryableError`, `UnreachableError`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def symbols(self) -> list[str]:
        """Return every symbol in lower case."""
        return await self._caller.call(TABLE["symbols"], parse.symbols)

    async def instruments(self) -> list[Instrument]:
        """Return every instrument, derivatives too (`is_spot` False)."""
        try:
            return await self._caller.call(TABLE["all_symbol_details"], parse.instruments)
        except VenueRejectedError:  # not every deployment has the list in one piece
            return await self._instruments_one_by_one()

    async def book(self, symbol: str, limit: int = 50) -> BookView:
        """Return up to `limit` levels a side; 0 means all."""
        params = {"limit_bids": str(limit), "limit_asks": str(limit)}
        read = partial(parse.book, symbol=symbol)
        return await self._caller.call(TABLE["book"], read, parts={"symbol": symbol}, params=params)

    async def trades(self, symbol: str, limit: int = 50) -> list[PublicTrade]:
        """Return the newest public trades, oldest first; at most 500."""
        params = {"limit_trades": str(limit)}
        read = partial(parse.trades, symbol=symbol)
        return await self._caller.call(TABLE["trades"], read, parts={"symbol": symbol}, params=params)

    async def price_feed(self) -> list[parse.PriceQuote]:
        """Return the last price of every pair."""
        return await self._caller.call(TABLE["price_feed"], parse.price_feed)

    async def ticker(self, symbol: str) -> parse.Ticker:
        """Return the day of one symbol."""
        return await self._caller.call(TABLE["ticker"], parse.ticker, parts={"symbol": symbol})

    async def pub_ticker(self, symbol: str) -> parse.PubTicker:
        """Return best prices, last price and the day's volume of one symbol."""
        read = partial(parse.pub_ticker, symbol=symbol)
        return await self._caller.call(TABLE["pub_ticker"], read, parts={"symbol": symbol})

    async def candles(self, symbol: str, interval: str) -> list[Candle]:
        """Return the venue's window of candles, oldest first; `interval` is one of `catalogue.INTERVALS`."""
        if interval not in INTERVALS:
            raise BadInputError(
                "BAD_INTERVAL", f"no candles of {interval!r:.20}", f"Use one of {', '.join(INTERVALS)}."
            )
        parts = {"symbol": symbol, "interval": INTERVALS[interval]}
        return await self._caller.call(TABLE["candles"], parse.candles, parts=parts)

    async def funding_amount(self, symbol: str) -> parse_perpetuals.PaidFunding:
        """Return what a perpetual paid last and is about to pay."""
        call = TABLE["funding_amount"]
        return await self._caller.call(call, parse_perpetuals.funding, parts={"symbol": symbol})

    async def next_funding(self, symbol: str) -> datetime:
        """Return when a perpetual pays next."""
        call = TABLE["next_funding_timestamp"]
        return await self._caller.call(call, parse_perpetuals.next_funding, parts={"symbol": symbol})

    async def risk_stats(self, symbol: str) -> parse_perpetuals.RiskStats:
        """Return mark price, index price and open interest of a perpetual."""
        call = TABLE["risk_stats"]
        return await self._caller.call(call, parse_perpetuals.risk_stats, parts={"symbol": symbol})

    async def _instruments_one_by_one(self) -> list[Instrument]:
        gate = asyncio.Semaphore(_DETAILS_AT_ONCE)

        async def one(symbol: str) -> Instrument | None:
            async with gate:
                try:
                    return await self._caller.call(
                        TABLE["symbol_details"], parse.instrument, parts={"symbol": symbol}
                    )
                except VenueRejectedError:  # listed, but gone since
                    return None

        wanted = await self.symbols()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(symbol)) for symbol in wanted]
        except ExceptionGroup as several:  # all of one kind: the venue is in trouble
            raise several.exceptions[0] from several
        return [found for task in tasks if (found := task.result()) is not None]
