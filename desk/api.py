"""The desk's loopback API: tokens with scopes in front, `docs/desk-api.md` behind."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

from desk.person_routes import add_person_routes
from desk.propose_routes import add_propose_routes
from desk.read_routes import add_read_routes
from desk.service import VERSION, Desk
from domain.errors import (
    BadInputError,
    ConflictError,
    ExpiredError,
    LockedError,
    MatrixError,
    NotFoundError,
    UnreachableError,
    VenueError,
)
from loopback.guard import AsgiApp, Receive, Scope, Send

log = logging.getLogger("matrix.desk")
SCOPES = ("read", "propose", "person")
_STATUS: tuple[tuple[type[MatrixError], int], ...] = (
    (BadInputError, 400),
    (NotFoundError, 404),
    (ConflictError, 409),
    (ExpiredError, 410),
    (LockedError, 423),
    (VenueError, 502),
    (UnreachableError, 502),
)


class Gatekeeper:
    """Compares bearer tokens; a higher scope may do what a lower one may."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._digests = {scope: _digest(tokens[scope]) for scope in SCOPES}

    def scope(self, header: str) -> str | None:
        """Return the highest scope that `header` proves, None for none."""
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer" or not token:
            return None
        given = _digest(token)
        found = None
        for scope in SCOPES:
            if hmac.compare_digest(given, self._digests[scope]):
                found = scope
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def needed_scope(path: str, method: str) -> str | None:
    """Return the scope a route needs; None only for `/health`. Anything new needs the person's."""
    if path == "/health":
        return None
    if method in {"GET", "HEAD"}:
        return "read"
    if path in {"/proposals", "/cancel", "/flatten-and-pause", "/limit-changes", "/journal"}:
        return "propose"
    return "person"


def error_reply(error: MatrixError) -> JSONResponse:
    """Return the error shape of `docs/desk-api.md`."""
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 503)
    return JSONResponse({"error": error.as_json()}, status_code=status)


class ScopeGuard:
    """ASGI layer that lets a request through when its token proves the scope its route needs."""

    def __init__(self, app: AsgiApp, keeper: Gatekeeper) -> None:
        self._app = app
        self._keeper = keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        reply = (
            self._judge(scope) if scope["type"] == "http" else _refuse(403, "HTTP_ONLY", "no sockets here")
        )
        if reply is None:
            await self._app(scope, receive, send)
        else:
            await reply(scope, receive, send)

    def _judge(self, scope: Scope) -> JSONResponse | None:
        needed = needed_scope(scope["path"], scope["method"])
        if needed is None:
            return None
        header = next((bytes(v) for n, v in scope["headers"] if bytes(n).lower() == b"authorization"), b"")
        held = self._keeper.scope(header.decode("latin-1"))
        if held is None:
            return _refuse(401, "NO_TOKEN", "the token is missing or not of this start")
        if SCOPES.index(held) < SCOPES.index(needed):
            return _refuse(403, "SCOPE_TOO_LOW", f"this needs the {needed} scope")
        return None


def build_api(desk: Desk, tokens: Mapping[str, str]) -> ScopeGuard:
    """Return the ASGI app, tokens checked; the request guard is put in front of it by `desk.main`."""
    app = FastAPI(title="crypto-matrix desk", version=VERSION, docs_url=None, redoc_url=None)
    app.add_exception_handler(MatrixError, _on_fault)
    app.add_exception_handler(Exception, _on_bug)
    app.add_exception_handler(HTTPException, _on_no_route)
    app.add_exception_handler(RequestValidationError, _on_bad_query)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"ok": True, "pid": os.getpid()}

    @app.get("/events")
    async def events() -> StreamingResponse:
        return StreamingResponse(desk.parts.hub.stream(desk.status), media_type="text/event-stream")

    add_read_routes(app, desk)
    add_propose_routes(app, desk)
    add_person_routes(app, desk)
    return ScopeGuard(app, Gatekeeper(tokens))


async def _on_fault(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MatrixError)
    return error_reply(error)


async def _on_no_route(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    fault = {
        "code": "NO_SUCH_ROUTE",
        "message": f"{request.method} {request.url.path[:100]} is not a route of the desk",
        "cure": "See docs/desk-api.md.",
    }
    return JSONResponse({"error": fault}, status_code=error.status_code)


async def _on_bad_query(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = "; ".join(f"{e['loc'][-1]}: {e['msg']}" for e in error.errors()[:5])
    return error_reply(BadInputError("BAD_FIELD", faults, "See docs/desk-api.md."))


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    # The text may hold anything; only the type is told, the trace goes to the redacted log.
    log.error("unexpected %s at %s", type(error).__name__, request.url.path, exc_info=error)
    fault = {"code": "INTERNAL", "message": "the desk failed inside", "cure": "See logs/desk.log."}
    return JSONResponse({"error": fault}, status_code=500)


def _refuse(status: int, code: str, message: str) -> JSONResponse:
    cure = "Use the token of run/tokens that fits."
    return JSONResponse({"error": {"code": code, "message": message, "cure": cure}}, status_code=status)
