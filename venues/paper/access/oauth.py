"""OAuth: the registered apps, what a customer granted them, and the tokens that stand for it.

Two apps are registered at the first start, one with a secret and one public one, which must use PKCE. Codes
and tokens are kept as SHA-256 only. What the venue leaves open: any loopback address may be redirected to,
and a grant is always one of the stranger's main account, since nobody signs in here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from venues.paper.matching.ledger import Account, Role
from venues.paper.state.documents import Documents
from venues.paper.state.keys import ApiKey

SCOPES: tuple[str, ...] = (
    "account:read",
    "addresses:read",
    "addresses:create",
    "balances:read",
    "banks:read",
    "banks:create",
    "clearing:read",
    "clearing:create",
    "crypto:send",
    "history:read",
    "orders:read",
    "orders:create",
)
ACCESS_SECONDS = 86_399
CODE_SECONDS = 600

_CLIENT, _CODE, _ACCESS, _REFRESH = "oauth_client", "oauth_code", "oauth_access", "oauth_refresh"
_SCOPE_ROLES = {"orders:create": Role.TRADER, "crypto:send": Role.FUND_MANAGER}
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


class OAuthError(Exception):
    """A refusal of the authorization server: `error` is one of RFC 6749's codes."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A registered app. A public one has no secret and must use PKCE."""

    client_id: str
    name: str
    secret: str = field(repr=False)

    @property
    def is_public(self) -> bool:
        """Say whether it cannot keep a secret."""
        return not self.secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an app asks the customer for. `challenge` is PKCE's, empty without it."""

    app: App
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    challenge: str
    method: str


def register_apps(documents: Documents, chance: Random, secrecy: Random) -> None:
    """Register the two apps of every exchange, unless they are there."""
    if documents.of(_CLIENT):
        return
    for name, is_public in (("Play app", False), ("Play app without a secret", True)):
        number = f"{chance.getrandbits(128):032x}"
        client_id = "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:]))
        secret = "" if is_public else f"{secrecy.getrandbits(256):064x}"
        documents.put(_CLIENT, client_id, "", {"client_id": client_id, "name": name, "secret": secret})


def apps(documents: Documents) -> list[App]:
    """Return the registered apps: first the one with a secret, then the public one."""
    return [App(**body) for body in documents.of(_CLIENT)]


def read_wish(documents: Documents, values: Mapping[str, str]) -> Wish:
    """Read the parameters of an authorization request.

    Raises `OAuthError`; one about the app or its address must be shown, never sent to that address.
    """
    app = _app(documents, values.get("client_id", ""))
    redirect_uri = values.get("redirect_uri", "")
    if not _is_loopback(redirect_uri):
        raise OAuthError("invalid_request", "redirect_uri must be an http address on this machine")
    scopes = tuple(scope for scope in re.split(r"[\s,]+", values.get("scope", "")) if scope)
    wish = Wish(
        app=app,
        redirect_uri=redirect_uri,
        scopes=tuple(scope for scope in SCOPES if scope in scopes),
        state=values.get("state", ""),
        challenge=values.get("code_challenge", ""),
        method=values.get("code_challenge_method", "plain"),
    )
    _check_wish(wish, scopes, values.get("response_type", ""))
    return wish


def _check_wish(wish: Wish, asked: tuple[str, ...], response_type: str) -> None:
    if response_type != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code")
    unknown = sorted(set(asked) - set(SCOPES))
    if unknown or not asked:
        raise OAuthError("invalid_scope", f"scope must name some of: {', '.join(SCOPES)}")
    if wish.challenge and (wish.method not in {"S256", "plain"} or not _VERIFIER.fullmatch(wish.challenge)):
        raise OAuthError("invalid_request", "code_challenge or code_challenge_method is malformed")
    if wish.app.is_public and (not wish.challenge or wish.method != "S256"):
        raise OAuthError("invalid_request", "a public client must send a code_challenge by S256")


def grant_code(documents: Documents, wish: Wish, account: Account, now_ms: int, secrecy: Random) -> str:
    """Return a new code for what the customer allowed."""
    _forget_expired(documents, now_ms)
    return _issue(
        documents,
        _CODE,
        account.name,
        {
            "client_id": wish.app.client_id,
            "account": account.name,
            "scopes": list(wish.scopes),
            "redirect_uri": wish.redirect_uri,
            "challenge": wish.challenge,
            "method": wish.method,
            "expires_ms": now_ms + CODE_SECONDS * 1000,
        },
        secrecy,
    )


def exchange_tokens(
    documents: Documents, form: Mapping[str, str], now_ms: int, secrecy: Random
) -> dict[str, Any]:
    """Answer the token endpoint: a code or a refresh token, each good for one use, becomes two tokens.

    Raises `OAuthError`.
    """
    _forget_expired(documents, now_ms)
    app = _authenticated_app(documents, form)
    grant_type = form.get("grant_type", "")
    if grant_type == "authorization_code":
        grant = _take(documents, _CODE, form.get("code", ""), app)
        _check_code(grant, form)
    elif grant_type == "refresh_token":
        grant = _take(documents, _REFRESH, form.get("refresh_token", ""), app)
    else:
        raise OAuthError("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")
    kept = {name: grant[name] for name in ("client_id", "account", "scopes")}
    access = {**kept, "expires_ms": now_ms + ACCESS_SECONDS * 1000}
    return {
        "access_token": _issue(documents, _ACCESS, grant["account"], access, secrecy),
        "expires_in": ACCESS_SECONDS,
        "scope": ",".join(grant["scopes"]),
        "refresh_token": _issue(documents, _REFRESH, grant["account"], kept, secrecy),
        "token_type": "Bearer",
    }


def find_grant(
    documents: Documents, accounts: Mapping[str, Account], token: str, now_ms: int
) -> ApiKey | None:
    """Return what a good access token stands for, as a key whose session is the app."""
    found = documents.get(_ACCESS, _digest(token))
    if found is None or now_ms >= found["expires_ms"]:
        return None
    account = accounts[found["account"]]
    scopes = frozenset(found["scopes"])
    return ApiKey(
        api_key=f"oauth-{found['client_id']}",
        secret="",
        label=found["client_id"],
        group=account.group,
        account=account,
        roles=frozenset(role for scope, role in _SCOPE_ROLES.items() if scope in scopes),
        scopes=scopes,
    )


def revoke(documents: Documents, account: Account, client_id: str) -> None:
    """End everything that an app was granted on an account: codes and tokens."""
    for kind in (_CODE, _ACCESS, _REFRESH):
        for digest, body in documents.items(kind):
            if body["client_id"] == client_id and body["account"] == account.name:
                documents.remove(kind, digest)


def _app(documents: Documents, client_id: str) -> App:
    body = documents.get(_CLIENT, client_id)
    if body is None:
        raise OAuthError("invalid_client", "client_id is not registered here", 401)
    return App(**body)


def _authenticated_app(documents: Documents, form: Mapping[str, str]) -> App:
    app = _app(documents, form.get("client_id", ""))
    given = form.get("client_secret", "")
    if not hmac.compare_digest(app.secret.encode(), given.encode("utf-8", "surrogatepass")):
        raise OAuthError("invalid_client", "client_secret is not the one of this client", 401)
    return app


def _take(documents: Documents, kind: str, token: str, app: App) -> dict[str, Any]:
    digest = _digest(token)
    found = documents.get(kind, digest)
    if found is None or found["client_id"] != app.client_id:
        raise OAuthError("invalid_grant", "the code or token is unknown, expired, revoked or used already")
    documents.remove(kind, digest)
    return found


def _check_code(grant: Mapping[str, Any], form: Mapping[str, str]) -> None:
    if form.get("redirect_uri", "") != grant["redirect_uri"]:
        raise OAuthError("invalid_grant", "redirect_uri is not the one that the code was asked with")
    verifier, challenge = form.get("code_verifier", ""), grant["challenge"]
    if not challenge and not verifier:
        return
    if not _VERIFIER.fullmatch(verifier):
        raise OAuthError("invalid_grant", "code_verifier is missing or malformed")
    if grant["method"] == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    # Without a challenge none fits: somebody may have taken it out of the question for the code.
    if not hmac.compare_digest(verifier, challenge):
        raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge")


def _issue(documents: Documents, kind: str, account_name: str, body: dict[str, Any], secrecy: Random) -> str:
    token = f"{secrecy.getrandbits(256):064x}"
    documents.put(kind, _digest(token), account_name, body)
    return token


def _forget_expired(documents: Documents, now_ms: int) -> None:
    for kind in (_CODE, _ACCESS):
        for digest, body in documents.items(kind):
            if now_ms >= body["expires_ms"]:
                documents.remove(kind, digest)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _is_loopback(address: str) -> bool:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    is_here = _LOOPBACK.fullmatch(parts.netloc) is not None and port != 0
    return (
        is_here
        and parts.scheme == "http"
        and not parts.fragment
        and address.isascii()
        and address.isprintable()
    )
