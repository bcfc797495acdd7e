"""Lists of clearing orders: a party's, a broker's, and the trades made of them. Newest first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from venues.paper.access.subaccounts import counterparty_id
from venues.paper.call import Call
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account
from venues.paper.matching.refusals import invalid_parameter
from venues.paper.services.clearing_orders import ClearingOrder, all_orders, is_funded
from venues.paper.services.fields import checked, within

_NANOS_PER_MS: Final = 1_000_000
_LATEST_MS: Final = 1 << 62


def orders(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/clearing/list`: what the account is a party of, with its own side."""
    given, account = checked("clearing_list", call), call.owner
    found = [
        order
        for order in _filtered(exchange, given)
        if account.name in order.parties and _is_wanted_by_party(exchange, order, account, given)
    ]
    return {"result": "success", "orders": [_party_view(exchange, order, account) for order in found]}


def broker_orders(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/clearing/broker/list`: what the account has brought together."""
    given, account = checked("broker_list", call), call.owner
    found = [
        order
        for order in _filtered(exchange, given)
        if order.broker == account.name
        and given.get("side") in {None, order.side}
        and given.get("counterparty") in {None, *_ids(exchange, order)}
        and (not given.get("funded") or _is_funded_by_all(exchange, order))
    ]
    return {"result": "success", "orders": [_broker_view(exchange, order) for order in found]}


def trades(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/clearing/trades`: the account's orders by when they last changed."""
    given, account = checked("clearing_trades", call), call.owner
    since_ms = -(-given.get("timestamp_nanos", 0) // _NANOS_PER_MS)
    limit = within(given, "limit_per_account", 100, 300)
    found = sorted(
        (
            order
            for order in all_orders(exchange)
            if account.name in {*order.parties, order.broker} and order.updated >= since_ms
        ),
        key=lambda order: order.updated,
    )
    # A time given: the oldest from it, so that one can page forward.
    found = found[:limit] if "timestamp_nanos" in given else found[-limit:]
    return {"results": [_trade_view(exchange, order) for order in reversed(found)]}


def _filtered(exchange: Exchange, given: dict[str, Any]) -> list[ClearingOrder]:
    bounds = {name: _bounds(given, name) for name in ("expiration", "submission")}
    return [
        order
        for order in reversed(all_orders(exchange))
        if given.get("symbol") in {None, order.symbol}
        and all(low <= getattr(order, name) <= high for name, (low, high) in bounds.items())
    ]


def _bounds(given: dict[str, Any], name: str) -> tuple[int, int]:
    start, end = given.get(f"{name}_start"), given.get(f"{name}_end")
    if (start is None) != (end is None):
        raise invalid_parameter(f"{name}_start and {name}_end must be given together")
    return (0, _LATEST_MS) if start is None or end is None else (start, end)


def _is_wanted_by_party(
    exchange: Exchange, order: ClearingOrder, account: Account, given: dict[str, Any]
) -> bool:
    return (
        given.get("side") in {None, order.side_of(account)}
        and given.get("counterparty") in {None, _counterparty(exchange, order, account)}
        and (not given.get("funded") or is_funded(exchange, order, account))
    )


def _is_funded_by_all(exchange: Exchange, order: ClearingOrder) -> bool:
    return all(is_funded(exchange, order, exchange.accounts[name]) for name in order.parties)


def _ids(exchange: Exchange, order: ClearingOrder) -> list[str | None]:
    return [_id(exchange, name) for name in order.parties]


def _id(exchange: Exchange, name: str) -> str | None:
    return counterparty_id(exchange.accounts[name]) if name else None


def _counterparty(exchange: Exchange, order: ClearingOrder, account: Account) -> str | None:
    return _id(exchange, order.target if account.name == order.source else order.source)


def _party_view(exchange: Exchange, order: ClearingOrder, account: Account) -> dict[str, Any]:
    shown = {
        "clearing_id": order.clearing_id,
        "counterparty_id": _counterparty(exchange, order, account),
        "broker_id": _id(exchange, order.broker),
        "symbol": order.symbol.upper(),
        "side": order.side_of(account),
        **_terms(order),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _broker_view(exchange: Exchange, order: ClearingOrder) -> dict[str, Any]:
    source, target = _ids(exchange, order)
    return {
        "clearing_id": order.clearing_id,
        "source_counterparty_id": source,
        "target_counterparty_id": target,
        "symbol": order.symbol.upper(),
        "source_side": order.side,
        **_terms(order),
    }


def _terms(order: ClearingOrder) -> dict[str, Any]:
    return {
        "price": Decimal(order.price),
        "quantity": Decimal(order.amount),
        "status": order.status,
        "submission": order.submission,
        "expiration": order.expiration,
    }


def _trade_view(exchange: Exchange, order: ClearingOrder) -> dict[str, Any]:
    source, target = ("" if not name else exchange.accounts[name].short_name for name in order.parties)
    return {
        "sourceAccount": source,
        "targetAccount": target,
        "pair": order.symbol.upper(),
        "sourceSide": order.side,
        "price": order.price,
        "quantity": order.amount,
        "clearingId": order.clearing_id,
        "status": order.status,
        "expirationTimeMs": order.expiration,
        "createdMs": order.submission,
        "lastUpdatedMs": order.updated,
        "hasBroker": bool(order.broker),
        "wasNotified": bool(order.target),
    }


HANDLERS = {"clearing_list": orders, "broker_list": broker_orders, "clearing_trades": trades}
