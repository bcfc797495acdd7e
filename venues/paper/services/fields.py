"""One check for every request of these services: the catalogue's row says what must and may be there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from domain.clock import epoch_ms
from domain.errors import BadInputError
from domain.money import parse_decimal
from venues.gemini.catalogue import TABLE
from venues.gemini.catalogue.kinds import Field, Kind, Word
from venues.paper.call import Call, since_ms, whole
from venues.paper.matching.listings import is_symbol
from venues.paper.matching.refusals import RefusedError, invalid_parameter

TEXT_LIMIT: Final = 128

_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "amount": "InvalidQuantity",
        "totalSpend": "InvalidQuantity",
        "price": "InvalidPrice",
        "side": "InvalidSide",
        "symbol": "InvalidSymbol",
    }
)
_CODE: Final = re.compile(r"[A-Za-z0-9]{2,12}", re.ASCII)
_NETWORK: Final = re.compile(r"[A-Za-z0-9-]{2,24}", re.ASCII)
_INSTANT: Final = "a time in milliseconds, or such as 2026-11-20T08:30:00.000Z"
_NUMBER_LIMIT: Final = 10**12
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def checked(name: str, call: Call) -> dict[str, Any]:
    """Return the known fields of a request, read from payload and query as the row `name` describes them.

    Decimals come as `Decimal`, whole numbers as `int`, times in milliseconds, symbols in lower and currencies
    in upper case, dates as `date`; what was not given is absent. Unknown fields are passed over.
    Raises `RefusedError` for a field that is missing or malformed.
    """
    row = TABLE[name]
    found: dict[str, Any] = {}
    for source, fields in ((call.query, row.query), (call.payload, row.request)):
        for field in fields:
            if source.get(field.name) is not None:
                found[field.name] = _read(field, source[field.name], in_query=source is call.query)
            elif field.is_required:
                raise RefusedError("MissingOrderField", f"Required field '{field.name}' was not supplied")
    return found


def positive(amount: Decimal, name: str = "amount") -> Decimal:
    """Return an amount that is above zero."""
    if not amount > 0:
        raise _malformed(name, amount, "a positive amount")
    return amount


def _read(field: Field, value: object, *, in_query: bool) -> Any:
    if in_query and field.kind.word is Word.BOOL:
        value = {"true": True, "false": False}.get(str(value).lower(), value)
    return _read_as(field.kind, field.name, value)


def _read_as(kind: Kind, name: str, value: object) -> Any:
    if kind.any_of:
        *others, last = kind.any_of
        for other in others:
            with suppress(RefusedError):
                return _read_as(other, name, value)
        return _read_as(last, name, value)
    if kind.words:
        if value not in kind.words:
            raise _malformed(name, value, f"one of {', '.join(kind.words)}")
        return value
    return _READERS[kind.word](name, value)


def _malformed(name: str, value: object, wanted: str) -> RefusedError:
    reason = _REASONS.get(name, "InvalidParameterValue")
    return RefusedError(reason, f"Invalid {name} {str(value)[:40]!r}: it must be {wanted}")


def _symbol(name: str, value: object) -> str:
    if not is_symbol(value):
        raise RefusedError("InvalidSymbol", f"Received unsupported {name} '{str(value)[:40]}'")
    return str(value).lower()


def _code(name: str, value: object) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise _malformed(name, value, "a currency code such as BTC")
    return value.upper()


def _network(name: str, value: object) -> str:
    if not isinstance(value, str) or not _NETWORK.fullmatch(value):
        raise _malformed(name, value, "the name of a network such as bitcoin")
    return value


def _decimal(name: str, value: object) -> Decimal:
    try:
        return parse_decimal(value, name)
    except BadInputError as error:
        raise _malformed(name, value, "a decimal number in quotes, such as '0.5'") from error


def _int(name: str, value: object) -> int:
    # Compared before it is touched: arithmetic on 1e999999999 would fail.
    if isinstance(value, Decimal) and 0 <= value < _NUMBER_LIMIT and value == value.to_integral_value():
        value = int(value)
    number = whole(value)
    if number is None:
        raise _malformed(name, value, "a whole number")
    return number


def _number(name: str, value: object) -> Decimal:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | Decimal)
        or not -_NUMBER_LIMIT < value < _NUMBER_LIMIT
    ):
        raise _malformed(name, value, "a JSON number")
    return Decimal(value)


def _instant(name: str, value: object) -> int:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is not None and found.tzinfo is not None:
            return epoch_ms(found)
    except (ValueError, OverflowError) as error:
        raise _malformed(name, value, _INSTANT) from error
    raise _malformed(name, value, _INSTANT)


def _time(name: str, value: object) -> int:
    found = since_ms({name: value}, name)
    assert found is not None, "a value was given"
    return found


def _date(name: str, value: object) -> date:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError as error:
        raise _malformed(name, value, "a day of the calendar") from error
    raise _malformed(name, value, "a date such as 2026-11-20")


def _bool(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _malformed(name, value, "true or false")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > TEXT_LIMIT or not value.isprintable():
        raise _malformed(name, value, f"a text of 1 to {TEXT_LIMIT} printable characters")
    return value


def _uuid(name: str, value: object) -> str:
    try:
        if isinstance(value, str) and len(value) == 36:
            return str(UUID(value))
    except ValueError as error:
        raise _malformed(name, value, "a UUID") from error
    raise _malformed(name, value, "a UUID")


_READERS: Final[Mapping[Word, Callable[[str, object], Any]]] = MappingProxyType(
    {
        Word.SYMBOL: _symbol,
        Word.CURRENCY: _code,
        Word.NETWORK: _network,
        Word.DECIMAL: _decimal,
        Word.NUMBER: _number,
        Word.INT: _int,
        Word.ID: _int,
        Word.TIME: _time,
        Word.INSTANT: _instant,
        Word.DATE: _date,
        Word.BOOL: _bool,
        Word.TEXT: _text,
        Word.UUID: _uuid,
    }
)


def within(values: Mapping[str, Any], name: str, default: int, highest: int) -> int:
    """Return a count between 1 and `highest`, `default` when it is not given."""
    number = values.get(name, default)
    if not isinstance(number, int) or not 1 <= number <= highest:
        raise invalid_parameter(f"{name} must be a whole number from 1 to {highest}")
    return number
