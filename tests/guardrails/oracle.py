"""An independent judge of the caps in fractions: knows nothing of the gate's code, only of its promises."""

from __future__ import annotations

from fractions import Fraction

from domain.instrument import Side
from domain.order import OrderDraft, Purpose
from guardrails.limits import Limits
from guardrails.snapshot import Snapshot


def broken_promises(order: OrderDraft, seen: Snapshot, limits: Limits) -> list[str]:
    """Return what sending `order` would break. Only for worlds whose numbers are all known and finite."""
    assert seen.fees is not None
    assert seen.available is not None
    assert seen.book is not None
    rate = Fraction(seen.usd_rates[order.instrument.quote])
    fee = Fraction(max(seen.fees.maker_bps, seen.fees.taker_bps)) / 10_000
    gross = Fraction(order.amount) * Fraction(order.price)
    cost = gross * rate * (1 + fee)
    mid = (Fraction(seen.book.bids[0].price) + Fraction(seen.book.asks[0].price)) / 2
    found = []
    if abs(Fraction(order.price) - mid) * 100 > Fraction(limits.price_collar_pct) * mid:
        found.append("collar")
    if seen.orders_last_60s + 1 > limits.orders_per_rolling_60s:
        found.append("orders")
    if seen.messages_last_60s + 1 > limits.messages_per_rolling_60s:
        found.append("messages")
    if seen.open_orders + 1 > limits.max_open_orders:
        found.append("open")
    if order.side is Side.BUY:
        if gross * (1 + fee) > Fraction(seen.available.get(order.instrument.quote, 0)):
            found.append("balance")
        if Fraction(seen.asset_exposure_usd) + cost > Fraction(limits.per_symbol_usd):
            found.append("per_symbol")
    elif Fraction(order.amount) > Fraction(seen.available.get(order.instrument.base, 0)):
        found.append("balance")
    is_reduction = (
        order.side is Side.SELL
        and order.purpose is not Purpose.ENTRY
        and order.amount <= seen.held
        and seen.average_cost_usd is not None
    )
    if is_reduction:
        return found
    for name, used, cap in (
        ("per_order", 0, limits.per_order_usd),
        ("global", seen.global_day_usd, limits.global_open_plus_filled_day_usd),
        ("turnover", seen.turnover_day_usd, limits.turnover_day_usd),
    ):
        if Fraction(used) + cost > Fraction(cap):
            found.append(name)
    if -Fraction(seen.day_pnl_usd) >= Fraction(limits.daily_loss_usd):
        found.append("loss")
    if Fraction(seen.drawdown_pct) >= Fraction(limits.drawdown_hard_pct):
        found.append("drawdown")
    return found
