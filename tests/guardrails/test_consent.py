"""Consent: exactly the fields that reach the exchange, and a digest that any change breaks."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInputError
from domain.ids import ClientOrderId
from domain.instrument import Side
from domain.order import ExecutionOption, OrderType, Purpose
from guardrails import consent
from tests.guardrails.world import D, draft, sale

ABOUT: dict[str, str] = {
    "mode": "paper",
    "venue": "paper",
    "account": "primary",
    "expires_at": "2026-11-20T12:02:00.000000Z",
}


def test_limit_order_has_exactly_these_fields() -> None:
    assert consent.wire_fields(draft()) == {
        "symbol": "btcusd",
        "amount": "0.0004",
        "price": "60000",
        "side": "buy",
        "type": "exchange limit",
        "client_order_id": "m-01hzy3m6qk9v6r1d4t8w2x5y7z",
    }


def test_option_and_stop_price_are_there_only_when_set() -> None:
    option = consent.wire_fields(draft(option=ExecutionOption.IMMEDIATE_OR_CANCEL))
    assert option["options"] == ["immediate-or-cancel"]
    stop = consent.wire_fields(
        sale(order_type=OrderType.STOP_LIMIT, stop_price=D("59000"), purpose=Purpose.STOP)
    )
    assert stop["stop_price"] == "59000"
    assert "options" not in stop
    assert "stop_price" not in consent.wire_fields(draft(stop_price=D("59000")))


def test_small_amount_is_written_without_exponent() -> None:
    assert consent.wire_fields(draft(amount=D("1E-8")))["amount"] == "0.00000001"


def test_canonical_bytes_are_sorted_json_without_spaces() -> None:
    raw = consent.canonical_bytes(consent.wire_fields(draft()), **ABOUT)
    text = raw.decode("utf-8")
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert sorted(json.loads(text)) == ["account", "expires_at", "fields", "mode", "venue"]
    assert json.loads(text)["fields"] == consent.wire_fields(draft())
    assert consent.digest(consent.wire_fields(draft()), **ABOUT) == hashlib.sha256(raw).hexdigest()


OTHERS: tuple[dict[str, Any], ...] = (
    {"amount": D("0.0005")},
    {"price": D("60000.01")},
    {"side": Side.SELL},
    {"client_order_id": ClientOrderId("m-other")},
    {"option": ExecutionOption.MAKER_OR_CANCEL},
    {"order_type": OrderType.STOP_LIMIT},
    {"order_type": OrderType.STOP_LIMIT, "stop_price": D("1")},
)


def test_digest_changes_with_each_field_and_each_circumstance() -> None:
    fields = consent.wire_fields(draft())
    digests = [consent.digest(fields, **ABOUT)]
    digests += [consent.digest(consent.wire_fields(draft(**other)), **ABOUT) for other in OTHERS]
    digests += [consent.digest(fields, **{**ABOUT, name: f"{value}x"}) for name, value in ABOUT.items()]
    assert len(set(digests)) == len(digests)


@given(st.sampled_from(sorted(consent.WIRE_KEYS)), st.text(max_size=20), st.text(max_size=20))
def test_two_values_of_a_field_never_share_a_digest(name: str, one: str, other: str) -> None:
    if one != other:
        assert consent.digest({name: one}, **ABOUT) != consent.digest({name: other}, **ABOUT)


@pytest.mark.parametrize("name", ["margin_order", "leverage", "nonce", "request", "Symbol", ""])
def test_field_that_no_order_may_carry_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match="may not carry") as caught:
        consent.canonical_bytes({**consent.wire_fields(draft()), name: True}, **ABOUT)
    assert caught.value.code == "PAYLOAD_KEY"
