"""Slot filling: what a message names besides its intent. Nothing is guessed; what is not said stays None."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from agent_graph.models.offline import coins
from agent_graph.models.offline.numbers import cents, odd_number, scaled, spell_out

_N = r"([0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_K = r"\s?(k|m|mio|million|thousand)?(?![a-z0-9])"
_DOLLAR_WORD = r"(?:usd|us dollars?|doll?[ae]rs?|bucks?|\$)"
_USD = rf"(?:us)?\$\s?{_N}{_K}|{_N}(?:\s?(k|m|mio|million|thousand))?\s?{_DOLLAR_WORD}(?![a-z/])"
_CENTS = rf"{_N}\s?(?:cents?|¢|c|ct)(?![a-z])"

_RECORD = re.compile(r"\bR-[0-9A-HJKMNP-TV-Z]{26}\b", re.IGNORECASE)
_ORDER_ID = re.compile(r"\b(?:m-[0-9a-z]{20,30}|(?<![.$,])[0-9]{10,20}(?![.,]?[0-9]))\b")
_ORDER_NAMED = re.compile(r"\border\s+(?:id\s+|number\s+|no\.?\s+|#\s?)?([0-9]{3,20}|m-[0-9a-z]{6,30})\b")
_TIME = re.compile(r"(?<![0-9:])([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?\s?([ap]\.?m\.?)?(?![0-9:])")
_HOUR = re.compile(r"\b(1[0-2]|0?[1-9])\s?([ap])\.?m\b\.?")
_PROFIT_VERB = r"(?:profit|gain|plus|up|make|makes|making|earn|earning|earns|win|net|clear)"
_PROFIT = (
    re.compile(rf"{_PROFIT_VERB}(?:\s+(?:me|us))?(?:\s+(?:of|a|at least|just|about))*\s+(?:{_USD}|{_CENTS})"),
    re.compile(rf"profit\s+(?:on|from|with)\s+(?:my\s+)?[a-z/]+\s+(?:of\s+)?(?:{_USD}|{_CENTS})"),
    re.compile(rf"(?:{_USD}|{_CENTS})\s+(?:of\s+)?(?:net\s+)?(?:profit|gain|up|plus)\b"),
)
_PROFIT_WORD = re.compile(r"\b(?:profit|profits|profitable|profitably|gain|in the green|in the plus)\b")
_PRICE_LEAD = (
    r"\bat|@|\blimit(?:\s+(?:of|at|price|order at))*|\bprice\s+(?:of|is)|\bunder|\bbelow|\babove|\bover"
    r"|\bbid(?=\s+\$?[0-9.,]+k?\s+for\b)"
    r"|\bfor\s+no\s+more\s+than|\bno\s+more\s+than|\bnot\s+(?:above|below|under)"
    r"|\b(?:when|if|once)\s+it\s+(?:hits|reaches|is at|drops to|falls to|gets to)"
)
_PRICE_FILLER = r"(?:most\s+|least\s+|exactly\s+|a\s+limit\s+of\s+|a\s+price\s+of\s+|price\s+)?"
_PRICE = re.compile(rf"(?:{_PRICE_LEAD})\s+{_PRICE_FILLER}(?:us)?\$?\s?{_N}{_K}")
_EACH = re.compile(rf"\$?\s?{_N}{_K}\s+(?:each|apiece|a piece|per coin)\b")
_PERCENT = re.compile(rf"{_N}\s?(?:%|percent|per cent)")
_ALL = re.compile(r"\b(?:all|everything|entire|whole|every bit|the lot|full position|completely)\b|\b100\s?%")
_HALF = re.compile(r"\bhalf\b|\b50\s?%")
_QUARTER = re.compile(r"\b(?:a|one) quarter\b(?!\s*-?\s*hour)")
_OPTIONS = (
    ("maker-or-cancel", re.compile(r"\b(?:maker|post)[- ]?only\b|\bmaker[- ]or[- ]cancel\b")),
    ("immediate-or-cancel", re.compile(r"\bimmediate[- ]or[- ]cancel\b|\bioc\b")),
    ("fill-or-kill", re.compile(r"\bfill[- ]or[- ]kill\b|\bfok\b")),
)
_GLUED = re.compile(r"(?<![a-z0-9])([0-9][0-9.,]*|\.[0-9]+)([a-z]{2,12})(?![a-z0-9])", re.IGNORECASE)
_IT = re.compile(
    r"\b(?:it|that|this|them|those|more|again|another|the (?:coins?|position|order|trade|holding|rest))\b"
)
_INTERVALS = (
    ("15m", r"\b15\s?-?(?:m|min|mins|minute)s?\b|\bquarter[- ]hour(?:ly)?\b"),
    ("30m", r"\b30\s?-?(?:m|min|mins|minute)s?\b|\bhalf[- ]hour(?:ly)?\b"),
    ("5m", r"\b5\s?-?(?:m|min|mins|minute)s?\b"),
    ("1m", r"\b1\s?-?(?:m|min|mins|minute)s?\b|\bminute(?:ly)?\b"),
    ("6h", r"\b6\s?-?(?:h|hr|hour)s?\b"),
    ("1h", r"\b1\s?-?(?:h|hr|hour)s?\b|\bhourly\b|\bhour\b"),
    ("1d", r"\b1\s?-?(?:d|day)s?\b|\bdaily\b|\bday candles?\b"),
)
_PERIODS = (
    ("yesterday", r"\byesterday\b"),
    ("today", r"\btoday\b|\bthis day\b|\bso far\b"),
    ("7d", r"\b(?:this|last|past) week\b|\b(?:last |past )?(?:7|seven) days?\b|\b7d\b|\bweekly\b"),
    ("30d", r"\b(?:this|last|past) month\b|\b(?:last |past )?(?:30|thirty) days?\b|\b30d\b|\bmonthly\b"),
    ("all", r"\ball[- ]time\b|\bever\b|\bsince (?:the )?(?:start|beginning)\b|\bof all\b"),
)
_TOP = re.compile(r"\b(?:top|best|first)\s+([0-9]{1,2})\b|\b([0-9]{1,2})\s+(?:best|top)\b")
_DEPTH = re.compile(r"\b([0-9]{1,5})\s+(?:levels?|rows?|deep)\b|\bdepth\s+(?:of\s+)?([0-9]{1,5})\b")
_COUNT = re.compile(
    r"\b([0-9]{1,5})\s+(?!(?:min|minute|hour|day)s?\b)(?:[0-9]+\s?[mhd]\s+)?(?:[a-z]+\s+)?(?:candles?|bars?)\b"
)
_BUY = re.compile(r"\b(?:buy|bought|buying|purchase|purchased|buys|acquire|long|by me|get me)\b")
_SELL = re.compile(
    r"\b(?:sell|sold|selling|sells|sale|short|dump|dumped|exit|offload|offloaded|unload|liquidate"
    r"|cash (?:\w+ )?out|get rid of|let go of|get (?:me |us )?out of)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """What was named. Money and amounts are plain decimal text."""

    text: str
    symbols: tuple[str, ...] = ()
    side: str | None = None
    amount: str | None = None
    notional: str | None = None
    price: str | None = None
    profit: str | None = None
    wants_profit: bool = False
    percent: str | None = None
    time: str | None = None
    order_id: str | None = None
    interval: str | None = None
    period: str | None = None
    top: int | None = None
    depth: int | None = None
    count: int | None = None
    wants_all: bool = False
    wants_half: bool = False
    points_back: bool = False
    bare: str | None = None
    odd: str = ""
    options: tuple[str, ...] = ()
    left: str = ""

    @property
    def symbol(self) -> str | None:
        """Return the only or first symbol."""
        return self.symbols[0] if self.symbols else None

    @property
    def has_size(self) -> bool:
        """Say whether the message says how much."""
        return bool(self.amount or self.notional or self.wants_all or self.wants_half or self.share)

    @property
    def share(self) -> str | None:
        """Return the part of a holding that is meant, in per cent; all of it is `wants_all`."""
        return "50" if self.wants_half and not self.percent else self.percent


class _Rest:
    """The text that no slot has taken yet."""

    def __init__(self, text: str) -> None:
        self.text = text

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.search(self.text)
        if found:
            self.text = f"{self.text[: found.start()]} , {self.text[found.end() :]}"
        return found


def fill(message: str) -> Slots:
    """Read the slots of one message."""
    message = _GLUED.sub(_apart, message)
    named = coins.find(message)
    odd = odd_number(_RECORD.sub(" ", message))
    rest = _Rest(spell_out(message))
    order_id = _order_id(rest)
    time = _clock(rest)
    interval = _first(_INTERVALS, rest.text)
    period = _first(_PERIODS, rest.text)
    counts = [_number(rest, pattern) for pattern in (_TOP, _DEPTH, _COUNT)]
    options = tuple(name for name, pattern in _OPTIONS if rest.take(pattern))
    profit = _profit(rest)
    is_quarter = bool(rest.take(_QUARTER))
    percent = rest.take(_PERCENT)
    price = _price(rest)
    notional = _usd(rest)
    amount = _amount(rest, named)
    lowered = message.lower()
    slots = Slots(
        text=message,
        symbols=tuple(mention.symbol for mention in named),
        side=_side(lowered),
        amount=amount,
        notional=notional,
        price=price,
        profit=profit,
        wants_profit=bool(_PROFIT_WORD.search(lowered)),
        percent=percent[1] if percent else "25" if is_quarter else None,
        time=time,
        order_id=order_id,
        interval=interval,
        period=period,
        top=counts[0],
        depth=counts[1],
        count=counts[2],
        wants_all=bool(_ALL.search(lowered)),
        wants_half=amount is None and bool(_HALF.search(lowered)),
        points_back=bool(_IT.search(lowered)),
        odd=odd,
        options=options,
    )
    return replace(slots, bare=_bare(rest), left=rest.text)


def _apart(found: re.Match[str]) -> str:
    """Part a number from the ticker that is glued to it: `0.01eth`."""
    return f"{found[1]} {found[2]}" if coins.base_of(found[2].lower()) else found[0]


def _order_id(rest: _Rest) -> str | None:
    found = rest.take(_ORDER_NAMED)
    if found:
        return found[1]
    found = rest.take(_ORDER_ID)
    return found.group() if found else None


def _clock(rest: _Rest) -> str | None:
    found = rest.take(_TIME)
    if found:
        return _in_24_hours(int(found[1]), found[2], (found[3] or "")[:1])
    found = rest.take(_HOUR)
    return _in_24_hours(int(found[1]), "00", found[2]) if found else None


def _in_24_hours(hour: int, minute: str, half: str) -> str:
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return f"{hour:02d}:{minute}"


def _first(options: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for name, pattern in options if re.search(pattern, text)), None)


def _number(rest: _Rest, pattern: re.Pattern[str]) -> int | None:
    found = pattern.search(rest.text)
    if found is None:
        return None
    rest.text = rest.text.replace(found.group(), " , ", 1)
    return int(next(group for group in found.groups() if group))


def _profit(rest: _Rest) -> str | None:
    for pattern in _PROFIT:
        found = rest.take(pattern)
        if found:
            return _sum_of(found.groups())
    return None


def _sum_of(groups: tuple[str | None, ...]) -> str:
    """Return dollars from the groups of `_USD` followed by the one of `_CENTS`."""
    if groups[0]:
        return scaled(groups[0], groups[1])
    if groups[2]:
        return scaled(groups[2], groups[3])
    return cents(groups[4] or "0")


def _price(rest: _Rest) -> str | None:
    for pattern in (_PRICE, _EACH):
        found = rest.take(pattern)
        if found:
            return scaled(found[1], found[2])
    return None


_USD_PATTERN = re.compile(_USD)
_CENTS_PATTERN = re.compile(rf"{_N}\s?(?:cents?|¢)(?![a-z])")


def _usd(rest: _Rest) -> str | None:
    found = rest.take(_USD_PATTERN)
    if found:
        return _sum_of((*found.groups(), None))
    found = rest.take(_CENTS_PATTERN)
    return cents(found[1]) if found else None


def _amount(rest: _Rest, named: list[coins.Mention]) -> str | None:
    if not named:
        return None
    found = re.search(rf"{_N}\s*(?:of\s+)?(?:[a-z]+\s+)??([a-z/\-_]{{2,12}})", rest.text)
    while found:
        word = re.split(r"[/\-_]", found[2])[0]
        if coins.base_of(word) or coins.find(found[2]):
            rest.text = rest.text.replace(found[1], " , ", 1)
            return scaled(found[1], None)
        found = re.compile(rf"{_N}\s*(?:of\s+)?([a-z/\-_]{{2,12}})").search(rest.text, found.end())
    if re.search(r"\bhalf an?\b", rest.text):
        return "0.5"
    single = re.search(r"\b(?:a|an|one|1)\s+(?:whole\s+|single\s+|full\s+)?([a-z]+)", rest.text)
    return "1" if single and coins.base_of(single[1]) else None


def _bare(rest: _Rest) -> str | None:
    found = re.search(rf"(?<![\w.,]){_N}{_K}(?![\w.,]*[0-9a-z])", rest.text)
    return scaled(found[1], found[2]) if found else None


def _side(lowered: str) -> str | None:
    buy, sell = _BUY.search(lowered), _SELL.search(lowered)
    if buy and sell:
        return "buy" if buy.start() < sell.start() else "sell"
    return "buy" if buy else "sell" if sell else None
