"""Whether a value is what the catalogue says: pure, and exact where money is.

Judge decoded JSON whose numbers were read as `int` and `Decimal`; a float does not fit any kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from venues.gemini.catalogue.kinds import Field, Kind, Word

Shapes = Mapping[str, tuple[Field, ...]]


class Use(StrEnum):
    """Where a value stands: in a good answer, in a signed request, or in a URL, where all is text."""

    ANSWER = "answer"
    REQUEST = "request"
    QUERY = "query"


_TEXTS: Final[Mapping[Word, re.Pattern[str]]] = {
    Word.SYMBOL: re.compile(r"[A-Za-z0-9]{2,24}", re.ASCII),
    Word.CURRENCY: re.compile(r"[A-Za-z0-9]{1,16}", re.ASCII),
    Word.NETWORK: re.compile(r"[A-Za-z0-9-]{2,24}", re.ASCII),
    Word.INTERVAL: re.compile(r"1m|5m|15m|30m|1hr?|6hr?|1d(ay)?", re.ASCII),
    Word.DIGITS: re.compile(r"[0-9]{1,19}", re.ASCII),
    Word.DATE: re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII),
    Word.INSTANT: re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,18}(Z|[+-][0-9]{2}:?[0-9]{2})", re.ASCII),
    Word.UUID: re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII),
}
_DECIMAL: Final = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_SHOWN: Final = 40
"""How much of a value a misfit repeats; enough to find it, too little to spread it."""


def misfits(
    wanted: Kind | Iterable[Field], value: Any, shapes: Shapes, *, use: Use = Use.ANSWER
) -> list[str]:
    """Return what does not fit, each as `path: what was expected, what is there`; empty when all fits.

    `wanted` is a kind, or the fields of an object. A field that nobody named is a misfit too. What stands
    where free text belongs is not repeated, as it may be a secret.
    """
    if isinstance(wanted, Kind):
        return list(_of_kind(wanted, value, shapes, use, ""))
    return list(_of_fields(tuple(wanted), value, shapes, use, ""))


def _of_fields(wanted: tuple[Field, ...], value: Any, shapes: Shapes, use: Use, path: str) -> Iterable[str]:
    if not isinstance(value, Mapping):
        yield _said(path, "an object", value)
        return
    named = {field.name: field for field in wanted}
    for field in wanted:
        if field.is_required and field.name not in value:
            yield f"{_at(path, field.name)}: missing"
    for name, part in value.items():
        if name not in named:
            yield f"{_at(path, str(name)[:_SHOWN])}: not a field of this"
        else:
            yield from _of_kind(named[name].kind, part, shapes, use, _at(path, name))


def _of_kind(wanted: Kind, value: Any, shapes: Shapes, use: Use, path: str) -> Iterable[str]:
    if wanted.any_of:
        found = [list(_of_kind(kind, value, shapes, use, path)) for kind in wanted.any_of]
        yield from min(found, key=len)
    elif wanted.shape:
        yield from _of_fields(shapes[wanted.shape], value, shapes, use, path)
    elif wanted.words:
        if value not in wanted.words:
            yield _said(path, " or ".join(wanted.words), value)
    elif wanted.array_of is not None or wanted.row_of:
        yield from _of_array(wanted, value, shapes, use, path)
    elif wanted.map_of is not None:
        yield from _of_map(wanted.map_of, value, shapes, use, path)
    elif not _is_word(wanted.word, value, use):
        yield _said(path, wanted.word.value, type(value) if wanted.word is Word.TEXT else value)


def _of_array(wanted: Kind, value: Any, shapes: Shapes, use: Use, path: str) -> Iterable[str]:
    if not isinstance(value, list | tuple):
        yield _said(path, "an array", value)
        return
    if wanted.row_of and len(value) != len(wanted.row_of):
        yield f"{path or 'value'}: expected {len(wanted.row_of)} entries, found {len(value)}"
        return
    for index, part in enumerate(value):
        kind = wanted.row_of[index] if wanted.row_of else wanted.array_of
        if kind is not None:
            yield from _of_kind(kind, part, shapes, use, f"{path}[{index}]")


def _of_map(wanted: Kind, value: Any, shapes: Shapes, use: Use, path: str) -> Iterable[str]:
    if not isinstance(value, Mapping):
        yield _said(path, "an object", value)
        return
    for name, part in value.items():
        yield from _of_kind(wanted, part, shapes, use, _at(path, str(name)[:_SHOWN]))


def _is_word(word: Word, value: Any, use: Use) -> bool:
    if word in _TEXTS:
        return isinstance(value, str) and _TEXTS[word].fullmatch(value) is not None
    if word is Word.DECIMAL:
        return isinstance(value, str) and _is_decimal(value, is_signed=use is Use.ANSWER)
    if word in {Word.INT, Word.NUMBER, Word.BOOL} and use is Use.QUERY:
        return isinstance(value, str) and _is_text_of(word, value)
    return _PLAIN[word](value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return value >= 0 if _is_whole(value) else _is_digits(value)


def _is_digits(value: Any) -> bool:
    return isinstance(value, str) and _TEXTS[Word.DIGITS].fullmatch(value) is not None


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, Decimal) and value.is_finite())


_PLAIN: Final[Mapping[Word, Callable[[Any], bool]]] = {
    Word.INT: _is_whole,
    Word.NUMBER: _is_number,
    Word.ID: _is_count,
    Word.TIME: _is_count,
    Word.BOOL: lambda value: isinstance(value, bool),
    Word.TEXT: lambda value: isinstance(value, str),
    Word.FILE: lambda value: isinstance(value, bytes),
    Word.NULL: lambda value: value is None,
    Word.JSON: lambda value: not isinstance(value, float),
}


def _is_text_of(word: Word, text: str) -> bool:
    if word is Word.BOOL:
        return text in {"true", "false"}
    if word is Word.INT:
        return _WHOLE.fullmatch(text) is not None
    return _is_decimal(text, is_signed=True)


def _is_decimal(text: str, *, is_signed: bool) -> bool:
    return _DECIMAL.fullmatch(text.removeprefix("-") if is_signed else text) is not None


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _said(path: str, wanted: str, value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    is_shown = isinstance(value, str | int | Decimal) or value is None
    shown = f"{value!r:.{_SHOWN}}" if is_shown else kind.__name__
    return f"{path or 'value'}: expected {wanted}, found {shown}"
