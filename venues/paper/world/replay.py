"""The market of a recording: its levels are a participant's orders, its trades takers who come by.

How customers' orders meet it:
- A recorded level rests in the engine like any order. An order of ours at the same price queues behind what
  was there when it came; what is added later queues behind ours.
- A recorded trade is an immediate order for its amount at its price: it takes what is first in the queue,
  ours included. What the book cannot give it is printed all the same. The recorded part of what it took
  comes back at once, behind ours, because the recording tells of it a moment later as a smaller level.
- A level that shrinks loses first what trades of the last second have taken; the rest was cancelled. Nobody
  knows where in the queue, so it leaves before and behind ours in proportion: our place is an estimate.
- A new recorded level that crosses an order of ours trades with it.
- What we took from a level comes back with the recording's next word about it: the past cannot know of us.
When the recording ends, its last book stands; seeded makers and takers go on from its middle, and recorded
orders leave when the price passes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from domain.instrument import Side
from domain.money import ZERO, floor_to, to_wire
from domain.order import ExecutionOption, OrderType
from venues.paper.matching.engine import Engine, Market
from venues.paper.matching.ledger import Account
from venues.paper.matching.orders import Order, OrderRequest, Print
from venues.paper.world.clockwork import STEP_MS, SeededWorld
from venues.paper.world.drift import Dice
from venues.paper.world.queue_position import queue_position
from venues.paper.world.recording import Frame, RecordedLevels, RecordedTrade, Recording

TOLD_WITHIN_MS = 1000
"""How long after a trade the recording's levels tell of it; in the recordings we know, within 120 ms."""

LINE_EVERY_STEPS = 10

Key = tuple[Side, Decimal]


class RecordedBook:
    """The recorded participant in one market."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._makers = Account(name=f"recorded-{market.symbol}", is_house=True)
        self._takers = Account(name=f"recorded-takers-{market.symbol}", is_house=True)
        self._levels: dict[Key, list[Order]] = {}
        self._traded: dict[Key, tuple[int, Decimal]] = {}

    def apply(self, engine: Engine, levels: RecordedLevels, at_ms: int) -> None:
        """Bring the levels to their new totals: what leaves first, so that what comes cannot meet it."""
        wanted = {(side, price): size for side, price, size in levels.changes}
        if levels.is_snapshot:
            wanted = {key: ZERO for key in self._levels if key not in wanted} | wanted
        missing = []
        for key, size in wanted.items():
            excess = self._resting(key) - size
            if excess > 0:
                self._shrink(engine, key, excess, at_ms)
            elif excess < 0:
                missing.append((key, -excess))
        for key, amount in missing:
            self._add(engine, key, amount)

    def take(self, engine: Engine, trade: RecordedTrade, at_ms: int) -> None:
        """Let a recorded taker come."""
        before = self._within_reach(trade)
        request = self._request(
            trade.side, trade.price, trade.amount, option=ExecutionOption.IMMEDIATE_OR_CANCEL
        )
        rest = engine.place(self._takers, request).remaining
        if rest:
            engine.record_print(self._market, trade.price, rest, trade.side)
        for key, size in before.items():
            taken = size - self._resting(key)
            self._add(engine, key, taken)
            if taken:
                self._traded[key] = (at_ms, self._untold(key, at_ms) + taken)

    def _within_reach(self, trade: RecordedTrade) -> dict[Key, Decimal]:
        against = self._market.book.against(trade.side)
        side = Side.SELL if trade.side is Side.BUY else Side.BUY
        reach = {}
        for price in against.prices():
            if price > trade.price if trade.side is Side.BUY else price < trade.price:
                break
            reach[side, price] = self._resting((side, price))
        return reach

    def _untold(self, key: Key, at_ms: int) -> Decimal:
        """Return what recent trades took at a level that the recording has not taken off it yet."""
        when_ms, taken = self._traded.pop(key, (at_ms, ZERO))
        return taken if at_ms - when_ms <= TOLD_WITHIN_MS else ZERO

    def _add(self, engine: Engine, key: Key, amount: Decimal) -> None:
        if amount <= 0:
            return
        order = engine.place(self._makers, self._request(*key, amount))
        if order.is_live:
            self._levels.setdefault(key, []).append(order)

    def leave_beyond(self, engine: Engine, fair: Decimal) -> None:
        """Withdraw recorded orders that a moved price has left on the wrong side."""
        for side in (self._market.book.bids, self._market.book.asks):
            passed = []
            for price in side.prices():
                if price <= fair if side is self._market.book.bids else price >= fair:
                    break
                passed += [o for o in side.levels[price].orders.values() if o.account is self._makers]
            for order in passed:
                engine.cancel(order)

    def _resting(self, key: Key) -> Decimal:
        orders = [order for order in self._levels.get(key, ()) if order.is_live]
        if orders:
            self._levels[key] = orders
        else:
            self._levels.pop(key, None)
        return sum((order.remaining for order in orders), ZERO)

    def _shrink(self, engine: Engine, key: Key, excess: Decimal, at_ms: int) -> None:
        untold = self._untold(key, at_ms)
        told = min(excess, untold)
        if untold > told:
            self._traded[key] = (at_ms, untold - told)
        self._leave_youngest(engine, key, told)
        self._leave_everywhere(engine, key, excess - told)

    def _leave_youngest(self, engine: Engine, key: Key, amount: Decimal) -> None:
        orders = self._levels[key]
        while amount > 0:
            part = min(amount, orders[-1].remaining)
            amount -= part
            engine.shrink(orders[-1], part)
            if not orders[-1].is_live:
                orders.pop()
        if not orders:
            del self._levels[key]

    def _leave_everywhere(self, engine: Engine, key: Key, amount: Decimal) -> None:
        """Take `amount` off the level in proportion; what rounding leaves over is the youngest's."""
        total = self._resting(key)
        rest = amount
        for order in list(self._levels.get(key, ())) if amount else ():
            part = floor_to(order.remaining * amount / total, self._market.instrument.amount_step)
            if part:
                engine.shrink(order, part)
                rest -= part
        if rest and self._resting(key):
            self._leave_youngest(engine, key, rest)

    def _request(
        self, side: Side, price: Decimal, amount: Decimal, option: ExecutionOption | None = None
    ) -> OrderRequest:
        return OrderRequest(
            symbol=self._market.symbol,
            side=side,
            type=OrderType.LIMIT,
            amount=amount,
            price=price,
            option=option,
        )


class RecordedWorld:
    """A recording played at the exchange's pace, and after its end the seeded makers."""

    def __init__(self, recording: Recording, engine: Engine, dice: Dice, now_ms: int) -> None:
        self._name = recording.path.name
        self._dice = dice
        self._books = {symbol: RecordedBook(engine.markets[symbol]) for symbol in recording.instruments}
        self._frames = recording.frames()
        self._next: Frame | None = next(self._frames, None)
        self._now_ms = now_ms
        self._offset_ms = 0
        self._successors: SeededWorld | None = None
        self._place = ""
        self._steps = 0
        self._open_all(engine)

    @property
    def is_finished(self) -> bool:
        """Say whether the last recorded frame has been played."""
        return self._next is None

    @property
    def line(self) -> str:
        """Say what is played, where our newest order stands in its queue, and whether it has ended."""
        if self._successors is None:
            return f"replay of {self._name}{self._place}"
        return f"replay of {self._name} has ended: its last book stands, seeded makers go on from it"

    def fair_prices(self) -> Mapping[str, Decimal]:
        """Return nothing: a replay begins anew at each start and must not move the seeded world's prices."""
        return {}

    def step(self, engine: Engine) -> None:
        """Play the next half second, or let the makers act once the recording is over."""
        self._now_ms += STEP_MS
        if self._next is not None:
            for frame in self._due():
                self._play(engine, frame)
            if self._steps % LINE_EVERY_STEPS == 0:
                self._place = _newest_place(engine)
            self._steps += 1
            return
        if self._successors is None:
            starts = {symbol: m.book.mid or m.last for symbol, m in engine.markets.items()}
            self._successors = SeededWorld(engine.markets.values(), starts, self._dice)
        self._successors.step(engine)
        for symbol, fair in self._successors.fair_prices().items():
            self._books[symbol].leave_beyond(engine, fair)

    def _open_all(self, engine: Engine) -> None:
        """Play until every market has its book, all of it at the opening moment."""
        closed = set(self._books)
        while closed and self._next is not None:
            frame = self._next
            self._offset_ms = self._now_ms - frame.at_ms
            if isinstance(frame.message, RecordedLevels) and frame.message.symbol in closed:
                closed.discard(frame.message.symbol)
                self._remember_trades(engine, frame.message)
            self._play(engine, frame)
            self._next = next(self._frames, None)

    def _remember_trades(self, engine: Engine, snapshot: RecordedLevels) -> None:
        market = engine.markets[snapshot.symbol]
        for trade in snapshot.trades:
            at_ms = min(trade.at_ms + self._offset_ms, self._now_ms)
            market.prints.append(Print(engine.new_id(), at_ms, trade.price, trade.amount, trade.side))
            market.last = trade.price

    def _due(self) -> Iterator[Frame]:
        while self._next is not None and self._next.at_ms + self._offset_ms <= self._now_ms:
            yield self._next
            self._next = next(self._frames, None)

    def _play(self, engine: Engine, frame: Frame) -> None:
        message = frame.message
        book = self._books[message.symbol]
        if isinstance(message, RecordedTrade):
            book.take(engine, message, frame.at_ms)
        else:
            book.apply(engine, message, frame.at_ms)


def _newest_place(engine: Engine) -> str:
    for order in reversed(engine.live.values()):
        market = engine.markets[order.symbol]
        place = queue_position(market, order)
        if place is not None:
            return (
                f"; about {to_wire(place.ahead)} {market.instrument.base} stand before our newest order, "
                f"{order.side} {market.symbol} at {to_wire(order.price)}"
            )
    return ""
