"""The two OAuth addresses of the exchange's site: the page that asks for consent, and the token endpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.responses import JSONResponse, RedirectResponse, Response

from venues.paper.access.oauth import OAuthError, Wish, exchange_tokens, grant_code, read_wish
from venues.paper.exchange import Exchange

AUTHORIZE = "/web/auth"
TOKEN = "/web/auth/token"  # noqa: S105 - a path
MAX_FIELDS = 32
GRANTED_ACCOUNT = "stranger"
"""Whose main account is granted: nobody signs in here."""

_KEPT = (
    "client_id",
    "redirect_uri",
    "response_type",
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
)
_NEVER_STORED = {"cache-control": "no-store", "pragma": "no-cache"}

Page = Callable[[Exchange, str, bytes], Response]
"""What answers an address: given the exchange, the raw query and the body, inside an operation."""


def find_page(method: str, path: str) -> Page | None:
    """Return what answers one of the two addresses, None for another one. It raises nothing."""
    return _PAGES.get((method, path.rstrip("/")))


def _consent(exchange: Exchange, query: str, _: bytes) -> Response:
    values = _fields(query)
    try:
        return _page(200, _question(read_wish(exchange.documents, values), values))
    except OAuthError as error:
        return _page(error.status, f"<p>This request cannot be granted: {escape(error.description)}.</p>")


def _decide(exchange: Exchange, _: str, body: bytes) -> Response:
    values = _fields(body.decode("utf-8", "replace"))
    try:
        wish = read_wish(exchange.documents, values)
    except OAuthError as error:
        return _page(error.status, f"<p>This request cannot be granted: {escape(error.description)}.</p>")
    if values.get("decision") != "allow":
        return _sent_back(wish, {"error": "access_denied"})
    account = exchange.accounts[GRANTED_ACCOUNT]
    now_ms = exchange.timeline.now_ms()
    return _sent_back(wish, {"code": grant_code(exchange.documents, wish, account, now_ms, exchange.secrecy)})


def _tokens(exchange: Exchange, _: str, body: bytes) -> Response:
    try:
        answer = exchange_tokens(
            exchange.documents, _token_fields(body), exchange.timeline.now_ms(), exchange.secrecy
        )
    except OAuthError as error:
        told = {"error": error.error, "error_description": error.description}
        return JSONResponse(told, error.status, headers=_NEVER_STORED)
    return JSONResponse(answer, headers=_NEVER_STORED)


_PAGES: Mapping[tuple[str, str], Page] = {
    ("GET", AUTHORIZE): _consent,
    ("POST", AUTHORIZE): _decide,
    ("POST", TOKEN): _tokens,
}


def _fields(text: str) -> dict[str, str]:
    """Return the fields of a query or a form; none when there are too many."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        return {}


def _token_fields(body: bytes) -> dict[str, str]:
    """Return the fields of the token endpoint's body: a form, or JSON as older pages of the venue show."""
    text = body.decode("utf-8", "replace").strip()
    if not text.startswith("{"):
        return _fields(text)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OAuthError("invalid_request", "the body is neither a form nor JSON") from error
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _sent_back(wish: Wish, values: Mapping[str, str]) -> Response:
    parts = urlsplit(wish.redirect_uri)
    added = {**values, **({"state": wish.state} if wish.state else {})}
    query = "&".join(filter(None, (parts.query, urlencode(added))))
    address = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
    return RedirectResponse(address, 302, headers=_NEVER_STORED)


def _question(wish: Wish, values: Mapping[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(values[name])}">'
        for name in _KEPT
        if name in values
    )
    scopes = "".join(f"<li>{escape(scope)}</li>" for scope in wish.scopes)
    return (
        f"<p><b>{escape(wish.app.name)}</b> asks for access to the play-money account "
        f"<b>{GRANTED_ACCOUNT}</b>:</p><ul>{scopes}</ul>"
        f"<p>You will be sent to {escape(wish.redirect_uri)}.</p>"
        f'<form method="post" action="{AUTHORIZE}">{hidden}'
        '<button name="decision" value="allow">Allow</button> '
        '<button name="decision" value="deny">Deny</button></form>'
    )


def _page(status: int, content: str) -> Response:
    return Response(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Grant access</title></head>'
        f"<body><h1>Grant access</h1>{content}</body></html>",
        status,
        media_type="text/html",
        headers=_NEVER_STORED,
    )
