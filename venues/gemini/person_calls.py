"""Any REST call of the catalogue, built and shown first, and sent once by a person's own act.

This is the only way to what moves money out, and there is no way from here to an order: those go through the
gate. `prepare` judges every field against the catalogue and hashes all but the nonce; what the preview shows
is what `send` sends. Each call is written down before its bytes leave and again when its end is known.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from domain.errors import BadInputError, ConflictError, MatrixError
from guardrails.sandbox_lock import Asker, check_call
from venues.gemini.caller import Caller
from venues.gemini.catalogue import SHAPES, TABLE, Auth, Call, Host, Money
from venues.gemini.catalogue.fitting import Use, misfits
from venues.gemini.catalogue.kinds import Word
from venues.gemini.session.turnstile import Urgency
from venues.gemini.signing import ArmedRequest, SignedRequest
from venues.gemini.transport import Reply

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_NUMBERS_OF_BANKS: Final = frozenset({"accountnumber", "accountNumber"})


class Stage(StrEnum):
    """Where a call stands when it is written down."""

    SENDING = "sending"
    ANSWERED = "answered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """What the journal is told of one call.

    `fields` are those of the payload, numbers of bank accounts cut to their last four digits;
    `payload_digest` is the SHA-256 of the payload without its nonce, empty for a public call. `status` and
    `error_code` are of the end: 0 and empty before it, and 0 when no answer came.
    """

    stage: Stage
    name: str
    method: str
    target: str
    money: Money
    fields: Mapping[str, object]
    payload_digest: str
    status: int = 0
    error_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would leave, to be shown. `json` and `base64` have 0 in the nonce's place.

    Key and signature are masked; all four are empty for a public call.
    """

    method: str
    target: str
    json: str
    base64: str
    api_key: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAnswer:
    """What the venue answered. `data` has exact numbers and is None for a file, which is in `body`.

    `misfits` says where the answer is not what the catalogue says.
    """

    status: int
    content_type: str
    body: bytes = field(repr=False)
    data: Any = field(repr=False)
    misfits: tuple[str, ...]


class PreparedCall:
    """A call that was judged and may be sent, once if twice is not once."""

    __slots__ = ("_is_spent", "armed", "call", "fields", "path", "preview", "target")

    def __init__(
        self, call: Call, path: str, target: str, fields: Mapping[str, object], armed: ArmedRequest | None
    ) -> None:
        self.call = call
        self.path = path
        self.target = target
        self.fields = fields
        self.armed = armed
        self.preview = _preview(call, target, armed)
        self._is_spent = False

    def take(self) -> None:
        """Note that it is sent now. Raises `ConflictError("ALREADY_SENT")`."""
        if self._is_spent and not self.call.is_repeatable:
            raise ConflictError(
                "ALREADY_SENT", f"this {self.call.name} was sent already", "Prepare a new one."
            )
        self._is_spent = True

    def __repr__(self) -> str:
        return f"PreparedCall({self.call.name} {self.target.partition('?')[0]})"


class PersonCalls:
    """A person's calls through one client. `journal` is called in time and must not return before it wrote.

    An error that it raises before the bytes leave stops the call.
    """

    def __init__(self, caller: Caller, journal: Callable[[CallRecord], None]) -> None:
        self._caller = caller
        self._journal = journal

    def prepare(
        self,
        name: str,
        path_parts: Mapping[str, str] = _NOTHING,
        query: Mapping[str, str] = _NOTHING,
        fields: Mapping[str, object] = _NOTHING,
        account: str | None = None,
    ) -> PreparedCall:
        """Judge a call and make it ready. Money is text, `query` is text throughout.

        Raises `BadInputError` for a call that is not in the catalogue, and for fields that do not fit it: all
        of them at once.
        """
        call = _rest_call(name)
        path = call.at(**path_parts)
        wrong = [
            *misfits(call.query, query, SHAPES, use=Use.QUERY),
            *misfits(call.request, fields, SHAPES, use=Use.REQUEST),
        ]
        if wrong:
            raise BadInputError("BAD_FIELDS", f"{name} does not take this: {'; '.join(wrong)}", "Correct it.")
        target = f"{path}?{urlencode(query)}" if query else path
        if call.auth is Auth.NONE:
            if account is not None:
                raise BadInputError("ACCOUNT_NOT_TAKEN", f"{name} asks no account", "Leave the account out.")
            return PreparedCall(call, path, target, fields, None)
        whole = self._caller.with_account(call, fields, account)
        # Reports say that a signed GET names its query too; for the rest it is the path alone.
        signed = target if call.method == "GET" else path
        armed = ArmedRequest(self._caller.signer()[0], signed, whole)
        return PreparedCall(call, path, target, whole, armed)

    async def call(
        self,
        name: str,
        path_parts: Mapping[str, str] = _NOTHING,
        query: Mapping[str, str] = _NOTHING,
        fields: Mapping[str, object] = _NOTHING,
        account: str | None = None,
    ) -> PersonAnswer:
        """Prepare a call and send it."""
        return await self.send(self.prepare(name, path_parts, query, fields, account))

    async def send(self, prepared: PreparedCall) -> PersonAnswer:
        """Send a prepared call: one request, whatever becomes of it.

        Raises `LockedError` where the lock does not let a person make it, `VenueRejectedError`,
        `OutcomeUnknownError` (look before you do it again), `VenueRetryableError`, `UnreachableError`.
        """
        call = prepared.call
        check_call(self._caller.endpoint.mode, call.money, Asker.PERSON)
        prepared.take()
        try:
            reply = await self._sent(prepared)
            answer = self._caller.read(call, reply, lambda body: _answer(call, reply, body))
        except asyncio.CancelledError:
            self._journal(_record(prepared, Stage.FAILED, error_code="LEFT_BEHIND"))
            raise
        except MatrixError as error:
            status = getattr(error, "status", 0)
            self._journal(_record(prepared, Stage.FAILED, status=status, error_code=error.code))
            raise
        self._journal(_record(prepared, Stage.ANSWERED, status=reply.status))
        return answer

    async def _sent(self, prepared: PreparedCall) -> Reply:
        call, armed = prepared.call, prepared.armed
        await self._caller.pace(call, Urgency.READ)
        if armed is None:
            self._journal(_record(prepared, Stage.SENDING))
            return await self._caller.fetch_once(call, prepared.target)
        nonces = self._caller.signer()[1]

        async def ready() -> SignedRequest:
            self._journal(_record(prepared, Stage.SENDING))
            nonce = nonces.next()
            nonces.depart(nonce)
            request = armed.fire(nonce)
            return SignedRequest(prepared.target, request.headers, request.nonce)

        return await self._caller.send_once(call, ready, Urgency.READ, asker=Asker.PERSON)


def _rest_call(name: str) -> Call:
    call = TABLE.get(name)
    if call is None or call.host is not Host.REST or call.method not in {"GET", "POST"}:
        raise BadInputError(
            "NO_SUCH_CALL", f"{name!r:.60} is no REST call of the exchange", "Choose one from the catalogue."
        )
    return call


def _preview(call: Call, target: str, armed: ArmedRequest | None) -> Preview:
    if armed is None:
        return Preview(method=call.method, target=target, json="", base64="", api_key="", signature="")
    headers = armed.fire(0).headers
    return Preview(
        method=call.method,
        target=target,
        json=armed.json.decode(),
        base64=headers["X-GEMINI-PAYLOAD"],
        api_key=_masked(headers["X-GEMINI-APIKEY"], 8),
        signature=_masked(headers["X-GEMINI-SIGNATURE"], 8),
    )


def _masked(text: str, shown: int) -> str:
    return f"{text[:shown]}…"


def _record(prepared: PreparedCall, stage: Stage, *, status: int = 0, error_code: str = "") -> CallRecord:
    call, armed = prepared.call, prepared.armed
    return CallRecord(
        stage=stage,
        name=call.name,
        method=call.method,
        target=prepared.target,
        money=call.money,
        fields={
            name: f"…{str(value)[-4:]}" if name in _NUMBERS_OF_BANKS else value
            for name, value in prepared.fields.items()
        },
        payload_digest="" if armed is None else hashlib.sha256(armed.json).hexdigest(),
        status=status,
        error_code=error_code,
    )


def _answer(call: Call, reply: Reply, body: bytes) -> PersonAnswer:
    is_file = call.answer.word is Word.FILE
    data = None if is_file else json.loads(body, parse_float=Decimal)
    found = misfits(call.answer, body if is_file else data, SHAPES)
    return PersonAnswer(
        status=reply.status,
        content_type=reply.content_type,
        body=body,
        data=data,
        misfits=tuple(found),
    )
