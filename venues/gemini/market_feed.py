"""Live books, trades, candles, mark prices and funding over `/v2/marketdata`.

The wire has no sequence numbers. A book counts as in sync from its snapshot until the connection is cut,
falls silent, or the book crosses; until the next snapshot every view of it says that it is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random, SystemRandom
from typing import Final, NoReturn

import msgspec
from websockets.asyncio.client import ClientConnection

from domain.clock import Clock
from domain.errors import BadInputError, NotFoundError
from domain.instrument import SYMBOL
from domain.market import BookView, Candle, Funding, MarkPrice, PublicTrade
from guardrails.sandbox_lock import Endpoint
from venues.gemini.book import BookError
from venues.gemini.catalogue import INTERVALS, TABLE
from venues.gemini.errors import plain
from venues.gemini.feed import RECONNECT, SILENCE_S, FeedStatus, SocketLoop, open_socket
from venues.gemini.market_state import Market
from venues.gemini.parsing import market_parse
from venues.gemini.parsing.wire import FrameWire, KindWire, SocketTradeWire
from venues.gemini.session.pacing import Patience

_BATCH = 20
_ASK_AGAIN_S: Final = 60.0
"""The venue allows one subscription request a minute for each symbol of a connection."""
_PERPETUAL: Final = ("mark_price", "funding_amount")

_decode = msgspec.json.Decoder(FrameWire).decode
_decode_trade = msgspec.json.Decoder(SocketTradeWire).decode
_decode_kind = msgspec.json.Decoder(KindWire).decode


class MarketFeed:
    """Keeps the books of `symbols` (lower case). `run` until cancelled; read with `view` at any time.

    `candles` names widths (`1m`, `5m`, `15m`, `30m`, `1h`, `6h`, `1d`) kept for every symbol; for symbols
    among `perpetuals` mark price and funding are kept too. `on_change(symbol)` is called after every frame
    that changed a symbol, and when its book goes out of sync. It must be quick and must not raise.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        symbols: Sequence[str],
        clock: Clock,
        on_change: Callable[[str], None] | None = None,
        *,
        candles: Sequence[str] = (),
        perpetuals: Sequence[str] = (),
        random: Random | None = None,
        silence_s: float = SILENCE_S,
        patience: Patience = RECONNECT,
        ask_again_s: float = _ASK_AGAIN_S,
    ) -> None:
        _check(symbols, candles, perpetuals)
        self._endpoint = endpoint
        self._clock = clock
        self._markets = {symbol.upper(): Market(symbol) for symbol in symbols}
        self._perpetuals = frozenset(symbol.upper() for symbol in perpetuals)
        self._everywhere = ("l2", *(f"candles_{width}" for width in candles))
        self._on_change = on_change
        self._loop = SocketLoop(clock, random or SystemRandom(), silence_s=silence_s, patience=patience)
        self._batch = _BATCH
        self._ask_again_s = ask_again_s

    async def run(self) -> NoReturn:
        """Connect and keep the books until cancelled."""
        await self._loop.run(self._open, self._session, self._cut)

    def view(self, symbol: str, depth: int = 10) -> BookView:
        """Return the top of a book; while it is out of sync it is empty and says so.

        Raises `NotFoundError` for a symbol that is not watched.
        """
        market = self._market(symbol)
        try:
            bids, asks = market.book.view(depth)
        except BookError as error:
            self._lose(market, str(error))
            bids, asks = (), ()
        return BookView(symbol=symbol, bids=bids, asks=asks, age_s=self._loop.age_s, synced=market.synced)

    def last_trade(self, symbol: str) -> PublicTrade | None:
        """Return the newest public trade, None before one was seen."""
        trades = self._market(symbol).trades
        return trades[-1] if trades else None

    def recent_trades(self, symbol: str) -> list[PublicTrade]:
        """Return the trades still remembered, oldest first."""
        return list(self._market(symbol).trades)

    def candles(self, symbol: str, width: str) -> list[Candle]:
        """Return the candles of a width that are known, oldest first; the last one still changes."""
        return sorted(self._market(symbol).candles.get(width, {}).values(), key=lambda c: c.start)

    def mark_price(self, symbol: str) -> MarkPrice | None:
        """Return a perpetual's newest mark price, None before one was seen."""
        return self._market(symbol).mark_price

    def funding(self, symbol: str) -> Funding | None:
        """Return a perpetual's newest funding amount, None before one was seen."""
        return self._market(symbol).funding

    def ages(self, symbol: str) -> Mapping[str, float]:
        """Return the seconds since the last frame about `symbol`, by kind (`l2`, `trade`, `candles_1m`, ...).

        A quiet market is old here and yet in sync; a kind that never came is missing.
        """
        now = self._clock.monotonic()
        return {kind: now - at for kind, at in self._market(symbol).heard.items()}

    def status(self) -> FeedStatus:
        """Return the feed's health; in sync means that every book is."""
        return self._loop.status(synced=all(market.synced for market in self._markets.values()))

    def take(self, frame: bytes) -> str | None:
        """Apply one frame as received and return the symbol that it changed, None when it changed none.

        Raises one of `reading.UNREADABLE` for a frame that makes no sense.
        """
        try:
            found = _decode(frame)
        except msgspec.ValidationError:
            return self._take_other(frame)
        if found.type == "l2_updates":
            return self._take_book(found)
        if found.type == "trade":
            return self._take_trade(_decode_trade(frame))
        return self._take_other(frame)

    async def _open(self) -> ClientConnection:
        return await open_socket(self._endpoint, TABLE["market_data"].path, {})

    async def _session(self, socket: ClientConnection) -> None:
        now = asyncio.get_running_loop().time
        names = list(self._markets)
        for start in range(0, len(names), self._batch):
            await self._ask(socket, names[start : start + self._batch], now())
        batch = self._batch
        look_each_s = min(1.0, self._ask_again_s / 2)
        next_look = now() + look_each_s
        while batch == self._batch:
            self._tell(await self._loop.receive(socket, self.take))
            if now() >= next_look:
                next_look = now() + look_each_s
                await self._ask_again(socket, now())

    async def _ask_again(self, socket: ClientConnection, now: float) -> None:
        lost = [n for n, m in self._markets.items() if not m.synced and now - m.asked_at > self._ask_again_s]
        if lost:
            await self._loop.send(socket, self._subscription("unsubscribe", lost))
            await self._ask(socket, lost, now)

    async def _ask(self, socket: ClientConnection, names: list[str], now: float) -> None:
        for name in names:
            self._markets[name].asked_at = now
        await self._loop.send(socket, self._subscription("subscribe", names))

    def _subscription(self, kind: str, names: list[str]) -> str:
        # Everything about a symbol stands in one frame, because requests are counted.
        wanted = [{"name": stream, "symbols": names} for stream in self._everywhere]
        if perpetuals := [name for name in names if name in self._perpetuals]:
            wanted += [{"name": stream, "symbols": perpetuals} for stream in _PERPETUAL]
        return msgspec.json.encode({"type": kind, "subscriptions": wanted}).decode()

    def _take_book(self, found: FrameWire) -> str | None:
        market = self._markets.get(found.symbol)
        if market is None:
            return None
        if found.is_snapshot:
            market.book.clear()
            market.take_history(found.trades)
        elif not market.synced:
            return None  # a change to a book that we do not have
        market.heard["l2"] = self._clock.monotonic()
        try:
            market.book.apply(found.changes)
        except BookError as error:
            self._lose(market, str(error))
            return market.symbol
        if market.book.is_crossed:
            self._lose(market, f"the book of {market.symbol} crossed")
        else:
            market.synced = True
        return market.symbol

    def _take_trade(self, found: SocketTradeWire) -> str | None:
        market = self._markets.get(found.symbol)
        if market is None or not market.take_trade(found):
            return None
        market.heard["trade"] = self._clock.monotonic()
        return market.symbol

    def _take_other(self, frame: bytes) -> str | None:
        found = _decode_kind(frame)
        kind = found.type
        if kind == "heartbeat":
            self._loop.note_heartbeat()
        elif kind == "" and found.result == "error":
            self._loop.last_error = f"the exchange refused the subscription ({plain(found.reason)[:40]})"
            if found.reason != "RateLimit":
                # One bad symbol refuses its whole frame: from the next connection on each asks for itself.
                self._batch = 1
        elif kind in {"l2_updates", "trade"}:
            raise ValueError("a book or trade frame of an unknown form")
        elif (market := self._markets.get(found.symbol)) is not None:
            return self._take_rare(market, kind, frame)
        return None

    def _take_rare(self, market: Market, kind: str, frame: bytes) -> str | None:
        width = market_parse.width_of(kind)
        if width is not None:
            market.take_candles(width, market_parse.candles(frame)[1])
            stream = f"candles_{width}"
        elif kind == "mark_price_updates":
            market.mark_price = next(reversed(market_parse.mark_prices(frame)), market.mark_price)
            stream = "mark_price"
        elif kind == "funding_amount_updates":
            market.funding = next(reversed(market_parse.fundings(frame)), market.funding)
            stream = "funding_amount"
        else:
            return None  # a kind that we do not read, with fields of its own
        market.heard[stream] = self._clock.monotonic()
        return market.symbol

    def distrust(self, symbol: str, why: str) -> None:
        """Drop the book of `symbol`; it is asked for anew as soon as the venue allows.

        Raises `NotFoundError` for a symbol that is not watched.
        """
        self._lose(self._market(symbol), why)
        self._tell(symbol)

    def _lose(self, market: Market, why: str) -> None:
        self._loop.last_error = why
        market.lose()

    def _cut(self) -> None:
        for market in self._markets.values():
            market.lose()
        for market in self._markets.values():
            self._tell(market.symbol)

    def _tell(self, symbol: str | None) -> None:
        if self._on_change is not None and symbol is not None:
            self._on_change(symbol)

    def _market(self, symbol: str) -> Market:
        market = self._markets.get(symbol.upper())
        if market is None or market.symbol != symbol:
            raise NotFoundError(
                "NOT_WATCHED", f"{symbol!r:.40} is not watched", "Watch it, or ask over REST."
            )
        return market


def _check(symbols: Sequence[str], candles: Sequence[str], perpetuals: Sequence[str]) -> None:
    for symbol in symbols:
        if not SYMBOL.fullmatch(symbol):
            raise BadInputError("BAD_SYMBOL", f"{symbol!r:.40} is not a symbol", "Write it like btcusd.")
    for width in candles:
        if width not in INTERVALS:
            raise BadInputError(
                "BAD_INTERVAL",
                f"{width!r:.20} is no width of a candle",
                f"Use one of {', '.join(INTERVALS)}.",
            )
    if strange := set(perpetuals) - set(symbols):
        raise BadInputError(
            "NOT_WATCHED",
            f"{min(strange)!r:.40} is not watched",
            "Name perpetuals among the symbols too.",
        )
