"""Fees and break-even: at the price that is named nothing is lost, one tick below something is."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.fees import break_even_price, fee, round_trip_pct
from domain.money import is_multiple

D = Decimal
PRICES = st.decimals(min_value=D("0.01"), max_value=200_000, places=2)
AMOUNTS = st.decimals(min_value=D("0.00001"), max_value=100, places=8)
RATES = st.decimals(min_value=0, max_value=200, places=1)


@given(
    cost=PRICES,
    amount=AMOUNTS,
    exit_bps=RATES,
    slippage=RATES,
    profit=st.decimals(0, 100, places=2),
    half=st.decimals(0, 50, places=2),
)
def test_break_even_is_the_lowest_tick_that_leaves_the_profit(
    *, cost: Decimal, amount: Decimal, exit_bps: Decimal, slippage: Decimal, profit: Decimal, half: Decimal
) -> None:
    tick = D("0.01")
    price = break_even_price(
        cost_per_unit=cost,
        exit_bps=exit_bps,
        amount=amount,
        profit=profit,
        half_spread=half,
        slippage_bps=slippage,
        tick=tick,
    )

    def left(at: Decimal) -> Fraction:
        keep = 1 - Fraction(exit_bps + slippage) / 10_000
        return Fraction(amount) * (Fraction(at) * keep - Fraction(half) - Fraction(cost)) - Fraction(profit)

    assert is_multiple(price, tick)
    # The division inside is rounded at 50 digits, far below a tick.
    assert left(price) >= -Fraction(1, 10**30)
    assert left(price - tick) < 0


def test_known_break_even() -> None:
    price = break_even_price(
        cost_per_unit=D("60240"),
        exit_bps=D(40),
        amount=D("0.0004"),
        profit=D("0.25"),
        half_spread=D(10),
        slippage_bps=D(5),
        tick=D("0.01"),
    )
    assert price == D("61150.18")


@pytest.mark.parametrize(
    ("amount", "bps"), [(D(0), D(40)), (D(-1), D(40)), (D(1), D(10_000)), (D(1), D(20_000))]
)
def test_impossible_break_even_is_said(amount: Decimal, bps: Decimal) -> None:
    with pytest.raises(ValueError, match="no price"):
        break_even_price(cost_per_unit=D(1), exit_bps=bps, amount=amount, tick=D("0.01"))


@given(PRICES, RATES)
def test_fee_is_exact(notional: Decimal, bps: Decimal) -> None:
    assert Fraction(fee(notional, bps)) == Fraction(notional) * Fraction(bps) / 10_000


@given(RATES, RATES, PRICES)
def test_round_trip_costs_nothing_at_the_named_move(entry: Decimal, leave: Decimal, price: Decimal) -> None:
    assume(price > 0)
    move = Fraction(round_trip_pct(entry_bps=entry, exit_bps=leave)) / 100
    sold = Fraction(price) * (1 + move) * (1 - Fraction(leave) / 10_000)
    paid = Fraction(price) * (1 + Fraction(entry) / 10_000)
    assert abs(sold - paid) < Fraction(1, 10**15)
