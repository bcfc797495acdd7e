"""The views of the market data socket v2: levels with trades, and candles in either spelling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.money import to_wire
from venues.paper.feeds.encoding import dumps
from venues.paper.feeds.mailbox import Mailbox
from venues.paper.feeds.market_tap import Channel, Levels, MarketChange, MarketTap
from venues.paper.matching.candles import FRAMES, MINUTE_MS, Bar
from venues.paper.matching.render import price_text, trade_frame

SNAPSHOT_TRADES = 50


class L2Channel(Channel):
    """`l2`: one absolute book, then a frame for each trade and one for the levels each operation changed."""

    def __init__(self, tap: MarketTap) -> None:
        super().__init__(tap)
        self._snapshot = ""

    def join(self, mailbox: Mailbox) -> None:
        """Send the whole book with the last trades."""
        super().join(mailbox)
        self._snapshot = self._snapshot or self._whole()
        mailbox.put(self._snapshot)

    def _whole(self) -> str:
        book, newest = self.market.book, list(self.market.prints)[-SNAPSHOT_TRADES:]
        return dumps(
            {
                **self._levels(book.bids.depth(0), book.asks.depth(0)),
                "trades": [trade_frame(trade, self.instrument) for trade in newest],
                "auction_events": [],
            }
        )

    def show(self, change: MarketChange) -> None:
        """Send trades, then levels."""
        self._snapshot = ""
        for trade in change.prints:
            self.send(dumps(trade_frame(trade, self.instrument)))
        if change.bids or change.asks:
            self.send(dumps(self._levels(change.bids, change.asks)))

    def _levels(self, bids: Levels, asks: Levels) -> dict[str, Any]:
        changes = [
            (side, price_text(price, self.instrument), to_wire(total))
            for side, levels in (("buy", bids), ("sell", asks))
            for price, total in levels
        ]
        return {"type": "l2_updates", "symbol": self.market.symbol.upper(), "changes": changes}


class CandleChannel(Channel):
    """`candles_…`: the history, newest first, then the candle that changed, under the spelling asked for."""

    def __init__(self, tap: MarketTap, spelling: str) -> None:
        super().__init__(tap)
        self._spelling = spelling
        self._minutes = FRAMES[spelling]
        self._shown: Bar | None = tap.market.candles.latest
        self._history = ""
        self._earlier: Bar | None = None
        self._earlier_start = -1

    def join(self, mailbox: Mailbox) -> None:
        """Send the history."""
        super().join(mailbox)
        self._history = self._history or self._frame(self.market.candles.frame(self._minutes))
        mailbox.put(self._history)

    def show(self, change: MarketChange) -> None:
        """Send the open candle if it is not what was shown last."""
        if change.bar is not None and change.bar is not self._shown:
            self._shown = change.bar
            self._history = ""
            self.send(self._frame([self._open_candle(change.bar)]))

    def _open_candle(self, latest: Bar) -> Bar:
        if self._earlier_start != latest.start_ms:
            self._earlier_start = latest.start_ms
            self._earlier = self._minutes_before(latest)
        if self._earlier is not None:
            return self._earlier.joined(latest)
        return latest._replace(start_ms=self._start_of(latest))

    def _minutes_before(self, latest: Bar) -> Bar | None:
        """Return the open candle without its newest minute, which alone still changes."""
        start, found = self._start_of(latest), None
        for bar in self.market.candles.tail(self._minutes)[:-1]:
            if bar.start_ms >= start:
                found = bar._replace(start_ms=start) if found is None else found.joined(bar)
        return found

    def _start_of(self, bar: Bar) -> int:
        return bar.start_ms - bar.start_ms % (self._minutes * MINUTE_MS)

    def _frame(self, bars: Iterable[Bar]) -> str:
        # Candles are JSON numbers: written as the exact decimals they are, not through floats.
        rows = ",".join(
            "[" + ",".join([str(row[0]), *(to_wire(value) for value in row[1:])]) + "]"
            for row in (self.market.candles.row(bar) for bar in bars)
        )
        symbol = self.market.symbol.upper()
        return f'{{"type":"candles_{self._spelling}_updates","symbol":"{symbol}","changes":[{rows}]}}'
