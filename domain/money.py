"""Money and quantities: exact decimals, parsed once from strict ASCII and written without exponents."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

from domain.errors import BadInputError

CONTEXT = Context(prec=50, traps=[InvalidOperation, DivisionByZero, Overflow])
"""Wide enough for a 12 + 12 digit price times a 12 + 12 digit amount without rounding."""

ZERO = Decimal(0)
ONE = Decimal(1)
BPS = Decimal(10_000)

_STRICT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?", re.ASCII)
_VENUE = re.compile(r"-?[0-9]{1,24}(\.[0-9]{1,24})?", re.ASCII)


def parse_decimal(text: object, what: str = "number") -> Decimal:
    """Parse an order quantity or price: ASCII digits, at most 12 before and 12 after the point.

    Raises `BadInputError` for anything else: signs, exponents, separators, spaces,
    NaN, digits of other scripts, and JSON numbers (money is a string on every wire).
    """
    if not isinstance(text, str) or not _STRICT.fullmatch(text):
        shown = repr(text)[:40]
        raise BadInputError(
            "BAD_NUMBER",
            f"{what} {shown} is not a plain decimal number",
            "Write digits 0-9 with at most one point, such as 0.0015 or 25.",
        )
    return Decimal(text)


def parse_venue_decimal(text: object) -> Decimal:
    """Parse a number that a venue sent as text; wider than what we accept from a person.

    Raises `ValueError` when it is not a finite plain decimal.
    """
    if not isinstance(text, str) or not _VENUE.fullmatch(text):
        raise ValueError(f"not a decimal from the venue: {text!r:.40}")
    return Decimal(text)


def to_wire(value: Decimal) -> str:
    """Write `value` without exponent and without trailing zeros: `1E-8` becomes `0.00000001`."""
    if not value.is_finite():
        raise ValueError(f"not a finite amount: {value}")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `value`."""
    return CONTEXT.multiply((value / step).to_integral_value(rounding=ROUND_FLOOR), step)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of `step` that is not below `value`."""
    return CONTEXT.multiply((value / step).to_integral_value(rounding=ROUND_CEILING), step)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Say whether `value` is an exact multiple of `step`."""
    return CONTEXT.remainder(value, step) == 0
