"""The gate: every rule over one order, in fixed order, each answer with its numbers. Pure and total."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, localcontext

from domain.instrument import Side
from domain.order import OrderDraft, Origin, Purpose
from guardrails import rules_caps, rules_market, rules_order, rules_profit, rules_state
from guardrails.case import EXACT, Case, dollars, measure, plain, refused
from guardrails.limits import Limits
from guardrails.snapshot import Snapshot
from guardrails.verdict import Check, Verdict

Rule = Callable[[Case], Check]

_LOSS_ALLOWED = frozenset({Purpose.REDUCE, Purpose.STOP})

RULES: tuple[tuple[str, Rule], ...] = (
    ("mode", rules_order.mode),
    ("symbol", rules_order.symbol),
    ("permitted", rules_order.permitted),
    ("instrument_open", rules_order.instrument_open),
    ("spot", rules_order.spot),
    ("numbers", rules_order.numbers),
    ("price_tick", rules_order.price_tick),
    ("amount_step", rules_order.amount_step),
    ("minimum", rules_order.minimum),
    ("order_shape", rules_order.order_shape),
    ("valuation", rules_order.valuation),
    ("kill_switch", rules_state.kill_switch),
    ("journal", rules_state.journal),
    ("order_events", rules_state.order_events),
    ("reconciled", rules_state.reconciled),
    ("clock", rules_state.clock),
    ("market_present", rules_market.market_present),
    ("market_synced", rules_market.market_synced),
    ("market_age", rules_market.market_age),
    ("market_crossed", rules_market.market_crossed),
    ("market_jump", rules_market.market_jump),
    ("spread", rules_market.spread),
    ("collar", rules_market.collar),
    ("self_cross", rules_market.self_cross),
    ("per_order_usd", rules_caps.per_order),
    ("per_symbol_usd", rules_caps.per_symbol),
    ("global_open_plus_filled_day_usd", rules_caps.global_day),
    ("turnover_day_usd", rules_caps.turnover),
    ("daily_loss_usd", rules_caps.daily_loss),
    ("drawdown_soft_pct", rules_caps.drawdown_soft),
    ("drawdown_hard_pct", rules_caps.drawdown_hard),
    ("balance", rules_caps.balance),
    ("orders_per_rolling_60s", rules_state.orders_per_minute),
    ("messages_per_rolling_60s", rules_state.messages_per_minute),
    ("max_open_orders", rules_state.open_orders),
    ("max_pending_approvals", rules_state.pending_approvals),
    ("rejects_in_a_row", rules_state.rejects),
    ("repeated_execution_per_hour", rules_state.repeated_execution),
    ("duplicate_window_s", rules_state.duplicate),
    ("cooldown_s", rules_state.cooldown),
    ("profit", rules_profit.profit),
    ("consent", rules_state.consent),
)
"""Every rule by the name that its check carries. The gate has no other way to say yes."""


def decide(draft: OrderDraft, snapshot: Snapshot, limits: Limits, now: datetime) -> Verdict:
    """Judge one order. Never raises: what a rule cannot compute, that rule refuses as `RULE_FAILED`."""
    checks: list[Check] = []
    with localcontext(EXACT):
        case = Case(draft, snapshot, limits, now)
        for name, rule in RULES:
            try:
                checks.append(rule(case))
            except Exception as error:  # noqa: BLE001 - whatever goes wrong in a rule is its refusal
                text = f"This rule could not be computed ({type(error).__name__}), so the order is refused."
                checks.append(refused(name, "RULE_FAILED", text))
        return Verdict(checks=tuple(checks), warnings=_warnings(case))


def _warnings(case: Case) -> tuple[str, ...]:
    found: list[str] = []
    for warn in (_warn_loss, _warn_exit, _warn_large_exit, _warn_drawdown):
        try:
            text = warn(case)
        except Exception:  # noqa: BLE001 - a warning only adds to a card; the refusals do not depend on it
            text = "One of the warnings could not be worked out for this order."
        if text:
            found.append(text)
    return tuple(found)


def _warn_loss(case: Case) -> str | None:
    # A take-profit sale below break-even is refused, which says it already.
    if case.draft.side is not Side.SELL or case.draft.purpose not in _LOSS_ALLOWED:
        return None
    least = rules_profit.losing_below(case)
    if least is None:
        return "What this position cost is not known, so whether the sale makes a profit is not known either."
    if case.draft.price >= least:
        return None
    return f"Below break-even: fees included, this sale loses money under {plain(least)}."


def _warn_exit(case: Case) -> str | None:
    if case.draft.side is not Side.BUY or case.draft.expected_exit is None or case.is_automatic:
        return None
    least = rules_profit.needed_exit(case, Decimal(1))
    if least is None or case.draft.expected_exit >= least:
        return None
    return (
        f"The expected exit {plain(case.draft.expected_exit)} would not pay the fees of buying and selling; "
        f"that takes {plain(least.quantize(Decimal('1E-8')))}."
    )


def _warn_large_exit(case: Case) -> str | None:
    cost, limit = case.cost_usd, case.limits.per_order_usd
    if not case.is_exit or cost is None or cost <= limit:
        return None
    return (
        f"This exit is worth {dollars(cost)} USD, more than the {plain(limit)} USD that one entry may cost."
    )


def _warn_drawdown(case: Case) -> str | None:
    below, limit = measure(case.snapshot.drawdown_pct), case.limits.drawdown_soft_pct
    if below is None or below < limit or case.draft.origin is not Origin.PERSON:
        return None
    return f"The account is {plain(below)} % below its peak; agents and the model may not open positions now."
