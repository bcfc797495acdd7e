"""Signing: JSON to base64 to HMAC-SHA384, with the key's pads hashed once.

The secret is not kept: `Credentials` holds two SHA-384 states from which it cannot be read back, and which
neither `repr`, `copy` nor `pickle` give away. The nonce stands last in our JSON, so that everything before it
can be hashed ahead of time: `arm` does that, `ArmedRequest.fire` adds the nonce.
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Never, Protocol

import msgspec

from domain.errors import BadInputError
from domain.ids import ClientOrderId

_BLOCK = 128  # SHA-384's block in bytes
_INNER = bytes(i ^ 0x36 for i in range(256))
_OUTER = bytes(i ^ 0x5C for i in range(256))
_API_KEY = re.compile(r"[A-Za-z0-9_\-]{8,128}", re.ASCII)
_encode = msgspec.json.Encoder().encode


class Hasher(Protocol):
    """The part of a `hashlib` object that signing needs."""

    def update(self, data: bytes, /) -> None:
        """Take `data`."""
        ...

    def digest(self) -> bytes:
        """Return the digest of what was taken."""
        ...

    def hexdigest(self) -> str:
        """Return the digest in lower-case hex."""
        ...

    def copy(self) -> Hasher:
        """Return a state that goes on on its own."""
        ...


class Credentials:
    """An API key and the ability to sign with its secret; the secret itself is not kept.

    Raises `BadInputError` (which never repeats what was given) for a malformed key or an empty secret.
    """

    __slots__ = ("_inner", "_outer", "api_key")

    api_key: str

    def __init__(self, api_key: str, api_secret: str) -> None:
        if not _API_KEY.fullmatch(api_key):
            raise BadInputError(
                "BAD_API_KEY",
                "the API key is not 8 to 128 letters, digits, - or _",
                "Copy it again from the exchange's API page.",
            )
        if not api_secret or not api_secret.isascii() or not api_secret.isprintable():
            raise BadInputError(
                "BAD_API_SECRET",
                "the API secret is empty or has characters that no secret has",
                "Copy it again from the exchange's API page.",
            )
        raw = api_secret.encode("ascii")
        block = (hashlib.sha384(raw).digest() if len(raw) > _BLOCK else raw).ljust(_BLOCK, b"\0")
        self.api_key = api_key
        self._inner = hashlib.sha384(block.translate(_INNER))
        self._outer = hashlib.sha384(block.translate(_OUTER))

    @property
    def is_master(self) -> bool:
        """Say whether the key acts on a group of accounts; the venue tells it in the key's name."""
        return self.api_key.startswith("master-")

    def sign_text(self, payload: bytes) -> str:
        """Return the lower-case hex HMAC-SHA384 of `payload`, the base64 text exactly as sent."""
        inner = self._inner.copy()
        inner.update(payload)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()

    def begin(self, prefix: bytes) -> Hasher:
        """Return a state of the signature's inner hash that has taken `prefix`."""
        inner = self._inner.copy()
        inner.update(prefix)
        return inner

    def finish(self, inner: Hasher) -> str:
        """Return the lower-case hex signature of all that `inner` has taken."""
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()

    def __repr__(self) -> str:
        return f"Credentials({self.api_key[:12]}…)"

    def __reduce_ex__(self, _protocol: object) -> Never:
        raise TypeError("credentials are not copied and not pickled")


class SignedRequest(msgspec.Struct, frozen=True):
    """A request ready to leave: the path it was signed for, its headers and its nonce.

    A msgspec struct because it is made on the way of every order and costs a quarter of a dataclass.
    """

    path: str
    headers: dict[str, str]
    nonce: int

    def __repr__(self) -> str:
        return f"SignedRequest(path={self.path!r}, nonce={self.nonce})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOrder:
    """An order whose final bytes were checked; the only thing that `GeminiRest.submit` takes."""

    request: SignedRequest = field(repr=False)
    client_order_id: ClientOrderId
    fields: Mapping[str, object]


def sign(credentials: Credentials, path: str, nonce: int, fields: Mapping[str, object]) -> SignedRequest:
    """Sign `fields` for `path`. `fields` must hold neither `request` nor `nonce`; they are ours to set."""
    if "request" in fields or "nonce" in fields:
        raise BadInputError("PAYLOAD_KEY", "the payload may not set request or nonce", "Leave both out.")
    payload = b2a_base64(_encode({"request": path, **fields, "nonce": nonce}), newline=False)
    headers = _headers(credentials.api_key, payload.decode("ascii"), credentials.sign_text(payload))
    return SignedRequest(path, headers, nonce)


class ArmedRequest:
    """A request of which all but the nonce is serialised, coded and hashed.

    `json` is what was armed, with `nonce` 0 in the nonce's place.
    """

    __slots__ = ("_credentials", "_head", "_inner", "_rest", "json", "path")

    def __init__(self, credentials: Credentials, path: str, fields: Mapping[str, object]) -> None:
        if "request" in fields or "nonce" in fields:
            raise BadInputError("PAYLOAD_KEY", "the payload may not set request or nonce", "Leave both out.")
        self.path = path
        self.json = _encode({"request": path, **fields, "nonce": 0})
        whole = len(self.json) - 2  # without the nonce and the closing brace
        cut = whole - whole % 3  # base64 codes three bytes at a time
        head = b2a_base64(self.json[:cut], newline=False)
        self._rest = self.json[cut:whole]
        self._credentials = credentials
        self._inner = credentials.begin(head)
        self._head = head.decode("ascii")

    def fire(self, nonce: int) -> SignedRequest:
        """Return the request with this nonce: the same bytes that `sign` makes."""
        tail = b2a_base64(b"%b%d}" % (self._rest, nonce), newline=False)
        inner = self._inner.copy()
        inner.update(tail)
        text = self._head + tail.decode("ascii")
        signature = self._credentials.finish(inner)
        return SignedRequest(self.path, _headers(self._credentials.api_key, text, signature), nonce)

    def __repr__(self) -> str:
        return f"ArmedRequest(path={self.path!r})"

    def __reduce_ex__(self, _protocol: object) -> Never:
        raise TypeError("armed requests are not copied and not pickled")


def sign_upgrade(credentials: Credentials, nonce_seconds: int) -> dict[str, str]:
    """Return the headers that open the new WebSocket; its key must be one with time-based nonces."""
    text = str(nonce_seconds)
    payload = b2a_base64(text.encode("ascii"), newline=False)
    return {
        "X-GEMINI-APIKEY": credentials.api_key,
        "X-GEMINI-NONCE": text,
        "X-GEMINI-PAYLOAD": payload.decode("ascii"),
        "X-GEMINI-SIGNATURE": credentials.sign_text(payload),
    }


def _headers(api_key: str, payload: str, signature: str) -> dict[str, str]:
    return {
        "Content-Type": "text/plain",
        "Content-Length": "0",
        "Cache-Control": "no-cache",
        "X-GEMINI-APIKEY": api_key,
        "X-GEMINI-PAYLOAD": payload,
        "X-GEMINI-SIGNATURE": signature,
    }
