"""Does the person want everything stopped? Errs towards stopping, but not on questions and stop orders."""

from __future__ import annotations

import re
from functools import lru_cache

from agent_graph.models.offline.coins import find, slips

_VERBS = frozenset(
    {
        "stop", "halt", "panic", "flatten", "abort", "freeze", "emergency", "mayday", "kill", "killswitch",
        "cease", "pause", "liquidate", "sos",
    }
)  # fmt: skip
_SCOPE = frozenset({"everything", "all", "trading", "bot", "desk", "whole", "everyone", "activity"})
_FILLER_WORDS = """
it now the this that at once right please pls plz immediately and down off trade trades orders
agents out of every single thing me my positions completely close cancel asap go flat button switch for
gods sake there buying selling to cash just ok oh no quick quickly hey omg matrix i want you a do need must
us we lets let can could would instantly dammit damn fast hurry stopping god in is mode press hit red get
shut turn pull plug here
"""
_FILLER = frozenset(_FILLER_WORDS.split())
_PHRASES = (
    "pull the plug",
    "get me out of everything",
    "get us out of everything",
    "get out of everything",
    "shut it down",
    "shut it all down",
    "shut everything down",
    "shut everything off",
    "shut it off",
    "shut down",
    "shut off",
    "turn it off",
    "turn it all off",
    "turn everything off",
    "turn off everything",
    "switch everything off",
    "everything off",
    "everything down",
    "everything and stop",
    "sell everything now",
    "cut everything off",
)
_EXCLUDED = re.compile(
    r"\bstop[- ](?:loss|limit|price|order|at)\b"
    r"|\b(?:stop|kill|halt|pause) (?:that|the|this|my) (?:[a-z]+ )?order\b"
    r"|\b(?:do not|don'?t|dont|never|not|without) (?:you )?"
    r"(?:stop|halt|panic|flatten|kill|pause|abort|freeze)"
    r"|\bfill[- ]or[- ]kill\b"
    r"|\bstop (?:telling|showing|saying|asking)"
    r"|^(?:what'?s?|how'?s?|why|y|when|who'?s?|where'?s?|does|did|is|are|explain|tell me|was|were|which)\b"
    r"|^search\b"
    r"|\b(?:kill|stop|scrap|pull) (?:all |my |the |our )*(?:open |resting |pending )+orders?\b"
    r"|\b(?:unpause|un-?halt|un-?freeze|what if|what happens|disable|bypass|turn off the limit)"
)
_WORD = re.compile(r"[a-z]+")
_NEAR = 3
_SHUFFLED = (sorted("stop"), sorted("halt"))
_HARMLESS = frozenset({"spot", "tops", "pots", "opts", "post", "lath"})


@lru_cache(maxsize=2048)
def _is_like(word: str, targets: frozenset[str]) -> bool:
    if word in targets:
        return True
    squeezed = re.sub(r"(.)\1{2,}", r"\1", word)
    if squeezed in targets:
        return True
    return len(word) >= 5 and any(
        abs(len(word) - len(target)) <= 1 and len(target) >= 5 and slips(word, target, 2) <= _allowed(target)
        for target in targets
    )


def _allowed(target: str) -> int:
    return 2 if len(target) >= 8 else 1


def _is_verb(word: str) -> bool:
    return _is_like(word, _VERBS) or (word not in _HARMLESS and sorted(word) in _SHUFFLED)


def may_stop(message: str) -> bool:
    """Say whether nothing speaks against a stop: no question, no denial, no stop order."""
    return not _EXCLUDED.search(_plain(message))


def _plain(message: str) -> str:
    return " ".join(message.lower().replace("’", "'").split())


_ABOUT = re.compile(
    r"^(?:and |but |so |ok |hey |please )*(?:how (?:do|can|would|could|should|to)"
    r"|what (?:does|do|is|happens|would|will|if)"
    r"|what'?s|explain|tell me (?:what|how|about)|can i|could i|where (?:is|do)|does|do you)\b"
)
_STOP_WORD = re.compile(
    r"\b(?:stop|stopping|halt|panic|kill|kill switch|flatten|flattening|pause|abort|freeze|emergency)\b"
)
_ASKED_WHY = re.compile(r"\bwhy\b.*\b(?:halted|stopped|paused|frozen|stop|halt|pause)\b")


def is_about_stop(message: str) -> bool:
    """Say whether the message asks what a stop is or how it is done, rather than for one."""
    lowered = _plain(message)
    is_order = re.search(
        r"\bstop[- ](?:loss|limit|price|order)|\bpanic (?:buy|sell)|\bkill .*\border", lowered
    )
    return bool(_ABOUT.match(lowered) and _STOP_WORD.search(lowered)) and not is_order


def asks_why_halted(message: str) -> bool:
    """Say whether the message asks for the reason of a halt."""
    lowered = _plain(message)
    return bool(_ASKED_WHY.search(lowered)) and not re.search(r"\border\b", lowered)


def is_stop(message: str) -> bool:
    """Say whether the message asks to stop everything."""
    lowered = _plain(message)
    if not may_stop(message):
        return False
    tokens = _WORD.findall(lowered)
    spoken = " ".join(tokens)
    is_one_coin = "everything" not in tokens and bool(find(message))
    has_phrase = any(phrase in spoken for phrase in _PHRASES) and not is_one_coin
    verbs = [index for index, word in enumerate(tokens) if _is_verb(word)]
    if not verbs and not has_phrase:
        return False
    if all(_is_verb(w) or w in _FILLER or _is_like(w, _SCOPE) for w in tokens):
        return True
    near = (word for index in verbs for word in tokens[index + 1 : index + 1 + _NEAR])
    return has_phrase or any(_is_like(word, _SCOPE) for word in near)
