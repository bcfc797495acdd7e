"""The second door behind the request guard: session, `x-csrf`, and Gradio cut to what the page uses."""

from __future__ import annotations

import hmac
import json
from http.cookies import CookieError, SimpleCookie
from types import MappingProxyType

from app.access import Door, csrf_token
from app.page import UI_PATH
from guardrails.request_guard import Refusal
from loopback.guard import AsgiApp, Receive, Scope, Send

OPEN_PATHS = frozenset({"/", "/healthz"})
"""Answered without a session; `/` then only says how to get in."""

# Gradio's page has no event that runs Python, so of its 100-odd routes it needs these to draw itself.
_UI_EXACT = frozenset({"/", "/config", "/theme.css"})
_UI_BELOW = ("/assets/", "/static/")
_READING = frozenset({"GET", "HEAD"})

_NOTHING_HERE = Refusal(
    status=404, code="NOT_FOUND", message="there is nothing here", cure="Open the page at /."
)
_NO_SESSION = Refusal(
    status=401,
    code="NO_SESSION",
    message="this browser is not signed in",
    cure="Run `matrix url` and open the address it prints.",
)
_NO_CSRF = Refusal(
    status=403,
    code="CSRF_REFUSED",
    message="the request does not carry this session's x-csrf value",
    cure="Reload the page and try again.",
)

# Gradio evaluates small scripts and sets styles in place, so the unsafe-* are needed: this stops leaks
# and remote loads, not every script. What a model writes never reaches an HTML parser at all.
PAGE_HEADERS = MappingProxyType(
    {
        "content-security-policy": (
            "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
            "connect-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'self'; "
            "form-action 'self'"
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
        refusal = self._judge(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await _answer(scope, receive, send, refusal)

    def _judge(self, scope: Scope) -> Refusal | None:
        if _is_closed(scope):
            return _NOTHING_HERE
        token = session_token(scope, self._cookie)
        if not self._door.admits(token):
            return _NO_SESSION
        if scope["type"] == "http" and scope["method"] not in _READING and not _has_csrf(scope, token):
            return _NO_CSRF
        return None


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


async def _answer(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    prefix = ""
    if scope["type"] == "websocket":
        await receive()  # websocket.connect; nothing may be sent before it
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.code})
            return
        prefix = "websocket."
    elif refusal is _NO_SESSION and _is_a_person(scope):
        head = [(b"location", b"/"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": head})
        await send({"type": "http.response.body", "body": b""})
        return
    body = json.dumps(refusal.as_json()).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{prefix}http.response.start", "status": refusal.status, "headers": head})
    await send({"type": f"{prefix}http.response.body", "body": body})


def _is_a_person(scope: Scope) -> bool:
    """Say whether a browser navigates: it is sent to the front page, which says how to get in."""
    accepts = next((value for key, value in scope["headers"] if key == b"accept"), b"")
    return scope["method"] in _READING and b"text/html" in accepts
