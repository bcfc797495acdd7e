"""What an answer may rest on: the numbers, times and ids of tool results and of the person's own words."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent_graph.plain_text import ascii_digits
from domain.clock import parse_rfc3339

LONGEST_INTEGER = 10
"""More digits without a point are an order id, which must be named exactly."""
MAX_DIGITS = 40
"""A longer run of digits is no number anybody reads; it only supports itself, letter by letter."""

NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<sign>[-−])?\$?(?P<digits>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)"
)
_STAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_NOT_NUMBERS = re.compile(
    rf"{_STAMP.pattern}|\b[A-Za-z]{{1,2}}-[0-9A-Za-z]{{16,}}|\b(?=[0-9]*[A-Za-z])[0-9A-Za-z]{{16,}}\b"
    r"|(?<![0-9:])[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?![0-9:])|\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b"
)
"""Times and ids hold digits that say nothing about prices."""
_DAY = re.compile(r"(?<![0-9\-])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_CLOCK = re.compile(r"(?<![0-9:])([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(?![0-9:])")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-:.#]*")
_JOINTS = re.compile(r"[:.#]")
_ENDS = ".:-"
_KEY_DIGITS = re.compile(r"[0-9]+")
_CENTS = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(?:cents?\b|¢|ct\b)", re.IGNORECASE)
_SCALED = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s?(k|m|mio|mn|million|thousand|grand)\b", re.IGNORECASE)
SCALES: Mapping[str, Decimal] = {
    "k": Decimal(1000),
    "thousand": Decimal(1000),
    "grand": Decimal(1000),
    "m": Decimal(1_000_000),
    "mn": Decimal(1_000_000),
    "mio": Decimal(1_000_000),
    "million": Decimal(1_000_000),
    "bn": Decimal(1_000_000_000),
    "b": Decimal(1_000_000_000),
    "billion": Decimal(1_000_000_000),
}

_MODEL_TEXT_KEYS = frozenset({"rationale"})
_APP_KINDS = ("model.", "tool.", "chat.answer")
_APP_TEXT_KEYS = frozenset({"payload_text", "decision_text", "summary"})
_ZONE_KEY = "timezone"


def to_decimal(digits: str) -> Decimal | None:
    """Return the value of `1,234.50`, or None when it is no number of a sensible length."""
    plain = digits.replace(",", "")
    if len(plain) > MAX_DIGITS:
        return None
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) <= MAX_DIGITS else None


def zone(name: str) -> ZoneInfo | None:
    """Return the named time zone, None when this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@dataclass(slots=True)
class Evidence:
    """Grows with the conversation; nothing is ever taken out.

    `numbers` are signed, `magnitudes` their sorted absolute values. `counts` are lengths of lists.
    `clocks` are `HH:MM` and `HH:MM:SS` in UTC and in every known zone, `dates` the days of those moments.
    `said` are the messages of the person, in small letters.
    `tokens` are words that hold a digit, exactly as written: ids, hashes, symbols.
    """

    numbers: set[Decimal] = field(default_factory=set)
    magnitudes: list[Decimal] = field(default_factory=list)
    percents: set[Decimal] = field(default_factory=set)
    counts: set[int] = field(default_factory=set)
    clocks: set[str] = field(default_factory=set)
    dates: set[date] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    zones: dict[str, ZoneInfo] = field(default_factory=dict)
    moments: set[datetime] = field(default_factory=set)

    def add_zone(self, name: str) -> None:
        """From now on, times of results may also be said in this zone."""
        found = zone(name)
        if found is None or name in self.zones:
            return
        self.zones[name] = found
        for moment in self.moments:
            self._say(moment, found)

    def add_person(self, text: str) -> None:
        """Count what the person wrote, in whatever digits."""
        text = ascii_digits(text)
        self.said.append(text.lower())
        for match in _CENTS.finditer(text):
            self._add_scaled(match[1], Decimal("0.01"))
        for match in _SCALED.finditer(text):
            self._add_scaled(match[1], SCALES[match[2].lower()])
        self._add_text(text, set())

    def quotes_person(self, words_of_person: str) -> bool:
        """Say whether these words stand in what the person wrote."""
        return any(words_of_person.lower() in text for text in self.said)

    def add_result(self, result: object, args: object = None, *, is_write: bool = False) -> None:
        """Count a tool's result.

        A number that the model itself put into the arguments of a reading tool, and that nothing
        supported before, does not become true by being echoed.
        """
        echoed: set[Decimal] = set()
        if not is_write and args is not None:
            echoed = {number for number in _numbers_of(args) if not self.has_number(number)}
        self._walk(result, "", echoed)

    def has_number(self, value: Decimal) -> bool:
        """Say whether exactly this magnitude is known."""
        index = bisect_left(self.magnitudes, abs(value))
        return index < len(self.magnitudes) and self.magnitudes[index] == abs(value)

    def within(self, low: Decimal, high: Decimal) -> list[Decimal]:
        """Return the known magnitudes from `low` to `high`."""
        start = bisect_left(self.magnitudes, low)
        found: list[Decimal] = []
        while start < len(self.magnitudes) and self.magnitudes[start] <= high:
            found.append(self.magnitudes[start])
            start += 1
        return found

    def _walk(self, value: object, key: str, echoed: set[Decimal]) -> None:
        if isinstance(value, Mapping):
            self._walk_mapping(value, echoed)
        elif isinstance(value, list | tuple):
            self.counts.add(len(value))
            for item in value:
                self._walk(item, key, echoed)
        elif isinstance(value, str):
            self._add_keyed_text(value, key, echoed)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self._add_keyed_text(format(Decimal(repr(value)), "f"), key, echoed)

    def _walk_mapping(self, value: Mapping[object, object], echoed: set[Decimal]) -> None:
        kind = value.get("kind")
        is_app_record = isinstance(kind, str) and kind.startswith(_APP_KINDS)
        for name, item in value.items():
            text = str(name)
            if text in _MODEL_TEXT_KEYS or (is_app_record and text in _APP_TEXT_KEYS):
                continue
            for digits in _KEY_DIGITS.findall(text):
                self._add_number(Decimal(digits))
            self.tokens.update(_names_in(text))
            if text == _ZONE_KEY and isinstance(item, str):
                self.add_zone(item)
            self._walk(item, text, echoed)

    def _add_keyed_text(self, text: str, key: str, echoed: set[Decimal]) -> None:
        self._add_text(text, echoed)
        if key.endswith("_bps"):
            value = to_decimal(text)
            if value is not None and value not in echoed:
                self.percents.add(value / 100)

    def _add_text(self, text: str, echoed: set[Decimal]) -> None:
        for match in _STAMP.finditer(text):
            self._add_moment(match[0])
        for match in _DAY.finditer(text):
            self._add_day(match[0])
        for match in _CLOCK.finditer(text):
            clock = match[1].zfill(8 if match[1].count(":") == 2 else 5)
            self.clocks.update((clock, clock[:5]))
        for match in NUMBER.finditer(_NOT_NUMBERS.sub(" ", text)):
            value = to_decimal(match["digits"])
            if value is not None and value not in echoed:
                self._add_number(-value if match["sign"] else value)
        self.tokens.update(_names_in(text))

    def _add_scaled(self, digits: str, scale: Decimal) -> None:
        value = to_decimal(digits)
        if value is not None:
            self._add_number(value * scale)

    def _add_number(self, value: Decimal) -> None:
        if value in self.numbers:
            return
        if not self.has_number(value):
            insort(self.magnitudes, abs(value))
        self.numbers.add(value)

    def _add_day(self, text: str) -> None:
        try:
            self.dates.add(date.fromisoformat(text))
        except ValueError:
            return

    def _add_moment(self, text: str) -> None:
        try:
            moment = parse_rfc3339(text)
        except ValueError:
            return
        if moment in self.moments:
            return
        self.moments.add(moment)
        self._say(moment, UTC)
        for known in self.zones.values():
            self._say(moment, known)

    def _say(self, moment: datetime, where: tzinfo) -> None:
        local = moment.astimezone(where)
        self.clocks.update((local.strftime("%H:%M"), local.strftime("%H:%M:%S")))
        self.dates.add(local.date())


def words(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield `(start, end, word)` of every word that holds more than a figure, as `tokens` count them."""
    for match in _TOKEN.finditer(text):
        word = match[0].rstrip(_ENDS)
        if _is_name(word):
            yield match.start(), match.start() + len(word), word


def _names_in(text: str) -> Iterator[str]:
    """Yield the words of a text that `tokens` holds, and their parts."""
    for match in _TOKEN.finditer(text):
        for name in (match[0].rstrip(_ENDS), *_JOINTS.split(match[0])):
            if _is_name(name):
                yield name


def _is_name(word: str) -> bool:
    """Say whether a word with digits is an id, a hash or a symbol rather than a figure."""
    has_digit = any(char.isdigit() for char in word)
    return has_digit and (
        any(char.isalpha() for char in word) or (word.isdigit() and len(word) > LONGEST_INTEGER)
    )


def _numbers_of(value: object) -> Iterator[Decimal]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _numbers_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers_of(item)
    elif isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        for match in NUMBER.finditer(str(value)):
            number = to_decimal(match["digits"])
            if number is not None:
                yield number
