"""A proposal's card as text: the same fields, costs, checks and digest that the page shows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]
DIGEST_SHOWN = 8
_YOURS_TO_ANSWER = "CONSENT_MISSING"


def pairs(rows: Iterable[tuple[str, str]], indent: str = "  ") -> list[str]:
    """Return aligned `label  value` lines."""
    listed = list(rows)
    width = max((len(label) for label, _ in listed), default=0)
    return [f"{indent}{label:<{width}}  {value}" for label, value in listed]


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return columns as wide as their widest cell, the head first."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def headline(proposal: Json) -> str:
    """Return one line: id, state, title and how long it stands."""
    left = proposal.get("expires_in_s")
    state = proposal["state"]
    until = f", expires in {float(left):.0f} s" if state == "pending" and left is not None else ""
    return f"{proposal['id']}  {state}{until}  {proposal['card']['title']}"


def card_text(proposal: Json) -> str:
    """Return the whole card for a terminal; the exact fields that reach the exchange are its last block."""
    card = proposal["card"]
    lines = [headline(proposal)]
    if proposal.get("rationale"):
        lines += [f"  Why: {proposal['rationale']}"]
    lines += pairs((row["label"], str(row["value"])) for row in card.get("fields", ()))
    if card.get("costs"):
        lines += ["  Costs", *pairs(((row["label"], str(row["value"])) for row in card["costs"]), "    ")]
    checks = (proposal.get("verdict") or {}).get("checks", ())
    if checks:
        lines += ["  Checks", *(_check_line(check) for check in checks)]
    lines += [f"  Note: {warning}" for warning in card.get("warnings", ())]
    if card.get("wire"):
        lines += ["  Sent to the exchange, exactly:", f"    {json.dumps(card['wire'], ensure_ascii=True)}"]
    if proposal.get("digest"):
        digest = proposal["digest"]
        lines += [f"  Digest: {digest[:DIGEST_SHOWN]} {digest[DIGEST_SHOWN:]}"]
    return "\n".join(lines)


def _check_line(check: Json) -> str:
    # The one check that the person's own yes answers is no fault of the order.
    mark = "ok  " if check["ok"] else "you " if check["code"] == _YOURS_TO_ANSWER else "FAIL"
    numbers = ", ".join(f"{name} {value}" for name, value in check["numbers"].items())
    return f"    {mark}  {check['rule']}: {check['text']}{f' ({numbers})' if numbers else ''}"


def how_to_answer(proposal: Json) -> str:
    """Return the commands that approve or reject it."""
    return f"  Approve: matrix approve {proposal['id']}    Reject: matrix reject {proposal['id']}"
