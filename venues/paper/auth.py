"""Verification of signed requests, written from the wire contract alone and not from our own client.

Order of judgement: headers, key, signature, payload, path, account, role; the nonce is used up last, so a
request that fails any of these does not burn it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from venues.paper.keys import ApiKey
from venues.paper.ledger import Account, Role
from venues.paper.refusals import RefusedError

_NONCE = re.compile(r"[0-9]{1,24}(\.[0-9]{1,12})?", re.ASCII)
_MISSING = {
    "x-gemini-apikey": ("MissingApikeyHeader", 401),
    "x-gemini-payload": ("MissingPayloadHeader", 400),
    "x-gemini-signature": ("MissingSignatureHeader", 400),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a good request. `account` is None for a call about a whole group."""

    key: ApiKey
    account: Account | None
    payload: dict[str, Any] = field(default_factory=dict)


def verify(
    headers: Mapping[str, str],
    path: str,
    roles: frozenset[Role],
    find_key: Callable[[str], ApiKey | None],
) -> Caller:
    """Return who sent a good request and use up its nonce (`key.last_nonce`).

    `path` is the path that was called, without its query. The caller stores the nonce before it answers.
    Raises `RefusedError` with the documented reason.
    """
    for name, (reason, status) in _MISSING.items():
        if not headers.get(name):
            raise RefusedError(reason, f"Must provide '{name.upper()}' header", status)
    text = headers["x-gemini-payload"]
    key = find_key(headers["x-gemini-apikey"])
    if key is None:
        raise RefusedError("InvalidApiKey", "Invalid API key")
    _check_signature(key.secret, text, headers["x-gemini-signature"])
    payload = _decode(text)
    _check_request(payload, path)
    if "account" in payload:
        raise RefusedError(
            "AccountsOnGroupOnlyApi",
            "The account parameter may only be specified on a group (master) API key",
        )
    if roles and not roles & key.roles:
        raise _missing_role(key, roles)
    key.last_nonce = _fresh_nonce(payload, key.last_nonce)
    return Caller(key=key, account=key.account, payload=payload)


def _check_signature(secret: str, text: str, signature: str) -> None:
    expected = hmac.new(secret.encode(), text.encode("latin-1"), hashlib.sha384).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode("latin-1")):
        raise RefusedError("InvalidSignature", "Invalid signature for this request")


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


def _check_request(payload: Mapping[str, Any], path: str) -> None:
    request = payload.get("request")
    if request is None:
        raise RefusedError("MissingPayloadKey", "Payload must have a 'request' key")
    # A private GET may carry its query string here.
    if not isinstance(request, str) or request.partition("?")[0] != path:
        raise RefusedError(
            "EndpointMismatch",
            f"EndpointMismatch: the payload's request is not the path called, {path[:200]}",
        )


def _missing_role(key: ApiKey, roles: frozenset[Role]) -> RefusedError:
    wanted = " or ".join(sorted(roles, key=lambda role: tuple(Role).index(role)))
    held = ", ".join(sorted(key.roles)) or "none"
    return RefusedError(
        "MissingRole",
        f"To access this endpoint, assign one of these roles [{wanted}] to API key {key.api_key}, which "
        f"currently has roles [{held}]",
        403,
    )


def _fresh_nonce(payload: Mapping[str, Any], last: Decimal | None) -> Decimal:
    given = payload.get("nonce")
    if given is None:
        raise RefusedError("MissingNonce", "Must provide 'nonce' payload key")
    text = f"{given:f}" if isinstance(given, Decimal) and given.is_finite() else str(given)
    if isinstance(given, bool) or not isinstance(given, (int, str, Decimal)) or not _NONCE.fullmatch(text):
        raise RefusedError("InvalidNonce", f"Nonce '{text[:40]}' is not a number")
    nonce = Decimal(text)
    if last is not None and nonce <= last:
        raise RefusedError(
            "InvalidNonce", f"Nonce '{text}' has not increased since your last call to the Gemini API."
        )
    return nonce
