"""The signed calls: orders, trades, balances, fees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.money import ZERO
from venues.paper.call import Call, limited, market_or_invalid, since_ms, whole
from venues.paper.exchange import DAY_MS, Exchange
from venues.paper.order_checks import check_order, client_order_id
from venues.paper.orders import Order
from venues.paper.refusals import RefusedError, invalid_parameter, order_not_found
from venues.paper.render import balances_json, execution_json, order_json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def heartbeat(_: Exchange, __: Call) -> dict[str, str]:
    """Answer `/v1/heartbeat`."""
    return {"result": "ok"}


def balances(_: Exchange, call: Call) -> list[dict[str, str]]:
    """Answer `/v1/balances`."""
    return balances_json(call.owner)


def new_order(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/order/new`; an order that an option cancels is an answer, not an error."""
    instruments = {symbol: market.instrument for symbol, market in exchange.engine.markets.items()}
    request = check_order(call.payload, instruments)
    order = exchange.engine.place(call.owner, request, session=call.key.api_key)
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


def my_trades(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/mytrades`, newest first; with a timestamp the oldest ones from it, newest first."""
    symbol = call.payload.get("symbol")
    market = None if symbol is None else market_or_invalid(exchange, symbol)
    found = exchange.store.executions(
        call.owner,
        symbol=None if market is None else market.symbol,
        since_ms=since_ms(call.payload, "timestamp"),
        limit=limited(call.payload, "limit_trades", 50, 500),
    )
    return [execution_json(execution, exchange.instrument(execution.symbol)) for execution in found]


def notional_volume(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/notionalvolume`: the tier that holds until the next midnight UTC."""
    if call.payload.get("symbol") is not None:
        market_or_invalid(exchange, call.payload["symbol"])
    account = call.owner
    maker, taker = int(account.tier.maker_bps), int(account.tier.taker_bps)
    days = exchange.daily_volumes(account)
    total = _rounded(sum((volume for _, volume in days), ZERO))
    midnight_ms = exchange.timeline.now_ms() // DAY_MS * DAY_MS
    answer: dict[str, Any] = {}
    for channel in ("web", "api", "fix"):
        answer |= {
            f"{channel}_maker_fee_bps": maker,
            f"{channel}_taker_fee_bps": taker,
            f"{channel}_auction_fee_bps": maker,
        }
    return {
        **answer,
        "block_maker_fee_bps": 0,
        "block_taker_fee_bps": 50,
        "notional_30d_volume": total,
        "api_notional_30d_volume": total,
        "last_updated_ms": midnight_ms,
        "date": _date(midnight_ms // DAY_MS),
        "notional_1d_volume": [
            {"date": _date(day), "notional_volume": _rounded(volume)} for day, volume in reversed(days)
        ],
        "fee_tier": {
            "tier": int(account.tier.volume),
            "api_maker_fee_bps": maker,
            "api_taker_fee_bps": taker,
        },
    }


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
    instrument = exchange.instrument(order.symbol)
    shown = order_json(order, instrument)
    if with_trades:
        shown["trades"] = [
            execution_json(each, instrument) for each in exchange.store.executions_of(order.id)
        ]
    return shown


def _rounded(volume: Decimal) -> Decimal:
    return volume.quantize(Decimal("0.01"))


def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


HANDLERS = {
    "heartbeat": heartbeat,
    "balances": balances,
    "notional_volume": notional_volume,
    "order_new": new_order,
    "order_cancel": cancel_order,
    "cancel_session": cancel_session,
    "cancel_all": cancel_all,
    "order_status": order_status,
    "orders": live_orders,
    "my_trades": my_trades,
}
