"""The signed calls about orders and own trades.

Fields that a call does not know are ignored, as clients of every age send their own: a rule of this exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from venues.paper.call import Call, limited, market_or_invalid, since_ms, whole
from venues.paper.calls.refused_orders import tell_refused
from venues.paper.exchange import Exchange
from venues.paper.matching.order_checks import check_order, client_order_id
from venues.paper.matching.orders import Execution, Order
from venues.paper.matching.refusals import RefusedError, invalid_parameter, order_not_found
from venues.paper.matching.render import execution_json, order_json
from venues.paper.services.funds import trading_account
from venues.paper.state.store import Page


def heartbeat(_: Exchange, __: Call) -> dict[str, str]:
    """Answer `/v1/heartbeat`."""
    return {"result": "ok"}


def new_order(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/order/new`; an order that an option cancels is an answer, not an error."""
    instruments = {symbol: market.instrument for symbol, market in exchange.engine.markets.items()}
    try:
        request = check_order(call.payload, instruments)
    except RefusedError as refusal:
        tell_refused(
            exchange,
            call.owner,
            call.key.api_key,
            payload=call.payload,
            instruments=instruments,
            refusal=refusal,
        )
        raise
    order = exchange.engine.place(trading_account(call.owner), request, session=call.key.api_key)
    return order_json(order, instruments[order.symbol])


def cancel_order(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/order/cancel`; a closed order is returned as it ended."""
    order = _find(exchange, call, call.payload.get("order_id"))
    exchange.engine.cancel(order)
    return _shown(exchange, order)


def cancel_session(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/order/cancel/session`: what this key placed."""
    return _cancel_where(exchange, call, lambda order: order.api_session == call.key.api_key)


def cancel_all(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/order/cancel/all`: every live order of the account."""
    return _cancel_where(exchange, call, lambda _: True)


def order_status(exchange: Exchange, call: Call) -> dict[str, Any] | list[dict[str, Any]]:
    """Answer `/v1/order/status` by `order_id` or `client_order_id`; several matches come as an array."""
    by_id, by_client = call.payload.get("order_id"), call.payload.get("client_order_id")
    with_trades = call.payload.get("include_trades", False)
    if not isinstance(with_trades, bool):
        raise invalid_parameter("include_trades must be true or false")
    if (by_id is None) == (by_client is None):
        raise invalid_parameter("Give either order_id or client_order_id")
    if by_id is not None:
        return _shown(exchange, _find(exchange, call, by_id), with_trades=with_trades)
    wanted = client_order_id(by_client)
    found = exchange.store.orders_by_client_id(call.owner, wanted or "")
    if not found:
        raise order_not_found(by_client)
    shown = [_shown(exchange, order, with_trades=with_trades) for order in found]
    return shown[0] if len(shown) == 1 else shown


def live_orders(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/orders`."""
    return [_shown(exchange, order) for order in exchange.engine.live_orders(call.owner)]


def order_history(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/orders/history`: closed orders with their trades, newest first."""
    found = exchange.store.closed_orders(call.owner, _page(exchange, call, "limit_orders"))
    trades: dict[int, list[Execution]] = {order.id: [] for order in found}
    for each in exchange.store.executions_of(*trades):
        trades[each.order_id].append(each)
    return [{**_shown(exchange, order), "trades": _trades(exchange, trades[order.id])} for order in found]


def my_trades(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/mytrades`, newest first; with a timestamp the oldest ones from it, newest first."""
    return _trades(exchange, exchange.store.executions(call.owner, _page(exchange, call, "limit_trades")))


def _page(exchange: Exchange, call: Call, limit: str) -> Page:
    symbol = call.payload.get("symbol")
    return Page(
        limit=limited(call.payload, limit, 50, 500),
        since_ms=since_ms(call.payload, "timestamp"),
        symbol=None if symbol is None else market_or_invalid(exchange, symbol).symbol,
    )


def _find(exchange: Exchange, call: Call, order_id: object) -> Order:
    if order_id is None:
        raise RefusedError("MissingOrderField", "Required field 'order_id' was not supplied")
    number = whole(order_id)
    if number is None:
        raise invalid_parameter(f"order_id {str(order_id)[:40]!r} is not an order id")
    live = exchange.engine.live.get(number)
    found = live if live is not None and live.account is call.owner else None
    if found is None and number < 1 << 63:
        found = exchange.store.order(call.owner, number)
    if found is None:
        raise order_not_found(order_id)
    return found


def _cancel_where(exchange: Exchange, call: Call, chosen: Callable[[Order], bool]) -> dict[str, Any]:
    cancelled = [order for order in exchange.engine.live_orders(call.owner) if chosen(order)]
    for order in cancelled:
        exchange.engine.cancel(order)
    return {
        "result": "ok",
        "details": {"cancelledOrders": [order.id for order in cancelled], "cancelRejects": []},
    }


def _shown(exchange: Exchange, order: Order, *, with_trades: bool = False) -> dict[str, Any]:
    shown = order_json(order, exchange.instrument(order.symbol))
    if with_trades:
        shown["trades"] = _trades(exchange, exchange.store.executions_of(order.id))
    return shown


def _trades(exchange: Exchange, found: list[Execution]) -> list[dict[str, Any]]:
    return [execution_json(each, exchange.instrument(each.symbol)) for each in found]


HANDLERS = {
    "heartbeat": heartbeat,
    "order_new": new_order,
    "order_cancel": cancel_order,
    "cancel_session": cancel_session,
    "cancel_all": cancel_all,
    "order_status": order_status,
    "orders": live_orders,
    "order_history": order_history,
    "my_trades": my_trades,
}
