"""Small questions about the desk itself: the time, waiting cards, words of the trade and what limits mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agent_graph.models.offline import answers
from agent_graph.models.offline.slots import Slots
from agent_graph.models.offline.steps import Ask, Say, Step

_BY_WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bwhat(?:'?s| is)? (?:the )?time\b(?! did| was)|\bcurrent time\b"), "clock"),
    (
        re.compile(
            r"\b(?:cards?|proposals?|approvals?)\b.*\b(?:waiting|pending|open|up)\b"
            r"|\b(?:pending|waiting|open) (?:cards?|proposals?|approvals?)\b"
        ),
        "cards",
    ),
    (re.compile(r"\b(?:what|explain|meaning)\b.*\b(?:bps|basis points?)\b(?!.*\bfee)"), "basis_points"),
    (
        re.compile(
            r"^(?:please )?(?:what(?:'?s| is| does| are)|explain|tell me about|define)\b.*"
            r"\b(?:collar|slippage|cool ?down|turnover|drawdown|duplicate window)\b"
        ),
        "meaning",
    ),
    (re.compile(r"\br-[0-9a-hjkmnp-tv-z]{26}\b"), "search"),
    (re.compile(r"^what (?:happened|went on|was going on) (?:today|yesterday|this week)\b"), "search"),
    (re.compile(r"\b(?:average cost|cost basis|entry price of my)\b"), "portfolio"),
    (re.compile(r"^(?:did|have|do) (?:i|we) (?:make|made|lose|lost|earn(?:ed)?)\b"), "portfolio"),
    (re.compile(r"^what (?:did|have) (?:i|we) (?:trade[d]?|buy|sell|bought|sold)\b"), "orders"),
    (re.compile(r"\b(?:in|on|is (?:it|this)) (?:live|paper|sandbox)(?: mode)?\s*\??$"), "identity"),
)
_MEANINGS: Mapping[str, str] = {
    "price_collar_pct": "The price collar is how far an order's limit price may be from the market.",
    "slippage_buffer_bps": "Slippage is what a fill costs beyond the price that was shown; break-even and "
    "targets set this buffer aside for it.",
    "cooldown_s": "The cooldown is the pause after an order before the next one of the same pair.",
    "turnover_day_usd": "Turnover is the sum of all that is bought and sold in a day.",
    "drawdown_soft_pct": "Drawdown is the fall from the account's highest value; from the soft "
    "limit on, only sales are taken.",
    "drawdown_hard_pct": "Drawdown is the fall from the account's highest value; the hard "
    "limit halts the desk.",
    "duplicate_window_s": "Within the duplicate window the same order is not taken twice.",
}


def asked(slots: Slots) -> str:
    """Return the intent that a small question has by its words alone, or an empty text."""
    lowered = " ".join(slots.text.lower().replace("’", "'").split())
    return next((intent for pattern, intent in _BY_WORDS if pattern.search(lowered)), "")


def clock(ask: Ask) -> Step:
    """Tell the desk's time."""
    now = ask.context.get("now")
    if not now:
        return Say("I cannot tell the time, because the desk does not answer.")
    return Say(f"It is {answers.local_time(now, ask.zone)} in {ask.zone}.")


def cards(ask: Ask) -> Step:
    """Tell how many cards wait and where they are shown."""
    count = ask.context.get("pending_proposals")
    known = "No card is waiting. " if count == 0 else f"Cards waiting for you: {count}. " if count else ""
    return Say(f"{known}The page shows every card that waits, and so does `matrix proposals` in a terminal.")


def basis_points(_ask: Ask) -> Step:
    """Explain basis points without a figure that nothing supports."""
    return Say(
        "A basis point (bp, plural bps) is a hundredth of one per cent. Fees are counted in it: “what are my "
        "fees?” shows yours, and what a round trip costs in per cent."
    )


def meaning_of(name: str | None, data: Mapping[str, object]) -> str:
    """Explain one limit with its value."""
    said = _MEANINGS.get(name or "", "")
    return f"{said}\n{answers.limits(data, name)}" if said else answers.limits(data, name)
