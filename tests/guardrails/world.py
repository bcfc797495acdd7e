"""A calm market and an order that every rule lets through; tests change one thing at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from domain.fees import FeeTier
from domain.ids import ClientOrderId
from domain.instrument import Instrument, Side
from domain.market import BookView, Level
from domain.order import OrderDraft, OrderType, Origin, Purpose
from guardrails.limits import SHIPPED, parse
from guardrails.snapshot import Consent, ConsentKind, KillState, Mode, Snapshot

D = Decimal
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LIMITS = parse(SHIPPED)
DIGEST = "ab" * 32

BTCUSD = Instrument(
    symbol="btcusd",
    base="BTC",
    quote="USD",
    price_tick=D("0.01"),
    amount_step=D("1E-8"),
    min_amount=D("0.00001"),
)
ETHBTC = Instrument(
    symbol="ethbtc",
    base="ETH",
    quote="BTC",
    price_tick=D("0.00001"),
    amount_step=D("0.000001"),
    min_amount=D("0.001"),
)
BOOK = BookView(
    symbol="btcusd",
    bids=(Level(D("59990"), D(1)),),
    asks=(Level(D("60010"), D(1)),),
    age_s=0.5,
    synced=True,
)
NO_CONSENT = Consent(kind=ConsentKind.NONE)
YES = Consent(kind=ConsentKind.PERSON, digest=DIGEST, draft_digest=DIGEST)
MANDATED = Consent(kind=ConsentKind.MANDATE, digest=DIGEST, draft_digest=DIGEST)
KILL = Consent(kind=ConsentKind.KILL)
TAKER_BPS = D(40)


def draft(**changes: Any) -> OrderDraft:
    """Return a buy of 0.0004 BTC at 60,000 (24 USD), valued as the desk values it unless told otherwise."""
    base: dict[str, Any] = {
        "instrument": BTCUSD,
        "side": Side.BUY,
        "amount": D("0.0004"),
        "price": D("60000"),
        "order_type": OrderType.LIMIT,
        "option": None,
        "stop_price": None,
        "purpose": Purpose.ENTRY,
        "expected_exit": None,
        "origin": Origin.MODEL,
        "client_order_id": ClientOrderId("m-01hzy3m6qk9v6r1d4t8w2x5y7z"),
        "mandate_id": None,
    }
    base.update(changes)
    if "notional_usd" not in base:
        rate = D(60000) if base["instrument"].quote == "BTC" else D(1)
        base["notional_usd"] = base["amount"] * base["price"] * rate
    if "fee_usd" not in base:
        base["fee_usd"] = base["notional_usd"] * TAKER_BPS / 10_000
    return OrderDraft(**base)


def sale(**changes: Any) -> OrderDraft:
    """Return a take-profit sale of 0.0004 BTC at 61,000."""
    return draft(**{"side": Side.SELL, "price": D("61000"), "purpose": Purpose.TAKE_PROFIT, **changes})


_SNAPSHOT = Snapshot(
    mode=Mode.PAPER,
    venue="paper",
    account="primary",
    permitted_symbols=frozenset({"btcusd", "ethbtc"}),
    kill_state=KillState.ACTIVE,
    book=BOOK,
    previous_mid=D("60000"),
    fees=FeeTier(maker_bps=D(20), taker_bps=TAKER_BPS),
    available={"USD": D(10_000), "BTC": D("0.01")},
    usd_rates={"USD": D(1), "BTC": D(60000)},
    held=D("0.01"),
    average_cost_usd=D("60000"),
    asset_exposure_usd=D(0),
    global_day_usd=D(0),
    turnover_day_usd=D(0),
    orders_last_60s=0,
    messages_last_60s=0,
    open_orders=0,
    pending_approvals=0,
    day_pnl_usd=D(0),
    drawdown_pct=D(0),
    rejects_in_a_row=0,
    executions_last_hour=0,
    own_bid=None,
    own_ask=None,
    seconds_since_order_in_symbol=None,
    seconds_since_same_order=None,
    clock_skew_s=0.1,
    is_journal_ok=True,
    is_order_events_ok=True,
    is_reconciled=True,
    consent=YES,
)


def snapshot(**changes: Any) -> Snapshot:
    """Return the calm world with some of it changed."""
    return replace(_SNAPSHOT, **changes)


def book(**changes: Any) -> BookView:
    """Return the calm book with some of it changed."""
    return replace(BOOK, **changes)
