"""From an operation to the sockets: written once, handed to every reader, never waiting for a slow one."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from venues.paper.feeds.account_views import BalanceChannel
from venues.paper.feeds.intervals import Intervals
from venues.paper.feeds.mailbox import Backlog, Mailbox
from venues.paper.feeds.market_tap import Channel, MarketTap, forget_changes
from venues.paper.feeds.order_readers import OrderReaders
from venues.paper.matching.engine import Engine
from venues.paper.matching.ledger import Account
from venues.paper.matching.market import Batch
from venues.paper.matching.orders import Print
from venues.paper.world.timeline import Timeline

FORGET_EVERY = 64
"""Publishings after which the changes of markets that nobody watches are dropped."""

C = TypeVar("C", bound=Channel)


class Feeds:
    """All readers of all sockets."""

    def __init__(self, engine: Engine, timeline: Timeline) -> None:
        self.intervals = Intervals(timeline)
        self.orders = OrderReaders(lambda symbol: engine.markets[symbol].instrument)
        self._engine = engine
        self._backlog = Backlog()
        self._taps: dict[str, MarketTap] = {}
        self._balances: dict[tuple[str, int], BalanceChannel] = {}
        # Above what an earlier run of the exchange can have reached, and far below 2^53.
        self._update_id = timeline.now_ms() * 1000
        self._published = 0

    @property
    def watched(self) -> frozenset[str]:
        """Return the markets that somebody watches."""
        return frozenset(self._taps)

    def mailbox(self) -> Mailbox:
        """Return the mailbox of a new connection."""
        return Mailbox(backlog=self._backlog)

    def channel(self, symbol: str, key: Hashable, make: Callable[[MarketTap], C]) -> C:
        """Return the channel that all readers of one view of a market share; `make` makes the first one."""
        tap = self._taps.get(symbol)
        if tap is None:
            market = self._engine.markets[symbol]
            tap = self._taps[symbol] = MarketTap(market, self.intervals, self._next_update_id)
        found = tap.channels.get(key)
        if found is None:
            found = tap.channels[key] = make(tap)
        return found  # type: ignore[return-value]  # a key stands for one kind of channel

    def leave(self, symbol: str, key: Hashable, mailbox: Mailbox) -> None:
        """Take a reader out of a channel; one without readers ends."""
        tap = self._taps.get(symbol)
        channel = None if tap is None else tap.channels.get(key)
        if tap is None or channel is None:
            return
        channel.readers.pop(mailbox, None)
        if not channel.readers:
            channel.close()
            del tap.channels[key]
        if not tap.channels:
            del self._taps[symbol]

    def update_id(self, symbol: str) -> int:
        """Return the update id that a market stands at."""
        tap = self._taps.get(symbol)
        return self._next_update_id() if tap is None else tap.update_id

    def balances(self, account: Account, period_ms: int) -> BalanceChannel:
        """Return the channel of an account's balances; 0 sends each change at once."""
        key = (account.name, period_ms)
        found = self._balances.get(key)
        if found is None:
            found = self._balances[key] = BalanceChannel(account, self.intervals, period_ms)
        return found

    def leave_balances(self, account: Account, period_ms: int, mailbox: Mailbox) -> None:
        """Take a reader out of a balance channel."""
        channel = self._balances.get((account.name, period_ms))
        if channel is not None:
            channel.readers.pop(mailbox, None)
            if not channel.readers:
                channel.close()
                del self._balances[account.name, period_ms]

    def publish(self, batch: Batch) -> None:
        """Send what an operation changed: to each market's readers, then the owners' events and balances."""
        prints: dict[str, list[Print]] = {}
        for symbol, trade in batch.prints:
            if symbol in self._taps:
                prints.setdefault(symbol, []).append(trade)
        for symbol, tap in self._taps.items():
            tap.flow(prints.get(symbol, ()))
        self._forget_unwatched()
        self.orders.publish(batch.notices)
        if self._balances and batch.accounts:
            names = {account.name for account in batch.accounts}
            for (name, _), channel in self._balances.items():
                if name in names:
                    channel.show()
        self.intervals.run_due()

    def _next_update_id(self) -> int:
        self._update_id += 1
        return self._update_id

    def _forget_unwatched(self) -> None:
        self._published += 1
        if self._published % FORGET_EVERY == 0:
            for symbol, market in self._engine.markets.items():
                if symbol not in self._taps:
                    forget_changes(market)
