"""For each rule, orders that this rule alone refuses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from domain.ids import ClientOrderId
from domain.instrument import InstrumentStatus
from domain.market import Level
from domain.order import ExecutionOption, OrderDraft, OrderType, Origin, Purpose
from guardrails.snapshot import Consent, ConsentKind, KillState, Mode, Snapshot
from tests.guardrails.world import BTCUSD, DIGEST, NO_CONSENT, D, book, draft, sale, snapshot


@dataclass(frozen=True, kw_only=True)
class Refused:
    rule: str
    code: str
    order: dict[str, Any] = field(default_factory=dict)
    world: dict[str, Any] = field(default_factory=dict)
    is_sale: bool = False

    def put(self) -> tuple[OrderDraft, Snapshot]:
        return (sale if self.is_sale else draft)(**self.order), snapshot(**self.world)

    def __str__(self) -> str:
        return f"{self.rule}-{self.code}-{'sell' if self.is_sale else 'buy'}"


def _r(
    rule: str, code: str, *, is_sale: bool = False, world: dict[str, Any] | None = None, **order: Any
) -> Refused:
    return Refused(rule=rule, code=code, order=order, world=world or {}, is_sale=is_sale)


_OTHER_NAME = replace(BTCUSD, symbol="btcusdt")
_AGENT = {"origin": Origin.AGENT, "expected_exit": D("61500")}

REFUSED = (
    _r("mode", "LIVE_LOCKED", world={"mode": Mode.LIVE}),
    _r("mode", "MODE_UNKNOWN", world={"mode": None}),
    _r("mode", "VENUE_UNKNOWN", world={"account": ""}),
    _r(
        "symbol",
        "BAD_SYMBOL",
        instrument=_OTHER_NAME,
        world={"permitted_symbols": frozenset({"btcusdt"}), "book": book(symbol="btcusdt")},
    ),
    _r("permitted", "SYMBOL_NOT_PERMITTED", world={"permitted_symbols": frozenset({"ethbtc"})}),
    _r("instrument_open", "INSTRUMENT_CLOSED", instrument=replace(BTCUSD, status=InstrumentStatus.CLOSED)),
    _r("instrument_open", "INSTRUMENT_CLOSED", instrument=replace(BTCUSD, status=InstrumentStatus.POST_ONLY)),
    _r("spot", "NOT_SPOT", instrument=replace(BTCUSD, is_spot=False)),
    _r("numbers", "BAD_NUMBER", expected_exit=D("1E+13")),
    _r("numbers", "BAD_NUMBER", expected_exit=D("NaN")),
    _r("price_tick", "OFF_TICK", price=D("60000.005")),
    _r("amount_step", "OFF_STEP", amount=D("0.000400001")),
    _r("minimum", "BELOW_MINIMUM", amount=D("0.000001")),
    _r("order_shape", "BAD_ORDER_SHAPE", client_order_id=ClientOrderId("no spaces")),
    _r("order_shape", "BAD_ORDER_SHAPE", purpose=Purpose.REDUCE),
    _r("order_shape", "BAD_ORDER_SHAPE", is_sale=True, purpose=Purpose.ENTRY),
    _r("order_shape", "BAD_ORDER_SHAPE", stop_price=D("59000")),
    _r("order_shape", "BAD_ORDER_SHAPE", order_type=OrderType.STOP_LIMIT),
    _r("order_shape", "BAD_ORDER_SHAPE", order_type=OrderType.STOP_LIMIT, stop_price=D("60000")),
    _r(
        "order_shape",
        "BAD_ORDER_SHAPE",
        order_type=OrderType.STOP_LIMIT,
        stop_price=D("59000"),
        option=ExecutionOption.FILL_OR_KILL,
    ),
    _r(
        "order_shape",
        "BAD_ORDER_SHAPE",
        is_sale=True,
        purpose=Purpose.STOP,
        order_type=OrderType.STOP_LIMIT,
        stop_price=D("60500"),
    ),
    _r("valuation", "NOTIONAL_MISMATCH", notional_usd=D(23)),
    _r("valuation", "NOTIONAL_MISMATCH", fee_usd=D(1)),
    _r("kill_switch", "KILL_HALTED", world={"kill_state": KillState.HALTED}),
    _r("kill_switch", "KILL_REDUCING", world={"kill_state": KillState.REDUCING}),
    _r("kill_switch", "KILL_UNKNOWN", world={"kill_state": None}),
    _r("kill_switch", "KILL_HALTED", is_sale=True, world={"kill_state": KillState.HALTED}),
    _r("journal", "JOURNAL_FAILED", world={"is_journal_ok": False}),
    _r("order_events", "ORDER_EVENTS_DOWN", world={"is_order_events_ok": False}),
    _r("reconciled", "NOT_RECONCILED", world={"is_reconciled": False}),
    _r("clock", "CLOCK_SKEW", world={"clock_skew_s": 20.5}),
    _r("clock", "CLOCK_SKEW", world={"clock_skew_s": -3600.0}),
    _r("clock", "CLOCK_UNKNOWN", world={"clock_skew_s": None}),
    _r("clock", "CLOCK_UNKNOWN", world={"clock_skew_s": float("nan")}),
    _r("market_present", "NO_MARKET", world={"book": book(symbol="ethusd")}),
    _r("market_synced", "MARKET_UNSYNCED", world={"book": book(synced=False)}),
    _r("market_age", "MARKET_STALE", world={"book": book(age_s=10.001)}),
    _r("market_age", "MARKET_STALE", world={"book": book(age_s=None)}),
    _r("market_age", "MARKET_STALE", world={"book": book(age_s=float("nan"))}),
    _r("market_age", "MARKET_STALE", world={"book": book(age_s=-1.0)}),
    _r(
        "market_crossed",
        "MARKET_CROSSED",
        world={"book": book(bids=(Level(D(60010), D(1)),), asks=(Level(D(59990), D(1)),))},
    ),
    _r("market_jump", "MARKET_JUMP", world={"previous_mid": D(57142)}),
    _r("market_jump", "MARKET_JUMP_UNKNOWN", world={"previous_mid": None}),
    _r(
        "spread",
        "SPREAD_TOO_WIDE",
        world={"book": book(bids=(Level(D(59849), D(1)),), asks=(Level(D(60150), D(1)),))},
    ),
    _r("collar", "PRICE_OUTSIDE_COLLAR", price=D("63000.01")),
    _r("collar", "PRICE_OUTSIDE_COLLAR", price=D("56999.99")),
    _r("collar", "PRICE_OUTSIDE_COLLAR", order_type=OrderType.STOP_LIMIT, stop_price=D("56999.99")),
    _r("self_cross", "SELF_CROSS", world={"own_ask": D("60000")}),
    _r("self_cross", "SELF_CROSS", world={"own_ask": D("NaN")}),
    _r("self_cross", "SELF_CROSS", is_sale=True, world={"own_bid": D("61000")}),
    _r("per_order_usd", "PER_ORDER_USD", amount=D("0.00167")),
    _r("per_symbol_usd", "PER_SYMBOL_USD", world={"asset_exposure_usd": D("275.91")}),
    _r("per_symbol_usd", "PER_SYMBOL_USD_UNKNOWN", world={"asset_exposure_usd": None}),
    _r("per_symbol_usd", "PER_SYMBOL_USD_UNKNOWN", world={"asset_exposure_usd": D(-1)}),
    _r(
        "global_open_plus_filled_day_usd",
        "GLOBAL_OPEN_PLUS_FILLED_DAY_USD",
        world={"global_day_usd": D("975.91")},
    ),
    _r(
        "global_open_plus_filled_day_usd",
        "GLOBAL_OPEN_PLUS_FILLED_DAY_USD_UNKNOWN",
        world={"global_day_usd": None},
    ),
    _r("turnover_day_usd", "TURNOVER_DAY_USD", world={"turnover_day_usd": D("1975.91")}),
    _r("turnover_day_usd", "TURNOVER_DAY_USD_UNKNOWN", world={"turnover_day_usd": D("Infinity")}),
    _r("daily_loss_usd", "DAILY_LOSS_USD", world={"day_pnl_usd": D(-25)}),
    _r("daily_loss_usd", "DAILY_LOSS_USD_UNKNOWN", world={"day_pnl_usd": None}),
    _r("daily_loss_usd", "DAILY_LOSS_USD_UNKNOWN", world={"day_pnl_usd": D("NaN")}),
    _r("drawdown_soft_pct", "DRAWDOWN_SOFT_PCT", world={"drawdown_pct": D(5)}),
    _r("drawdown_hard_pct", "DRAWDOWN_HARD_PCT", origin=Origin.PERSON, world={"drawdown_pct": D(10)}),
    _r("balance", "INSUFFICIENT_BALANCE", world={"available": {"USD": D("24.09")}}),
    _r("balance", "INSUFFICIENT_BALANCE", world={"available": {}}),
    _r("balance", "INSUFFICIENT_BALANCE", is_sale=True, world={"available": {"BTC": D("0.0003")}}),
    _r("balance", "BALANCE_UNKNOWN", world={"available": None}),
    _r("orders_per_rolling_60s", "ORDERS_PER_ROLLING_60S", world={"orders_last_60s": 6}),
    _r("orders_per_rolling_60s", "ORDERS_PER_ROLLING_60S_UNKNOWN", world={"orders_last_60s": None}),
    _r("messages_per_rolling_60s", "MESSAGES_PER_ROLLING_60S", world={"messages_last_60s": 60}),
    _r("messages_per_rolling_60s", "MESSAGES_PER_ROLLING_60S_UNKNOWN", world={"messages_last_60s": -1}),
    _r("max_open_orders", "MAX_OPEN_ORDERS", world={"open_orders": 10}),
    _r("max_open_orders", "MAX_OPEN_ORDERS_UNKNOWN", world={"open_orders": None}),
    _r(
        "max_pending_approvals",
        "MAX_PENDING_APPROVALS",
        world={"consent": NO_CONSENT, "pending_approvals": 20},
    ),
    _r(
        "max_pending_approvals",
        "MAX_PENDING_APPROVALS_UNKNOWN",
        world={"consent": NO_CONSENT, "pending_approvals": None},
    ),
    _r("rejects_in_a_row", "REJECTS_IN_A_ROW", world={"rejects_in_a_row": 5}),
    _r("rejects_in_a_row", "REJECTS_IN_A_ROW_UNKNOWN", world={"rejects_in_a_row": None}),
    _r(
        "repeated_execution_per_hour",
        "REPEATED_EXECUTION_PER_HOUR",
        world={"executions_last_hour": 20},
        **_AGENT,
    ),
    _r(
        "repeated_execution_per_hour",
        "REPEATED_EXECUTION_PER_HOUR_UNKNOWN",
        world={"executions_last_hour": None},
        **_AGENT,
    ),
    _r("duplicate_window_s", "DUPLICATE_ORDER", world={"seconds_since_same_order": 4.999}),
    _r("duplicate_window_s", "DUPLICATE_ORDER_UNKNOWN", world={"seconds_since_same_order": float("nan")}),
    _r("cooldown_s", "COOLDOWN", world={"seconds_since_order_in_symbol": 0.999}),
    _r("cooldown_s", "COOLDOWN_UNKNOWN", world={"seconds_since_order_in_symbol": -1.0}),
    _r("profit", "BELOW_BREAK_EVEN", is_sale=True, price=D("60281.26")),
    _r("profit", "EXIT_REQUIRED", origin=Origin.AGENT),
    _r("profit", "EXIT_TOO_LOW", origin=Origin.AGENT, expected_exit=D("60522.35")),
    _r("profit", "EXIT_REQUIRED", mandate_id="M-1"),
    _r("consent", "CONSENT_MISSING", world={"consent": NO_CONSENT}),
    _r("consent", "CONSENT_KILL_ONLY", world={"consent": Consent(kind=ConsentKind.KILL)}),
    _r("consent", "CONSENT_KILL_ONLY", is_sale=True, world={"consent": Consent(kind=ConsentKind.KILL)}),
    _r(
        "consent",
        "CONSENT_MISMATCH",
        world={"consent": Consent(kind=ConsentKind.PERSON, digest=DIGEST, draft_digest="cd" * 32)},
    ),
    _r("consent", "CONSENT_MISMATCH", world={"consent": Consent(kind=ConsentKind.PERSON)}),
    _r(
        "consent",
        "CONSENT_EXPIRED",
        world={
            "consent": Consent(kind=ConsentKind.PERSON, digest=DIGEST, draft_digest=DIGEST, is_expired=True)
        },
    ),
    _r(
        "consent",
        "CONSENT_NO_MANDATE",
        expected_exit=D("61500"),
        world={"consent": Consent(kind=ConsentKind.MANDATE, digest=DIGEST, draft_digest=DIGEST)},
    ),
)
