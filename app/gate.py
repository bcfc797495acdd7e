"""The second door behind the request guard: session, `x-csrf`, and Gradio's routes cut to what the page uses."""

from __future__ import annotations

import hmac
import json
from http.cookies import CookieError, SimpleCookie
from types import MappingProxyType

from app.access import Door, csrf_token
from app.page import UI_PATH
from loopback.guard import AsgiApp, Receive, Scope, Send

OPEN_PATHS = frozenset({"/", "/healthz"})
"""Answered without a session; `/` then only says how to get in."""

# Gradio's page has no event that runs Python, so of its 100-odd routes it needs these to draw itself.
_UI_EXACT = frozenset(
    {"/", "/config", "/config/", "/theme.css", "/gradio_api/startup-events", "/manifest.json"}
)
_UI_BELOW = ("/assets/", "/static/", "/svelte/")
_READING = frozenset({"GET", "HEAD"})

# Gradio evaluates small scripts and sets styles in place, so the unsafe-* are needed: this stops leaks
# and remote loads, not every script. What a model writes never reaches an HTML parser at all.
PAGE_HEADERS = MappingProxyType(
    {
        "content-security-policy": (
            "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
            "connect-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
        )
    }
)


def cookie_name(port: int) -> str:
    """Return the session cookie's name; cookies ignore ports, so two apps need two names."""
    return f"matrix_session_{port}"


def session_token(scope: Scope, name: str) -> str:
    """Return the value of the session cookie of a request, or an empty string."""
    for key, value in scope["headers"]:
        if key == b"cookie":
            try:
                morsel = SimpleCookie(value.decode("latin-1")).get(name)
            except CookieError:
                return ""
            return morsel.value if morsel else ""
    return ""


class SessionGate:
    """Lets through what has a session; a write also needs the session's own `x-csrf` value."""

    def __init__(self, app: AsgiApp, door: Door, cookie: str) -> None:
        self._app = app
        self._door = door
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge one connection; pass it on or answer it here."""
        if scope["type"] == "lifespan" or _is_open(scope):
            await self._app(scope, receive, send)
            return
        if _is_closed(scope):
            await _answer(
                scope, receive, send, 404, "NOT_FOUND", "there is nothing here", "Open the page at /."
            )
            return
        token = session_token(scope, self._cookie)
        if not self._door.admits(token):
            await _turn_away(scope, receive, send)
            return
        if scope["type"] == "http" and scope["method"] not in _READING and not _has_csrf(scope, token):
            await _answer(
                scope,
                receive,
                send,
                403,
                "CSRF_REFUSED",
                "the request does not carry this session's x-csrf value",
                "Reload the page and try again.",
            )
            return
        await self._app(scope, receive, send)


def _is_open(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["path"] in OPEN_PATHS and scope["method"] in _READING


def _is_closed(scope: Scope) -> bool:
    path = str(scope["path"])
    if path != UI_PATH and not path.startswith(f"{UI_PATH}/"):
        return False
    rest = path[len(UI_PATH) :]
    if scope["type"] != "http" or scope["method"] not in _READING:
        return True
    return bool(rest) and rest not in _UI_EXACT and not rest.startswith(_UI_BELOW)


def _has_csrf(scope: Scope, token: str) -> bool:
    sent = [value for key, value in scope["headers"] if key == b"x-csrf"]
    return len(sent) == 1 and hmac.compare_digest(sent[0], csrf_token(token).encode())


async def _turn_away(scope: Scope, receive: Receive, send: Send) -> None:
    """Send a person to the front page, a program an error."""
    accepts = next((value for key, value in scope["headers"] if key == b"accept"), b"")
    if scope["type"] == "http" and scope["method"] in _READING and b"text/html" in accepts:
        head = [(b"location", b"/"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": head})
        await send({"type": "http.response.body", "body": b""})
        return
    cure = "Run `matrix url` and open the address it prints."
    await _answer(scope, receive, send, 401, "NO_SESSION", "this browser is not signed in", cure)


async def _answer(
    scope: Scope, receive: Receive, send: Send, status: int, code: str, message: str, cure: str
) -> None:
    prefix = ""
    if scope["type"] == "websocket":
        await receive()  # websocket.connect; nothing may be sent before it
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": code})
            return
        prefix = "websocket."
    body = json.dumps({"error": {"code": code, "message": message, "cure": cure}}).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{prefix}http.response.start", "status": status, "headers": head})
    await send({"type": f"{prefix}http.response.body", "body": body})
