"""Which pair a request is about, and what to say when it is one that nobody knows."""

from __future__ import annotations

import re
from collections.abc import Callable

from agent_graph import wording
from agent_graph.models.offline import answers
from agent_graph.models.offline.steps import Ask, Say, Step, Use

_CANDIDATES = (
    re.compile(
        r"\b(?:buy|sell|purchase|get|long)\s+(?:me\s+)?(?:some\s+|a\s+|my\s+|all\s+|the\s+)*([a-z]{2,12}[0-9]?)\b"
    ),
    re.compile(
        r"\b(?:of|in|into|on)\s+(?:my\s+|some\s+|the\s+)?([a-z]{2,12}[0-9]?)\b(?!\s+(?:order|journal))"
    ),
    re.compile(r"\b([a-z]{2,12}[0-9]?)\s+(?:price|quote|book|order book|candles?|chart)\b"),
    re.compile(r"\b(?:price|quote|book|candles?|chart)\s+(?:of\s+|for\s+)?([a-z]{2,12}[0-9]?)\b"),
    re.compile(r"\b[0-9.]+\s+([a-z]{2,12})\b"),
)
_PLAIN_WORDS = """
the a an it all some my me more much that this them everything usd dollar dollars bucks buck cents cent
coin coins crypto price prices market order orders book books journal profit gain limit at for now
please today pair pairs something anything one half position positions holding holdings back up down
current last best in of out to and or what is show tell give quote whole entire worth least most loss
each trade trades do you we i candles candle minute minutes hour hours day days hourly daily week month
percent break even fee fees which should can could would like want need how about on with from your our
his her their low high top bottom k mio million thousand levels depth bid ask spread latest any bot desk
am pm us quid grand into rid right there here where when why who
"""
_PLAIN = frozenset(_PLAIN_WORDS.split())


def unknown_coin(ask: Ask) -> str | None:
    """Return a word that stands where a coin should and is none we know."""
    if ask.slots.symbols:
        return None
    lowered = ask.slots.text.lower()
    for pattern in _CANDIDATES:
        for found in pattern.finditer(lowered):
            if found[1] not in _PLAIN:
                return found[1]
    return None


def with_symbol(
    ask: Ask,
    then: Callable[[tuple[str, ...]], Step],
    *,
    or_all: bool = False,
    only_pointed: bool = False,
) -> Step:
    """Run `then` with the pairs meant; asks back, or lists what can be traded, when that is not clear.

    The pair talked about last counts, with `or_all` or `only_pointed` only when the words point back to it.
    """
    if ask.slots.odd:
        from agent_graph.models.offline.talk import odd_number

        return odd_number(ask)
    if ask.slots.symbols:
        refused = _refused_symbol(ask)
        return refused or then(ask.slots.symbols)
    word = unknown_coin(ask)
    if word is not None:
        return _look_up(ask, word, then)
    recent = ask.recent_symbol()
    if recent and (ask.slots.points_back or not (or_all or only_pointed)):
        return then((recent,))
    if or_all:
        return then(())
    return Say("Which pair do you mean, for example BTC/USD?", asks=True)


def _look_up(ask: Ask, word: str, then: Callable[[tuple[str, ...]], Step]) -> Step:
    found = next((item for item in ask.done if item.name == "prices" and not item.args), None)
    if found is None:
        return Use([("prices", {})])
    if found.error:
        return Say(wording.error_sentence(found.error))
    known = {str(row["symbol"]) for row in found.data.get("prices", [])}
    match = next((symbol for symbol in (word, f"{word}usd") if symbol in known), None)
    return then((match,)) if match else _not_known(word, found.data)


def listed(ask: Ask) -> Step:
    """Say that a coin is not known, and what can be traded."""
    return _look_up(ask, unknown_coin(ask) or "", lambda symbols: Use([("prices", {"symbol": symbols[0]})]))


def _not_known(word: str, data: wording.Json) -> Say:
    pairs = answers.tradable(data)
    if not pairs:
        return Say(f"I do not know “{word}”, and no pair has a price yet.")
    return Say(
        f"I do not know “{word}”, or it cannot be traded here. You can trade {pairs}. Which one?", asks=True
    )


def _refused_symbol(ask: Ask) -> Step | None:
    """When a tool refused the pair itself, list the pairs that work."""
    last = ask.done[-1] if ask.done else None
    if last is None:
        return None
    if last.error and "SYMBOL" in str(last.error.get("code", "")):
        return Use([("prices", {})])
    failed = any(d.error and "SYMBOL" in str(d.error.get("code", "")) for d in ask.done)
    if failed and last.name == "prices" and not last.args and not last.error:
        named = wording.joined([answers.pair(symbol) for symbol in ask.slots.symbols])
        return Say(f"{named} cannot be traded here. You can trade {answers.tradable(last.data)}.")
    return None
