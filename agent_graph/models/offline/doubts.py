"""What an order's words hold beyond its slots: whatever is not understood is named and asked back."""

from __future__ import annotations

import re

from agent_graph.models.offline import coins
from agent_graph.models.offline.slots import Slots

_ORDER_WORDS = """
a an the and of for in into on to me my i it its this that them those these some us we our is so as at one
please pls plz kindly now right away immediately asap quickly quick just go ahead ok okay hey hi hello yo
yes yeah well then also more again another worth value amount total want wanna would will like need love
wish to let lets can could you u do make place put order orders open submit trade new do get got gimme
give grab take add pick up acquire purchase purchasing buy buying buuy byu bye by bying long ape throw
invest spend convert turn swap with using use from sell selling sel sll selll dump dumping offload
unload liquidate exit close closing out off rid all everything entire whole lot every bit completely
full position positions holding holdings coins coin stack bag part own have hold held half cash in
dollars dollar usd bucks limit market spot each price around back rest let's let i'd id i'll i've we'd
profit profits profitable gain gains plus up net least keep keeping making made realise realize taking
earn fees costs after all clear clears which bid ask offer oh um er uh matrix desk bot cool sir mate
them thanks thank thx cheers both x only what crypto am shot today's completely at most least exactly
"""
_KNOWN = frozenset(_ORDER_WORDS.split())
_LONG_KNOWN = frozenset(word for word in _KNOWN if len(word) >= 5)
_NOT_ALONE = frozenset({"only", "both", "x", "what", "which"})
"""Words that change what is meant; they are never passed over."""
_WORD = re.compile(r"[a-z][a-z']*|[^\s\w,.;:!()“”\"'’&@$+-]+|\$?[0-9][0-9.,]*[a-z%]*")
_CONTEXT = 3
_FOREIGN_MONEY = re.compile(
    r"[€£¥₹₽₩₿฿]\s?[0-9][0-9.,]*|[0-9][0-9.,]*\s?[€£¥₹₽₩฿]"
    r"|(?:\b[0-9][0-9.,]*\s?)?\b(?:euros?|eur|pounds?|gbp|quid|sterling|yen|jpy|francs?|chf|rupees?|inr"
    r"|yuan|cny|rubles?|pesos?|(?:c|a|au|ca|nz|hk|sg)\$|cad|aud|sgd|satoshis?|sats)\b",
    re.IGNORECASE,
)
_BUY_ABOVE = re.compile(
    r"\b(?:above|over)\b|\b(?:when|if|once)\s+it\s+(?:hits|reaches|is at|gets to|rises to|goes to)"
)
_SELL_BELOW = re.compile(
    r"\b(?:under|below)\b|\b(?:when|if|once)\s+it\s+(?:drops to|falls to|hits|reaches|is at|gets to)"
)
_NOT_ABOVE = re.compile(r"\bnot\s+(?:above|below|under|over)\b|\bno\s+more\s+than\b")
_LIMIT_LEFT = re.compile(r"\b(?:condition|if|when|unless|until|except|but|tomorrow|later|temporarily|only)\b")


def foreign_money(text: str) -> str:
    """Return the first sum or name of a currency other than the dollar, or an empty text."""
    for mention in reversed(coins.find(text)):
        text = f"{text[: mention.start]} {text[mention.end :]}"
    found = _FOREIGN_MONEY.search(text)
    return found.group().strip() if found else ""


def of_order(slots: Slots, *, known: str = "") -> str:
    """Return the words of an order that nothing here understands, as they were written, or an empty text.

    `known` is a ticker that only the desk knows.
    """
    foreign = foreign_money(slots.text)
    if foreign:
        return foreign
    direction = _wrong_way(slots)
    if direction:
        return direction
    if slots.wants_all and (slots.wants_half or slots.percent or slots.amount or slots.notional):
        return "all"
    if slots.percent and slots.side == "buy":
        return f"{slots.percent}%"
    left = slots.left
    for mention in reversed(coins.find(left)):
        left = f"{left[: mention.start]} , {left[mention.end :]}"
    return _strange(left, known)


def _wrong_way(slots: Slots) -> str:
    """Return a condition on the price that a limit order would not keep: it would trade at once instead."""
    if not slots.price:
        return ""
    lowered = _NOT_ABOVE.sub(" ", slots.text.lower())
    found = (_SELL_BELOW if slots.side == "sell" else _BUY_ABOVE).search(lowered)
    return f"{found.group()} {slots.price}" if found else ""


def _strange(left: str, known: str) -> str:
    """Return the first strange word of what is left, with the words after it."""
    tokens = list(_WORD.finditer(left))
    for index, token in enumerate(tokens):
        if not _is_understood(token[0], known):
            last = tokens[min(index + _CONTEXT, len(tokens)) - 1]
            return left[token.start() : last.end()].strip(" ,")
    return ""


def _is_understood(word: str, known: str) -> bool:
    if word in _KNOWN - _NOT_ALONE or coins.base_of(word) or (known and word in {known, f"{known}usd"}):
        return True
    return len(word) >= 5 and any(
        abs(len(word) - len(other)) <= 1 and coins.slips(word, other, 1) <= 1 for other in _LONG_KNOWN
    )


def of_limit(slots: Slots) -> str:
    """Return what a change of a limit cannot carry: another currency or a condition."""
    found = _LIMIT_LEFT.search(slots.text.lower())
    return foreign_money(slots.text) or (found.group() if found else "")
