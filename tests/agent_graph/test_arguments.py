"""The decoder of tool arguments: closed, exact, ASCII."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_graph.arguments import decode
from domain.errors import BadInputError
from tests.agent_graph.patient import PATIENT
from tools.registry import BY_NAME

ORDER = BY_NAME["propose_order"]
GOOD = {"symbol": "btcusd", "side": "buy", "notional_usd": "25", "rationale": "asked"}


def test_good_arguments_pass_unchanged():
    assert decode(ORDER, GOOD) == GOOD


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"leverage": "5"}, "UNKNOWN_FIELD"),
        ({"margin_order": True}, "UNKNOWN_FIELD"),
        ({"notional_usd": 25.5}, "BAD_NUMBER"),
        ({"notional_usd": True}, "BAD_NUMBER"),
        ({"notional_usd": float("nan")}, "BAD_NUMBER"),
        ({"notional_usd": float("inf")}, "BAD_NUMBER"),
        ({"notional_usd": "1e400"}, "BAD_NUMBER"),
        ({"notional_usd": "NaN"}, "BAD_NUMBER"),
        ({"notional_usd": "-5"}, "BAD_NUMBER"),
        ({"notional_usd": "٢٥"}, "BAD_NUMBER"),
        ({"notional_usd": " 25"}, "BAD_NUMBER"),
        ({"notional_usd": "25\n"}, "BAD_NUMBER"),
        ({"notional_usd": "1_000"}, "BAD_NUMBER"),
        ({"notional_usd": -25}, "BAD_NUMBER"),
        ({"notional_usd": None}, "ONE_OF"),
        ({"amount": "1"}, "ONE_OF"),
        ({"symbol": "BTCUSD"}, "BAD_ARGUMENTS"),
        ({"symbol": "btcusd\n"}, "BAD_ARGUMENTS"),
        ({"symbol": "ſolusd"}, "BAD_ARGUMENTS"),
        ({"symbol": 5}, "BAD_ARGUMENTS"),
        ({"side": "long"}, "NOT_ALLOWED"),
        ({"order_type": "market"}, "NOT_ALLOWED"),
        ({"options": ["maker-or-cancel", "fill-or-kill"]}, "OUT_OF_RANGE"),
        ({"options": "maker-or-cancel"}, "BAD_ARGUMENTS"),
        ({"rationale": ""}, "OUT_OF_RANGE"),
        ({"rationale": "x" * 501}, "OUT_OF_RANGE"),
        ({"rationale": None}, "MISSING_FIELD"),
    ],
)
def test_bad_arguments_are_refused_with_a_code(change: dict[str, object], code: str):
    with pytest.raises(BadInputError) as refused:
        decode(ORDER, {**GOOD, **change})
    assert refused.value.code == code


def test_whole_numbers_are_exact_and_become_text():
    assert decode(ORDER, {**GOOD, "notional_usd": 25})["notional_usd"] == "25"


def test_raw_text_keeps_every_digit():
    raw = '{"symbol":"btcusd","side":"buy","amount":0.10000000001,"rationale":"x"}'
    assert decode(ORDER, raw)["amount"] == "0.10000000001"


@pytest.mark.parametrize(
    "raw",
    [
        '{"symbol":"btcusd","symbol":"ethusd"}',
        '{"symbol":NaN}',
        "[]",
        "{",
        '{"symbol":"btcusd"} trailing',
        "[" * 20_000,
        " " * 30_000,
    ],
)
def test_raw_text_that_is_not_one_object_is_refused(raw: str):
    with pytest.raises(BadInputError):
        decode(ORDER, raw)


def test_a_value_without_its_name_is_refused():
    with pytest.raises(BadInputError) as refused:
        decode(BY_NAME["limits"], {"value": "5"})
    assert refused.value.code == "MISSING_FIELD"


@pytest.mark.parametrize("depth", [0, 51, 2.5, True, "5", 10**30])
def test_integers_stay_in_range(depth: object):
    with pytest.raises(BadInputError):
        decode(BY_NAME["book"], {"symbol": "btcusd", "depth": depth})


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@PATIENT
@given(
    st.sampled_from(sorted(BY_NAME)),
    st.dictionaries(st.sampled_from([*GOOD, "amount", "price", "x"]), _JSON),
)
def test_anything_decodes_or_is_refused_and_money_is_plain(name: str, given_args: dict[str, object]):
    decoded: dict[str, object] = {}
    with contextlib.suppress(BadInputError):
        decoded = decode(BY_NAME[name], given_args)
    for key in ("amount", "notional_usd", "price"):
        if key in decoded:
            assert Decimal(str(decoded[key])).is_finite()
            assert str(decoded[key]).isascii()
