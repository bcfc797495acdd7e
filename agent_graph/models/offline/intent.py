"""What a message wants: nearest examples, corrected by what the slots prove."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from agent_graph.models.offline import coins
from agent_graph.models.offline.examples import EXAMPLES, SYNONYMS
from agent_graph.models.offline.numbers import spell_out
from agent_graph.models.offline.panic import is_stop
from agent_graph.models.offline.slots import Slots
from agent_graph.models.offline.vectors import Matcher

UNKNOWN = "unknown"
_FLOOR = 0.30

_MONEY = re.compile(
    r"(?:us)?\$\s?[0-9][0-9,.]*\s?k?|[0-9][0-9,.]*\s?(?:k\s?)?(?:usd|dollars?|dollers?|bucks?|cents?|quid)(?![a-z/])"
)
_TIME = re.compile(r"\b[0-9]{1,2}:[0-9]{2}(?:\s?[ap]m)?\b|\b[0-9]{1,2}\s?[ap]m\b")
_ID = re.compile(r"\b[0-9]{6,}\b|\bm-[0-9a-z]{20,}\b|\br-[0-9a-z]{26}\b")
_NUMBER = re.compile(r"[0-9][0-9,.]*")

_SET_LIMIT = re.compile(
    r"\b(?:set|change|raise|lower|increase|reduce|decrease|tighten|widen|bump|make|adjust|cut)\b.*"
    r"\b(?:limit|cap|collar|max|loss|per order|per symbol|cooldown|turnover|spread|drawdown)"
)
_WHY = re.compile(
    r"^(?:and |but |so |ok |hey )?(?:why|explain|justify)\b|\bwhy (?:did|was|were|have|the|that|do)\b"
    r"|\breason (?:for|behind)\b"
)
_QUESTION = re.compile(r"^(?:will|should|is|are|can|could|does|do|what|when|where|which|how|who)\b")
_OUTBOUND = re.compile(r"\b(?:withdraw|transfer|deposit|wire|send)\b(?!.*\border\b)|\bpay ?out\b")
_ENTRY = re.compile(r"\b(?:buy|purchase|get me|put|invest|spend|grab|acquire)\b")
_APPROVE = re.compile(r"\b(?:approve|confirm|accept|reject)\b(?!.*\bwho\b)")
_OVERRIDE = re.compile(
    r"\b(?:ignore|disregard|bypass|override|disable|forget)\b.*"
    r"\b(?:rules?|instructions?|checks?|guard|limits?|previous)"
)


@lru_cache(maxsize=1)
def _matcher() -> Matcher:
    return Matcher(EXAMPLES, SYNONYMS)


def warm_up() -> None:
    """Build the example vectors now rather than in the first turn."""
    _matcher()


def normalise(message: str) -> str:
    """Return the message with coins, money, times, ids and numbers as placeholders."""
    text = message
    for mention in reversed(coins.find(message)):
        text = f"{text[: mention.start]}<coin>{text[mention.end :]}"
    text = spell_out(text)
    for pattern, placeholder in ((_ID, "<id>"), (_TIME, "<time>"), (_MONEY, "<usd>"), (_NUMBER, "<n>")):
        text = pattern.sub(f" {placeholder} ", text)
    return text


def classify(slots: Slots) -> tuple[str, float]:
    """Return the intent and its score; `unknown` when nothing is near enough."""
    if is_stop(slots.text):
        return "stop", 1.0
    scores = dict(_matcher().rank(normalise(slots.text)))
    scores.pop("stop", None)
    for intent, bonus in _proofs(slots).items():
        scores[intent] = scores.get(intent, 0.0) + bonus
    best, score = max(scores.items(), key=lambda item: item[1], default=(UNKNOWN, 0.0))
    return (best, score) if score >= _FLOOR else (UNKNOWN, score)


def _proofs(slots: Slots) -> Mapping[str, float]:
    lowered = slots.text.lower().strip()
    bonus: dict[str, float] = {}
    is_question = bool(_QUESTION.match(lowered))
    if _WHY.search(lowered):
        bonus["explain"] = 0.9
    if "journal" in lowered:
        bonus["search"] = 0.6
    if _SET_LIMIT.search(lowered) and not slots.symbols:
        bonus["limit_change"] = 0.5
    if _OUTBOUND.search(lowered):
        bonus["withdraw"] = 0.5
    if _APPROVE.search(lowered) and not is_question:
        bonus["self_approve"] = 0.5
    if _OVERRIDE.search(lowered):
        bonus["override"] = 0.9
    bonus.update(_trade_proofs(slots, lowered, is_question))
    return bonus


def _trade_proofs(slots: Slots, lowered: str, is_question: bool) -> Mapping[str, float]:
    if "break" in lowered and "even" in lowered:
        return {"break_even": 0.6}
    if is_question and not re.match(r"^(?:can|could) (?:you|we|i)\b", lowered):
        return {}
    if slots.side == "sell":
        return {"sell": 0.45 if slots.has_size or slots.symbols or slots.wants_profit else 0.2}
    if slots.side == "buy" or (_ENTRY.search(lowered) and (slots.notional or slots.amount)):
        return {"buy": 0.45 if slots.has_size or slots.symbols else 0.2}
    return {}
