"""The ASGI side of the wire: routing, bodies, limits, faults, errors."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response
from starlette.websockets import WebSocket

from domain.clock import epoch_ms, from_epoch_ms
from loopback.connection import CUT
from loopback.guard import Receive, Scope, Send
from venues.gemini.catalogue import Auth
from venues.paper.access.rate_limits import TooOftenError
from venues.paper.call import Call, FileAnswer
from venues.paper.edge.control import PREFIX, Control
from venues.paper.edge.oauth_pages import Page, find_page
from venues.paper.edge.openapi import document
from venues.paper.edge.request_faults import CutError, after, before, judge_order
from venues.paper.edge.routes import Endpoint, find_endpoint
from venues.paper.edge.web_page import currency_page
from venues.paper.exchange import Exchange
from venues.paper.matching.refusals import EmptyRefusedError, RefusedError
from venues.paper.sockets.socket_routes import find_socket
from venues.paper.sockets.socket_watch import OpenSockets

LOG = logging.getLogger(__name__)
BODY_LIMIT = 64 * 1024
"""Signed calls carry everything in headers; a body is read past and ignored up to this many bytes."""

READ_ANYWAY = 32 * 1024 * 1024
"""A larger body is read past up to here, so that its sender gets to read the refusal."""

BODY_S = 15.0
"""How long a body may take to arrive."""

QUERY_LIMIT = 8 * 1024
QUERY_FIELDS = 64
_UNREAD = frozenset({408, 413})
"""Refusals that leave bytes of the request on the connection, which must not be read as the next one."""


_ENCODER = msgspec.json.Encoder(decimal_format="number")
_WEB_PATHS = frozenset({"/web", "/web/"})
_OPENAPI = "/openapi.json"


class ExchangeApp:
    """One exchange as an ASGI application; put a `RequestGuard` in front of it.

    `control` is None for an exchange that was started without faults: its route does not exist then.
    The server in front must leave the `Date` header to it.
    """

    def __init__(self, exchange: Exchange, control: Control | None = None) -> None:
        self._exchange = exchange
        self._control = control
        self._sockets = OpenSockets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or serve one socket."""
        if scope["type"] == "http":
            await self._respond(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive, send))
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(scope, receive)
        except CutError:
            scope[CUT]()
            await receive()  # the disconnection, without which the server would answer for us
            return
        response.headers["date"] = self._date()
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        method, path = scope["method"], scope["path"]
        try:
            body = await _read_body(receive)
            if self._control is not None and path.startswith(PREFIX):
                return _json(200, self._control.answer(method, path, _headers(scope), body))
            strikes = self._exchange.faults.request(path)
            await before(strikes)
            return await after(strikes, await self._carried_out(scope, body))
        except RefusedError as refusal:
            return _refusal(refusal)
        except CutError:
            raise
        except Exception:
            LOG.exception("%s %s failed", method, path)
            return _refusal(RefusedError("System", "Unexpected server error occurred.", 500))

    async def _carried_out(self, scope: Scope, body: bytes) -> Response:
        """Return the undisturbed answer, a refusal included: faults bend that one too."""
        method, path = scope["method"], scope["path"]
        if method == "GET" and path in _WEB_PATHS:
            markets = self._exchange.engine.markets.values()
            return Response(currency_page(m.instrument for m in markets), media_type="text/html")
        if method == "GET" and path == _OPENAPI:
            return _json(200, document(f"http://{_headers(scope).get('host', '')}"))
        try:
            page = find_page(method, path)
            if page is not None:
                return self._turn(page, scope, body)
            endpoint, parts = find_endpoint(method, path)
            await self._wait_in_queue(endpoint, scope)
            return _json(200, self._call(endpoint, parts, scope))
        except RefusedError as refusal:
            return _refusal(refusal)

    async def _wait_in_queue(self, endpoint: Endpoint, scope: Scope) -> None:
        """Count the request against its limits and wait as long as they say. Raises `TooOftenError`."""
        exchange = self._exchange
        wait_ms = exchange.limits.admit(endpoint.row.rate, self._who(endpoint, scope))
        if wait_ms and exchange.timeline.is_virtual:
            exchange.timeline.advance(wait_ms)
        elif wait_ms:
            await asyncio.sleep(exchange.timeline.wall_seconds(wait_ms))

    def _who(self, endpoint: Endpoint, scope: Scope) -> str:
        """Return whose limits a request counts against: a known key's, else its source address's."""
        if endpoint.row.auth is not Auth.NONE:
            headers = _headers(scope)
            key = headers.get("x-gemini-apikey", "")
            if key in self._exchange.keys:
                return key
            if "authorization" in headers:
                return hashlib.sha256(headers["authorization"].encode("latin-1")).hexdigest()
        return _peer(scope)

    def _turn(self, page: Page, scope: Scope, body: bytes) -> Response:
        exchange = self._exchange
        if exchange.timeline.is_virtual:
            exchange.step()
        with exchange.operation():
            return page(exchange, scope["query_string"].decode("latin-1"), body)

    def _call(self, endpoint: Endpoint, parts: Mapping[str, str], scope: Scope) -> Any:
        exchange = self._exchange
        if exchange.timeline.is_virtual:
            exchange.step()
        query = _query(scope)
        with exchange.operation():
            if endpoint.roles is None:
                return endpoint.handler(exchange, Call(path=parts, query=query))
            caller = exchange.authenticate(
                _headers(scope),
                scope["path"],
                endpoint.row,
                query=scope["query_string"].decode("latin-1"),
                peer=_peer(scope),
            )
            call = Call(
                path=parts, query=query, payload=caller.payload, account=caller.account, signer=caller.key
            )
            if endpoint.row.name == "order_new":
                judge_order(exchange, call)
            return endpoint.handler(exchange, call)

    async def _serve_socket(self, socket: WebSocket) -> None:
        path = str(socket.scope["path"]).rstrip("/")
        try:
            with self._sockets.place(_peer(socket.scope)):
                await before(self._exchange.faults.request(path))
                await find_socket(path)(self._exchange, socket, path)
        except RefusedError as refusal:
            await socket.send_denial_response(_refusal(refusal))
        except CutError:
            await socket.close()

    def _date(self) -> str:
        now = self._exchange.timeline.wall_now()
        skew_ms = self._exchange.faults.date_skew_ms()
        return format_datetime(from_epoch_ms(epoch_ms(now) + skew_ms), usegmt=True)


def _json(status: int, answer: Any) -> Response:
    if isinstance(answer, FileAnswer):
        named = {"content-disposition": f"attachment; filename={answer.name}"}
        return Response(answer.content, status, headers=named, media_type=answer.media_type)
    return Response(_ENCODER.encode(answer), status, media_type="application/json")


def _refusal(refusal: RefusedError) -> Response:
    if isinstance(refusal, EmptyRefusedError):
        return Response(status_code=refusal.status)
    response = _json(refusal.status, refusal.as_json())
    if isinstance(refusal, TooOftenError):
        response.headers["retry-after"] = str(refusal.retry_after_s)
    if refusal.status in _UNREAD:
        response.headers["connection"] = "close"
    return response


def _headers(scope: Scope) -> dict[str, str]:
    return {
        bytes(name).decode("latin-1").lower(): bytes(value).decode("latin-1")
        for name, value in scope["headers"]
    }


def _peer(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])


def _query(scope: Scope) -> dict[str, str]:
    text = scope["query_string"].decode("latin-1")
    if len(text) > QUERY_LIMIT:
        raise RefusedError("Bad Request", f"A query may have at most {QUERY_LIMIT} characters")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS))
    except ValueError as error:
        raise RefusedError("Bad Request", f"A query may have at most {QUERY_FIELDS} fields") from error


async def _read_body(receive: Receive) -> bytes:
    """Return the body. Raises `RefusedError` for a large or slow one, `CutError` when the client has left."""
    found, size = b"", 0
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise CutError
                part: bytes = message.get("body", b"")
                size += len(part)
                found = found + part if size <= BODY_LIMIT else b""
                if not message.get("more_body") or size > READ_ANYWAY:
                    break
    except TimeoutError:
        raise RefusedError("Bad Request", "The body took too long to arrive", 408) from None
    if size > BODY_LIMIT:
        raise RefusedError("Bad Request", "The body is too large; parameters belong in X-GEMINI-PAYLOAD", 413)
    return found


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
