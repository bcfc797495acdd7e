"""Rules about how much: USD caps with the worst-case fee inside, losses, and what the account can pay.

Caps, losses and drawdown bound entries. A sale that reduces a position of ours passes them, because
holding it back would keep the risk; its numbers are shown all the same.
"""

from __future__ import annotations

from decimal import Decimal

from domain.instrument import Side
from domain.money import ZERO
from domain.order import Origin
from guardrails.case import Case, acquired, dollars, measure, passed, plain, refused
from guardrails.verdict import Check

_NAMES = ("used_usd", "order_usd", "limit_usd")


def per_order(case: Case) -> Check:
    """Require that the order with its fee is within `per_order_usd`."""
    return _cap(case, "per_order_usd", ZERO, case.limits.per_order_usd, "One order")


def per_symbol(case: Case) -> Check:
    """Require that the exposure in the asset this order adds to is within `per_symbol_usd`.

    A sale into a coin adds to that coin: ETH sold for BTC is BTC bought.
    """
    used, limit = measure(case.snapshot.asset_exposure_usd), case.limits.per_symbol_usd
    instrument = case.draft.instrument
    if acquired(case.draft.side, instrument.base, instrument.quote) is None:
        return passed("per_symbol_usd", "A sale adds nothing to this asset.", _NAMES, (used, ZERO, limit))
    return _cap(case, "per_symbol_usd", used, limit, "What is held, open and bought of this asset")


def global_day(case: Case) -> Check:
    """Require that open, unknown and filled of the day are within `global_open_plus_filled_day_usd`."""
    rule = "global_open_plus_filled_day_usd"
    used, limit = measure(case.snapshot.global_day_usd), case.limits.global_open_plus_filled_day_usd
    return _cap(case, rule, used, limit, "What is open and was filled today")


def turnover(case: Case) -> Check:
    """Require that the day's turnover with this order is within `turnover_day_usd`."""
    used, limit = measure(case.snapshot.turnover_day_usd), case.limits.turnover_day_usd
    return _cap(case, "turnover_day_usd", used, limit, "Today's turnover")


def daily_loss(case: Case) -> Check:
    """Require that the day has lost less than `daily_loss_usd`."""
    pnl, limit = case.snapshot.day_pnl_usd, case.limits.daily_loss_usd
    names, values = ("day_pnl_usd", "limit_usd"), (pnl, limit)
    if case.is_exit:
        return passed("daily_loss_usd", "An exit passes the loss limit.", names, values)
    if not isinstance(pnl, Decimal) or not pnl.is_finite():
        text = "Today's profit or loss is not known."
        return refused("daily_loss_usd", "DAILY_LOSS_USD_UNKNOWN", text, names, values)
    if -pnl < limit:
        return passed("daily_loss_usd", "Today's loss is within its limit.", names, values)
    text = f"Today has lost {dollars(-pnl)} USD of {plain(limit)}; only exits pass until 00:00 UTC."
    return refused("daily_loss_usd", "DAILY_LOSS_USD", text, names, values)


def drawdown_soft(case: Case) -> Check:
    """Require less than `drawdown_soft_pct` below the peak, unless a person ordered it without a model."""
    is_let_through = case.is_exit or case.draft.origin is Origin.PERSON
    text = "only a person's own orders and exits pass"
    return _drawdown(case, "drawdown_soft_pct", case.limits.drawdown_soft_pct, is_let_through, text)


def drawdown_hard(case: Case) -> Check:
    """Require less than `drawdown_hard_pct` below the peak."""
    return _drawdown(
        case, "drawdown_hard_pct", case.limits.drawdown_hard_pct, case.is_exit, "only exits pass"
    )


def balance(case: Case) -> Check:
    """Require that the free balance pays for the order, with the worst-case fee on a buy."""
    draft, available = case.draft, case.snapshot.available
    is_buy = draft.side is Side.BUY
    currency = draft.instrument.quote if is_buy else draft.instrument.base
    names = ("needed", "available")
    if available is None or case.taker_bps is None:
        text = "The balances or the fee rates are not known yet."
        return refused("balance", "BALANCE_UNKNOWN", text, names, (None, None))
    free = measure(available.get(currency, ZERO))
    needed = draft.amount
    if is_buy:
        gross = draft.amount * draft.price
        needed = gross + gross * case.taker_bps / 10_000
    values = (needed, free)
    if free is not None and needed <= free:
        return passed("balance", f"The free {currency} pays for it.", names, values)
    text = f"It needs {plain(needed)} {currency}, and {plain(free)} are free."
    return refused("balance", "INSUFFICIENT_BALANCE", text, names, values)


def _cap(case: Case, rule: str, used: Decimal | None, limit: Decimal, what: str) -> Check:
    order = case.cost_usd
    values = (used, order, limit)
    if case.is_exit:
        return passed(rule, "An exit reduces risk; this cap bounds entries.", _NAMES, values)
    if used is None or order is None:
        text = f"{what} in USD is not known."
        return refused(rule, f"{rule.upper()}_UNKNOWN", text, _NAMES, values)
    if used + order <= limit:
        return passed(rule, "It is within the cap, worst-case fee included.", _NAMES, values)
    text = f"{what} would be {dollars(used + order)} USD with fees, and {plain(limit)} are allowed."
    return refused(rule, rule.upper(), text, _NAMES, values)


def _drawdown(case: Case, rule: str, limit: Decimal, is_let_through: bool, what: str) -> Check:
    below = measure(case.snapshot.drawdown_pct)
    names, values = ("drawdown_pct", "limit_pct"), (below, limit)
    if case.is_exit:
        return passed(rule, "An exit passes the drawdown limits.", names, values)
    if below is None:
        text = "How far the account is below its peak is not known."
        return refused(rule, f"{rule.upper()}_UNKNOWN", text, names, values)
    if below < limit or is_let_through:
        return passed(rule, "The account is near enough to its peak, or a person ordered it.", names, values)
    text = f"The account is {plain(below)} % below its peak, and the limit is {plain(limit)} %; {what}."
    return refused(rule, rule.upper(), text, names, values)
