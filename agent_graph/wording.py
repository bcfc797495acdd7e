"""Sentences made from the desk's own JSON: cards, outcomes, refusals. Nothing here is a model's word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from agent_graph.evidence import to_decimal
from agent_graph.remedies import remedies
from domain.money import to_wire

Json = Mapping[str, Any]

_NOT_SAID = frozenset({"Market now", "Value at the limit price"})
"""Rows that stand on the card but would make the spoken sentence too long."""
_PLAIN_ENDS: Mapping[str, str] = {
    "rejected": "You rejected the card{what}; nothing was sent.",
    "expired": "The card{what} expired before it was approved; nothing was sent. Ask again if you want it.",
    "voided": "The card{what} was replaced or withdrawn; nothing was sent for it.",
    "pending": "The card{what} is still waiting for you.",
}
_LONGEST_FRACTION = 8
"""Decimals of a real price; more are the tail of a division."""
_FIGURES = 2
_PRICE_FIGURES = 6
QUOTES = ("gusd", "usdt", "usdc", "usd", "eur", "gbp", "sgd", "btc", "eth")


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and quote in upper case; the quote is empty when it is none we know."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol[: -len(quote)].upper(), quote.upper()
    return symbol.upper(), ""


def money(text: object, quote: str = "USD") -> str:
    """Write a price digit for digit, `$65,290.12` or `65,290.12 EUR`; a quotient's endless digits are cut."""
    value = to_decimal(str(text).lstrip("-"))
    if value is None:
        return "unknown" if text is None else str(text)
    is_dollars = quote in {"USD", ""}
    if -_exponent(value) > _LONGEST_FRACTION:
        if is_dollars:
            return rounded(text)
        value = round(value, max(_LONGEST_FRACTION, _FIGURES - value.adjusted()))
    whole, _, fraction = format(value, "f").partition(".")
    grouped = f"{int(whole):,}" + (f".{fraction}" if fraction else "")
    return _signed(text, value, f"${grouped}" if is_dollars else f"{grouped} {quote}")


def rounded(text: object) -> str:
    """Write a dollar figure for reading: `$24.81`, below one dollar `$0.0997`, two figures of a tiny one."""
    value = to_decimal(str(text).lstrip("-"))
    if value is None:
        return "unknown" if text is None else str(text)
    return _signed(text, value, f"${_readable(value, 4)}")


def cost(text: object, quote: str) -> str:
    """Write a sum of any currency for reading."""
    return rounded(text) if quote in {"USD", ""} else money(text, quote)


def mean_price(text: object, quote: str = "USD") -> str:
    """Write an average of prices: in dollars with 2 decimals, below one dollar with enough to tell it."""
    value = to_decimal(str(text).lstrip("-"))
    if value is None or quote not in {"USD", ""}:
        return money(text, quote)
    if value >= 1 or not value:
        return rounded(text)
    return money(to_wire(round(value, _PRICE_FIGURES - 1 - value.adjusted())))


def percent(text: object, places: int = 2) -> str:
    """Write a percentage rounded for reading; a tiny one keeps two figures."""
    value = to_decimal(str(text).lstrip("-"))
    if value is None:
        return "unknown" if text is None else str(text)
    return _signed(text, value, f"{_readable(value, places)}%")


def _readable(value: Decimal, places_below_one: int) -> str:
    """Round to 2 places, below one to more, so that two figures are always left of what is not zero."""
    if value >= 1 or not value:
        return f"{round(value, 2):,.2f}"
    places = max(places_below_one, _FIGURES - 1 - value.adjusted())
    whole, _, fraction = f"{round(value, places):.{places}f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "only finite numbers are read"
    return exponent


def _signed(text: object, value: Decimal, shown: str) -> str:
    return f"-{shown}" if value and str(text).startswith("-") else shown


def amount(text: object) -> str:
    """Write a quantity without trailing zeros."""
    value = to_decimal(str(text))
    return str(text) if value is None else to_wire(value)


def joined(items: Sequence[str], last: str = "and") -> str:
    """Return `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def order_words(wire: Json) -> str:
    """Return `buy 0.00038 BTC at up to $65,290.12` for the exact fields of an order."""
    base, quote = split_symbol(str(wire.get("symbol", "")))
    side = str(wire.get("side", ""))
    bound = "up to" if side == "buy" else "no less than"
    return f"{side} {amount(wire.get('amount', ''))} {base} at {bound} {money(wire.get('price', ''), quote)}"


def card_sentences(proposal: Json) -> str:
    """Say what card is up, or why there is none."""
    if proposal.get("state") == "refused":
        return refusal_sentences(proposal)
    card = proposal.get("card") or {}
    if proposal.get("kind") == "limit":
        text = f"I've put a card up: {_lower_first(str(card.get('title', 'change a limit')))}. "
        return text + "Nothing changes until you approve it."
    opening = "I've put a card up to flatten" if proposal.get("is_flatten") else "I've put a card up"
    parts = [f"{opening}: {order_words(card.get('wire') or {})}. Nothing is sent until you approve it."]
    shown = [row for row in card.get("costs", []) if row["label"] not in _NOT_SAID]
    costs = [f"{_lower_first(str(row['label']))} {row['value']}" for row in shown[:5]]
    if costs:
        parts.append(f"The card shows {joined(costs)}.")
    parts += [f"Please note: {_ended(str(text))}" for text in card.get("warnings", [])[:3]]
    return " ".join(parts)


def refusal_sentences(proposal: Json) -> str:
    """Say which rules refused, with their numbers, and what to do about each."""
    verdict = proposal.get("verdict") or {}
    failed = [
        check for check in verdict.get("checks", []) if not check.get("ok") and check.get("rule") != "consent"
    ]
    lines = [
        f"- {check.get('rule')}: {_ended(str(check.get('text') or check.get('code')))}" for check in failed
    ]
    if not lines:
        lines = [f"- {code}" for code in verdict.get("codes", [])]
    what = "that change" if proposal.get("kind") == "limit" else "that order"
    cures = remedies([str(check.get("rule")) for check in failed])
    advice = "\n".join(["What you can do:", *(f"- {cure}" for cure in cures)]) if cures else ""
    opening = f"Refused: the desk refused {what}, so nothing was sent."
    return "\n".join(filter(None, [opening, *lines, advice]))


def stopped_sentences(result: Json) -> str:
    """Say what an emergency stop did."""
    record = [result.get("record_id")]
    parts = [_with_records(f"Stopped: the desk is {result.get('kill_state', 'halted')}", record)]
    parts[0] = _ended(parts[0])
    cancelled = [str(order) for order in result.get("cancelled", [])]
    parts.append(f"Cancelled: {joined(cancelled)}." if cancelled else "No order was open.")
    parts += [f"Not cancelled: {f.get('order_id')} ({f.get('message')})." for f in result.get("failed", [])]
    if result.get("proposals"):
        parts.append(
            "What you hold is not sold yet: the flatten card sells it, and only when you approve that card."
        )
    parts.append("Only you can release it, with Release on the page or `matrix release`.")
    return " ".join(parts)


def cancelled_sentences(result: Json) -> str:
    """Say which orders were cancelled and which were not."""
    done = [str(order) for order in result.get("cancelled", [])]
    parts = [f"Cancelled {joined(done)}."] if done else []
    parts += [
        f"I could not cancel {f.get('order_id')}: {_ended(str(f.get('message')))}"
        for f in result.get("failed", [])
    ]
    return " ".join(parts) or "There was no open order to cancel."


def outcome_sentences(proposal: Json) -> str:
    """Say how a proposal ended, citing the records."""
    state = str(proposal.get("state", ""))
    if state in _PLAIN_ENDS:
        return _with_records(
            _PLAIN_ENDS[state].format(what=_card_words(proposal)), [proposal.get("record_id")]
        )
    if state == "refused":
        return refusal_sentences(proposal)
    outcome = proposal.get("outcome") or {}
    words = _fill_words(proposal, outcome) or _ended(str(outcome.get("text") or "It was approved"))
    return _with_records(words, outcome.get("record_ids") or [])


def _card_words(proposal: Json) -> str:
    """Return ` to buy 0.00038 BTC`, or nothing when the card is not known any more."""
    card = proposal.get("card") or {}
    wire = card.get("wire") or {}
    if wire.get("side") and wire.get("amount"):
        base, _ = split_symbol(str(wire.get("symbol", "")))
        return f" to {wire['side']} {amount(wire['amount'])} {base}"
    title = str(card.get("title") or "")
    return f" “{title}”" if title and proposal.get("kind") == "limit" else ""


def _fill_words(proposal: Json, outcome: Json) -> str:
    wire = (proposal.get("card") or {}).get("wire") or {}
    base, quote = split_symbol(str(wire.get("symbol", "")))
    order_id = outcome.get("order_id")
    name = f"Order {order_id}" if order_id else "The order"
    state = outcome.get("state")
    if state == "resting":
        verb = order_words(wire)
        return f"{name} is resting on the book: {verb}. It is not filled yet."
    if state not in {"filled", "partly_filled"} or not outcome.get("filled"):
        return ""
    verb = "bought" if wire.get("side") == "buy" else "sold"
    fee = f"{outcome.get('fee')} {outcome.get('fee_currency') or quote}"
    price = money(outcome.get("average_price"), quote)
    text = f"{name} {'is filled' if state == 'filled' else 'is partly filled'}: "
    return text + f"{verb} {outcome['filled']} {base} at {price}, fee {fee}."


def error_sentence(error: Json) -> str:
    """Say a tool's error: what was wrong and what to do next."""
    text = _ended(_upper_first(str(error.get("message", "that did not work"))))
    cure = str(error.get("cure", ""))
    return f"{text} {cure}".strip()


def _with_records(text: str, records: Sequence[object]) -> str:
    names = ", ".join(str(record) for record in records if record)
    return f"{text.rstrip('.')} ({names})." if names else text


def _ended(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
