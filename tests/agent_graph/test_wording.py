"""Figures as people read them, and refusals that say what to do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_graph import wording
from agent_graph.evidence import Evidence
from agent_graph.ground import ground
from agent_graph.models.offline import answers
from agent_graph.remedies import remedies
from guardrails.gate import RULES
from tests.agent_graph.patient import PATIENT


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("9974.965093474552", "$9,974.97"),
        ("10000", "$10,000.00"),
        ("0.25", "$0.25"),
        ("0.0997494880064", "$0.0997"),
        ("0.0158", "$0.0158"),
        ("0.00000123", "$0.0000012"),
        ("-0.20", "-$0.20"),
        ("0", "$0.00"),
        ("-0.00", "$0.00"),
        (None, "unknown"),
    ],
)
def test_dollars_are_rounded_for_reading(given_text: str | None, shown: str):
    assert wording.rounded(given_text) == shown


@pytest.mark.parametrize(
    ("text", "quote", "shown"),
    [
        ("61874.42", "USD", "$61,874.42"),
        ("0.05053", "USD", "$0.05053"),
        ("0.004665", "BTC", "0.004665 BTC"),
        ("65503.02824123456789", "USD", "$65,503.03"),
        ("0.0000001234567891234", "BTC", "0.000000123 BTC"),
        (None, "BTC", "unknown"),
    ],
)
def test_prices_stay_exact_unless_a_division_made_them_endless(text: str | None, quote: str, shown: str):
    assert wording.money(text, quote) == shown


_DECIMALS = st.decimals(
    min_value=-99999999,
    max_value=99999999,
    allow_nan=False,
    allow_infinity=False,
    places=12,
)


@PATIENT
@given(_DECIMALS)
def test_whatever_is_rounded_for_reading_is_supported_by_the_figure_itself(value: Decimal):
    text = format(value, "f")
    known = Evidence()
    known.add_result({"value": text})
    for shown in (
        wording.rounded(text),
        wording.money(text),
        wording.money(text, "BTC"),
        wording.mean_price(text),
        wording.percent(text),
        wording.percent(text, 3),
    ):
        assert not ground(f"It is {shown}.", known).withheld, shown


def test_a_pair_without_a_last_trade_or_a_side_of_the_book_is_told_plainly():
    empty = {"symbol": "zecbtc", "quote": "btc", "bid": None, "ask": None, "mid": None, "last": None}
    assert answers.price_line(empty) == "ZEC/BTC: no price yet"
    half = {**empty, "bid": "0.00464", "source": "the exchange"}
    assert answers.price_line(half) == "ZEC/BTC: bid 0.00464 BTC, from the exchange"


def test_limits_are_shown_as_money_where_they_are_money():
    rows = [
        {"name": "per_order_usd", "value": "100", "unit": "USD", "used": "24.965093474552"},
        {"name": "kill_positions", "value": "flatten", "unit": "word"},
    ]
    assert answers.limits({"limits": rows}).splitlines()[1:] == [
        "- per_order_usd: $100.00, used $24.97",
        "- kill_positions: flatten",
    ]


def test_every_rule_of_the_gate_has_its_advice():
    assert [name for name, _ in RULES if name != "consent" and not remedies([name])] == []


def test_a_refusal_says_refused_each_rule_and_what_to_do():
    checks = [
        {
            "rule": "per_order_usd",
            "ok": False,
            "code": "PER_ORDER_USD",
            "text": "It is 1004 USD, 100 are allowed.",
        },
        {
            "rule": "balance",
            "ok": False,
            "code": "INSUFFICIENT_BALANCE",
            "text": "It needs 1004, 10 are free.",
        },
        {"rule": "consent", "ok": False, "code": "CONSENT_MISSING", "text": "Nobody said yes."},
        {"rule": "spread", "ok": True, "code": "", "text": "Fine."},
    ]
    text = wording.refusal_sentences({"state": "refused", "verdict": {"checks": checks}})
    assert text.startswith("Refused: ")
    assert "- per_order_usd: It is 1004 USD, 100 are allowed." in text
    assert "- balance: It needs 1004, 10 are free." in text
    assert "smaller amount" in text
    assert "said yes" not in text


def test_a_refusal_of_a_halted_desk_names_only_the_way_out():
    checks = [
        {"rule": "kill_switch", "ok": False, "code": "KILL_HALTED", "text": "The desk is halted."},
        {"rule": "cooldown_s", "ok": False, "code": "COOLDOWN", "text": "Wait."},
    ]
    text = wording.refusal_sentences({"state": "refused", "verdict": {"checks": checks}})
    assert "matrix release" in text
    assert "Wait a moment" not in text


def test_a_closing_notice_names_its_order():
    card = {"wire": {"side": "buy", "symbol": "btcusd", "amount": "0.0003821", "price": "65000"}}
    said = wording.outcome_sentences({"state": "expired", "card": card})
    assert said.startswith("The card to buy 0.0003821 BTC expired before it was approved; nothing was sent.")


def test_a_stop_lists_what_it_cancelled_and_explains_the_flatten_card():
    done = {"kill_state": "halted", "cancelled": ["123"], "failed": [], "proposals": [{"id": "P-1"}]}
    said = wording.stopped_sentences(done)
    assert "Cancelled: 123." in said
    assert "the flatten card sells it" in said
