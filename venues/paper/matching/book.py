"""One market's order book: price-time priority, exact totals, cheap best prices."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal

from domain.instrument import Side
from domain.money import ZERO
from venues.paper.matching.ledger import Account
from venues.paper.matching.orders import Order


class PriceLevel:
    """All orders at one price, oldest first."""

    __slots__ = ("orders", "total")

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.total = ZERO


class BookSide:
    """One side. Prices are kept so that the best one is last: inserts near the touch move little."""

    __slots__ = ("_counts", "_keys", "_sign", "changed", "levels")

    def __init__(self, side: Side) -> None:
        self._sign = 1 if side is Side.BUY else -1
        self._keys: list[Decimal] = []
        self._counts: dict[Account, int] = {}
        self.levels: dict[Decimal, PriceLevel] = {}
        self.changed: set[Decimal] = set()

    @property
    def best(self) -> Decimal | None:
        """Return the best price, None when the side is empty."""
        return self._keys[-1] * self._sign if self._keys else None

    def add(self, order: Order) -> None:
        """Let `order` rest behind everything at its price."""
        level = self.levels.get(order.price)
        if level is None:
            level = self.levels[order.price] = PriceLevel()
            insort(self._keys, order.price * self._sign)
        level.orders[order.id] = order
        level.total += order.remaining
        self._counts[order.account] = self._counts.get(order.account, 0) + 1
        self.changed.add(order.price)

    def remove(self, order: Order) -> None:
        """Take a resting order out of the book."""
        level = self.levels[order.price]
        del level.orders[order.id]
        level.total -= order.remaining
        self._counts[order.account] -= 1
        if not self._counts[order.account]:
            del self._counts[order.account]
        self.changed.add(order.price)
        if not level.orders:
            del self.levels[order.price]
            del self._keys[bisect_left(self._keys, order.price * self._sign)]

    def reduce(self, order: Order, amount: Decimal) -> None:
        """Lower a resting order by `amount`, keeping its place; at zero it leaves the book."""
        if amount == order.remaining:
            self.remove(order)
            order.remaining = ZERO
            return
        order.remaining -= amount
        self.levels[order.price].total -= amount
        self.changed.add(order.price)

    def has_orders_of(self, account: Account) -> bool:
        """Say whether anything of `account` rests here, without looking through it all."""
        return account in self._counts

    def prices(self) -> Iterator[Decimal]:
        """Yield the prices, best first."""
        sign = self._sign
        return (key * sign for key in reversed(self._keys))

    def total(self, price: Decimal) -> Decimal:
        """Return the amount resting at `price`."""
        level = self.levels.get(price)
        return level.total if level is not None else ZERO

    def depth(self, limit: int) -> list[tuple[Decimal, Decimal]]:
        """Return (price, total) of the best `limit` levels, all of them for 0."""
        found = []
        for price in self.prices():
            found.append((price, self.levels[price].total))
            if len(found) == limit:
                break
        return found

    def take_changes(self) -> list[tuple[Decimal, Decimal]]:
        """Return (price, new total) of the levels that changed since the last call; total 0 means gone."""
        if not self.changed:
            return []
        changes = [(price, self.total(price)) for price in sorted(self.changed)]
        self.changed.clear()
        return changes


class OrderBook:
    """Both sides of one market."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)

    def side(self, side: Side) -> BookSide:
        """Return where orders of `side` rest."""
        return self.bids if side is Side.BUY else self.asks

    def against(self, side: Side) -> BookSide:
        """Return the side that an order of `side` trades with."""
        return self.asks if side is Side.BUY else self.bids

    def orders(self) -> list[Order]:
        """Return everything that rests, the bids first, best and oldest first."""
        return [
            order
            for side in (self.bids, self.asks)
            for price in side.prices()
            for order in side.levels[price].orders.values()
        ]

    @property
    def mid(self) -> Decimal | None:
        """Return the middle of the touch, the one best price of a one-sided book, None of an empty one."""
        bid, ask = self.bids.best, self.asks.best
        if bid is None or ask is None:
            return bid if ask is None else ask
        return (bid + ask) / 2
