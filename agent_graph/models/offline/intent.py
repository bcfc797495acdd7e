"""What a message wants: nearest examples, corrected by what the slots prove."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from agent_graph.models.offline import coins, facts, moods
from agent_graph.models.offline.examples import CONCEPTS, EXAMPLES, SYNONYMS
from agent_graph.models.offline.numbers import spell_out
from agent_graph.models.offline.panic import asks_why_halted, is_about_stop, is_stop, may_stop
from agent_graph.models.offline.slots import Slots
from agent_graph.models.offline.vectors import Matcher

UNKNOWN = "unknown"
_FLOOR = 0.26
_LEAST_COVERAGE = 0.5
_VERY_SURE = 0.6
_SURE = 0.45
"""A very sure match counts although half of the words are new. Likeness alone never stops: it asks."""
_TRADES = frozenset({"buy", "sell"})

_MONEY = re.compile(
    r"(?:us)?\$\s?[0-9][0-9,.]*\s?k?|[0-9][0-9,.]*\s?(?:k\s?)?(?:usd|doll?[ae]rs?|bucks?|cents?|quid)(?![a-z/])"
)
_TIME = re.compile(r"\b[0-9]{1,2}:[0-9]{2}(?:\s?[ap]m)?\b|\b[0-9]{1,2}\s?[ap]m\b")
_ID = re.compile(r"\b[0-9]{6,}\b|\bm-[0-9a-z]{20,}\b|\br-[0-9a-z]{26}\b")
_NUMBER = re.compile(r"[0-9][0-9,.]*")

_SET_LIMIT = re.compile(
    r"\b(?:bigger|higher|smaller|set|change|raise|lower|increase|reduce|decrease|tighten|widen|bump|make|adjust|cut)\b.*"
    r"\b(?:limit|cap|collar|max|loss|per order|per symbol|cooldown|turnover|spread|drawdown)"
)
_MARKS: tuple[tuple[re.Pattern[str], str, float], ...] = (
    (
        re.compile(
            r"^(?:and |but |so |ok |hey )?(?:why|y|explain|justify|how come)\b|\breason (?:for|behind)\b"
            r"|\bwhy (?:did|was|were|have|the|that|do)\b"
        ),
        "explain",
        0.9,
    ),
    (re.compile(r"\bjournal\b"), "search", 0.6),
    (
        re.compile(r"\b(?:withdraw|transfer|deposit|wire)\b(?!.*\border\b)|\bsend\b.*\bto\b|\bpay ?out\b"),
        "withdraw",
        0.5,
    ),
    (re.compile(r"\b(?:approve|confirm|accept|reject)\b"), "self_approve", 0.5),
    (
        re.compile(
            r"^(?:please |pls |ok |now |just )*(?:cance?le?|revoke|scrap|delete|undo|remove)\b"
            r"|\b(?:withdraw|scratch|drop|pull|forget)\b.*\border\b(?! book)"
            r"|\b(?:take|get)\b.*\border (?:off|down|back|out)\b"
            r"|\b(?:kill|stop|pull) (?:all |my |the |our )*(?:open |resting |pending )+orders?\b"
        ),
        "cancel",
        0.4,
    ),
    (re.compile(r"\bbreak[- ]?even\b"), "break_even", 0.9),
    (
        re.compile(
            r"\b(?:paid|spent|did (?:i|we) (?:pay|spend)|have (?:i|we) paid)\b.*\b(?:fees?|com+is+ions?)\b"
            r"|\b(?:fees?|com+is+ions?)\b.*\b(?:paid|spent|did (?:i|we) pay|so far|today)\b"
        ),
        "fees_paid",
        0.6,
    ),
    (re.compile(r"\bstop[- ]?(?:loss|limit|order|price)\b"), "stop_order", 1.5),
    (re.compile(r"\b(?:what|which)\b.*\bcan (?:i|we) (?:trade|buy|sell)\b"), "price", 0.4),
    (re.compile(r"^(?!.*\b(?:buy|sell)\b).*\blimits\b"), "limits", 0.35),
    (
        re.compile(
            r"\b(?:ignore|disregard|bypass|override|disable|forget)\b.*"
            r"\b(?:rules?|instructions?|checks?|guard|limits?|previous)"
            r"|\b(?:turn|switch)\b.*\b(?:limits?|guard\w*|safety|checks?|rules?)\b.*\boff\b"
        ),
        "override",
        0.9,
    ),
)
"""Words that by themselves say what is wanted, and how much they weigh."""
_QUESTION = re.compile(r"^(?:will|should|is|are|can|could|does|do|what|when|where|which|how|who)\b")
_ENTRY = re.compile(r"\b(?:buy|purchase|get me|put|invest|spend|grab|acquire)\b")
_QUOTING = re.compile(r"\b(?:prices?|quotes?|latest|worth|cost|costs)\b")
_ASKING = -0.5
"""A question is no order."""
_OWNING = re.compile(r"\b(?:my|mine|i|we|our|own|have|hold|holding)\b")


@lru_cache(maxsize=1)
def _matcher() -> Matcher:
    return Matcher(EXAMPLES, SYNONYMS, CONCEPTS)


def warm_up() -> None:
    """Build the example vectors now rather than in the first turn."""
    _matcher()


def normalise(message: str) -> str:
    """Return the message with coins, money, times, ids and numbers as placeholders."""
    text = message
    for mention in reversed(coins.find(message)):
        text = f"{text[: mention.start]}<coin>{text[mention.end :]}"
    text = re.sub(r"\bp\s?[&/]\s?l\b", "pnl", spell_out(text))
    for pattern, placeholder in ((_ID, "<id>"), (_TIME, "<time>"), (_MONEY, "<usd>"), (_NUMBER, "<n>")):
        text = pattern.sub(f" {placeholder} ", text)
    return text


def classify(slots: Slots) -> tuple[str, float]:
    """Return the intent and its score; `unknown` when nothing is near enough."""
    if is_stop(slots.text):
        return "stop", 1.0
    said = _said_outright(slots)
    if said:
        return said, 1.0
    wanted, score = _nearest(slots)
    lowered = " ".join(slots.text.lower().replace("’", "'").split())
    if wanted in _TRADES:
        has_size = bool(slots.amount or slots.notional)
        return moods.of_trade(lowered, has_size=has_size, has_coin=bool(slots.symbols)) or wanted, score
    if wanted in {"cancel", "limit_change"}:
        return moods.of_change(lowered) or wanted, score
    return wanted, score


def _said_outright(slots: Slots) -> str:
    """Return the intent that the words leave no doubt about, or an empty text."""
    lowered = slots.text.lower().strip()
    if moods.is_system_talk(slots.text):
        return "override"
    if asks_why_halted(slots.text):
        return "connections"
    if is_about_stop(slots.text):
        return "about_stop"
    if slots.symbols and (slots.amount or slots.notional) and moods.is_what_if(lowered):
        return "break_even"
    if moods.is_resize(lowered) and not slots.symbols:
        return "resize"
    return facts.asked(slots)


def _nearest(slots: Slots) -> tuple[str, float]:
    text, bonus = normalise(slots.text), _proofs(slots)
    scores = dict(_matcher().rank(text))
    heard_stop = scores.pop("stop", 0.0)
    is_loudest = heard_stop >= _SURE and heard_stop >= max(scores.values(), default=0.0)
    if is_loudest and may_stop(slots.text):
        return "maybe_stop", heard_stop
    for intent, weight in bonus.items():
        scores[intent] = scores.get(intent, 0.0) + weight
    best, score = max(scores.items(), key=lambda item: item[1], default=(UNKNOWN, 0.0))
    is_sure = best in bonus or bool(slots.symbols) or score >= _VERY_SURE
    if not is_sure and _matcher().coverage(text) < _LEAST_COVERAGE:
        return UNKNOWN, score
    if score >= _FLOOR:
        return best, score
    return ("price", score) if slots.symbols else (UNKNOWN, score)


def _proofs(slots: Slots) -> Mapping[str, float]:
    lowered = slots.text.lower().strip()
    bonus = {intent: weight for pattern, intent, weight in _MARKS if pattern.search(lowered)}
    is_question = bool(_QUESTION.match(lowered))
    if not slots.symbols and _SET_LIMIT.search(lowered):
        bonus["limit_change"] = 0.5
    if is_question:
        bonus["self_approve"] = -0.5
    if slots.symbols and not slots.has_size and not _OWNING.search(lowered):
        bonus["price"] = 0.3 if _QUOTING.search(lowered) else 0.15
    if slots.period and _OWNING.search(lowered):
        bonus["portfolio"] = 0.3
    if slots.symbols and slots.has_size:
        bonus |= dict.fromkeys(("greet", "thanks", "identity"), -1.0)
    for intent, weight in _trade_proofs(slots, lowered, is_question).items():
        bonus[intent] = bonus.get(intent, 0.0) + weight
    return bonus


def _trade_proofs(slots: Slots, lowered: str, is_question: bool) -> Mapping[str, float]:
    if is_question and not re.match(r"^(?:can|could) (?:you|u|we|i)\b", lowered):
        return dict.fromkeys(("buy", "sell"), _ASKING)
    if slots.side == "sell":
        return {"sell": 0.45 if slots.has_size or slots.symbols or slots.wants_profit else 0.2}
    has_money = bool(slots.notional or slots.amount)
    if slots.side == "buy" or (_ENTRY.search(lowered) and has_money):
        return {"buy": 0.45 if slots.has_size or slots.symbols else 0.2}
    return {"buy": 0.2} if has_money and slots.symbols else {}
