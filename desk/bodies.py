"""Bodies of the desk's API, judged after the strict decoder. Unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from desk import strict_json
from domain.errors import BadInputError

RequestId = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9:/_.\-]+$")]
RecordRef = Annotated[str, Field(pattern=r"^R-[0-9A-HJKMNP-TV-Z]{26}$")]
ProposalRef = Annotated[str, Field(pattern=r"^P-[0-9A-HJKMNP-TV-Z]{26}$")]
Number = Annotated[str, Field(max_length=40)]
Symbol = Annotated[str, Field(pattern=r"^[a-z0-9]{4,20}$")]
Short = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=4000)]


class Body(BaseModel):
    """Closed and strict: no unknown keys, no coercion."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Intent(Body):
    """What the model or a person wants; numbers are text and parsed by the house's own grammar."""

    symbol: Symbol
    side: Literal["buy", "sell"]
    amount: Number | None = None
    notional_usd: Number | None = None
    price: Number | None = None
    order_type: Literal["exchange limit", "exchange stop limit"] | None = None
    options: list[Literal["maker-or-cancel", "immediate-or-cancel", "fill-or-kill"]] | None = Field(
        default=None, max_length=2
    )
    stop_price: Number | None = None
    purpose: Literal["entry", "take_profit", "reduce", "stop"] | None = None
    expected_exit: Number | None = None
    rationale: Text = ""
    mandate_id: Short | None = None


class Propose(Body):
    """`POST /proposals`."""

    request_id: RequestId
    cause: RecordRef | None = None
    conversation: RequestId | None = None
    intent: Intent


class CancelByModel(Body):
    """`POST /cancel`."""

    request_id: RequestId
    cause: RecordRef | None = None
    order_id: Short | None = None
    scope: Literal["session"] | None = None


class Flatten(Body):
    """`POST /flatten-and-pause`."""

    request_id: RequestId
    cause: RecordRef | None = None
    conversation: RequestId | None = None
    reason: Text = ""


class LimitChangeBody(Body):
    """`POST /limit-changes`."""

    request_id: RequestId
    cause: RecordRef | None = None
    conversation: RequestId | None = None
    name: Short
    value: Number


class JournalEntry(Body):
    """`POST /journal`."""

    request_id: RequestId
    kind: Annotated[str, Field(pattern=r"^(chat|model|tool)\.[a-z_]{1,30}$")]
    cause: RecordRef | None = None
    symbol: Symbol | None = None
    payload_text: Annotated[str, Field(max_length=32_000)] | None = None
    decision_text: Annotated[str, Field(max_length=32_000)] | None = None
    result: Any = None
    error_text: Text | None = None
    latency_ms: Annotated[int, Field(ge=0, le=10_000_000)] | None = None


class Approve(Body):
    """`POST /approve`."""

    id: ProposalRef
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Reject(Body):
    """`POST /reject`."""

    id: ProposalRef
    reason: Short | None = None


class Edit(Body):
    """`POST /edit`."""

    id: ProposalRef
    amount: Number | None = None
    price: Number | None = None


class Kill(Body):
    """`POST /kill`."""

    keep: bool = False


class Nothing(Body):
    """An empty object."""


class CancelByPerson(Body):
    """`POST /person/cancel`."""

    order_id: Short | None = None
    scope: Literal["session"] | None = None


class PrepareCall(Body):
    """`POST /venue-calls/prepare`; what is in `fields` the catalogue judges."""

    name: Short
    path: dict[Short, Short] = {}
    query: dict[Short, Short] = {}
    fields: dict[Short, Any] = {}
    account: Short | None = None


class SendCall(Body):
    """`POST /venue-calls/send`."""

    id: Annotated[str, Field(pattern=r"^C-[0-9A-HJKMNP-TV-Z]{26}$")]


Shape = TypeVar("Shape", bound=Body)


async def read_body(request: Request, shape: type[Shape]) -> Shape:
    """Decode and judge a request's body; raises `BadInputError` that names each wrong field."""
    chunks = bytearray()
    async for chunk in request.stream():
        chunks.extend(chunk)
        if len(chunks) > strict_json.MAX_BYTES:
            raise BadInputError("BODY_TOO_LARGE", "the body is too large", "Send less.")
    value = strict_json.decode(bytes(chunks))
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        faults = "; ".join(_fault(dict(e)) for e in error.errors()[:5])
        is_unknown = any(e["type"] == "extra_forbidden" for e in error.errors())
        raise BadInputError(
            "UNKNOWN_FIELD" if is_unknown else "BAD_FIELD", faults, "See docs/desk-api.md."
        ) from error


_FORMS = {
    "id": "not a proposal id, which is P- and 26 letters and digits",
    "digest": "not a digest, which is 64 hex digits",
    "cause": "not a record id, which is R- and 26 letters and digits",
    "symbol": "not a symbol in lower case, such as btcusd",
}


def _fault(error: dict[str, Any]) -> str:
    """Say what is wrong with one field, in our words where a pattern would be shown."""
    name = ".".join(str(part) for part in error["loc"]) or "body"
    form = _FORMS.get(name.rpartition(".")[2], "not in the expected form")
    return f"{name}: {form if error['type'] == 'string_pattern_mismatch' else error['msg']}"


def one_target(order_id: str | None, scope: str | None) -> None:
    """Raise unless exactly one of the two was given."""
    if (order_id is None) == (scope is None):
        raise BadInputError(
            "ORDER_OR_SCOPE", "give either order_id or scope", 'Use {"scope": "session"} for all.'
        )
