"""The signing hook: what a generated case carries as its JSON body goes into the signed payload instead.

It is registered with the fuzzer for the length of a block; the body on the wire stays empty, as the venue's
pages want it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Any
from urllib.parse import unquote

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.core import NotSet

from venues.gemini.catalogue import TABLE, Auth, Call, Role
from venues.paper.server import RunningExchange

RAW = "raw JSON follows:"
"""A text that starts so stands for the JSON behind it, which Python would not write."""

MARGIN_CALLS = frozenset(
    {
        "margin_account",
        "margin_rates",
        "margin_preview",
        "margin",
        "positions",
        "funding_payment",
        "funding_payment_report",
        "funding_payment_report_xlsx",
    }
)


class Spoilt(StrEnum):
    """How a request may fail to be signed."""

    UNSIGNED = "unsigned"
    FORGED = "forged"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends: the holder of a key, who names an account if it is a group's, or of an access token."""

    label: str = ""
    account: str = ""
    token: str = ""
    spoilt: Spoilt | None = None


def usual_sender(running: RunningExchange, row: Call) -> Sender:
    """Return who may make a call: the key with the right role, on an account of the right kind."""
    if row.is_master_only:
        return Sender(label="master")
    if row.roles == {Role.ADMINISTRATOR}:
        return Sender(label="master", account=running.exchange.accounts["stranger"].short_name)
    if row.name in MARGIN_CALLS:
        return Sender(label="margin")
    if row.roles and Role.TRADER not in row.roles:
        return Sender(label="funds" if Role.FUND_MANAGER in row.roles else "auditor")
    return Sender(label="stranger")


class Signer:
    """Signs what the fuzzer sends; `sender` is who sends the next request."""

    def __init__(self, running: RunningExchange) -> None:
        self._running = running
        self._nonces = count(1)
        self._rows = {(row.method, row.path): row for row in TABLE.values()}
        self.sender = Sender()

    def row_of(self, case: Case) -> Call:
        """Return the row of the catalogue that an operation of the document was written from."""
        return self._rows[case.operation.method.upper(), case.operation.path]

    def sign(self, case: Case, kwargs: dict[str, Any]) -> None:
        """Move a case's body into its headers; `kwargs` are what it is sent with."""
        if self.row_of(case).auth is Auth.SIGNED:
            body = {} if isinstance(case.body, NotSet) else case.body
            case.headers = {**case.headers, **self.headers(unquote(case.formatted_path), body)}
            kwargs["data"] = b""

    def headers(self, path: str, body: object) -> dict[str, str]:
        """Return the headers that carry and sign `body`; one that is no object is sent as it is."""
        if self.sender.spoilt is Spoilt.UNSIGNED:
            return {}
        payload = self._payload(path, body)
        text = base64.b64encode(payload).decode()
        if self.sender.token:
            return {"Authorization": f"Bearer {self.sender.token}", "X-GEMINI-PAYLOAD": text}
        key = self._running.key(self.sender.label)
        secret = "forged" if self.sender.spoilt is Spoilt.FORGED else key.api_secret
        return {
            "X-GEMINI-APIKEY": key.api_key,
            "X-GEMINI-PAYLOAD": text,
            "X-GEMINI-SIGNATURE": hmac.new(secret.encode(), text.encode(), hashlib.sha384).hexdigest(),
            "Content-Type": "text/plain",
            "Cache-Control": "no-cache",
        }

    def _payload(self, path: str, body: object) -> bytes:
        if isinstance(body, bytes):
            return body or b" "
        if not isinstance(body, Mapping):
            return json.dumps(body).encode()
        nonce = 1 if self.sender.spoilt is Spoilt.REPEATED else next(self._nonces) + 1
        named = {"account": self.sender.account} if self.sender.account else {}
        return _json({"request": path, "nonce": nonce, **named, **body})


def _json(value: Mapping[str, Any]) -> bytes:
    parts = json.dumps(value).split(f'"{RAW}')
    return "".join([parts[0], *(part.replace('"', "", 1) for part in parts[1:])]).encode()


@contextmanager
def signing(signer: Signer) -> Iterator[None]:
    """Let the fuzzer sign what it sends."""

    @schemathesis.hook
    def before_call(_: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
        signer.sign(case, kwargs)

    try:
        yield
    finally:
        schemathesis.hooks.unregister(before_call)
