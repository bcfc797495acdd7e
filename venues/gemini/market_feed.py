"""Live books and trades over `/v2/marketdata`.

The wire has no sequence numbers. A book counts as in sync from its snapshot until the connection is cut,
falls silent, or the book crosses; until the next snapshot every view of it says that it is not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from random import Random, SystemRandom
from typing import Final, NoReturn

import msgspec
from websockets.asyncio.client import ClientConnection

from domain.clock import Clock
from domain.errors import BadInputError, NotFoundError
from domain.instrument import SYMBOL
from domain.market import BookView, PublicTrade
from guardrails.sandbox_lock import Endpoint
from venues.gemini.book import Book, BookError
from venues.gemini.catalogue import TABLE
from venues.gemini.errors import plain
from venues.gemini.feed import RECONNECT, SILENCE_S, FeedStatus, SocketLoop, open_socket
from venues.gemini.pacing import Patience
from venues.gemini.parse import socket_trade
from venues.gemini.wire import FrameWire, KindWire, SocketTradeWire

_BATCH = 20
_ASK_AGAIN_S: Final = 60.0
"""The venue allows one subscription request a minute for each symbol."""
_TRADES_KEPT = 200
_READ_KINDS: Final = frozenset({"l2_updates", "trade"})
_SIDES: Final = frozenset({"buy", "sell"})

_decode = msgspec.json.Decoder(FrameWire).decode
_decode_trade = msgspec.json.Decoder(SocketTradeWire).decode
_decode_kind = msgspec.json.Decoder(KindWire).decode


class _Market:
    __slots__ = ("asked_at", "book", "symbol", "synced", "trades")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.book = Book()
        self.synced = False
        self.asked_at = 0.0
        self.trades: deque[PublicTrade] = deque(maxlen=_TRADES_KEPT)


class MarketFeed:
    """Keeps the books of `symbols` (lower case). `run` until cancelled; read with `view` at any time.

    `on_change(symbol)` is called after every frame that changed a symbol, and when its book goes out of
    sync. It must be quick and must not raise.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        symbols: Sequence[str],
        clock: Clock,
        on_change: Callable[[str], None] | None = None,
        *,
        random: Random | None = None,
        silence_s: float = SILENCE_S,
        patience: Patience = RECONNECT,
        ask_again_s: float = _ASK_AGAIN_S,
    ) -> None:
        for symbol in symbols:
            if not SYMBOL.fullmatch(symbol):
                raise BadInputError("BAD_SYMBOL", f"{symbol!r:.40} is not a symbol", "Write it like btcusd.")
        self._endpoint = endpoint
        self._markets = {symbol.upper(): _Market(symbol) for symbol in symbols}
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

    def status(self) -> FeedStatus:
        """Return the feed's health; in sync means that every book is."""
        return FeedStatus(
            connected=self._loop.is_connected,
            synced=all(market.synced for market in self._markets.values()),
            age_s=self._loop.age_s,
            reconnects=self._loop.reconnects,
            last_error=self._loop.last_error,
        )

    def take(self, frame: bytes) -> str | None:
        """Apply one frame as received and return the symbol that it changed, None when it changed none.

        Raises one of `reading.UNREADABLE` for a frame that makes no sense.
        """
        try:
            found = _decode(frame)
        except msgspec.ValidationError:
            if _decode_kind(frame).type in _READ_KINDS:
                raise
            return None  # a kind that we do not read, with fields of its own
        if found.type == "l2_updates":
            return self._take_book(found)
        if found.type == "trade":
            return self._take_trade(_decode_trade(frame))
        if found.type == "" and (refusal := _decode_kind(frame)).result == "error":
            self._loop.last_error = f"the exchange refused the subscription ({plain(refusal.reason)[:40]})"
            # One bad symbol refuses its whole frame: from the next connection on each asks for itself.
            self._batch = 1
        return None

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
            await self._loop.send(socket, _subscription("unsubscribe", lost))
            await self._ask(socket, lost, now)

    async def _ask(self, socket: ClientConnection, names: list[str], now: float) -> None:
        for name in names:
            self._markets[name].asked_at = now
        await self._loop.send(socket, _subscription("subscribe", names))

    def _take_book(self, found: FrameWire) -> str | None:
        market = self._markets.get(found.symbol)
        if market is None:
            return None
        if found.is_snapshot:
            market.book.clear()
            self._take_history(market, found.trades)
        elif not market.synced:
            return None  # a change to a book that we do not have
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
        if market is None or found.side not in _SIDES:
            return None
        market.trades.append(socket_trade(found))
        return market.symbol

    def _take_history(self, market: _Market, found: list[SocketTradeWire] | msgspec.UnsetType) -> None:
        if isinstance(found, msgspec.UnsetType):
            return
        read = [socket_trade(trade) for trade in found if trade.side in _SIDES]
        known = {trade.trade_id for trade in market.trades}
        # Newest first in old captures, oldest first today.
        read.sort(key=lambda trade: (trade.at, int(trade.trade_id)))
        market.trades.extend(trade for trade in read if trade.trade_id not in known)

    def _lose(self, market: _Market, why: str) -> None:
        self._loop.last_error = why
        market.synced = False
        market.book.clear()

    def _cut(self) -> None:
        for market in self._markets.values():
            market.synced = False
            market.book.clear()
        for market in self._markets.values():
            self._tell(market.symbol)

    def _tell(self, symbol: str | None) -> None:
        if self._on_change is not None and symbol is not None:
            self._on_change(symbol)

    def _market(self, symbol: str) -> _Market:
        market = self._markets.get(symbol.upper())
        if market is None or market.symbol != symbol:
            raise NotFoundError(
                "NOT_WATCHED", f"{symbol!r:.40} is not watched", "Watch it, or ask over REST."
            )
        return market


def _subscription(kind: str, names: list[str]) -> str:
    wanted = {"type": kind, "subscriptions": [{"name": "l2", "symbols": names}]}
    return msgspec.json.encode(wanted).decode()
