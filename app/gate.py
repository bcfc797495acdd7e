"""The second door behind the request guard: session, `x-csrf`, and Gradio cut to what the page uses."""

from __future__ import annotations

import hmac
import json
from http.cookies import CookieError, SimpleCookie
from types import MappingProxyType

from app.access import Door, csrf_token
from app.page import UI_PATH
from guardrails.request_guard import Refusal
from loopback.guard import AsgiApp, Message, Receive, Scope, Send

OPEN_PATHS = frozenset({"/", "/healthz"})
"""Answered without a session; `/` then only says how to get in."""

# Gradio's page has no event of Gradio's, so of its 100-odd routes it needs these to draw itself.
_UI_EXACT = frozenset({"/", "/config", "/theme.css"})
_UI_BELOW = ("/assets/", "/static/")
_KEPT_BELOW = f"{UI_PATH}/assets/"
_FOR_EVER = b"private, max-age=31536000, immutable"
"""True for Gradio's assets alone: a hash of each file's content is part of its name."""
_READING = frozenset({"GET", "HEAD"})

MAX_PATH = 2_000
_MAX_NAME = 255
"""Longer names exist on no file system, and looking for one is an error instead of an absence."""
MAX_BODY = 64 * 1024
"""Bytes of a request's body; the longest honest one is a message of 4,000 characters."""

_NOTHING_HERE = Refusal(
    status=404, code="NOT_FOUND", message="there is nothing here", cure="Open the page at /."
)
_TOO_LONG = Refusal(
    status=414,
    code="ADDRESS_TOO_LONG",
    message=f"the address has more than {MAX_PATH} characters",
    cure="Open the page at /.",
)
_TOO_LARGE = Refusal(
    status=413,
    code="BODY_TOO_LARGE",
    message=f"the request has more than {MAX_BODY // 1024} KiB",
    cure="Send less.",
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
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._judge(scope)
        if refusal is None and scope["type"] == "http" and scope["method"] not in _READING:
            body = await _read_body(receive)
            if body is None:
                refusal = _TOO_LARGE
            else:
                receive = _replay(body, receive)
        if refusal is None:
            await self._app(scope, receive, _kept(send) if scope["path"].startswith(_KEPT_BELOW) else send)
        else:
            await _answer(scope, receive, send, refusal)

    def _judge(self, scope: Scope) -> Refusal | None:
        misfit = _misfit(scope)
        if misfit is not None or _is_open(scope):
            return misfit
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


def _misfit(scope: Scope) -> Refusal | None:
    """Say what is too large about a request; nothing of its body has been read."""
    path = str(scope["path"])
    if len(path) > MAX_PATH:
        return _TOO_LONG
    if "\0" in path or any(len(name.encode("utf-8", "replace")) > _MAX_NAME for name in path.split("/")):
        return _NOTHING_HERE
    told = next((value for key, value in scope["headers"] if key == b"content-length"), b"0")
    return _TOO_LARGE if not told.isdigit() or int(told[:20]) > MAX_BODY else None


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body, or None when it breaks off or has more than `MAX_BODY` bytes."""
    parts, size, has_more = [], 0, True
    while has_more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            return None
        has_more = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body that was read, and then what `receive` gives."""
    is_given = False

    async def once_more() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more


def _kept(send: Send) -> Send:
    """Return a `send` that lets the browser keep what is found: 49 of a page's 69 requests."""

    async def send_kept(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            message = {**message, "headers": [*message["headers"], (b"cache-control", _FOR_EVER)]}
        await send(message)

    return send_kept


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
    elif refusal is _NO_SESSION and is_a_person(scope):
        head = [(b"location", b"/"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": head})
        await send({"type": "http.response.body", "body": b""})
        return
    body = json.dumps(refusal.as_json()).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{prefix}http.response.start", "status": refusal.status, "headers": head})
    await send({"type": f"{prefix}http.response.body", "body": body})


def is_a_person(scope: Scope) -> bool:
    """Say whether a browser navigates: it is sent to the front page, which says how to get in."""
    accepts = next((value for key, value in scope["headers"] if key == b"accept"), b"")
    return scope["method"] in _READING and b"text/html" in accepts
