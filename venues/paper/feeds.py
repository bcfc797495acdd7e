"""From an operation to the sockets: encode once, hand to every reader, never wait for a slow one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from domain.money import to_wire
from domain.order import OrderEventType
from venues.paper.candles import FRAMES, Bar
from venues.paper.engine import Batch, Engine, Market, Notice
from venues.paper.render import event_json, price_text, trade_frame

QUEUE_LIMIT = 4096
"""Frames a reader may lag behind; one more and it is cut off, so that it resyncs."""

SNAPSHOT_TRADES = 50


class Mailbox:
    """The frames that wait for one connection. `None` in the queue means that the connection must end."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._is_cut = False

    def put(self, frame: str) -> None:
        """Queue a frame, or cut the reader off when it lags too far."""
        if self._is_cut:
            return
        if self._queue.qsize() >= QUEUE_LIMIT:
            self._is_cut = True
            self._queue.put_nowait(None)
            return
        self._queue.put_nowait(frame)

    async def get(self) -> str | None:
        """Return the next frame, None when the connection must end."""
        return await self._queue.get()


class OrderReader:
    """One order-events connection: its filters and its own `socket_sequence`."""

    def __init__(
        self, account: str, *, symbols: frozenset[str], sessions: frozenset[str], kinds: frozenset[str]
    ) -> None:
        self.account = account
        self.mailbox = Mailbox()
        self._symbols = symbols
        self._sessions = sessions
        self._kinds = kinds
        self._sequence = 0

    def offer(self, event: Mapping[str, Any]) -> None:
        """Send an event that passes the filters, alone in its array."""
        if (
            (not self._symbols or event["symbol"] in self._symbols)
            and (not self._sessions or event["api_session"] in self._sessions)
            and (not self._kinds or event["type"] in self._kinds)
        ):
            self.mailbox.put(dumps([self._numbered(event)]))

    def offer_heartbeat(self, heartbeat: Mapping[str, Any]) -> None:
        """Send a heartbeat; it takes a number as well."""
        self.mailbox.put(dumps(self._numbered(heartbeat)))

    def _numbered(self, message: Mapping[str, Any]) -> dict[str, Any]:
        numbered = {**message, "socket_sequence": self._sequence}
        self._sequence += 1
        return numbered


class Feeds:
    """All readers of all sockets."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._books: dict[str, set[Mailbox]] = {}
        self._candles: dict[tuple[str, str], set[Mailbox]] = {}
        self._shown_bars: dict[tuple[str, str], Bar | None] = {}
        self._orders: set[OrderReader] = set()

    def watch_book(self, symbol: str, mailbox: Mailbox) -> None:
        """Send the snapshot of `symbol` and every change after it."""
        market = self._engine.markets[symbol]
        self._books.setdefault(symbol, set()).add(mailbox)
        mailbox.put(dumps(_snapshot(market)))

    def watch_candles(self, symbol: str, frame: str, mailbox: Mailbox) -> None:
        """Send the candles of `symbol` and every change after them, under the spelling asked for."""
        market = self._engine.markets[symbol]
        key = (symbol, frame)
        self._candles.setdefault(key, set()).add(mailbox)
        bars = market.candles.frame(FRAMES[frame])
        self._shown_bars[key] = bars[0] if bars else None
        mailbox.put(_candle_frame(market, frame, bars))

    def unwatch(self, mailbox: Mailbox, *, symbol: str | None = None, name: str | None = None) -> None:
        """Forget a reader, or only its subscription to one symbol of one stream (`l2`, `candles_1m`)."""
        for book_symbol, readers in self._books.items():
            if symbol in {None, book_symbol} and name in {None, "l2"}:
                readers.discard(mailbox)
        for (candle_symbol, frame), readers in self._candles.items():
            if symbol in {None, candle_symbol} and name in {None, f"candles_{frame}"}:
                readers.discard(mailbox)

    def add_orders(self, reader: OrderReader) -> None:
        """Start sending order events to `reader`."""
        self._orders.add(reader)

    def remove_orders(self, reader: OrderReader) -> None:
        """Stop sending order events to `reader`."""
        self._orders.discard(reader)

    def publish(self, batch: Batch) -> None:
        """Send what an operation changed: trades, then levels, then candles, then the owners' events."""
        for symbol, trade in batch.prints:
            readers = self._books.get(symbol)
            if readers:
                frame = dumps(trade_frame(trade, self._engine.markets[symbol].instrument))
                for mailbox in readers:
                    mailbox.put(frame)
        for market in self._engine.markets.values():
            self._publish_levels(market)
        for (symbol, frame), readers in self._candles.items():
            if readers:
                self._publish_candle(self._engine.markets[symbol], frame, readers)
        for notice in batch.notices:
            self._publish_notice(notice)

    def _publish_levels(self, market: Market) -> None:
        bids, asks = market.book.bids.take_changes(), market.book.asks.take_changes()
        readers = self._books.get(market.symbol)
        if not readers or not (bids or asks):
            return
        instrument = market.instrument
        changes = [
            (side, price_text(price, instrument), to_wire(total))
            for side, levels in (("buy", bids), ("sell", asks))
            for price, total in levels
        ]
        frame = dumps({"type": "l2_updates", "symbol": market.symbol.upper(), "changes": changes})
        for mailbox in readers:
            mailbox.put(frame)

    def _publish_candle(self, market: Market, frame: str, readers: set[Mailbox]) -> None:
        key = (market.symbol, frame)
        bar = market.candles.newest(FRAMES[frame])
        if bar is None or bar == self._shown_bars.get(key):
            return
        self._shown_bars[key] = bar
        text = _candle_frame(market, frame, [bar])
        for mailbox in readers:
            mailbox.put(text)

    def _publish_notice(self, notice: Notice) -> None:
        readers = [reader for reader in self._orders if reader.account == notice.order.account.name]
        if readers:
            event = event_json(notice, self._engine.markets[notice.order.symbol].instrument)
            for reader in readers:
                reader.offer(event)


def initial_events(engine: Engine, account: str) -> list[dict[str, Any]]:
    """Return one `initial` event per live order of `account`, oldest first."""
    orders = sorted((o for o in engine.live.values() if o.account.name == account), key=lambda o: o.id)
    return [
        event_json(
            Notice(kind=OrderEventType.INITIAL, order=order, event_id=0, at_ms=order.created_ms),
            engine.markets[order.symbol].instrument,
            initial=True,
        )
        for order in orders
    ]


def dumps(message: object) -> str:
    """Return compact JSON."""
    return json.dumps(message, separators=(",", ":"))


def _snapshot(market: Market) -> dict[str, Any]:
    instrument = market.instrument
    changes = [
        (side, price_text(price, instrument), to_wire(total))
        for side, levels in (("buy", market.book.bids.depth(0)), ("sell", market.book.asks.depth(0)))
        for price, total in levels
    ]
    newest = list(market.prints)[-SNAPSHOT_TRADES:]
    return {
        "type": "l2_updates",
        "symbol": market.symbol.upper(),
        "changes": changes,
        "trades": [trade_frame(trade, instrument) for trade in newest],
        "auction_events": [],
    }


def _candle_frame(market: Market, frame: str, bars: list[Bar]) -> str:
    # Candles are JSON numbers: written as the exact decimals they are, not through floats.
    rows = ",".join(
        "[" + ",".join([str(row[0]), *(to_wire(value) for value in row[1:])]) + "]"
        for row in (market.candles.row(bar) for bar in bars)
    )
    return f'{{"type":"candles_{frame}_updates","symbol":"{market.symbol.upper()}","changes":[{rows}]}}'
