"""The ASGI side of the wire: routing, bodies, errors."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response
from starlette.websockets import WebSocket

from loopback.guard import Receive, Scope, Send
from venues.paper.call import Call
from venues.paper.exchange import Exchange
from venues.paper.refusals import RefusedError
from venues.paper.routes import Endpoint, find_endpoint
from venues.paper.socket_routes import find_socket
from venues.paper.web_page import currency_page

LOG = logging.getLogger(__name__)
BODY_LIMIT = 64 * 1024
"""Signed calls carry everything in headers; a body is read past and ignored up to this many bytes."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_WEB_PATHS = frozenset({"/web", "/web/"})


class ExchangeApp:
    """One exchange as an ASGI application; put a `RequestGuard` in front of it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or serve one socket."""
        if scope["type"] == "http":
            response = await self._answer(scope, receive)
            await response(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive, send))
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        method, path = scope["method"], scope["path"]
        try:
            await _read_past_body(receive)
            if method == "GET" and path in _WEB_PATHS:
                markets = self._exchange.engine.markets.values()
                return Response(currency_page(m.instrument for m in markets), media_type="text/html")
            return _json(200, self._call(*find_endpoint(method, path), scope))
        except RefusedError as refusal:
            return _json(refusal.status, refusal.as_json())
        except Exception:
            LOG.exception("%s %s failed", method, path)
            return _json(500, RefusedError("System", "Unexpected server error occurred.").as_json())

    def _call(self, endpoint: Endpoint, parts: Mapping[str, str], scope: Scope) -> Any:
        exchange = self._exchange
        if exchange.timeline.is_virtual:
            exchange.step()
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        with exchange.operation():
            if endpoint.roles is None:
                return endpoint.handler(exchange, Call(path=parts, query=query))
            headers = {bytes(name).decode("latin-1").lower(): bytes(value).decode("latin-1")
                       for name, value in scope["headers"]}  # fmt: skip
            caller = exchange.authenticate(headers, scope["path"], endpoint.roles)
            call = Call(
                path=parts, query=query, payload=caller.payload, account=caller.account, signer=caller.key
            )
            return endpoint.handler(exchange, call)

    async def _serve_socket(self, socket: WebSocket) -> None:
        path = str(socket.scope["path"]).rstrip("/")
        try:
            await find_socket(path)(self._exchange, socket, path)
        except RefusedError as refusal:
            await socket.send_denial_response(_json(refusal.status, refusal.as_json()))


def _json(status: int, answer: Any) -> Response:
    return Response(_ENCODER.encode(answer), status, media_type="application/json")


async def _read_past_body(receive: Receive) -> None:
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if size > BODY_LIMIT:
            raise RefusedError(
                "Bad Request", "The body is too large; parameters belong in X-GEMINI-PAYLOAD", 413
            )
        if not message.get("more_body"):
            return


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
