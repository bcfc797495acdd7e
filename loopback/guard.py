"""The request guard as ASGI middleware, for HTTP and WebSocket alike, in front of every route."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

from guardrails.request_guard import Refusal, RequestFacts, judge

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
)
"""Set on every answer unless the guard was given another value for the same name."""


class RequestGuard:
    """Refuses what `guardrails.request_guard.judge` refuses and puts the security headers on every answer.

    `hosts` is called for each request, because a port is only known once the socket is bound.
    `headers` adds to or replaces `SECURITY_HEADERS`; what the inner app sets under these names is dropped.
    """

    def __init__(
        self,
        app: AsgiApp,
        hosts: Callable[[], frozenset[str]],
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._hosts = hosts
        merged = {**SECURITY_HEADERS, **{name.lower(): value for name, value in headers.items()}}
        self._headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in merged.items()]
        self._names = frozenset(name for name, _ in self._headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge one connection; pass it on or answer it here."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = judge(_facts(scope, is_websocket=kind == "websocket"), self._hosts())
        if refusal is not None:
            await self._refuse(scope, receive, send, refusal)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                kept = [(n, v) for n, v in message.get("headers", ()) if bytes(n).lower() not in self._names]
                message = {**message, "headers": [*kept, *self._headers]}
            await send(message)

        await self._app(scope, receive, send_with_headers)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
        prefix = ""
        if scope["type"] == "websocket":
            await receive()  # websocket.connect; nothing may be sent before it
            if "websocket.http.response" not in scope.get("extensions", {}):
                await send({"type": "websocket.close", "code": 1008, "reason": refusal.code})
                return
            prefix = "websocket."
        body = json.dumps(refusal.as_json()).encode()
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send(
            {
                "type": f"{prefix}http.response.start",
                "status": refusal.status,
                "headers": [*head, *self._headers],
            }
        )
        await send({"type": f"{prefix}http.response.body", "body": body})


def _facts(scope: Scope, *, is_websocket: bool) -> RequestFacts:
    found: dict[bytes, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(bytes(name).lower(), []).append(bytes(value).decode("latin-1"))

    def values(name: bytes) -> tuple[str, ...]:
        return tuple(found.get(name, ()))

    return RequestFacts(
        method="GET" if is_websocket else scope["method"],
        hosts=values(b"host"),
        origins=values(b"origin"),
        fetch_sites=values(b"sec-fetch-site"),
        fetch_modes=values(b"sec-fetch-mode"),
        fetch_dests=values(b"sec-fetch-dest"),
        is_websocket=is_websocket,
    )
