"""The new WebSocket API, read only: books, best prices, trades, and the account's orders and balances.

The upgrade is signed in a way of its own, with a nonce in epoch seconds, and only for private streams. There
is no sequence over private streams, so after every connection `on_connected` is awaited once they run: the
desk then reads over REST what happened meanwhile. Nothing here can place or cancel an order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Final, NoReturn

from websockets.asyncio.client import ClientConnection

from domain.clock import Clock
from domain.errors import BadInputError, LockedError, NotFoundError
from domain.market import BookView, PublicTrade
from guardrails.sandbox_lock import Endpoint
from venues.gemini.catalogue import TABLE
from venues.gemini.feed import RECONNECT, FeedCutError, FeedStatus, SocketLoop, open_socket
from venues.gemini.session.pacing import Patience
from venues.gemini.signing import Credentials, sign_upgrade
from venues.gemini.streams import names as stream_names
from venues.gemini.streams.depth_book import DepthBook, Numbering, Outcome
from venues.gemini.streams.names import Kind, Method
from venues.gemini.streams.stream_parse import Ack, Balances, Message, OrderUpdate, PartialBook, Top, read
from venues.gemini.streams.stream_requests import Requests, Wanted
from venues.gemini.streams.stream_state import StreamMarket
from venues.gemini.streams.stream_wire import DepthWire

QUIET_S: Final = 10.0
"""Nothing comes while nothing happens, so after this long we ask for a sign of life."""
_SILENCE_S: Final = 25.0
_WHOLE_BOOK: Final = "?snapshot=-1"


async def _ignored(_: object) -> None:
    """Take no notice."""


async def _nothing_to_read() -> None:
    """Resync nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An account's key and where its nonces come from: `nonce()` returns epoch seconds.

    Raises `BadInputError` for a group's key.
    """

    credentials: Credentials
    nonce: Callable[[], int]

    def __post_init__(self) -> None:
        """Refuse a key that the venue would refuse."""
        stream_names.check_key(self.credentials)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who is told. `on_change(symbol)` must be quick and must not raise; the others are awaited in order.

    An error of the venue that one raises ends the session, so that the next one resyncs; any other error is
    a fault of ours and ends `run`. The same order update can be seen twice: appliers go by trade id.
    """

    on_change: Callable[[str], None] = field(default=lambda _symbol: None)
    on_order: Callable[[OrderUpdate], Awaitable[None]] = _ignored
    on_balances: Callable[[Balances], Awaitable[None]] = _ignored
    on_connected: Callable[[], Awaitable[None]] = _nothing_to_read


class StreamFeed:
    """Follows the streams `names` (`btcusd@depth`, `btcusd@trade`, `orders@account`, ...).

    `run` until cancelled. Raises `BadInputError` for a stream that is not read here, and for a private one
    without `login`; `LockedError` for an endpoint of another kind of host.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        names: Sequence[str],
        clock: Clock,
        listeners: Listeners | None = None,
        *,
        login: Login | None = None,
        random: Random | None = None,
        quiet_s: float = QUIET_S,
        silence_s: float = _SILENCE_S,
        patience: Patience = RECONNECT,
    ) -> None:
        if endpoint.kind != TABLE["streams"].host:
            raise LockedError(
                "HOST_KIND",
                f"streams are not served by the {endpoint.kind} host",
                'Take the endpoint with host="stream" from the sandbox lock.',
            )
        stream_names.check(names)
        self._names = {stream_names.subject(name): name for name in names}
        self._private = [name for (symbol, _), name in self._names.items() if not symbol]
        if self._private and login is None:
            raise BadInputError("NO_KEY", f"{self._private[0]} needs a key", "Set up an exchange key first.")
        self._endpoint = endpoint
        self._clock = clock
        self._listeners = listeners or Listeners()
        self._login = login if self._private else None
        self._random = random or SystemRandom()
        self._patience = patience
        self._quiet_s = quiet_s
        self._silence_s = silence_s
        self._loop = SocketLoop(clock, self._random, silence_s=silence_s, patience=patience)
        self._numbering = Numbering()
        self._requests = Requests((), patience, self._random)
        self._markets = {symbol: StreamMarket(symbol) for symbol, _ in self._names if symbol}
        for symbol, kind in self._names:
            if kind is Kind.CHANGES:
                self._markets[symbol].book = DepthBook()
        self._heard: dict[str, float] = {}
        self._is_resynced = False

    async def run(self) -> NoReturn:
        """Connect and follow until cancelled."""
        await self._loop.run(self._open, self._session, self._cut)

    def view(self, symbol: str, depth: int = 10) -> BookView:
        """Return the fullest book that the streams of `symbol` give; out of sync it says so.

        Raises `NotFoundError` for a symbol without a stream.
        """
        return self._market(symbol).view(depth, self._loop.age_s)

    def top(self, symbol: str) -> BookView | None:
        """Return best bid and ask of `@bookTicker`, None before they came."""
        return self._market(symbol).top

    def recent_trades(self, symbol: str) -> list[PublicTrade]:
        """Return the trades still remembered, oldest first."""
        return list(self._market(symbol).trades)

    def ages(self) -> Mapping[str, float]:
        """Return the seconds since each stream's last frame; one that never spoke is missing."""
        now = self._clock.monotonic()
        return {name: now - at for name, at in self._heard.items()}

    def status(self) -> FeedStatus:
        """Return the feed's health; in sync means: all streams run, books follow, the desk has resynced."""
        books = (market.book for market in self._markets.values())
        return self._loop.status(
            synced=self._loop.is_connected
            and self._is_resynced
            and self._requests.is_running(self._names.values())
            and all(book is None or book.synced for book in books)
        )

    async def _open(self) -> ClientConnection:
        headers: dict[str, str] = {}
        if self._login is not None:
            headers = sign_upgrade(self._login.credentials, self._login.nonce())
        return await open_socket(self._endpoint, TABLE["streams"].path + _WHOLE_BOOK, headers)

    async def _session(self, socket: ClientConnection) -> None:
        now = asyncio.get_running_loop().time
        self._requests = Requests(self._names.values(), self._patience, self._random)
        self._numbering = Numbering()
        heard = pinged = now()
        while True:
            for batch in self._requests.due(now()):
                await self._subscribe(socket, batch)
            wait_s = min(self._quiet_s, self._requests.wait_s(now()))
            try:
                message = await self._loop.receive_within(socket, read, wait_s)
            except TimeoutError:
                pinged = await self._sign_of_life(socket, heard, pinged)
                continue
            heard = now()
            await self._take(socket, message)

    async def _sign_of_life(self, socket: ClientConnection, heard: float, pinged: float) -> float:
        now = asyncio.get_running_loop().time()
        if now - heard >= self._silence_s:
            raise FeedCutError(f"no frame for {self._silence_s:g} seconds")
        if now - max(heard, pinged) < self._quiet_s:
            return pinged
        await self._ask(socket, Method.PING, ())
        return now

    async def _subscribe(self, socket: ClientConnection, batch: Sequence[Wanted]) -> None:
        for stream in batch:
            symbol, kind = stream_names.subject(stream.name)
            if kind is Kind.CHANGES and (book := self._markets[symbol].book) is not None:
                book.open(self._numbering)
        await self._ask(socket, Method.SUBSCRIBE, batch)

    async def _ask(self, socket: ClientConnection, method: Method, about: Sequence[Wanted]) -> None:
        number = self._requests.note(method, about, asyncio.get_running_loop().time())
        await self._loop.send(socket, stream_names.request(method, number, [stream.name for stream in about]))

    async def _take(self, socket: ClientConnection, message: Message) -> None:
        match message:
            case DepthWire():
                await self._take_changes(socket, message)
            case Top():
                self._take_whole(message, message.view.symbol, Kind.TOP)
            case PartialBook():
                self._take_whole(message, message.view.symbol or self._only_levels(), Kind.LEVELS)
            case PublicTrade():
                if (market := self._hear(message.symbol, Kind.TRADES)) is not None:
                    market.trades.append(message)
                    self._listeners.on_change(market.symbol)
            case OrderUpdate():
                self._hear("", Kind.ORDERS)
                await self._listeners.on_order(message)
            case Balances():
                self._hear("", Kind.BALANCES)
                await self._listeners.on_balances(message)
            case Ack():
                await self._take_answer(message)

    async def _take_changes(self, socket: ClientConnection, frame: DepthWire) -> None:
        symbol = frame.symbol.lower()
        market = self._hear(symbol, Kind.CHANGES)
        if market is None or market.book is None:
            return
        outcome = market.book.take(frame)
        if outcome is Outcome.DROPPED:
            return
        if outcome is Outcome.LOST:
            self._loop.last_error = f"the book of {symbol} is lost: {market.book.why}"
            stream = self._requests.streams[self._names[symbol, Kind.CHANGES]]
            self._requests.lose(stream, asyncio.get_running_loop().time())
            await self._ask(socket, Method.UNSUBSCRIBE, [stream])
        self._listeners.on_change(symbol)

    def _take_whole(self, told: Top | PartialBook, symbol: str, kind: Kind) -> None:
        if (market := self._hear(symbol, kind)) is not None and market.take(told):
            self._listeners.on_change(symbol)

    def _only_levels(self) -> str:
        # The frame does not say its symbol, which is plain only while there is one such stream.
        symbols = [symbol for symbol, kind in self._names if kind is Kind.LEVELS]
        if len(symbols) != 1:
            raise FeedCutError("a book frame without a symbol, and more than one that it could be")
        return symbols[0]

    async def _take_answer(self, ack: Ack) -> None:
        self._requests.answer(ack, asyncio.get_running_loop().time())
        if self._requests.last_error:
            self._loop.last_error, self._requests.last_error = self._requests.last_error, ""
        if not self._is_resynced and self._requests.is_running(self._private):
            if self._private:
                await self._listeners.on_connected()
            self._is_resynced = True

    def _hear(self, symbol: str, kind: Kind) -> StreamMarket | None:
        name = self._names.get((symbol, kind))
        if name is None:
            return None
        self._heard[name] = self._clock.monotonic()
        return self._markets.get(symbol)

    def _cut(self) -> None:
        self._is_resynced = False
        for market in self._markets.values():
            market.forget()
        for symbol in self._markets:
            self._listeners.on_change(symbol)

    def _market(self, symbol: str) -> StreamMarket:
        market = self._markets.get(symbol)
        if market is None:
            raise NotFoundError(
                "NOT_WATCHED", f"{symbol!r:.40} is not watched", "Watch it, or ask over REST."
            )
        return market
