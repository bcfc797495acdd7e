"""What an endpoint is made of: the words of the catalogue and the small language of its field lists.

A field list is text: `"symbol*: symbol, side*: buy/sell, options: [text], trades: [OwnTrade]"`. A star marks
what must be there, slashes part the allowed words (quotes hold a single one, `'ok'`), brackets mean an array,
`<int number>` an array of exactly these, `map(decimal)` an object with free keys, ` | ` parts kinds of which
one fits, and a capital letter names a shape of `shapes.SHAPES`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.errors import BadInputError


class Auth(StrEnum):
    """How a call proves who asks."""

    NONE = "none"
    SIGNED = "signed"


class Role(StrEnum):
    """What a key may be allowed to do."""

    TRADER = "Trader"
    FUND_MANAGER = "FundManager"
    AUDITOR = "Auditor"
    ADMINISTRATOR = "Administrator"


class Money(StrEnum):
    """What a call can do to money: nothing, write something else, trade, or move value out or across."""

    READS = "-"
    WRITES = "w"
    TRADES = "$"
    MOVES = "$$"


class RateClass(StrEnum):
    """Which of the venue's rate budgets a call draws on."""

    PUBLIC = "public"
    PRIVATE = "private"
    ADDRESSES = "addresses"
    TRANSFERS = "transfers"
    SOCKET = "socket"


class Host(StrEnum):
    """Which of the venue's hosts serves a call."""

    REST = "rest"
    STREAM = "stream"
    SITE = "site"


class Word(StrEnum):
    """The plain kinds of a value. Decimals and times of day never pass through a float."""

    SYMBOL = "symbol"  # any case, letters and digits
    CURRENCY = "currency"
    NETWORK = "network"  # bitcoin, ethereum, ...
    INTERVAL = "interval"  # of a candle
    DECIMAL = "decimal"  # a string of ASCII digits with at most one point; a sign only in answers
    NUMBER = "number"  # a JSON number
    INT = "int"  # a whole JSON number
    ID = "id"  # up to 19 digits, as a JSON number or as a string
    DIGITS = "digits"  # a whole number written as a string
    TIME = "time"  # seconds or milliseconds since 1970, as a JSON number or as a string
    DATE = "date"  # YYYY-MM-DD
    INSTANT = "instant"  # ISO 8601 with a time of day
    BOOL = "bool"
    TEXT = "text"
    UUID = "uuid"
    FILE = "file"  # not JSON: a spreadsheet
    NULL = "null"
    JSON = "json"  # anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The kind of a value: a plain word, one of `words`, an array, a map, or a named `shape`.

    `row_of` is an array of exactly these kinds in this order, `any_of` means that one of these fits.
    """

    word: Word = Word.JSON
    words: tuple[str, ...] = ()
    array_of: Kind | None = None
    row_of: tuple[Kind, ...] = ()
    map_of: Kind | None = None
    any_of: tuple[Kind, ...] = ()
    shape: str = ""

    def __str__(self) -> str:
        """Write the kind as `kind` reads it."""
        if self.words:
            return "/".join(self.words) if len(self.words) > 1 else f"'{self.words[0]}'"
        if self.any_of:
            return " | ".join(map(str, self.any_of))
        if self.row_of:
            return f"<{' '.join(map(str, self.row_of))}>"
        if self.map_of is not None:
            return f"map({self.map_of})"
        return self.shape or (self.word.value if self.array_of is None else f"[{self.array_of}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a request or an answer."""

    name: str
    kind: Kind
    is_required: bool

    def __str__(self) -> str:
        """Write the field as `fields` reads it."""
        return f"{self.name}{'*' if self.is_required else ''}: {self.kind}"


_NAME: Final = re.compile(r"([A-Za-z_$][A-Za-z0-9_$.]*)(\*?)\s*:\s*(\S.*)")
_PLAIN: Final = frozenset(Word)


def kind(text: str) -> Kind:
    """Read one kind. Raises `ValueError` for a text that is none."""
    parts = _alternatives(text)
    return _one_kind(parts[0]) if len(parts) == 1 else Kind(any_of=tuple(_one_kind(part) for part in parts))


def _one_kind(text: str) -> Kind:
    for opening, closing in (("[", "]"), ("<", ">"), ("map(", ")"), ("'", "'")):
        if text.startswith(opening) and text.endswith(closing):
            return _wrapped(opening, text[len(opening) : -1])
    if text in _PLAIN:
        return Kind(word=Word(text))
    if "/" in text:
        return Kind(words=tuple(word.strip() for word in text.split("/")))
    if text[:1].isupper() and text.isalnum():
        return Kind(shape=text)
    raise ValueError(f"not a kind: {text!r}")


def _wrapped(opening: str, inner: str) -> Kind:
    if opening == "[":
        return Kind(array_of=kind(inner))
    if opening == "<":
        return Kind(row_of=tuple(kind(part) for part in inner.split()))
    if opening == "map(":
        return Kind(map_of=kind(inner))
    return Kind(words=(inner,))


def _alternatives(text: str) -> list[str]:
    depth, parts = 0, [""]
    for character in text:
        depth += (character in "[(<") - (character in "])>")
        if character == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def fields(text: str) -> tuple[Field, ...]:
    """Read a field list. Raises `ValueError` for one that is malformed or names a field twice."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _NAME.fullmatch(part)
        if match is None:
            raise ValueError(f"not a field: {part!r}")
        found.append(Field(name=match[1], kind=kind(match[3]), is_required=bool(match[2])))
    if len({field.name for field in found}) != len(found):
        raise ValueError(f"a field is named twice: {text!r}")
    return tuple(found)


_PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")
PATH_PARTS: Final[Mapping[str, re.Pattern[str]]] = {
    "symbol": re.compile(r"[a-z0-9]{2,24}", re.ASCII),
    "pair": re.compile(r"[A-Z]{6,10}", re.ASCII),
    "interval": re.compile(r"1m|5m|15m|30m|1hr|6hr|1day", re.ASCII),
    "token": re.compile(r"[a-zA-Z0-9]{2,12}", re.ASCII),
    "ticker": re.compile(r"[a-zA-Z0-9]{2,12}", re.ASCII),
    "currency": re.compile(r"[a-zA-Z0-9]{2,12}", re.ASCII),
    "network": re.compile(r"[a-zA-Z0-9-]{2,24}", re.ASCII),
    "timestamp": re.compile(r"[0-9]{9,13}", re.ASCII),
}
"""What may stand for each placeholder of a path: nothing that could change the path's meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One row of the catalogue.

    `method` is `WS` for a socket, and `CALL` for a method of the stream socket, whose `path` is its name.
    `roles` empty: any role will do. `scope` is what an OAuth token needs: a scope, several with a slash of
    which one will do, `any` for any token, empty for a call closed to tokens; ask `opens_to`.
    `is_master_only`: only a group's key may call it. `query` are URL parameters, `request` the fields of the
    signed payload (besides `request`, `nonce` and, for a group's key, `account`). `answer` is the kind of a
    good answer, on a socket of each message; `asks` is the kind of what a client may send on a socket.
    `is_repeatable` is False only where twice is not once. `sim` says where the embedded exchange follows a
    rule of its own because the venue's is not known.
    """

    name: str
    method: str
    path: str
    auth: Auth
    roles: frozenset[Role]
    scope: str
    money: Money
    rate: RateClass
    tier: int
    host: Host = Host.REST
    is_master_only: bool = False
    is_repeatable: bool = True
    query: tuple[Field, ...] = ()
    request: tuple[Field, ...] = ()
    asks: Kind = Kind()
    answer: Kind = Kind()
    sim: str = ""

    def opens_to(self, scopes: frozenset[str]) -> bool:
        """Say whether an OAuth token with these scopes may make this call."""
        wanted = {scope for scope in self.scope.split("/") if scope}
        return wanted == {"any"} or not scopes.isdisjoint(wanted)

    @property
    def path_parts(self) -> tuple[str, ...]:
        """Return the names of the path's placeholders, in order."""
        return tuple(_PLACEHOLDER.findall(self.path))

    def at(self, /, **parts: str) -> str:
        """Return the path with its placeholders filled in.

        Raises `BadInputError` for a part that is missing, unknown, or could change the path's meaning.
        """
        names = self.path_parts
        if set(parts) != set(names):
            raise BadInputError(
                "BAD_PATH_PART",
                f"{self.name} needs exactly these parts of its path: {', '.join(names) or 'none'}",
                "Give each of them once.",
            )
        for name, part in parts.items():
            if not PATH_PARTS[name].fullmatch(part):
                raise BadInputError(
                    "BAD_SYMBOL" if name == "symbol" else "BAD_PATH_PART",
                    f"{name} {part!r:.40} is not a {name}",
                    "Use letters and digits without separators, such as btcusd.",
                )
        return self.path.format(**parts)
