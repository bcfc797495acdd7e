"""What an incoming order meets on the other side of the book: how far it reaches, and what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from domain.instrument import Side
from venues.paper.matching.book import BookSide
from venues.paper.matching.orders import Order

COLLAR = Decimal("0.05")
"""How far from the best opposite price at its arrival an order may trade."""


def is_within(side: Side, limit: Decimal, price: Decimal) -> bool:
    """Say whether an order of `side` with this limit takes `price`."""
    return price <= limit if side is Side.BUY else price >= limit


def crosses(order: Order, opposite: Decimal | None) -> bool:
    """Say whether the order's own limit takes a price of the other side."""
    return opposite is not None and is_within(order.side, order.price, opposite)


def collared(order: Order, best: Decimal | None) -> Decimal:
    """Return the worst price that the order may trade at, with `best` as the other side's."""
    if best is None:
        return order.price
    if order.is_buy:
        return min(order.price, best * (1 + COLLAR))
    return max(order.price, best * (1 - COLLAR))


def meets_own(order: Order, against: BookSide) -> bool:
    """Say whether an order of the same account rests within the order's own limit."""
    return against.has_orders_of(order.account) and any(
        other.account is order.account for other in _reached(order, against)
    )


def can_fill(order: Order, against: BookSide, limit: Decimal) -> bool:
    """Say whether there is enough up to `limit` to fill the order whole."""
    wanted = order.amount
    for price in against.prices():
        if not is_within(order.side, limit, price):
            return False
        wanted -= against.total(price)
        if wanted <= 0:
            return True
    return False


def _reached(order: Order, against: BookSide) -> Iterator[Order]:
    for price in against.prices():
        if not crosses(order, price):
            return
        yield from against.levels[price].orders.values()
