"""A record's line: canonical, visible, one line, and the same again when read back."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInputError
from memory.record import MAX_DEPTH, Record, clean, encode, parse_line, plain, record_link

ANY_TEXT = st.text(st.characters())  # lone surrogates included
HOSTILE = [
    "\x00",
    "\x1b[2J",
    "\r\n",
    "\x85",
    "\u2028",
    "\u202e",
    "\u2066x\u2069",
    "\ufeff",
    "\ud800",
    "\U000e0041",
]
TEXT = st.one_of(ANY_TEXT, st.lists(st.sampled_from(HOSTILE), max_size=6).map("".join))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT.map(clean), inner, max_size=4),
    max_leaves=12,
)
HIDING = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")


def a_record(**fields) -> Record:
    made = dict.fromkeys(
        [
            "symbol",
            "cause",
            "payload_text",
            "headers_text",
            "decision_text",
            "result_json",
            "error_text",
            "latency_ms",
        ]
    )
    made |= {
        "id": "R-01M7V41F00V3RS3DTR98H6BCFN",
        "ts": "2026-11-20T00:00:00.000000Z",
        "seq": 1,
        "prev": "0" * 64,
        "hash": "f" * 64,
        "kind": "fill",
        "mode": "paper",
        "venue": "paper",
        "source": "desk",
        "redacted": False,
    }
    return Record(**(made | fields))


@given(TEXT.map(clean), JSON.map(plain), st.booleans(), st.none() | st.integers(0, 2**53 - 1))
def test_line_of_any_text_and_result_is_one_visible_line_and_reads_back(text, result, redacted, latency):
    record = a_record(decision_text=text, result_json=result, redacted=redacted, latency_ms=latency)
    line = record.line()
    assert not HIDING.search(line.decode())
    assert len(line.splitlines()) == 1
    assert parse_line(line) == record


@given(TEXT.map(clean), JSON.map(plain))
def test_line_is_sorted_json_without_spaces_that_a_stranger_can_hash(text, result):
    record = a_record(decision_text=text, error_text='","hash":"' + "a" * 64, result_json=result)
    line = record.line()
    loaded = json.loads(line)
    assert list(loaded) == sorted(loaded)
    assert loaded == record.as_json()
    without = re.sub(rb'"hash":"[0-9a-f]{64}",', b"", line, count=1)
    assert sha256(without).hexdigest() == record_link(record).digest


@given(TEXT)
def test_clean_gives_text_that_utf8_can_hold_and_changes_nothing_else(text):
    kept = clean(text)
    kept.encode()
    assert clean(kept) == kept
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert kept == text


def test_lone_surrogate_is_written_out():
    assert clean("a\ud83d") == "a\\ud83d"


def test_encode_escapes_characters_beyond_the_first_plane_as_pairs():
    assert encode("\U000e0041") == '"\\udb40\\udc41"'


class Colour(StrEnum):
    RED = "red"


def test_plain_turns_money_times_and_enums_into_exact_text():
    moment = datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=1)))
    given_value = {"price": Decimal("5E-7"), "at": moment, "side": Colour.RED, "id": 2**63, "n": (1, True)}
    assert plain(given_value) == {
        "price": "0.0000005",
        "at": "2026-11-20T08:30:00.000000Z",
        "side": "red",
        "id": "9223372036854775808",
        "n": [1, True],
    }


def nest(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0.1, "FLOAT_IN_RECORD"),
        ({"a": [float("nan")]}, "FLOAT_IN_RECORD"),
        (Decimal("NaN"), "BAD_NUMBER"),
        (datetime(2026, 1, 1), "NAIVE_TIME"),  # noqa: DTZ001 - what is refused
        ({1: "x"}, "KEY_NOT_TEXT"),
        ({"\ud800": 1, "\\ud800": 2}, "KEYS_COLLIDE"),
        (b"bytes", "NOT_JSON"),
        ({"a", "b"}, "NOT_JSON"),
        (nest(MAX_DEPTH + 1), "RESULT_TOO_DEEP"),
        pytest.param(10**5000, "NUMBER_TOO_WIDE", id="wide"),
    ],
)
def test_plain_refuses_what_it_would_have_to_guess(value, code):
    with pytest.raises(BadInputError) as caught:
        plain(value)
    assert caught.value.code == code
    assert caught.value.cure


def test_plain_takes_the_deepest_result_allowed():
    assert plain(nest(MAX_DEPTH)) == nest(MAX_DEPTH)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        pytest.param(b"[" * 100_000, id="deep"),
        b"\xff",
        b"null",
        a_record().line().replace(b'"seq":1', b'"seq":1.0'),
        a_record().line().replace(b'"seq":1', b'"seq":true'),
        a_record().line().replace(b'"seq":1', b'"seq": 1'),
        a_record().line().replace(b'"redacted":false', b'"redacted":0'),
        a_record().line().replace(b'"redacted":false,', b'"redacted":true,"redacted":false,'),
        a_record().line().replace(b'"result_json":null', b'"result_json":1e5'),
        a_record().line().replace(b'"result_json":null', b'"result_json":NaN'),
        a_record().line().replace(b'"result_json":null', b'"result_json":' + b"[" * 70 + b"]" * 70),
        a_record(decision_text="\x1f").line().replace(b"\\u001f", b"\\u001F"),
        a_record().line() + b" ",
    ],
)
def test_parse_line_refuses_any_other_spelling(line):
    with pytest.raises(ValueError, match=r"."):
        parse_line(line)


def test_clock_times_are_utc():
    assert plain(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00.000000Z"
