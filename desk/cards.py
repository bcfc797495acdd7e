"""The card a person reads, drawn from the very fields that will be signed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.fees import break_even_price
from domain.instrument import Side
from domain.money import CONTEXT, ZERO, to_wire
from domain.order import OrderDraft
from guardrails.snapshot import Snapshot

LABELS: Mapping[str, str] = {
    "symbol": "Pair",
    "side": "Side",
    "amount": "Amount",
    "price": "Limit price",
    "type": "Order type",
    "options": "Option",
    "stop_price": "Stop price",
    "client_order_id": "Our order id",
}
"""One label for each field that reaches the exchange; `fields_of` reads them back."""


def order_card(
    draft: OrderDraft, fields: Mapping[str, object], snapshot: Snapshot, warnings: tuple[str, ...]
) -> dict[str, Any]:
    """Return the **card** of `docs/desk-api.md` for an order."""
    base, quote = draft.instrument.base.upper(), draft.instrument.quote.upper()
    verb = "Buy" if draft.side is Side.BUY else "Sell"
    return {
        "title": f"{verb} {fields['amount']} {base} at {fields['price']} {quote} or better",
        "fields": [{"label": LABELS[name], "value": _text(value)} for name, value in fields.items()],
        "costs": _costs(draft, snapshot),
        "warnings": list(warnings),
        "wire": dict(fields),
        "editable": ["amount", "price"],
    }


def fields_of(card: Mapping[str, Any]) -> dict[str, object]:
    """Read the wire fields back from what the card shows: the inverse of `order_card`'s `fields`."""
    names = {label: name for name, label in LABELS.items()}
    shown = {names[row["label"]]: row["value"] for row in card["fields"]}
    if "options" in shown:
        shown["options"] = shown["options"].split(", ")
    return shown


def _text(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _costs(draft: OrderDraft, snapshot: Snapshot) -> list[dict[str, str]]:
    rows = [
        ("Value at the limit price", f"${draft.notional_usd:,.4f}"),
        ("Fee at worst", f"${draft.fee_usd:,.4f}"),
    ]
    if draft.side is Side.BUY:
        rows.append(("Total at worst", f"${draft.notional_usd + draft.fee_usd:,.4f}"))
    else:
        rows.append(("You receive at least", f"${draft.notional_usd - draft.fee_usd:,.4f}"))
    book = snapshot.book
    if book is not None and book.bid is not None and book.ask is not None:
        rows.append(("Market now", f"bid {to_wire(book.bid)}, ask {to_wire(book.ask)}"))
    rows.extend(_break_even(draft, snapshot))
    return [{"label": label, "value": value} for label, value in rows]


def _break_even(draft: OrderDraft, snapshot: Snapshot) -> list[tuple[str, str]]:
    fees, rate = snapshot.fees, snapshot.usd_rates.get(draft.instrument.quote)
    if fees is None or not rate or draft.amount <= 0:
        return []
    tick = draft.instrument.price_tick
    if draft.side is Side.BUY:
        cost = CONTEXT.divide(draft.notional_usd + draft.fee_usd, draft.amount)
        return [("Break-even if bought at the limit", _exit(cost, rate, fees.taker_bps, draft.amount, tick))]
    average = snapshot.average_cost_usd
    if average is None:
        return [("Break-even of what is held", "no recorded cost")]
    net = draft.notional_usd - draft.fee_usd - CONTEXT.multiply(average, draft.amount)
    return [
        ("Break-even of what is held", _exit(average, rate, fees.taker_bps, draft.amount, tick)),
        ("Result at the limit price", f"{'-' if net < ZERO else ''}${abs(net):,.4f} after both fees"),
    ]


def _exit(cost_usd: Decimal, rate: Decimal, bps: Decimal, amount: Decimal, tick: Decimal) -> str:
    cost = CONTEXT.divide(cost_usd, rate)
    return to_wire(break_even_price(cost_per_unit=cost, exit_bps=bps, amount=amount, tick=tick))


def limit_card(
    name: str, old: str, new: str, unit: str, *, is_tightening: bool, delay_s: str
) -> dict[str, Any]:
    """Return the **card** for a changed limit."""
    effect = "at once" if is_tightening else f"{delay_s} seconds after you approve"
    return {
        "title": f"Change the limit {name} from {old} to {new}",
        "fields": [
            {"label": "Limit", "value": name},
            {"label": "Now", "value": f"{old} {unit}".strip()},
            {"label": "New", "value": f"{new} {unit}".strip()},
            {"label": "Takes effect", "value": effect},
        ],
        "costs": [],
        "warnings": [] if is_tightening else ["This widens a limit: more money can be at risk."],
        "wire": {},
        "editable": [],
    }
