"""Who sends a request: the judgement of signed requests and of access tokens.

Written from the wire contract alone and not from our own client. Order of judgement: headers, key, signature,
source address, payload, path, role or scope, account; the nonce is used up last, so a request that fails any
of these does not burn it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from venues.gemini.catalogue import Call as Row
from venues.paper.access.subaccounts import account_for
from venues.paper.matching.ledger import Account, Role
from venues.paper.matching.refusals import RefusedError
from venues.paper.state.keys import ApiKey, NonceMode

NONCE_WINDOW_MS = 30_000
"""How far the nonce of a time-based key may be from the exchange's clock."""

ANY_SCOPE = "any"
"""What the catalogue calls the scope of calls that every access token may make."""

_NONCE = re.compile(r"[0-9]{1,24}(\.[0-9]{1,12})?", re.ASCII)
_BEARER = re.compile(r"bearer +(\S+)", re.ASCII | re.IGNORECASE)
_MISSING = {
    "x-gemini-apikey": ("MissingApikeyHeader", 401),
    "x-gemini-payload": ("MissingPayloadHeader", 400),
    "x-gemini-signature": ("MissingSignatureHeader", 400),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: headers by lower-case names, the path without its query, the query, the peer's address."""

    headers: Mapping[str, str]
    path: str
    query: str = ""
    peer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a good request. `account` is None for a call about a whole group."""

    key: ApiKey
    account: Account | None
    payload: dict[str, Any] = field(default_factory=dict)


class Register(Protocol):
    """What the judgement must look up."""

    def key_of(self, text: str) -> ApiKey | None:
        """Return the key with this text."""
        ...

    def grant_of(self, token: str) -> ApiKey | None:
        """Return what a good access token stands for."""
        ...

    def accounts_of(self, group: str) -> list[Account]:
        """Return the accounts of a group."""
        ...

    def trusted_by(self, group: str) -> tuple[str, ...]:
        """Return the addresses that a group accepts requests from, none when from everywhere."""
        ...


def verify(register: Register, asked: Asked, row: Row, now_ms: int) -> Caller:
    """Return who sent a good request for `row` and use up its nonce (`key.last_nonce`).

    The caller stores the nonce before it answers. Raises `RefusedError` with the documented reason.
    """
    token = _token(asked.headers)
    if token is not None:
        return _verify_token(register, asked, row, token)
    for name, (reason, status) in _MISSING.items():
        if not asked.headers.get(name):
            raise RefusedError(reason, f"Must provide '{name.upper()}' header", status)
    text = asked.headers["x-gemini-payload"]
    key = _known_key(register, asked.headers)
    _check_signature(key.secret, text, asked.headers["x-gemini-signature"])
    _check_peer(register, key, asked.peer)
    payload = _decode(text)
    _check_request(payload, asked, row)
    _check_role(key, row)
    account = account_for(key, row, payload, register.accounts_of(key.group))
    _use_nonce(key, payload.get("nonce"), now_ms)
    return Caller(key=key, account=account, payload=payload)


def verify_upgrade(register: Register, headers: Mapping[str, str], peer: str, now_ms: int) -> Caller | None:
    """Return who opens a socket of the new WebSocket API, None for somebody who does not say.

    Its headers differ: `X-GEMINI-NONCE` in epoch seconds, and as payload the base64 of that text. Only
    account keys with time-based nonces may sign. Raises `RefusedError`, always with status 401.
    """
    try:
        token = _token(headers)
        if token is not None:
            key = _known_grant(register, token)
            _check_peer(register, key, peer)
            return Caller(key=key, account=key.account)
        if not any(name.startswith("x-gemini-") for name in headers):
            return None
        return _verify_nonce_header(register, headers, peer, now_ms)
    except RefusedError as refusal:
        raise RefusedError(refusal.reason, refusal.message, 401) from refusal


def _verify_nonce_header(register: Register, headers: Mapping[str, str], peer: str, now_ms: int) -> Caller:
    for name, (reason, status) in _MISSING.items():
        if not headers.get(name):
            raise RefusedError(reason, f"Must provide '{name.upper()}' header", status)
    key, text = _known_key(register, headers), headers["x-gemini-payload"]
    _check_signature(key.secret, text, headers["x-gemini-signature"])
    _check_peer(register, key, peer)
    if key.is_master:
        raise RefusedError("NotGroupApiCompatible", "A master API key cannot open this socket")
    if key.nonce_mode is not NonceMode.TIME:
        raise RefusedError("InvalidNonce", "This socket needs an API key with time-based nonces")
    nonce = headers.get("x-gemini-nonce")
    if nonce is not None and text != base64.b64encode(nonce.encode("latin-1")).decode():
        raise RefusedError("InvalidNonce", "The payload must be the base64 of X-GEMINI-NONCE")
    _use_nonce(key, nonce, now_ms)
    return Caller(key=key, account=key.account)


def _token(headers: Mapping[str, str]) -> str | None:
    found = _BEARER.fullmatch(headers.get("authorization", ""))
    if found is None:
        return None
    if headers.get("x-gemini-apikey") or headers.get("x-gemini-signature"):
        raise RefusedError(
            "AmbiguousAuthentication", "Use either an OAuth access token or an API key, not both at once"
        )
    return found[1]


def _known_grant(register: Register, token: str) -> ApiKey:
    key = register.grant_of(token)
    if key is None:
        raise RefusedError("InvalidApiKey", "The access token is unknown, expired or revoked", 401)
    return key


def _known_key(register: Register, headers: Mapping[str, str]) -> ApiKey:
    key = register.key_of(headers["x-gemini-apikey"])
    if key is None:
        raise RefusedError("InvalidApiKey", "Invalid API key")
    return key


def _verify_token(register: Register, asked: Asked, row: Row, token: str) -> Caller:
    key = _known_grant(register, token)
    text = asked.headers.get("x-gemini-payload")
    if not text:
        raise RefusedError("MissingPayloadHeader", "Must provide 'X-GEMINI-PAYLOAD' header")
    _check_peer(register, key, asked.peer)
    payload = _decode(text)
    _check_request(payload, asked, row)
    _check_scope(key, row)
    account = account_for(key, row, payload, register.accounts_of(key.group))
    return Caller(key=key, account=account, payload=payload)


def _check_signature(secret: str, text: str, signature: str) -> None:
    expected = hmac.new(secret.encode(), text.encode("latin-1"), hashlib.sha384).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode("latin-1")):
        raise RefusedError("InvalidSignature", "Invalid signature for this request")


def _check_peer(register: Register, key: ApiKey, peer: str) -> None:
    trusted = register.trusted_by(key.group)
    if trusted and peer not in trusted:
        raise RefusedError(
            "RemoteAddressForbidden", f"The address {peer or 'unknown'} is not trusted by this group", 403
        )
    if key.trusted_addresses and peer not in key.trusted_addresses:
        raise RefusedError(
            "ApiKeyIpFilteringFailure",
            f"The address {peer or 'unknown'} is not among the trusted addresses of API key {key.api_key}",
            403,
        )


def _decode(text: str) -> dict[str, Any]:
    try:
        raw = base64.b64decode(text.encode("latin-1"), validate=True).decode("utf-8")
        payload = json.loads(
            raw, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_without_repeats
        )
    except (binascii.Error, ValueError, RecursionError, ArithmeticError) as error:
        raise RefusedError("InvalidJson", "Unable to parse the payload: it must be base64 of JSON") from error
    if not isinstance(payload, dict):
        raise RefusedError("InvalidJson", "Unable to parse the payload: it must be a JSON object")
    return payload


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found


def _check_request(payload: Mapping[str, Any], asked: Asked, row: Row) -> None:
    request = payload.get("request")
    if request is None:
        raise RefusedError("MissingPayloadKey", "Payload must have a 'request' key")
    admitted = {asked.path}
    if row.method == "GET" and asked.query:
        admitted.add(f"{asked.path}?{asked.query}")
    if not isinstance(request, str) or request not in admitted:
        raise RefusedError(
            "EndpointMismatch",
            f"EndpointMismatch: the payload's request is not the path called, {asked.path[:200]}",
        )


def _check_role(key: ApiKey, row: Row) -> None:
    if row.is_master_only and not key.is_master:
        raise RefusedError(
            "MissingRole",
            f"To access this endpoint, use a master API key instead of API key {key.api_key}",
            403,
        )
    wanted = [role for role in Role if role.value in row.roles]
    if wanted and not key.roles.intersection(wanted):
        held = ", ".join(sorted(key.roles)) or "none"
        raise RefusedError(
            "MissingRole",
            f"To access this endpoint, assign one of these roles [{' or '.join(wanted)}] to API key "
            f"{key.api_key}, which currently has roles [{held}]",
            403,
        )


def _check_scope(key: ApiKey, row: Row) -> None:
    held = key.scopes or frozenset()
    if row.is_master_only:
        needed = "a master API key"
    elif row.scope == ANY_SCOPE or not held.isdisjoint(row.scope.split("/")):
        return
    else:  # a call without a scope is not open to tokens at all
        needed = f"one of these scopes [{row.scope.replace('/', ' or ')}]" if row.scope else "an API key"
    raise RefusedError(
        "MissingRole",
        f"To access this endpoint, use {needed}; the access token has the scopes [{', '.join(sorted(held))}]",
        403,
    )


def _use_nonce(key: ApiKey, given: object, now_ms: int) -> None:
    if given is None:
        raise RefusedError("MissingNonce", "Must provide 'nonce' payload key")
    text = _nonce_text(given)
    if text is None or not _NONCE.fullmatch(text):
        raise RefusedError("InvalidNonce", f"Nonce '{str(given)[:40]}' is not a number")
    nonce = Decimal(text)
    if key.nonce_mode is NonceMode.TIME:
        if abs(nonce * 1000 - now_ms) > NONCE_WINDOW_MS:
            raise RefusedError(
                "InvalidNonce", f"Nonce '{text}' is not within 30 seconds of server time '{now_ms // 1000}'"
            )
        return
    if key.last_nonce is not None and nonce <= key.last_nonce:
        raise RefusedError(
            "InvalidNonce", f"Nonce '{text}' has not increased since your last call to the Gemini API."
        )
    key.last_nonce = nonce


def _nonce_text(given: object) -> str | None:
    if isinstance(given, Decimal):
        # A short number such as 1e999999999 would be written out in gigabytes.
        return f"{given:f}" if given.is_finite() and abs(given.adjusted()) < 25 else None
    return str(given) if isinstance(given, (int, str)) and not isinstance(given, bool) else None
