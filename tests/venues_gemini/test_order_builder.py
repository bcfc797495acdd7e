"""The bytes that leave say the draft and nothing else."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInputError
from domain.ids import ClientOrderId
from domain.instrument import Side
from domain.order import ExecutionOption, OrderType
from guardrails.consent import wire_fields
from tests.venues_gemini.samples import BTCUSD, KEY, SECRET, draft
from tools.order_builder import build, check
from venues.gemini.signing import Credentials, SignedRequest, sign

CREDENTIALS = Credentials(KEY, SECRET)
NONCE = 1_700_000_000_000_123
STOP = {"order_type": OrderType.STOP_LIMIT, "stop_price": Decimal(59000)}


def payload(request: SignedRequest) -> dict[str, Any]:
    return dict(json.loads(b64decode(request.headers["X-GEMINI-PAYLOAD"])))


@given(
    amount=st.decimals("0.00000001", "100000", places=8, allow_nan=False),
    price=st.decimals("0.01", "1000000", places=2, allow_nan=False),
    side=st.sampled_from(Side),
    option=st.sampled_from([None, *ExecutionOption]),
)
def test_build_any_limit_order_bytes_say_the_draft(
    amount: Decimal, price: Decimal, side: Side, option: ExecutionOption | None
) -> None:
    wanted = draft(amount=amount, price=price, side=side, option=option)
    signed = build(wanted, CREDENTIALS, NONCE)
    found = payload(signed.request)
    assert found == {"request": "/v1/order/new", "nonce": NONCE, **wire_fields(wanted)}
    assert (Decimal(found["amount"]), Decimal(found["price"])) == (amount, price)
    assert signed.fields == wire_fields(wanted)
    assert signed.client_order_id == wanted.client_order_id
    assert signed.request.nonce == NONCE


def test_build_stop_limit_bytes_say_the_draft() -> None:
    found = payload(build(draft(**STOP), CREDENTIALS, NONCE).request)
    assert (found["type"], found["stop_price"]) == ("exchange stop limit", "59000")
    assert "options" not in found


def forged(**changes: Any) -> SignedRequest:
    fields = {**wire_fields(draft()), **changes}
    return sign(CREDENTIALS, "/v1/order/new", NONCE, {k: v for k, v in fields.items() if v is not None})


@pytest.mark.parametrize(
    "changes",
    [
        {"margin_order": True},
        {"margin_order": False},
        {"account": "primary"},
        {"anything": "else"},
        {"amount": "0.00042"},
        {"amount": 0.00041},
        {"amount": "4.1e-4"},
        {"price": "60000.11"},
        {"side": "sell"},
        {"side": "BUY"},
        {"symbol": "ethusd"},
        {"symbol": "BTCUSD"},
        {"type": "exchange market"},
        {"type": "exchange stop limit"},
        {"stop_price": "59000"},
        {"options": ["immediate-or-cancel"]},
        {"options": ["auction-only"]},
        {"client_order_id": "another"},
        {"client_order_id": None},
        {"price": None},
    ],
)
def test_check_payload_other_than_the_draft_refused(changes: dict[str, Any]) -> None:
    check(forged(), draft())
    with pytest.raises(BadInputError):
        check(forged(**changes), draft())


def test_check_key_twice_refused() -> None:
    good = forged()
    raw = b64decode(good.headers["X-GEMINI-PAYLOAD"])
    for twice in (
        raw.replace(b'"amount":', b'"amount":"9","amount":', 1),
        raw[:-1] + b',"nonce":%d}' % NONCE,
        raw.replace(b",", b", ", 1),
    ):
        headers = {**good.headers, "X-GEMINI-PAYLOAD": b64encode(twice).decode()}
        with pytest.raises(BadInputError, match="one permitted way"):
            check(SignedRequest(good.path, headers, NONCE), draft())


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal(0)},
        {"price": Decimal(0)},
        {"amount": Decimal("1E-13")},
        {"client_order_id": ClientOrderId("with space")},
        {"client_order_id": ClientOrderId("x" * 37)},
        {"stop_price": Decimal(1)},
        {"order_type": OrderType.STOP_LIMIT},
        {**STOP, "option": ExecutionOption.FILL_OR_KILL},
        {
            "instrument": type(BTCUSD)(
                symbol="BTC/USD",
                base="BTC",
                quote="USD",
                price_tick=Decimal(1),
                amount_step=Decimal(1),
                min_amount=Decimal(1),
            )
        },
    ],
)
def test_build_draft_that_makes_no_order_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInputError):
        build(draft(**changes), CREDENTIALS, NONCE)


@pytest.mark.parametrize("nonce", [0, -1])
def test_build_nonce_not_above_zero_refused(nonce: int) -> None:
    with pytest.raises(BadInputError, match="signed order"):
        build(draft(), CREDENTIALS, nonce)
