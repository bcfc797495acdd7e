"""Values that the tests share."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

from domain.clock import ManualClock
from domain.ids import ClientOrderId
from domain.instrument import Instrument, Side
from domain.order import OrderDraft, OrderType, Origin, Purpose
from tests.venues_gemini.fault_server import FaultServer
from venues.gemini.catalogue import RateClass
from venues.gemini.client import GeminiRest
from venues.gemini.session.nonce import NonceSource
from venues.gemini.session.pacing import Allowance, Pacer, Patience
from venues.gemini.signing import Credentials

KEY, SECRET = "account-TESTKEY0123456789", "testsecret0123456789"
START = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
D = Decimal
HASTE = Patience(attempts=3, first_s=0.001, longest_s=0.01)
BTCUSD = Instrument(
    symbol="btcusd",
    base="BTC",
    quote="USD",
    price_tick=D("0.01"),
    amount_step=D("1E-8"),
    min_amount=D("0.00001"),
)


def unhurried() -> Pacer:
    """Return limits that no test reaches."""
    return Pacer({rate: Allowance(per_second=1e6, burst=1000) for rate in RateClass})


def rest(server: FaultServer, **changes: Any) -> GeminiRest:
    clock = ManualClock(START)
    options: dict[str, Any] = {"random": Random(1), "pacer": unhurried(), "patience": HASTE, **changes}
    return GeminiRest(
        server.endpoint,
        options.pop("credentials", Credentials(KEY, SECRET)),
        options.pop("nonces", None) or NonceSource(None, clock),
        clock,
        **options,
    )


def draft(**changes: Any) -> OrderDraft:
    fields: dict[str, Any] = {
        "instrument": BTCUSD,
        "side": Side.BUY,
        "amount": D("0.00041"),
        "price": D("60000.10"),
        "order_type": OrderType.LIMIT,
        "option": None,
        "stop_price": None,
        "purpose": Purpose.ENTRY,
        "expected_exit": None,
        "origin": Origin.PERSON,
        "client_order_id": ClientOrderId("m-01j8zk4n9w3g6y6w0f5t2b7qxa"),
        "notional_usd": D("24.60"),
        "fee_usd": D("0.0984"),
        **changes,
    }
    return OrderDraft(**fields)


def order_json(**changes: Any) -> dict[str, Any]:
    """An order as REST answers it."""
    return {
        "order_id": "147258369147258369",
        "id": "147258369147258369",
        "symbol": "btcusd",
        "exchange": "gemini",
        "avg_execution_price": "0.00",
        "side": "buy",
        "type": "exchange limit",
        "timestamp": "1700000000",
        "timestampms": 1700000000123,
        "is_live": True,
        "is_cancelled": False,
        "is_hidden": False,
        "was_forced": False,
        "executed_amount": "0",
        "client_order_id": "m-01j8zk4n9w3g6y6w0f5t2b7qxa",
        "options": [],
        "price": "60000.10",
        "original_amount": "0.00041",
        "remaining_amount": "0.00041",
        **changes,
    }
