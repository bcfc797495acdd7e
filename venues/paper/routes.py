"""The table of REST endpoints: method, path, who may call it, and what answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from venues.paper import private_api, public_api
from venues.paper.call import Call
from venues.paper.exchange import Exchange
from venues.paper.ledger import Role
from venues.paper.refusals import endpoint_not_found

Handler = Callable[[Exchange, Call], Any]

T = Role.TRADER
A = Role.AUDITOR
FM = Role.FUND_MANAGER


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call. `roles` is None for a public one; an empty set admits every role."""

    method: str
    path: str
    handler: Handler
    roles: frozenset[Role] | None = None


def _get(path: str, handler: Handler) -> Endpoint:
    return Endpoint("GET", path, handler)


def _post(path: str, handler: Handler, *roles: Role) -> Endpoint:
    return Endpoint("POST", path, handler, frozenset(roles))


ENDPOINTS: tuple[Endpoint, ...] = (
    _get("/v1/symbols", public_api.symbols),
    _get("/v1/symbols/details/all", public_api.all_details),
    _get("/v1/symbols/details/{symbol}", public_api.symbol_details),
    _get("/v1/book/{symbol}", public_api.book),
    _get("/v1/trades/{symbol}", public_api.trades),
    _get("/v1/pricefeed", public_api.price_feed),
    _get("/v1/pubticker/{symbol}", public_api.pubticker),
    _get("/v2/ticker/{symbol}", public_api.ticker),
    _get("/v2/candles/{symbol}/{frame}", public_api.candles),
    _post("/v1/heartbeat", private_api.heartbeat, T),
    _post("/v1/roles", private_api.roles),
    _post("/v1/balances", private_api.balances, T, FM, A),
    _post("/v1/notionalvolume", private_api.notional_volume, T, A),
    _post("/v1/order/new", private_api.new_order, T),
    _post("/v1/order/cancel", private_api.cancel_order, T),
    _post("/v1/order/cancel/session", private_api.cancel_session, T),
    _post("/v1/order/cancel/all", private_api.cancel_all, T),
    _post("/v1/order/status", private_api.order_status, T, A),
    _post("/v1/orders", private_api.live_orders, T, A),
    _post("/v1/mytrades", private_api.my_trades, T, A),
)

_BY_LENGTH: dict[tuple[str, int], list[tuple[Endpoint, list[str]]]] = {}
for _endpoint in ENDPOINTS:
    _parts = _endpoint.path.split("/")
    _BY_LENGTH.setdefault((_endpoint.method, len(_parts)), []).append((_endpoint, _parts))


def find_endpoint(method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    """Return the endpoint for a path and its variable parts; the table's first match wins.

    Raises `RefusedError` with `EndpointNotFound`.
    """
    given = path.split("/")
    for endpoint, parts in _BY_LENGTH.get((method, len(given)), ()):
        if all(part == text or (part[:1] == "{" and text) for part, text in zip(parts, given, strict=True)):
            return endpoint, {
                part[1:-1]: text for part, text in zip(parts, given, strict=True) if part[:1] == "{"
            }
    raise endpoint_not_found(method, path)
