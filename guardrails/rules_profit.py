"""The profit rule: what a sale must clear, and what an automatic buy must aim at. Our own maths only."""

from __future__ import annotations

from decimal import Decimal

from domain.fees import break_even_price
from domain.instrument import Side
from domain.order import Purpose
from guardrails.case import Case, measure, met, passed, plain, positive, refused
from guardrails.verdict import Check

_SELL_NAMES = ("price", "break_even_price", "average_cost_usd", "fee_bps", "slippage_buffer_bps")
_BUY_NAMES = ("expected_exit", "needed_exit", "fee_bps", "multiple")


def profit(case: Case) -> Check:
    """Judge the order by its purpose.

    A take-profit sale must clear its cost, both fees, half the spread and the slippage buffer. A reduction
    or a stop need not. A buy that no person looks at needs an expected exit that clears
    `profit_fee_multiple` times the round-trip fees.
    """
    if case.draft.side is Side.BUY:
        return _buy(case)
    if case.draft.purpose is not Purpose.TAKE_PROFIT:
        return met("profit", "A reduction or a stop need not make a profit.")
    least = sale_break_even(case)
    price, cost = case.draft.price, case.snapshot.average_cost_usd
    values = (price, least, cost, case.exit_bps, case.limits.slippage_buffer_bps)
    if least is None:
        text = "What the position cost, the fees or the spread are not known, so no profit can be promised."
        return refused("profit", "COST_UNKNOWN", text, _SELL_NAMES, values)
    if price >= least:
        return passed(
            "profit", "The price clears cost, both fees, half the spread and slippage.", _SELL_NAMES, values
        )
    text = (
        f"{plain(price)} does not clear the break-even price {plain(least)}. "
        "Ask for at least that, or say that it is a reduction."
    )
    return refused("profit", "BELOW_BREAK_EVEN", text, _SELL_NAMES, values)


def sale_break_even(case: Case) -> Decimal | None:
    """Return the lowest price, in quote, at which this sale loses nothing; None when it is not known."""
    cost, rate, fee_bps = positive(case.snapshot.average_cost_usd), case.rate, case.exit_bps
    if cost is None or rate is None or fee_bps is None or case.bid is None or case.ask is None:
        return None
    return break_even_price(
        cost_per_unit=cost / rate,
        exit_bps=fee_bps,
        amount=case.draft.amount,
        half_spread=max(case.ask - case.bid, Decimal(0)) / 2,
        slippage_bps=case.limits.slippage_buffer_bps,
        tick=case.draft.instrument.price_tick,
    )


def losing_below(case: Case) -> Decimal | None:
    """Return the lowest price at which this sale, if it fills there, loses nothing: cost and both fees."""
    cost, rate, fee_bps = positive(case.snapshot.average_cost_usd), case.rate, case.exit_bps
    if cost is None or rate is None or fee_bps is None:
        return None
    return break_even_price(
        cost_per_unit=cost / rate,
        exit_bps=fee_bps,
        amount=case.draft.amount,
        tick=case.draft.instrument.price_tick,
    )


def needed_exit(case: Case, multiple: Decimal) -> Decimal | None:
    """Return the lowest exit of this buy that clears `multiple` times all round-trip costs, or None.

    The exit x solves `x - p >= m * (p * entry + x * (exit + slippage) + half spread)`, in quote per unit.
    """
    entry_bps, exit_bps = case.exit_bps, case.taker_bps
    if entry_bps is None or exit_bps is None or case.bid is None or case.ask is None:
        return None
    keep = 1 - multiple * (exit_bps + case.limits.slippage_buffer_bps) / 10_000
    if keep <= 0:
        return None
    half_spread = max(case.ask - case.bid, Decimal(0)) / 2
    return (case.draft.price * (1 + multiple * entry_bps / 10_000) + multiple * half_spread) / keep


def _buy(case: Case) -> Check:
    if not case.is_automatic:
        return met("profit", "A person looks at this buy; its card shows the break-even price.")
    multiple, target = case.limits.profit_fee_multiple, measure(case.draft.expected_exit)
    least = needed_exit(case, multiple)
    values = (target, least, case.taker_bps, multiple)
    if target is None:
        text = "An automatic buy needs an expected exit price."
        return refused("profit", "EXIT_REQUIRED", text, _BUY_NAMES, values)
    if least is None:
        return refused("profit", "COST_UNKNOWN", "The fees or the spread are not known.", _BUY_NAMES, values)
    if target >= least:
        return passed("profit", "The expected exit clears the round-trip fees.", _BUY_NAMES, values)
    text = (
        f"The expected exit {plain(target)} does not clear {plain(multiple)} times the round-trip fees; "
        f"that takes {plain(least)}."
    )
    return refused("profit", "EXIT_TOO_LOW", text, _BUY_NAMES, values)
