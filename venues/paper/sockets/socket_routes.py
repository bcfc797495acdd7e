"""The sockets: what the catalogue says of each, joined with what serves it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.websockets import WebSocket

from venues.gemini.catalogue import TABLE
from venues.paper.exchange import Exchange
from venues.paper.matching.refusals import endpoint_not_found
from venues.paper.sockets import market_sockets, order_sockets, stream_api

ServeSocket = Callable[[Exchange, WebSocket, str], Awaitable[None]]

SERVERS: Mapping[str, ServeSocket] = {
    "market_data": market_sockets.market_data,
    "market_data_v1": market_sockets.one_market,
    "multi_market_data": market_sockets.many_markets,
    "order_events": order_sockets.order_events,
    "streams": stream_api.streams,
}
"""What serves each socket of the catalogue, by the row's name."""

_SOCKETS: Mapping[str, ServeSocket] = {
    **{TABLE[name].path.rstrip("/"): serve for name, serve in SERVERS.items()},
    "/ws": stream_api.streams,
}
"""The new WebSocket API has a host of its own at the venue; here it is the root of the only one, or `/ws`."""


def find_socket(path: str) -> ServeSocket:
    """Return what serves `path`; it takes the exchange, the socket before its upgrade, and the path.

    `path` has no slash at its end. Raises `RefusedError` with `EndpointNotFound`.
    """
    room, _, last = path.rpartition("/")
    serve = _SOCKETS.get(path) or (_SOCKETS.get(f"{room}/{{symbol}}") if last else None)
    if serve is None:
        raise endpoint_not_found("GET", path)
    return serve
