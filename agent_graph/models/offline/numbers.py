"""Numbers as people write them: digits with separators, k and million, and number words."""

from __future__ import annotations

import re
from decimal import Decimal

from domain.money import to_wire

_UNIT_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen
"""
_UNITS = {word: value for value, word in enumerate(_UNIT_WORDS.split())}
_TENS_WORDS = """
twenty thirty forty fifty sixty seventy eighty ninety
"""
_TENS = {word: value * 10 for value, word in enumerate(_TENS_WORDS.split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "grand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_NUMBER_WORD = "|".join([*_UNITS, *_TENS, *_SCALES])
_WORDS = re.compile(rf"\b(?:a\s+)?(?:{_NUMBER_WORD})(?:(?:\s+and\s+|[\s-]+)(?:{_NUMBER_WORD}))*\b")
_RUN = re.compile(r"(?<![\w.,])[.,]?[0-9](?:[0-9.,_'’^*]*[0-9])?(?:e[+\-]?[0-9]+|x[0-9a-f]+)?", re.IGNORECASE)
_TAKEN = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.[0-9]+)?|\.[0-9]+")
"""How a number may be written; whatever else looks like one can be read in two ways, or in none."""
_ODD = re.compile(r"[0-9]+\s?[/⁄]\s?[0-9]+|[¼-¾⅐-⅞]|\b[0-9][0-9.,]*\s?x\b(?!\s?[0-9])", re.IGNORECASE)
_FOREIGN = re.compile(r"(?:(?![0-9])\d)[\d.,]*")
_NOT_A_NUMBER = re.compile(r"(?<![\w-])[-+−]?(?:nan|inf|infinity|infinite)(?![\w-])", re.IGNORECASE)
_NEGATIVE = re.compile(
    r"(?:(?:(?<=\s)|^)[-−]\s?\$?|\$\s?[-−]\s?|\b(?:minus|negative)\s+\$?)[.]?[0-9][0-9.,]*", re.IGNORECASE
)
_AND_CENTS = re.compile(
    r"(?:\$\s?([0-9]+)|\b([0-9]+)\s?(?:us dollars?|dollars?|bucks?|usd))\s+(?:and\s+)?([0-9]{1,2})\s?cents?\b"
)


def odd_number(text: str) -> str:
    """Return the first thing that looks like a number but is not one we take, or an empty text."""
    for pattern in (_FOREIGN, _NOT_A_NUMBER, _ODD):
        found = pattern.search(text)
        if found:
            return found.group().strip()
    found = _NEGATIVE.search(_WORDS.sub(_to_digits, text.lower()))
    if found:
        return found.group().strip()
    return next((run.group() for run in _RUN.finditer(text) if not _TAKEN.fullmatch(run.group())), "")


def spell_out(text: str) -> str:
    """Return lower-case text with number words as digits: `twenty-five dollars` becomes `25 dollars`."""
    return _AND_CENTS.sub(_with_cents, _WORDS.sub(_to_digits, text.lower()))


def _with_cents(found: re.Match[str]) -> str:
    return f"${found[1] or found[2]}.{found[3].zfill(2)}"


def _to_digits(found: re.Match[str]) -> str:
    tokens = [t for t in re.split(r"[\s-]+", found.group()) if t not in {"and", "a"}]
    if tokens == ["one"] or (
        all(token in _SCALES for token in tokens[:1]) and not found.group().startswith("a")
    ):
        return found.group()
    total = current = 0
    for token in tokens:
        if token in _SCALES:
            scale = _SCALES[token]
            current = max(current, 1) * scale
            if scale > 100:
                total, current = total + current, 0
        else:
            current += _UNITS.get(token, _TENS.get(token, 0))
    return str(total + current)


def scaled(digits: str, scale: str | None) -> str:
    """Return plain decimal text of `1,234.5` or `1.5` with `k`, `m`, `million`."""
    plain = digits.replace(",", "")
    if not (scale or "").strip():
        return f"0{plain}" if plain.startswith(".") else plain
    value = Decimal(plain)
    factor = {"k": 1_000, "m": 1_000_000, "mio": 1_000_000, "million": 1_000_000, "thousand": 1_000}
    return to_wire(value * factor.get((scale or "").strip().lower(), 1))


def cents(digits: str) -> str:
    """Return dollars of a number of cents."""
    return to_wire(Decimal(digits.replace(",", "")) / 100)
