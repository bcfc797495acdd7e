"""What all parsers share: exact numbers, symbols, and the one list of what "cannot be read" means."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from domain.ids import ClientOrderId
from domain.instrument import SYMBOL
from domain.money import ZERO

UNREADABLE: Final = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
"""What parsing raises for a body that does not fit, or is nested without end."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = 30  # decimal exponents beyond this are no money
_T = TypeVar("_T")


def list_of(kind: type[_T]) -> Callable[[bytes], list[_T]]:
    """Return a reader of arrays of `kind` that takes null for an empty one."""
    decode = msgspec.json.Decoder(list[kind] | None).decode  # type: ignore[valid-type]  # a run-time type

    def read(body: bytes) -> list[_T]:
        found: list[_T] | None = decode(body)
        return found or []

    return read


def exact(value: Decimal) -> Decimal:
    """Return `value` if money can have it: finite and of a sane size. Raises `ValueError` otherwise."""
    if not value.is_finite() or abs(value.adjusted()) > _FAR:
        raise ValueError("not a number that money can have")
    return value


def positive(value: Decimal) -> Decimal:
    """Return `exact(value)` if it is above zero, as prices and traded amounts are. Raises `ValueError`."""
    if exact(value) <= ZERO:
        raise ValueError("not above zero")
    return value


def maybe(value: Decimal | None) -> Decimal | None:
    """Return `exact(value)`, or None."""
    return None if value is None else exact(value)


def or_zero(value: Decimal | None) -> Decimal:
    """Return `exact(value)`, or 0 for what was left out."""
    return ZERO if value is None else exact(value)


def symbol_of(text: str) -> str:
    """Return the symbol in lower case. Raises `ValueError` when it is none."""
    symbol = text.lower()
    if not SYMBOL.fullmatch(symbol):
        raise ValueError("not a symbol")
    return symbol


def client_id(text: str | None) -> ClientOrderId | None:
    """Return the client order id, None for a missing or empty one."""
    return ClientOrderId(text) if text else None


def moment(value: int) -> datetime:
    """Return the time of `value` since 1970 in s, ms, us or ns, told apart by size, whole microseconds.

    The sockets mix units, and not every page says which. Raises `ValueError` for no time at all.
    """
    for limit, per_second in ((10**11, 1), (10**14, 10**3), (10**17, 10**6), (10**20, 10**9)):
        if 0 <= value < limit:
            return _EPOCH + timedelta(microseconds=value * 10**6 // per_second)
    raise ValueError("not a time")
