"""The public market data sockets of the first two generations: v2 by subscription, v1 by path and query.

Where the venue is silent: a v2 frame that names some markets and some nonsense is served as far as it makes
sense; v1 answers symbols it does not have as the public REST calls do.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.datastructures import QueryParams
from starlette.websockets import WebSocket

from venues.paper.call import market_or_bad_request
from venues.paper.exchange import Exchange
from venues.paper.faults.fault_kinds import Stream
from venues.paper.feeds.conversation import converse
from venues.paper.feeds.encoding import dumps
from venues.paper.feeds.level_events import LevelChannel, LevelView
from venues.paper.feeds.market_frames import CandleChannel, L2Channel
from venues.paper.feeds.market_tap import Channel, MarketTap
from venues.paper.feeds.perpetual_views import FundingUpdates, MarkPriceUpdates
from venues.paper.matching.candles import FRAMES
from venues.paper.matching.listings import is_symbol
from venues.paper.matching.refusals import RefusedError

HEARTBEAT_MS = 5_000
MAX_SUBSCRIPTIONS = 200
"""Symbols a single frame may name."""

_TOO_OFTEN = {"result": "error", "reason": "RateLimit", "message": "Requests were made too frequently"}
_NO_PAIRS = {"result": "error", "reason": "NoValidTradingPairs"}
_SWAP_NAMES = frozenset({"mark_price", "funding_amount"})
_KINDS = frozenset({"subscribe", "unsubscribe"})
_ENTRIES = ("bids", "offers", "trades", "auctions")


async def market_data(exchange: Exchange, socket: WebSocket, _: str) -> None:
    """Serve `/v2/marketdata` until the client leaves or lags too far."""
    await socket.accept()
    session = _Session(exchange)
    beat = exchange.feeds.intervals.every(HEARTBEAT_MS, session.beat)
    try:
        await converse(socket, session.mailbox, session.take, exchange.faults, Stream.MARKET_DATA)
    finally:
        beat.cancel()
        session.end()


class _Session:
    """One v2 connection and what it has subscribed to."""

    def __init__(self, exchange: Exchange) -> None:
        self.mailbox = exchange.feeds.mailbox()
        self._exchange = exchange
        self._limit = exchange.limits.subscriptions()
        self._joined: dict[tuple[str, str], None] = {}

    def beat(self) -> None:
        """Send a heartbeat."""
        self._say({"type": "heartbeat", "timestamp": self._exchange.timeline.now_ms()})

    def take(self, text: str) -> None:
        """Answer one frame."""
        try:
            frame = json.loads(text)
            kind = frame["type"]
            wanted = [(each["name"], each["symbols"]) for each in frame["subscriptions"]]
            pairs = [(str(name), symbol) for name, symbols in wanted for symbol in symbols]
        except (ValueError, KeyError, TypeError, RecursionError):
            self._refuse("InvalidJson", "Not a subscription frame")
            return
        if not isinstance(kind, str) or kind not in _KINDS or len(pairs) > MAX_SUBSCRIPTIONS:
            self._refuse("InvalidParameterValue", f"Refused: {kind!s:.40}")
            return
        found = [(name, symbol.lower()) for name, symbol in pairs if self._has(name, symbol)]
        if not found:
            self._say(_NO_PAIRS)
        for name, symbol in found:
            if kind == "unsubscribe":
                self._leave(name, symbol)
            elif self._limit.admits(symbol):
                self._join(name, symbol)
            else:
                self._say(_TOO_OFTEN)

    def end(self) -> None:
        """Leave everything."""
        for name, symbol in tuple(self._joined):
            self._leave(name, symbol)

    def _has(self, name: str, symbol: object) -> bool:
        if not isinstance(symbol, str) or not is_symbol(symbol) or symbol != symbol.upper():
            return False
        market = self._exchange.engine.markets.get(symbol.lower())
        if market is None:
            return False
        if name in _SWAP_NAMES:
            return not market.instrument.is_spot
        return name == "l2" or (name.startswith("candles_") and name.removeprefix("candles_") in FRAMES)

    def _join(self, name: str, symbol: str) -> None:
        def make(tap: MarketTap) -> Channel:
            if name == "l2":
                return L2Channel(tap)
            if name == "mark_price":
                return MarkPriceUpdates(tap, self._exchange.engine)
            if name == "funding_amount":
                return FundingUpdates(tap, self._exchange.engine)
            return CandleChannel(tap, name.removeprefix("candles_"))

        self._joined[name, symbol] = None
        self._exchange.feeds.channel(symbol, ("v2", name), make).join(self.mailbox)

    def _leave(self, name: str, symbol: str) -> None:
        self._joined.pop((name, symbol), None)
        self._exchange.feeds.leave(symbol, ("v2", name), self.mailbox)

    def _say(self, message: object) -> None:
        self.mailbox.put(dumps(message))

    def _refuse(self, reason: str, message: str) -> None:
        self._say({"result": "error", "reason": reason, "message": message})


async def one_market(exchange: Exchange, socket: WebSocket, path: str) -> None:
    """Serve `/v1/marketdata/{symbol}`. Raises `RefusedError` for a symbol that is not listed."""
    symbol = market_or_bad_request(exchange, path.rpartition("/")[2]).symbol
    await _levels(exchange, socket, [symbol], _view(socket.query_params, names_symbol=False))


async def many_markets(exchange: Exchange, socket: WebSocket, _: str) -> None:
    """Serve `/v1/multimarketdata?symbols=…`. Raises `RefusedError` for symbols that are not listed."""
    given = [text for text in socket.query_params.get("symbols", "").split(",") if text]
    if not given or len(given) > MAX_SUBSCRIPTIONS:
        raise RefusedError("Bad Request", f"symbols must name 1 to {MAX_SUBSCRIPTIONS} markets")
    symbols = [market_or_bad_request(exchange, text).symbol for text in given]
    view = _view(socket.query_params, names_symbol=True)
    await _levels(exchange, socket, list(dict.fromkeys(symbols)), view)


def _view(query: QueryParams, *, names_symbol: bool) -> LevelView:
    # As soon as one of the entries is named, all others are off unless they are named as well.
    default = "false" if any(name in query for name in _ENTRIES) else "true"
    shown = {name: query.get(name, default) == "true" for name in _ENTRIES}
    return LevelView(
        bids=shown["bids"],
        offers=shown["offers"],
        trades=shown["trades"],
        top_of_book=query.get("top_of_book") == "true",
        names_symbol=names_symbol,
    )


async def _levels(exchange: Exchange, socket: WebSocket, symbols: list[str], view: LevelView) -> None:
    await socket.accept()
    mailbox = exchange.feeds.mailbox()

    def beat() -> None:
        now_ms = exchange.timeline.now_ms()
        mailbox.put_numbered(f'{{"type":"heartbeat","timestampms":{now_ms},"socket_sequence":', "}")

    wants_beat = socket.query_params.get("heartbeat") == "true"
    interval = exchange.feeds.intervals.every(HEARTBEAT_MS, beat) if wants_beat else None
    try:
        for symbol in symbols:
            exchange.feeds.channel(symbol, view, lambda tap: LevelChannel(tap, view)).join(mailbox)
        await converse(socket, mailbox, _ignore, exchange.faults, Stream.MARKET_DATA_V1)
    finally:
        if interval is not None:
            interval.cancel()
        for symbol in symbols:
            exchange.feeds.leave(symbol, view, mailbox)


def _ignore(_: str) -> Any:
    """Take what a client says on a socket that has nothing to say to; a ping is answered below us."""
