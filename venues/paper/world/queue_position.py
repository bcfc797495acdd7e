"""Where a resting order stands in its queue: what trades before it, and how much of that was recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from domain.money import ZERO
from venues.paper.matching.engine import Market
from venues.paper.matching.orders import Order


class QueuePosition(NamedTuple):
    """Amounts at the order's own price: before it, of those from a recording or the house, and behind it."""

    ahead: Decimal
    recorded_ahead: Decimal
    behind: Decimal


def queue_position(market: Market, order: Order) -> QueuePosition | None:
    """Return where `order` stands, None when it does not rest in the book."""
    level = market.book.side(order.side).levels.get(order.price)
    if level is None or order.id not in level.orders:
        return None
    ahead = recorded = ZERO
    for other in level.orders.values():
        if other is order:
            break
        ahead += other.remaining
        if other.account.is_house:
            recorded += other.remaining
    return QueuePosition(ahead, recorded, level.total - ahead - order.remaining)
