"""Money: the strict grammar, exact steps, and text without exponents."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInputError
from domain.money import (
    ceil_to,
    floor_to,
    is_multiple,
    parse_decimal,
    parse_venue_decimal,
    to_wire,
)

STEPS = st.sampled_from([Decimal(step) for step in ("1E-9", "1E-8", "0.00001", "0.01", "0.5", "1", "1000")])
AMOUNTS = st.decimals(min_value=0, max_value=999_999_999_999, places=12)


@pytest.mark.parametrize("text", ["0", "25", "0.0015", "999999999999.999999999999", "007"])
def test_plain_number_is_read(text: str) -> None:
    assert parse_decimal(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " 5", "5 ", "5\n", "+5", "-5", "1e3", "1e400", "NaN", "Infinity", "1_000", "1,000", ".5", "5.",
        "0x10", "٣", "５", "१", "1" * 13, "0." + "1" * 13, "5.5.5", "½", "1\u200b", None, 5, 5.0, True,
        Decimal(5), b"5", [],
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_the_cure(text: Any) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_decimal(text, "amount")
    assert caught.value.code == "BAD_NUMBER"
    assert caught.value.message.startswith("amount")
    assert caught.value.cure


@pytest.mark.parametrize("text", ["-1.5", "123456789012345678901234.5", "0.000000000000000000000001"])
def test_venue_may_send_wider_numbers(text: str) -> None:
    assert parse_venue_decimal(text) == Decimal(text)


@pytest.mark.parametrize("text", ["1e3", "NaN", "", " 1", "٣", None, 1, 1.5])
def test_venues_nonsense_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="not a decimal"):
        parse_venue_decimal(text)


@given(AMOUNTS)
def test_wire_text_is_read_back_the_same(value: Decimal) -> None:
    text = to_wire(value)
    assert parse_decimal(text) == value
    assert "E" not in text
    assert "." not in text or text[-1] not in "0."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E-8", "0.00000001"),
        ("1E+3", "1000"),
        ("25.500", "25.5"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("-1.50", "-1.5"),
    ],
)
def test_wire_text_has_no_exponent_and_no_trailing_zeros(value: str, text: str) -> None:
    assert to_wire(Decimal(value)) == text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_never_written(value: str) -> None:
    with pytest.raises(ValueError, match="not a finite"):
        to_wire(Decimal(value))


@given(st.decimals(min_value=0, max_value=10**9, places=10), STEPS)
def test_rounding_ends_on_the_nearest_step_in_its_direction(value: Decimal, step: Decimal) -> None:
    down, up = floor_to(value, step), ceil_to(value, step)
    for edge in (down, up):
        assert is_multiple(edge, step)
        assert (Fraction(edge) / Fraction(step)).denominator == 1
    assert down <= value <= up
    assert up - down in {Decimal(0), step}
    assert (up == down) is is_multiple(value, step)
