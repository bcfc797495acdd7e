"""Whether a message commands at all: questions, denials and the past are no order, whatever they name."""

from __future__ import annotations

import re

_POLITE = re.compile(
    r"^(?:hey |hi |ok |so |please |and )*(?:(?:can|could|would|will|may) (?:you|u|we|i)|would you mind)\b"
)
_QUESTION = re.compile(
    r"^(?:hey |hi |ok |so |and |but |please |tell me )*"
    r"(?:what|whats|what's|which|when|where|how|hows|how's|who|why|should|shall|is|are|am|was|were|do|does|did"
    r"|have|has|had|if|would|will|could|can|isn't|aren't|explain|suppose|imagine|assuming)\b"
)
_NEGATED = re.compile(
    r"\b(?:do not|don'?t|dont|never|not|no longer|cannot|can'?t|won'?t|wouldn'?t"
    r"|stop|avoid|without|refuse to|rather not)"
    r"\s+(?:want(?:ed)?\s+(?:me\s+|you\s+)?to\s+|to\s+|you\s+|ever\s+|please\s+|yet\s+|like to\s+|me\s+)*"
    r"(?:buy|buying|sell|selling|purchase|get|cancel|raise|lower|set|change|increase"
    r"|trade|trading|order|propose|dump|place|add|spend|invest)\b"
)
_DENIED = re.compile(r"\b(?:order anymore|that order|never mind)\b")
_PAST = re.compile(
    r"\b(?:bought|sold|purchased|offloaded|dumped)\b|\bdid (?:i|we|you|it|u)\b.*\b(?:buy|sell|trade)\b"
)
_SYSTEM = re.compile(
    r"(?:^|[\n\"'“”(>\[<|])\s*(?:system|assistant|developer|admin(?:istrator)?"
    r"|root|operator|tool|instructions?)"
    r"\s*(?:prompt|message|note|override)?\s*[:>\]|]"
    r"|\b(?:admin|developer|debug|god|root|sudo|unrestricted|jailbreak) mode\b"
    r"|\byou are now\b|\[/?inst\]|<\|",
    re.IGNORECASE,
)
_SPOT_ONLY = re.compile(
    r"\b(?:margin|leverage[d]?|futures?|perps?|perpetuals?|derivatives?|options? (?:call|put)s?)\b"
    r"|^(?:please |pls |open a |go |i want to )*short(?:ing)?\b|\b(?:go|open a|sell) short\b"
)
_RESIZE = re.compile(
    r"^(?:no |nah |actually |please |pls |ok |okay |hmm |wait |sorry |rather |just |and |now |instead )*[, ]*"
    r"(?:make|change|set|raise|lower|reduce|increase|edit|update|turn)\s+"
    r"(?:it|that|this|the card|the order|the amount|the price|the size)"
    r"\s+(?:to |be |at |only |just |a |into )*\$?[.]?[0-9]"
)
_WHAT_IF_TRADE = re.compile(
    r"^(?:what|how)\b.*\b(?:if|for|when)\b.*\b(?:buy|bought|buying|sell|sold|selling|put|invest)\b"
)
_TOLD_PAST = re.compile(r"^(?:i|we|you|it)?\s*(?:have )?(?:bought|sold|purchased)\b")
_FEES = re.compile(r"\b(?:fees?|commissions?|cost|costs|charge)\b")


def is_polite(lowered: str) -> bool:
    """Say whether it is a command in the clothes of a question: `could you buy …`."""
    return bool(_POLITE.match(lowered)) and not re.search(r"\b(?:what|how|if|happen)\b", lowered)


def is_system_talk(text: str) -> bool:
    """Say whether the message speaks as if it came from the system, an operator or a tool."""
    return bool(_SYSTEM.search(text))


def is_resize(lowered: str) -> bool:
    """Say whether a bare new figure is given for what is up: `make it 30`."""
    return bool(_RESIZE.match(lowered))


def is_what_if(lowered: str) -> bool:
    """Say whether the message asks what a trade would cost or bring."""
    return bool(_WHAT_IF_TRADE.match(lowered))


def of_change(lowered: str) -> str:
    """Return the intent of a message that reads like a change or a cancel and is none, or an empty text."""
    if _NEGATED.search(lowered):
        return "not_wanted"
    is_asked = bool(_QUESTION.match(lowered)) and not is_polite(lowered)
    return "asked_about_change" if is_asked else ""


def of_trade(lowered: str, *, has_size: bool, has_coin: bool) -> str:
    """Return the intent that a message has which reads like an order and is none, or an empty text."""
    if _SPOT_ONLY.search(lowered):
        return "spot_only"
    if _NEGATED.search(lowered) and not _DENIED.search(lowered):
        return "not_wanted"
    if is_polite(lowered):
        return ""
    if _QUESTION.match(lowered) or lowered.endswith("?"):
        return _of_question(lowered, is_priced=has_size and has_coin)
    return "orders" if _TOLD_PAST.match(lowered) else ""


def _of_question(lowered: str, *, is_priced: bool) -> str:
    if is_priced and (_FEES.search(lowered) or re.search(r"\b(?:if|happen)\b", lowered)):
        return "break_even"
    if _PAST.search(lowered):
        return "orders"
    return "advice" if re.match(r"^(?:should|shall|is it|would you)\b", lowered) else "asked_about_trade"
