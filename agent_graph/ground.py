"""Hold an answer to its records: what no tool result and no word of the person supports is withheld.

Every number, time, date, price and id is looked up in the conversation's `Evidence`. A rounding of a
supported number counts, and so does another way of writing it; arithmetic by the model does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agent_graph.evidence import LONGEST_INTEGER, SCALES, Evidence, to_decimal, words
from agent_graph.plain_text import ascii_digits, plain
from agent_graph.sentences import split

NOTE = "I left out a figure I could not support with a record."
RECORD_ID = re.compile(r"\bR-[0-9A-HJKMNP-TV-Z]{26}\b")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|(?-i:May)|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
"""Whole names only: `10 market orders` and `you may sell 5` name no day."""
_TOKEN = re.compile(
    r"(?P<id>\b[A-Za-z]{1,2}-[0-9A-Za-z]{16,}(?:-[0-9A-Za-z]+)*"
    r"|\b(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[0-9A-Za-z]{16,}\b)"
    r"|(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ](?P<stamp_time>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)"
    r"(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    rf"|(?P<day>\b[0-9]{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}(?:,?\s+[0-9]{{4}}\b)?"
    rf"|\b{_MONTH}\s+[0-9]{{1,2}}(?:st|nd|rd|th)?(?:,?\s+[0-9]{{4}})?\b)"
    r"|(?P<clock>(?<![0-9:])[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]+)?(?P<half>\s?[ap]\.?m\b\.?)?)"
    r"|(?P<word>[A-Za-z_][A-Za-z_\-]*[0-9][A-Za-z0-9_\-]*)"
    r"|(?P<sign>(?<![0-9A-Za-z)])[-−+])?(?:[$€£]\s?|USD\s|US\$)?(?P<inner>[-−])?"
    r"(?P<digits>(?:[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e[+-]?[0-9]+)?)"
    r"(?P<unit>\s?%|\s?(?:percent|per cent|bps|basis points|cents?|thousand|million|billion|bn)\b"
    r"|[A-Za-z]+)?",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"^\s*(?:[-*•]\s*)?(?:\(?[0-9]{1,2}[.)]\s+|#[0-9]{1,2}\b)")
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
_PERCENTS = frozenset({"%", "percent", "per cent"})
_MONEY_AFTER = re.compile(r"^\s*(?:usd|dollars?|bucks|cents?|eur|btc|eth|[A-Z]{3,5})\b")
_QUOTED = re.compile(r"“([^”]{1,200})”")
_MOST_DECIMALS = 18
"""A figure with more decimals must be known exactly: nothing is rounded to it."""
_SHORT_WORD = 8
_FEWEST_FIGURES = 2
"""A rounded thousand keeps two figures: 65,000 may stand for 65,240.09, but 100,000 not for 95,200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A sentence that was not released, and what in it had no support."""

    sentence: str
    unsupported: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounded:
    """`sentences` may be shown, in order; `citations` are the record ids they name."""

    sentences: tuple[str, ...]
    withheld: tuple[Withheld, ...]
    citations: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the whole answer."""
        return "".join(self.sentences).strip()


def ground(answer: str, evidence: Evidence) -> Grounded:
    """Judge an answer sentence by sentence."""
    released: list[str] = []
    withheld: list[Withheld] = []
    for sentence in split(plain(answer)):
        missing = unsupported(sentence, evidence)
        if not missing:
            released.append(sentence)
            continue
        withheld.append(Withheld(sentence=sentence.strip(), unsupported=missing))
        if not released or released[-1].strip() != NOTE:
            gap = sentence[len(sentence.rstrip()) :]
            released.append(NOTE + (gap or " "))
    citations = dict.fromkeys(found for sentence in released for found in RECORD_ID.findall(sentence))
    return Grounded(sentences=tuple(released), withheld=tuple(withheld), citations=tuple(citations))


def unsupported(sentence: str, evidence: Evidence) -> tuple[str, ...]:
    """Return the figures of one sentence that nothing supports."""
    text = ascii_digits(sentence)
    text = _LIST_MARK.sub(lambda mark: " " * len(mark.group()), text)
    text = _QUOTED.sub(lambda quote: _without_own_words(quote, evidence), text)
    text = _without_known_words(text, evidence)
    missing = [
        found.group().strip()
        for found in _TOKEN.finditer(text)
        if not _is_supported(found, text[found.end() :], evidence)
    ]
    return tuple(missing)


def _without_own_words(quote: re.Match[str], evidence: Evidence) -> str:
    """Blank a quotation of the person: that they wrote it needs no other proof."""
    return "~" * len(quote.group()) if evidence.quotes_person(quote[1]) else quote.group()


def _without_known_words(text: str, evidence: Evidence) -> str:
    """Blank the ids, digests and names that stand in the evidence letter by letter.

    They are cut out by the very rule that put them into the evidence, so that no digit in them can be
    read as something else.
    """
    for start, end, word in words(text):
        if word in evidence.tokens:
            text = f"{text[:start]}{'~' * (end - start)}{text[end:]}"
    return text


def _is_supported(found: re.Match[str], after: str, evidence: Evidence) -> bool:
    if found["id"]:
        return found["id"] in evidence.tokens
    if found["stamp"]:
        return _is_known_stamp(found, evidence)
    if found["day"]:
        return _is_known_day(found["day"], evidence)
    if found["clock"]:
        return _is_known_clock(found["clock"], found["half"], evidence)
    if found["word"]:
        return _is_known_word(found["word"], evidence)
    return _is_known_number(found, after, evidence)


def _is_known_stamp(found: re.Match[str], evidence: Evidence) -> bool:
    try:
        day = date.fromisoformat(found["stamp"])
    except ValueError:
        return False
    clock = found["stamp_time"]
    return day in evidence.dates and (clock is None or clock in evidence.clocks)


def _is_known_day(text: str, evidence: Evidence) -> bool:
    month = next(i for i, name in enumerate(_MONTHS, 1) if re.search(rf"\b{name}", text, re.IGNORECASE))
    figures = [int(figure) for figure in re.findall(r"[0-9]+", text)]
    years = [figure for figure in figures if figure > 31]
    days = [figure for figure in figures if figure <= 31]
    return any(
        known.month == month and known.day in days and (not years or known.year in years)
        for known in evidence.dates
    )


def _is_known_clock(text: str, half: str | None, evidence: Evidence) -> bool:
    clock = text[: len(text) - len(half)] if half else text
    clock = clock.partition(".")[0].strip()
    hours, _, rest = clock.partition(":")
    if half:
        shift = 12 if half.strip().lower().startswith("p") else 0
        hours = str(int(hours) % 12 + shift)
    return f"{hours.rjust(2, '0')}:{rest}" in evidence.clocks


def _is_known_word(word: str, evidence: Evidence) -> bool:
    if word in evidence.tokens or word.lower() in evidence.tokens:
        return True
    return len(word) < _SHORT_WORD and sum(char.isdigit() for char in word) <= 2


def _is_known_number(found: re.Match[str], after: str, evidence: Evidence) -> bool:
    digits, unit = found["digits"], (found["unit"] or "").strip().lower()
    is_negative = (found["sign"] or found["inner"] or "+") != "+"
    if unit in _ORDINALS or f"{digits}{unit}" in evidence.tokens:
        return True
    if not is_negative and (digits in evidence.tokens or _is_known_count(found, after, evidence)):
        return True
    value = to_decimal(digits)
    if value is None or (digits.isdigit() and len(digits) > LONGEST_INTEGER):
        return False
    return _is_known_value(-value if is_negative else value, _decimals(digits), unit, evidence)


def _is_known_count(found: re.Match[str], after: str, evidence: Evidence) -> bool:
    digits = found["digits"]
    is_bare = not found["unit"] and digits.isdigit() and "$" not in found.group()
    is_short = len(digits) <= LONGEST_INTEGER
    return is_bare and is_short and not _MONEY_AFTER.match(after) and int(digits) in evidence.counts


def _is_known_value(value: Decimal, decimals: int, unit: str, evidence: Evidence) -> bool:
    if decimals > _MOST_DECIMALS:
        return value >= 0 and evidence.has_number(value)
    if unit in _PERCENTS and any(_rounds_to(known, decimals, value) for known in evidence.percents):
        return True
    if unit.startswith("cent") and _matches(value / 100, decimals + 2, evidence):
        return True
    scale = SCALES.get(unit)
    if scale is not None and _matches(value * scale, decimals - len(str(scale)) + 1, evidence):
        return True
    return _matches(value, decimals, evidence)


def _rounds_to(known: Decimal, decimals: int, value: Decimal) -> bool:
    return abs(known - value) <= Decimal(5).scaleb(-decimals - 1) and round(known, decimals) == value


def _decimals(digits: str) -> int:
    return len(digits.partition(".")[2]) if "e" not in digits.lower() else 0


def _matches(value: Decimal, decimals: int, evidence: Evidence) -> bool:
    if value < 0 and not _has_negative(value, decimals, evidence):
        return False
    size = abs(value)
    if evidence.has_number(size):
        return True
    if size == 0:
        return decimals >= 2 and bool(evidence.within(Decimal(0), Decimal(5).scaleb(-decimals - 1)))
    places = [decimals]
    if size >= 1000 and decimals <= 0:
        digits = str(int(size))
        trailing = min(len(digits) - len(digits.rstrip("0")), len(digits) - _FEWEST_FIGURES)
        places = [decimals, *range(-1, -trailing - 1, -1)]
    return any(_is_rounding(size, place, evidence) for place in places)


def _is_rounding(size: Decimal, decimals: int, evidence: Evidence) -> bool:
    half = Decimal(5).scaleb(-decimals - 1)
    figures = len(str(int(size.scaleb(max(decimals, 0)))).strip("0"))
    for known in evidence.within(size - half, size + half):
        gap = abs(known - size)
        is_close = gap * 100 <= known if size >= 1000 else gap * 50 <= known
        if is_close or decimals >= 2 or (figures >= 2 and decimals >= 0):
            return True
    return False


def _has_negative(value: Decimal, decimals: int, evidence: Evidence) -> bool:
    half = Decimal(5).scaleb(-decimals - 1)
    return any(-known in evidence.numbers for known in evidence.within(abs(value) - half, abs(value) + half))
