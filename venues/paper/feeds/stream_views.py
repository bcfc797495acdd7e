"""The public streams of the new WebSocket API, each a view of one market.

Update ids of all markets come from one rising range; a market's own frames join because `U` repeats the last
`u`. Prices and amounts are zero-padded, times are nanoseconds. Where the venue is silent: `bookTicker` and
the partial books say at once where they stand; a side without orders is an empty text.
"""

from __future__ import annotations

from decimal import Decimal

from domain.instrument import Side
from venues.paper.feeds.encoding import NS_PER_MS, amount_text, dumps, padded_levels
from venues.paper.feeds.mailbox import Mailbox
from venues.paper.feeds.market_tap import Channel, Levels, MarketChange, MarketTap
from venues.paper.matching.render import price_text


class TickerChannel(Channel):
    """`@bookTicker`: the best prices whenever they change."""

    def __init__(self, tap: MarketTap) -> None:
        super().__init__(tap)
        self._shown = self._top()

    def join(self, mailbox: Mailbox) -> None:
        """Send the best prices as they are."""
        super().join(mailbox)
        mailbox.put(self._frame(self.tap.update_id, self.tap.intervals.now_ms()))

    def show(self, change: MarketChange) -> None:
        """Send the best prices if they are not what was shown last."""
        if not change.bids and not change.asks:
            return
        top = self._top()
        if top != self._shown:
            self._shown = top
            self.send(self._frame(change.update_id, change.at_ms))

    def _top(self) -> tuple[Levels, Levels]:
        return self.market.book.bids.depth(1), self.market.book.asks.depth(1)

    def _frame(self, update_id: int, at_ms: int) -> str:
        bids, asks = (padded_levels(levels, self.instrument) for levels in self._top())
        (bid, bid_size), (ask, ask_size) = (bids or [("", "")])[0], (asks or [("", "")])[0]
        frame: dict[str, object] = {
            "u": update_id,
            "E": at_ms * NS_PER_MS,
            "s": self.market.symbol,
            "b": bid,
            "B": bid_size,
            "a": ask,
            "A": ask_size,
        }
        if self.market.prints:
            last = self.market.prints[-1]
            frame |= {
                "c": price_text(last.price, self.instrument),
                "C": amount_text(last.amount, self.instrument),
            }
        return dumps(frame)


class TradeChannel(Channel):
    """`@trade`: every trade."""

    def show(self, change: MarketChange) -> None:
        """Send the trades."""
        for trade in change.prints:
            self.send(
                dumps(
                    {
                        "E": trade.at_ms * NS_PER_MS,
                        "s": self.market.symbol,
                        "t": trade.tid,
                        "p": price_text(trade.price, self.instrument),
                        "q": amount_text(trade.amount, self.instrument),
                        "m": trade.side is Side.SELL,
                    }
                )
            )


class PartialDepthChannel(Channel):
    """`@depth5|10|20`: the best levels, periodically, whether they changed or not."""

    def __init__(self, tap: MarketTap, levels: int, period_ms: int) -> None:
        super().__init__(tap)
        self._count = levels
        self._text = ""
        self.interval = tap.intervals.every(period_ms, self._beat)

    def join(self, mailbox: Mailbox) -> None:
        """Send the best levels as they are."""
        super().join(mailbox)
        mailbox.put(self._frame())

    def show(self, change: MarketChange) -> None:
        """Note that the last frame may not hold any more."""
        if change.bids or change.asks:
            self._text = ""

    def _beat(self) -> None:
        self.send(self._frame())

    def _frame(self) -> str:
        if not self._text:
            self._text = dumps(
                {
                    "lastUpdateId": self.tap.update_id,
                    "symbol": self.market.symbol,
                    "bids": padded_levels(self.market.book.bids.depth(self._count), self.instrument),
                    "asks": padded_levels(self.market.book.asks.depth(self._count), self.instrument),
                }
            )
        return self._text


class DepthChannel(Channel):
    """`@depth`: the levels that changed, at most once in a period; nothing while the book rests."""

    def __init__(self, tap: MarketTap, period_ms: int) -> None:
        super().__init__(tap)
        self._period_ms = period_ms
        self._sent_id = tap.update_id
        self._bids: dict[Decimal, Decimal] = {}
        self._asks: dict[Decimal, Decimal] = {}

    def join_with_book(self, mailbox: Mailbox, levels: int) -> None:
        """Begin with an absolute frame of the best `levels`, 0 for all of them, whose `U` is its `u`."""
        # What is pending goes out first: the new reader's next frame then begins where the book he gets ends.
        self._flush()
        super().join(mailbox)
        book, update_id = self.market.book, self.tap.update_id
        mailbox.put(self._frame(update_id, update_id, book.bids.depth(levels), book.asks.depth(levels)))

    def show(self, change: MarketChange) -> None:
        """Collect what changed until the period is over."""
        if not change.bids and not change.asks:
            return
        self._bids.update(change.bids)
        self._asks.update(change.asks)
        if self.interval is None:
            self.interval = self.tap.intervals.at_next(self._period_ms, self._flush)

    def _flush(self) -> None:
        if self.interval is None:
            return
        self.interval.cancel()
        self.interval = None
        update_id = self.tap.update_id
        self.send(self._frame(self._sent_id, update_id, list(self._bids.items()), list(self._asks.items())))
        self._sent_id = update_id
        self._bids.clear()
        self._asks.clear()

    def _frame(self, first_id: int, last_id: int, bids: Levels, asks: Levels) -> str:
        return dumps(
            {
                "e": "depthUpdate",
                "E": self.tap.intervals.now_ms() * NS_PER_MS,
                "s": self.market.symbol,
                "U": first_id,
                "u": last_id,
                "b": padded_levels(bids, self.instrument),
                "a": padded_levels(asks, self.instrument),
            }
        )
