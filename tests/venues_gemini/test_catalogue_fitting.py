"""What fits a kind fits, what does not is named with its place, and no float passes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from venues.gemini.catalogue import SHAPES, TABLE
from venues.gemini.catalogue.fitting import Use, misfits
from venues.gemini.catalogue.kinds import Field, Kind, Word, fields, kind

DIGITS = st.from_regex(r"[0-9]{1,19}", fullmatch=True)
WHOLE = st.integers(min_value=-(10**18), max_value=10**18)
NUMBER = WHOLE | st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-9, max_value=9)
VALUES: dict[Word, st.SearchStrategy[Any]] = {
    Word.SYMBOL: st.from_regex(r"[A-Za-z0-9]{2,24}", fullmatch=True),
    Word.CURRENCY: st.sampled_from(["BTC", "usd", "1INCH"]),
    Word.NETWORK: st.sampled_from(["bitcoin", "ethereum"]),
    Word.INTERVAL: st.sampled_from(["1m", "1h", "1hr", "1d", "1day"]),
    Word.DECIMAL: st.from_regex(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", fullmatch=True),
    Word.NUMBER: NUMBER,
    Word.INT: WHOLE,
    Word.ID: DIGITS | st.integers(min_value=0, max_value=10**18),
    Word.DIGITS: DIGITS,
    Word.TIME: DIGITS | st.integers(min_value=0, max_value=10**18),
    Word.DATE: st.dates().map(str),
    Word.INSTANT: st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds") + "Z"),
    Word.BOOL: st.booleans(),
    Word.TEXT: st.text(max_size=9),
    Word.UUID: st.uuids().map(str),
    Word.FILE: st.binary(max_size=9),
    Word.NULL: st.none(),
    Word.JSON: st.none() | st.booleans() | st.text(max_size=9),
}


def value_of(wanted: Kind) -> st.SearchStrategy[Any]:
    if wanted.any_of:
        return st.one_of(*map(value_of, wanted.any_of))
    if wanted.shape:
        return object_of(SHAPES[wanted.shape])
    if wanted.words:
        return st.sampled_from(wanted.words)
    return many_of(wanted)


def many_of(wanted: Kind) -> st.SearchStrategy[Any]:
    if wanted.array_of is not None:
        return st.lists(value_of(wanted.array_of), max_size=2)
    if wanted.row_of:
        return st.tuples(*map(value_of, wanted.row_of)).map(list)
    if wanted.map_of is not None:
        return st.dictionaries(st.text(max_size=4), value_of(wanted.map_of), max_size=2)
    return VALUES[wanted.word]


def object_of(wanted: tuple[Field, ...]) -> st.SearchStrategy[dict[str, Any]]:
    required = {field.name: value_of(field.kind) for field in wanted if field.is_required}
    return st.fixed_dictionaries(
        required, optional={field.name: value_of(field.kind) for field in wanted if not field.is_required}
    )


@given(data=st.data(), name=st.sampled_from(sorted(SHAPES)))
@settings(max_examples=60, deadline=None)
def test_shape_values_built_from_it_fit_and_spoilt_ones_do_not(data: st.DataObject, name: str) -> None:
    value = data.draw(object_of(SHAPES[name]))
    wanted = Kind(shape=name)
    assert misfits(wanted, value, SHAPES) == []
    assert misfits(wanted, {**value, "none_such": 1}, SHAPES) == ["none_such: not a field of this"]
    for field in SHAPES[name]:
        if field.is_required:
            without = {key: part for key, part in value.items() if key != field.name}
            assert misfits(wanted, without, SHAPES) == [f"{field.name}: missing"]


@given(data=st.data(), name=st.sampled_from(sorted(TABLE)))
@settings(max_examples=60, deadline=None)
def test_answer_values_built_from_the_table_fit(data: st.DataObject, name: str) -> None:
    assert misfits(TABLE[name].answer, data.draw(value_of(TABLE[name].answer)), SHAPES) == []


@pytest.mark.parametrize("word", sorted(Word))
def test_float_fits_no_kind(word: str) -> None:
    for use in Use:
        assert misfits(kind(word), 1.0, SHAPES, use=use)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("decimal", "1e5"),
        ("decimal", "1."),
        ("decimal", ".5"),
        ("decimal", "+1"),
        ("decimal", "1,5"),
        ("decimal", "١"),
        ("decimal", "NaN"),
        ("decimal", "1\n"),
        ("decimal", Decimal(1)),
        ("decimal", 1),
        ("number", Decimal("NaN")),
        ("number", "1"),
        ("number", True),
        ("int", True),
        ("int", Decimal(1)),
        ("int", "1"),
        ("id", -1),
        ("id", "1" * 20),
        ("time", "2026-01-01"),
        ("digits", 1),
        ("bool", "true"),
        ("bool", 1),
        ("symbol", "btc-usd"),
        ("uuid", "62b21e17-2534-4b9f-afcf"),
        ("instant", "2026-01-01"),
        ("text", None),
        ("buy/sell", "BUY"),
        ("'ok'", "OK"),
        ("[decimal]", "1"),
        ("[decimal]", {"0": "1"}),
        ("map(decimal)", ["1"]),
        ("<int number>", [1]),
        ("<int number>", [1, 2, 3]),
        ("Money", ["USD", "1"]),
        ("int | null", "1"),
    ],
)
def test_misfit_is_one(text: str, value: object) -> None:
    assert len(misfits(kind(text), value, SHAPES)) == 1


def test_misfits_name_the_place() -> None:
    answer = {"bids": [{"price": 1, "amount": "1", "timestamp": "1"}], "asks": [], "mid": "1"}
    assert misfits(TABLE["book"].answer, answer, SHAPES) == [
        "bids[0].price: expected decimal, found 1",
        "mid: not a field of this",
    ]
    assert misfits(TABLE["candles"].answer, [[1, 2, 3, 4, 5]], SHAPES) == ["[0]: expected 6 entries, found 5"]


def test_request_amount_with_a_sign_refused_and_in_an_answer_taken() -> None:
    wanted = fields("amount*: decimal")
    assert misfits(wanted, {"amount": "-1"}, SHAPES) == []
    assert misfits(wanted, {"amount": "-1"}, SHAPES, use=Use.REQUEST) == [
        "amount: expected decimal, found '-1'"
    ]


def test_query_values_are_texts() -> None:
    wanted = TABLE["trades"].query
    given_text = {"limit_trades": "5", "include_breaks": "true", "timestamp": "1700000000000"}
    assert misfits(wanted, given_text, SHAPES, use=Use.QUERY) == []
    assert len(misfits(wanted, {"limit_trades": 5, "include_breaks": "yes"}, SHAPES, use=Use.QUERY)) == 2
    assert misfits(fields("n: number"), {"n": "-1.5"}, SHAPES, use=Use.QUERY) == []


def test_misfit_of_free_text_or_a_long_value_repeats_little_of_it() -> None:
    assert misfits(kind("text"), 12345, SHAPES) == ["value: expected text, found int"]
    assert max(map(len, misfits(kind("decimal"), "x" * 9999, SHAPES))) < 100
    assert max(map(len, misfits(fields("a: int"), {"x" * 9999: 1}, SHAPES))) < 100
