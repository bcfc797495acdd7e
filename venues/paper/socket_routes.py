"""The table of sockets: which path is served by what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.websockets import WebSocket

from venues.paper import sockets
from venues.paper.exchange import Exchange
from venues.paper.refusals import endpoint_not_found

ServeSocket = Callable[[Exchange, WebSocket, str], Awaitable[None]]

_SOCKETS: dict[str, ServeSocket] = {
    "/v2/marketdata": sockets.market_data,
    "/v1/order/events": sockets.order_events,
}


def find_socket(path: str) -> ServeSocket:
    """Return what serves `path`; it takes the exchange, the socket before its upgrade, and the path.

    Raises `RefusedError` with `EndpointNotFound`.
    """
    serve = _SOCKETS.get(path)
    if serve is None:
        raise endpoint_not_found("GET", path)
    return serve
