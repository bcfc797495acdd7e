"""Orders that are refused before the engine sees them: their owner's sockets hear of them all the same.

Only what is an order has such an event, one whose price, amount or stop the market does not take. A request
that makes none gets its answer and no more, and the engine tells itself of what it turns away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from domain.instrument import Instrument
from domain.order import OrderEventType
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account
from venues.paper.matching.market import Notice
from venues.paper.matching.order_checks import asked_for
from venues.paper.matching.orders import Order
from venues.paper.matching.refusals import RefusedError

_TOLD: Final = frozenset(
    {
        "InvalidPrice",
        "InvalidQuantity",
        "InvalidStopPrice",
        "InvalidStopPriceBuy",
        "InvalidStopPriceSell",
        "InvalidStopPriceRatio",
        "DuplicateOrder",
    }
)


def tell_refused(
    exchange: Exchange,
    account: Account,
    session: str,
    *,
    payload: Mapping[str, Any],
    instruments: Mapping[str, Instrument],
    refusal: RefusedError,
) -> bool:
    """Tell the sockets of `account` that the order in `payload` was refused; False for what is no order.

    `payload` is in the words of `/v1/order/new`; without a `price` it is a market order. Inside an operation.
    """
    asked = asked_for(payload, instruments) if refusal.reason in _TOLD else None
    if asked is None:
        return False
    engine, now_ms = exchange.engine, exchange.timeline.now_ms()
    order = Order(
        id=engine.new_id(),
        account=account,
        symbol=asked.symbol,
        side=asked.side,
        type=asked.type,
        price=asked.price,
        amount=asked.amount,
        remaining=asked.amount,
        created_ms=now_ms,
        option=asked.option,
        stop_price=asked.stop_price,
        client_order_id=asked.client_order_id,
        api_session=session,
        is_live=False,
        reason=refusal.reason,
    )
    engine.batch.notices.append(
        Notice(kind=OrderEventType.REJECTED, order=order, event_id=engine.new_id(), at_ms=now_ms)
    )
    return True
