"""Why something happened: the chain of causes behind a journal record, told from the records alone.

Pure. Every sentence is built from its own record's fields, written exactly as they stand there; what a
record does not say is said to be not recorded. Nothing is computed, rounded or guessed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

MAX_STEPS = 100
"""Causes followed back from one record."""

MAX_SENTENCE = 1_500

MISSING = "missing"
"""The kind of a step that stands for something the journal does not hold."""

_MAX_QUOTE = 300
_ROOTS = frozenset(
    {"chat.message", "kill", "release", "limits.change", "reconcile", "desk.start", "desk.stop"}
)
"""Kinds that begin a chain: nothing needs to have led to them."""

_Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One record in the chain. A `MISSING` step has no `record_id` and an empty `ts`."""

    record_id: str | None
    ts: str
    kind: str
    text: str

    def as_json(self) -> dict[str, str | None]:
        """Return `{"record_id", "ts", "kind", "text"}`."""
        return {"record_id": self.record_id, "ts": self.ts, "kind": self.kind, "text": self.text}


def walk(start: _Fields, lookup: Callable[[str], _Fields | None]) -> list[Step]:
    """Follow `cause` from `start` back to the first cause; return the steps from that cause to `start`.

    `start` and what `lookup` returns for a record id are records as JSON (`result_json` an object, or text
    of one). A link that leads nowhere, a circle and a chain longer than `MAX_STEPS` end with a step of kind
    `MISSING` whose text begins with `not recorded`.
    """
    steps: list[Step] = []
    seen: set[str | None] = set()
    record: _Fields | None = start
    while record is not None:
        steps.append(_step(record))
        seen.add(steps[-1].record_id)
        cause = _word(record.get("cause"))
        if not cause:
            _note_open_start(steps)
            break
        record = None if cause in seen or len(steps) >= MAX_STEPS else lookup(cause)
        if record is None:
            steps.append(_lost(cause, steps[-1], is_circle=cause in seen, is_long=len(steps) >= MAX_STEPS))
    steps.reverse()
    return steps


def missing(steps: Iterable[Step]) -> list[str]:
    """Return the texts of the steps that say what is not recorded."""
    return [step.text for step in steps if step.kind == MISSING]


def sentence(record: _Fields) -> str:
    """Tell one record in one plain sentence of at most `MAX_SENTENCE` characters."""
    tell = _TELL.get(_word(record.get("kind")) or "", _tell_other)
    text = tell(record, _result(record))
    return f"{text[:MAX_SENTENCE]}…" if len(text) > MAX_SENTENCE else text


def _step(record: _Fields) -> Step:
    return Step(
        record_id=_word(record.get("id")),
        ts=_word(record.get("ts")) or "",
        kind=_word(record.get("kind")) or "",
        text=sentence(record),
    )


def _note_open_start(steps: list[Step]) -> None:
    first = steps[-1]
    if first.kind not in _ROOTS:
        text = f"not recorded: what led to {first.kind or 'a record'} {first.record_id}"
        steps.append(Step(record_id=None, ts="", kind=MISSING, text=text))


def _lost(cause: str, effect: Step, *, is_circle: bool, is_long: bool) -> Step:
    if is_circle:
        text = f"not recorded: the first cause; {effect.record_id} names {cause}, which it led to itself"
    elif is_long:
        text = f"not recorded here: what came before {effect.record_id}, {MAX_STEPS} steps back"
    else:
        text = f"not recorded: {cause}, which {effect.kind or 'record'} {effect.record_id} names as its cause"
    return Step(record_id=None, ts="", kind=MISSING, text=text)


def _result(record: _Fields) -> _Fields:
    value = record.get("result_json")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}


def _word(value: object) -> str | None:
    """Return a scalar exactly as recorded but on one line and visible; None for nothing and for objects."""
    if value is None or isinstance(value, Mapping | list | tuple):
        return None
    text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    if not text.isprintable():
        # Controls, and characters that hide, reorder or break text, each become a space.
        text = "".join(char if char.isprintable() else " " for char in text)
    text = " ".join(text.split())
    return f"{text[:_MAX_QUOTE]}…" if len(text) > _MAX_QUOTE else text or None


def _first(fields: _Fields, *names: str) -> str | None:
    return next((word for name in names if (word := _word(fields.get(name)))), None)


def _known(fields: _Fields, name: str, what: str) -> str:
    return _word(fields.get(name)) or f"({what} not recorded)"


def _quoted(text: str | None) -> str:
    return f"“{text}”" if text else "(text not recorded)"


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _labelled(fields: _Fields, **labels: str) -> str:
    """Return `label value` for each field that is recorded, separated by commas."""
    return _joined(
        *(f"{label} {word}" for name, label in labels.items() if (word := _word(fields.get(name))))
    )


def _names_of(order: _Fields) -> str:
    venue, client = _word(order.get("order_id")), _word(order.get("client_order_id"))
    if venue and client:
        return f"{venue} (client order {client})"
    return venue or (f"with client order id {client}" if client else "(id not recorded)")


def _trade(fields: _Fields) -> str:
    """Return side, amount, symbol and price in one phrase."""
    amount = _word(fields.get("amount"))
    dollars = _word(fields.get("notional_usd"))
    size = amount or (f"{dollars} USD of" if dollars else "(amount not recorded)")
    price = _word(fields.get("price"))
    return _joined(
        f"{_known(fields, 'side', 'side')} {size} {_known(fields, 'symbol', 'symbol')}"
        + (f" at {price}" if price else ""),
        _labelled(fields, stop_price="stop price"),
    )


def _order_of(result: _Fields) -> _Fields:
    inner = result.get("order")
    return inner if isinstance(inner, Mapping) else result


def _why(record: _Fields, fields: _Fields) -> str:
    """Return the reason that the record itself gives, as the end of a sentence."""
    reason = _first(fields, "reason", "message", "text") or _first(record, "error_text", "decision_text")
    return f": {reason}" if reason else ""


def _spoken(record: _Fields, result: _Fields) -> str | None:
    return _first(record, "payload_text", "decision_text") or _first(result, "text", "message", "answer")


def _tell_message(record: _Fields, result: _Fields) -> str:
    return f"Message from {_known(record, 'source', 'source')}: {_quoted(_spoken(record, result))}"


def _tell_answer(record: _Fields, result: _Fields) -> str:
    return f"Answer by {_known(record, 'source', 'source')}: {_quoted(_spoken(record, result))}"


def _tell_tool(record: _Fields, result: _Fields) -> str:
    result = result or _said_as_json(record)
    name = _first(result, "name", "tool")
    args = result.get("args")
    given = json.dumps(args, ensure_ascii=False, default=str) if isinstance(args, Mapping) else None
    said = _word(given) or (None if name else _first(record, "payload_text"))
    return _joined(
        f"Tool {name} was called" if name else "A tool was called (name not recorded)",
        f"with {said}" if said else None,
        f"and failed: {error}" if (error := _word(record.get("error_text"))) else None,
    )


def _tell_model(record: _Fields, result: _Fields) -> str:
    latency = _word(record.get("latency_ms"))
    result = result or _said_as_json(record)
    return _joined(
        f"Model {_known(result, 'model', 'model')} was called",
        f"which took {latency} ms" if latency else None,
        f"and failed: {error}" if (error := _word(record.get("error_text"))) else None,
    )


def _said_as_json(record: _Fields) -> _Fields:
    """Return what the record's payload says when it is a JSON object, as the app writes its own records."""
    try:
        said = json.loads(str(record.get("payload_text")))
    except ValueError:
        return {}
    return said if isinstance(said, Mapping) else {}


def _tell_intent(record: _Fields, result: _Fields) -> str:
    reason = _word(result.get("rationale")) or _word(record.get("decision_text"))
    wanted = _joined(
        f"Wanted by {_known(record, 'source', 'source')}: {_trade(result)}",
        _labelled(result, order_type="type", purpose="purpose", expected_exit="expected exit"),
        _labelled(result, mandate_id="mandate"),
    )
    return f"{wanted}; reason given: {_quoted(reason)}" if reason else f"{wanted}; reason not recorded"


def _tell_verdict(record: _Fields, result: _Fields) -> str:
    stage = _word(result.get("stage"))
    failed = [
        check for check in _list(result.get("checks")) if isinstance(check, Mapping) and not check.get("ok")
    ]
    reasons = "; ".join(_joined(_first(check, "code", "rule"), _first(check, "text")) for check in failed)
    codes = ", ".join(word for code in _list(result.get("codes")) if (word := _word(code)))
    told = reasons or codes
    return (
        f"Verdict of the rules{f' ({stage})' if stage else ''}: {_known(result, 'outcome', 'outcome')}"
        f"{f' - {told}' if told else _why(record, {})}"
    )


def _tell_consent(record: _Fields, result: _Fields) -> str:
    digest = _word(result.get("digest"))
    return _joined(
        f"Decision of {_known(record, 'source', 'source')} on proposal "
        f"{_known(result, 'proposal_id', 'proposal')}: {_known(result, 'decision', 'decision')}",
        f"for the bytes with digest {digest}" if digest else "digest not recorded",
    )


def _about_order(opening: str) -> Callable[[_Fields, _Fields], str]:
    """Return a teller for a step in an order's life; `opening` has a place for the order's ids."""

    def tell(record: _Fields, result: _Fields) -> str:
        order = _order_of(result)
        reason = _first(order, "reason") or _first(result, "reason") or _word(record.get("error_text"))
        names = opening.format(_names_of(order))
        return _joined(
            f"{names}: {_trade(order)}" if _first(order, "side", "amount") else names,
            _labelled(order, type="type", option="option", purpose="purpose", proposal_id="proposal"),
            _labelled(order, filled="filled", average_price="average price", fees_usd="fees in USD"),
            _labelled(order, state="state"),
            f"reason: {reason}" if reason else None,
        )

    return tell


def _tell_fill(_: _Fields, result: _Fields) -> str:
    fill = result.get("fill")
    fields = fill if isinstance(fill, Mapping) else result
    fee, currency = _word(fields.get("fee")), _word(fields.get("fee_currency"))
    maker = fields.get("is_maker")
    return _joined(
        f"Fill {_known(fields, 'trade_id', 'trade id')} of order {_names_of(fields)}: {_trade(fields)}",
        "fee not recorded" if fee is None else f"fee {fee} {currency or '(currency not recorded)'}",
        ("maker" if maker else "taker") if isinstance(maker, bool) else None,
    )


def _tell_kill(record: _Fields, result: _Fields) -> str:
    state = _first(result, "kill_state", "state")
    return _joined(
        f"Trading was stopped by {_known(record, 'source', 'source')}", f"state {state}" if state else None
    ) + _why(record, result)


def _tell_release(record: _Fields, result: _Fields) -> str:
    return f"Trading was released by {_known(record, 'source', 'source')}{_why(record, result)}"


def _tell_limits(record: _Fields, result: _Fields) -> str:
    return _joined(
        f"Limit {_first(result, 'name', 'limit') or '(name not recorded)'} was changed "
        f"by {_known(record, 'source', 'source')}",
        _labelled(result, **{"from": "from", "to": "to", "at": "in force from"}),
    ) + _why(record, result)


def _tell_reconcile(record: _Fields, result: _Fields) -> str:
    return f"Compared with the exchange{_details(record, result)}"


def _tell_start(record: _Fields, result: _Fields) -> str:
    return f"The desk started in mode {_known(record, 'mode', 'mode')}{_details(record, result)}"


def _tell_stop(record: _Fields, result: _Fields) -> str:
    return f"The desk stopped{_details(record, result)}"


def _tell_other(record: _Fields, result: _Fields) -> str:
    kind = _word(record.get("kind")) or "Record of no kind"
    return f"{kind} from {_known(record, 'source', 'source')}{_details(record, result)}"


def _details(record: _Fields, result: _Fields) -> str:
    """Return whatever plain the record says about itself, as the end of a sentence."""
    said = _first(record, "decision_text", "payload_text")
    plain = ((_word(name), _word(value)) for name, value in result.items())
    told = _joined(
        said,
        *(f"{name} {value}" for name, value in plain if name and value),
        f"error: {error}" if (error := _word(record.get("error_text"))) else None,
    )
    return f": {told}" if told else ""


_TELL: Mapping[str, Callable[[_Fields, _Fields], str]] = {
    "chat.message": _tell_message,
    "chat.answer": _tell_answer,
    "tool.call": _tell_tool,
    "model.call": _tell_model,
    "intent": _tell_intent,
    "verdict": _tell_verdict,
    "consent": _tell_consent,
    "order.sending": _about_order("About to send order {}"),
    "order.accepted": _about_order("The exchange accepted order {}"),
    "order.rejected": _about_order("The exchange rejected order {}"),
    "order.unknown": _about_order("No clear answer came for order {}"),
    "order.settled": _about_order("The outcome of order {} was found out"),
    "order.cancelled": _about_order("Cancelled order {}"),
    "order.cancelling": _about_order("Asked the exchange to cancel order {}"),
    "order.adopted": _about_order("Found order {} at the exchange, not made by this desk"),
    "order.closed": _about_order("Closed order {}"),
    "fill": _tell_fill,
    "kill": _tell_kill,
    "release": _tell_release,
    "limits.change": _tell_limits,
    "reconcile": _tell_reconcile,
    "desk.start": _tell_start,
    "desk.stop": _tell_stop,
}
