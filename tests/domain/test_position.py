"""Positions: average cost with fees, and books that balance to the last unit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import Side
from domain.position import Position

D = Decimal
FILL = st.tuples(
    st.sampled_from(list(Side)),
    st.decimals(min_value=D("0.00001"), max_value=10, places=8),
    st.decimals(min_value=1, max_value=100_000, places=2),
    st.decimals(min_value=0, max_value=50, places=4),
)


def test_two_buys_average_with_their_fees() -> None:
    held = Position(asset="BTC").apply(Side.BUY, D(1), D(100), D(1)).apply(Side.BUY, D(1), D(200), D(2))
    assert held.average_cost_usd == D("151.5")
    assert held.fees_usd == D(3)
    assert held.realised_usd == 0


def test_partial_sale_takes_its_share_of_the_cost() -> None:
    held = Position(asset="BTC").apply(Side.BUY, D(2), D(100), D(2)).apply(Side.SELL, D(1), D(150), D(1))
    assert (held.amount, held.cost_usd, held.realised_usd) == (D(1), D(101), D(48))
    assert held.average_cost_usd == D(101)


def test_nothing_held_has_no_average() -> None:
    assert Position(asset="BTC").average_cost_usd is None
    sold = Position(asset="BTC").apply(Side.BUY, D(1), D(100), D(0)).apply(Side.SELL, D(1), D(90), D(0))
    assert sold.average_cost_usd is None
    assert (sold.cost_usd, sold.realised_usd) == (D(0), D(-10))


def test_units_from_elsewhere_invent_no_profit() -> None:
    sold = Position(asset="BTC").apply(Side.SELL, D(1), D(60_000), D("1.5"))
    assert sold.realised_usd == D("-1.5")
    mixed = Position(asset="BTC").apply(Side.BUY, D(1), D(100), D(0)).apply(Side.SELL, D(3), D(110), D(0))
    assert mixed.realised_usd == D(10)


def test_unrealised_counts_the_fee_of_selling() -> None:
    held = Position(asset="BTC").apply(Side.BUY, D(1), D(100), D(1))
    assert held.unrealised_usd(D(110), D(100)) == D("7.9")


@given(st.lists(FILL, max_size=12))
def test_money_in_and_out_equals_cost_and_result(fills: list[tuple[Side, Decimal, Decimal, Decimal]]) -> None:
    position, paid, units = Position(asset="BTC"), Fraction(0), Fraction(0)
    for side, amount, price, fee in fills:
        held = Fraction(position.amount)
        gross = Fraction(amount) * Fraction(price)
        if side is Side.BUY:
            paid += gross + Fraction(fee)
            units += Fraction(amount)
        else:
            own = min(Fraction(amount), held)
            paid -= own * Fraction(price) - Fraction(fee)
            units -= own
        position = position.apply(side, amount, price, fee)
        assert position.amount >= 0
        assert position.cost_usd >= 0
    assert Fraction(position.amount) == units
    booked = Fraction(position.cost_usd) - Fraction(position.realised_usd)
    assert abs(booked - paid) < Fraction(1, 10**12)
    assert position.fees_usd == sum((fee for *_, fee in fills), D(0))
