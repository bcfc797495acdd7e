"""`cancelOnDisconnect`: what a connection placed goes when it ends, even if the exchange ends first."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from venues.paper.exchange import Exchange
from venues.paper.matching.orders import Order
from venues.paper.matching.refusals import RefusedError

_KIND: Final = "cancel_on_disconnect"
"""The kind of the documents, one for each order, that an exchange finds when it opens again."""

_KEPT_CLOSED: Final = 64


class Parting:
    """The orders of one connection that go with it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._placed: set[int] = set()

    def note(self, order: Order) -> None:
        """Remember a new order; inside the operation that placed it."""
        live = self._exchange.engine.live
        if not order.is_live:
            return
        if len(self._placed) > 2 * len(live) + _KEPT_CLOSED:
            for number in sorted(self._placed - live.keys()):
                self._forget(number)
        self._placed.add(order.id)
        self._exchange.documents.put(_KIND, str(order.id), order.account.name, {})

    def end(self) -> None:
        """Cancel what is still live."""
        if not self._placed:
            return
        with suppress(RefusedError), self._exchange.operation():  # refused: the exchange has stopped
            for number in sorted(self._placed):
                order = self._exchange.engine.live.get(number)
                if order is not None:
                    self._exchange.engine.cancel(order)
                self._forget(number)

    def _forget(self, number: int) -> None:
        self._placed.discard(number)
        self._exchange.documents.remove(_KIND, str(number))


def cancel_left_behind(exchange: Exchange) -> None:
    """Cancel what connections of an earlier run left, which was not closed; inside an operation."""
    for key, _ in exchange.documents.items(_KIND):
        order = exchange.engine.live.get(int(key))
        if order is not None:
            exchange.engine.cancel(order)
        exchange.documents.remove(_KIND, key)
