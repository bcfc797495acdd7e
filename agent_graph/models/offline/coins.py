"""Which coin a word means: names, tickers, pairs, and names with a slip of the finger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from agent_graph.wording import QUOTES

NAMES: Mapping[str, str] = {
    "bitcoin": "btc",
    "bitcoins": "btc",
    "ethereum": "eth",
    "ether": "eth",
    "solana": "sol",
    "litecoin": "ltc",
    "dogecoin": "doge",
    "ripple": "xrp",
    "chainlink": "link",
    "avalanche": "avax",
    "polkadot": "dot",
    "uniswap": "uni",
    "cosmos": "atom",
    "filecoin": "fil",
    "shiba": "shib",
    "zcash": "zec",
    "cardano": "ada",
    "monero": "xmr",
    "polygon": "matic",
    "tether": "usdt",
    "binance": "bnb",
    "stellar": "xlm",
    "tezos": "xtz",
    "arbitrum": "arb",
    "aptos": "apt",
}
LONG_NAMES: Mapping[str, str] = {
    "bitcoin cash": "bch",
    "bitcoin sv": "bsv",
    "ethereum classic": "etc",
    "shiba inu": "shib",
}
"""The longest name wins: bitcoin cash is no bitcoin."""
_LONG = re.compile(rf"\b(?:{'|'.join(name.replace(' ', r'[ -]+') for name in LONG_NAMES)})\b")
_TICKER_WORDS = """
btc xbt eth sol ltc doge xrp bch link avax dot uni aave atom fil shib pepe zec ada xmr matic bnb xlm xtz
arb apt trx ton sui near algo
"""
TICKERS = frozenset(_TICKER_WORDS.split())
_WORDLIKE = frozenset({"link", "dot", "uni", "atom", "fil", "near", "ton", "sol", "apt", "arb"})
"""Tickers that are also words: they count in capitals or next to a word of trade."""
_TRADE_BEFORE = re.compile(
    r"(?:^|\b(?:buy|sell|of|price|quote|book|some|a|half|my|all|in|for|on|the|long|short|and|worth)|[0-9$])\s*$"
)
_TRADE_AFTER = re.compile(
    r"^\s*(?:@|,|and|prices?|quote|book|candles?|chart|position|order|fees?|trade|holdings?|at|for|now|\?|$)"
)
_PAIR = re.compile(rf"\b([a-z0-9]{{2,8}}?)\s?[/\-_]?\s?({'|'.join(QUOTES)})\b")
_WORD = re.compile(r"[a-z0-9]+")
_DOUBLED_END = re.compile(r"(.)\1+$")


@dataclass(frozen=True, slots=True)
class Mention:
    """A coin or pair in a text: the wire symbol and where it stands."""

    symbol: str
    start: int
    end: int


def find(text: str) -> list[Mention]:
    """Return the coins and pairs named in `text`, in order, each symbol once."""
    lowered = text.lower()
    found = _long_names(lowered)
    found += [pair for pair in _pairs(lowered) if not _is_inside(pair.start, found)]
    for match in _WORD.finditer(lowered):
        if _is_inside(match.start(), found):
            continue
        base = base_of(match[0])
        if base and _is_meant(match[0], text, lowered, match.start(), match.end()):
            found.append(Mention(f"{base}usd", match.start(), match.end()))
    found.sort(key=lambda mention: mention.start)
    return list({mention.symbol: mention for mention in reversed(found)}.values())[::-1]


def _long_names(lowered: str) -> list[Mention]:
    return [
        Mention(f"{LONG_NAMES[re.sub('[ -]+', ' ', match[0])]}usd", match.start(), match.end())
        for match in _LONG.finditer(lowered)
    ]


def _is_inside(place: int, mentions: list[Mention]) -> bool:
    return any(mention.start <= place < mention.end for mention in mentions)


def _pairs(lowered: str) -> list[Mention]:
    pairs: list[Mention] = []
    start = 0
    while match := _PAIR.search(lowered, start):
        base = base_of(match[1])
        if base and base != match[2]:
            pairs.append(Mention(f"{base}{match[2]}", match.start(), match.end()))
            start = match.end()
        else:
            start = match.end(1)
    return pairs


def _is_meant(word: str, text: str, lowered: str, start: int, end: int) -> bool:
    if word not in _WORDLIKE or text[start:end].isupper():
        return True
    return bool(_TRADE_BEFORE.search(lowered[:start]) and _TRADE_AFTER.match(lowered[end:]))


@lru_cache(maxsize=4096)
def base_of(word: str) -> str:
    """Return the ticker that a word means, or an empty text."""
    if word in TICKERS:
        return "btc" if word == "xbt" else word
    if word in NAMES:
        return NAMES[word]
    if (single := _DOUBLED_END.sub(r"\1", word)) in TICKERS - _WORDLIKE:
        return single
    if len(word) < 6 or not word.isalpha():
        return ""
    allowed = 1 if len(word) < 8 else 2
    close = [(slips(word, name, allowed), name) for name in NAMES if abs(len(name) - len(word)) <= allowed]
    best = min(close, default=(allowed + 1, ""))
    return NAMES[best[1]] if best[0] <= allowed else ""


def slips(left: str, right: str, limit: int) -> int:
    """Return how many inserted, lost, wrong or swapped letters part two words; above `limit` is inexact."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]
