"""Break-even answers: the figures of the contract, the same price as the gate's, and clear errors."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInputError
from domain.fees import FeeTier
from domain.instrument import Side
from domain.position import Position
from guardrails.gate import decide
from tests.guardrails.world import BOOK, BTCUSD, ETHBTC, LIMITS, NOW, D, book, sale, snapshot
from tools.fee_math import break_even

FEES = FeeTier(maker_bps=D(20), taker_bps=D(40))
HELD = Position(asset="BTC").apply(Side.BUY, D("0.0004"), D("60000"), D("0.096"))
KEYS = {
    "symbol", "side", "amount", "entry_price", "entry_source", "cost_per_unit", "entry_fee", "exit_fee_bps",
    "exit_fee", "spread", "slippage_buffer_bps", "profit_usd", "break_even_price", "target_price", "mid",
    "move_needed_pct", "formula",
}  # fmt: skip


def ask(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "instrument": BTCUSD,
        "side": Side.SELL,
        "book": BOOK,
        "fees": FEES,
        "position": HELD,
        "usd_rates": {"USD": D(1), "BTC": D(60000)},
        "slippage_buffer_bps": D(5),
    }
    return break_even(**{**base, **changes})


def code(**changes: Any) -> str:
    with pytest.raises(BadInputError) as caught:
        ask(**changes)
    assert caught.value.cure
    return caught.value.code


def test_held_position_sold_at_a_profit_of_25_cents() -> None:
    answer = ask(profit_usd=D("0.25"))
    assert set(answer) == KEYS
    assert answer["amount"] == "0.0004"
    assert answer["cost_per_unit"] == "60240"
    assert answer["break_even_price"] == "60522.36"
    assert answer["target_price"] == "61150.18"
    assert answer["exit_fee"] == "0.09784029"
    assert answer["move_needed_pct"] == "1.917"
    for number in ("60240", "10 half spread", "0.25 profit", "0.9955", "61150.18"):
        assert number in answer["formula"]


def test_buy_starts_at_the_ask_with_its_fee() -> None:
    answer = ask(side=Side.BUY, notional_usd=D(25))
    assert answer["entry_source"] == "ask"
    assert answer["entry_price"] == "60010"
    assert answer["amount"] == "0.00041659"
    assert answer["cost_per_unit"] == "60250.04"
    assert answer["entry_fee"] == "0.09999826"
    assert answer["target_price"] is None
    assert answer["profit_usd"] is None


def test_given_price_is_the_entry_for_either_side() -> None:
    for side in Side:
        answer = ask(side=side, price=D("61000"), amount=D("0.001"))
        assert answer["entry_source"] == "given price"
        assert answer["cost_per_unit"] == "61244"


def test_without_a_size_the_figures_are_for_one_unit_or_all_that_is_held() -> None:
    assert ask(side=Side.BUY)["amount"] == "1"
    assert ask()["amount"] == "0.0004"


def test_quote_in_a_coin_is_converted() -> None:
    levels = {"bids": BOOK.bids[:0], "asks": BOOK.asks[:0]}
    coin = book(symbol="ethbtc", **levels)
    assert code(instrument=ETHBTC, book=coin) == "NO_PRICE"
    priced = replace(
        coin,
        bids=(replace_level("0.0499"),),
        asks=(replace_level("0.0501"),),
    )
    held = Position(asset="ETH").apply(Side.BUY, D("0.1"), D(3000), D(1))
    answer = ask(instrument=ETHBTC, book=priced, position=held, profit_usd=D(6))
    assert Decimal(answer["cost_per_unit"]) == (D("3010") / 60000).quantize(D("1E-8"))
    assert Decimal(answer["target_price"]) > Decimal(answer["break_even_price"])
    assert code(instrument=ETHBTC, book=priced, position=held, usd_rates={"USD": D(1)}) == "NO_USD_RATE"


def replace_level(price: str) -> Any:
    return BOOK.bids[0]._replace(price=D(price))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"position": Position(asset="BTC")}, "NOTHING_HELD"),
        ({"amount": D("0.0005")}, "MORE_THAN_HELD"),
        ({"amount": D("0.000001")}, "BELOW_MINIMUM"),
        ({"side": Side.BUY, "notional_usd": D("0.01")}, "BELOW_MINIMUM"),
        ({"amount": D("0.0001"), "notional_usd": D(5)}, "AMOUNT_OR_NOTIONAL"),
        ({"side": Side.BUY, "price": D(0)}, "BAD_PRICE"),
        ({"book": book(bids=())}, "NO_PRICE"),
        ({"book": book(bids=BOOK.asks, asks=BOOK.bids)}, "NO_PRICE"),
        ({"usd_rates": {}}, "NO_USD_RATE"),
        ({"fees": FeeTier(maker_bps=D(0), taker_bps=D(9_995))}, "NO_BREAK_EVEN"),
    ],
)
def test_what_cannot_be_answered_says_why(changes: dict[str, Any], expected: str) -> None:
    assert code(**changes) == expected


@settings(max_examples=150, deadline=None)
@given(
    st.decimals(min_value=D(57_100), max_value=D(60_000), places=2),
    st.decimals(min_value=0, max_value=50, places=1),
    st.integers(1, 9),
)
def test_gate_lets_the_named_price_through_and_not_a_tick_less(
    paid: Decimal, taker: Decimal, lots: int
) -> None:
    amount = D(lots) / 10_000
    fees = FeeTier(maker_bps=D(0), taker_bps=taker)
    held = Position(asset="BTC").apply(Side.BUY, amount, paid, paid * amount * taker / 10_000)
    price = Decimal(ask(position=held, fees=fees)["break_even_price"])
    world = snapshot(fees=fees, average_cost_usd=held.average_cost_usd)

    def refusals(at: Decimal) -> tuple[str, ...]:
        value = amount * at
        order = sale(price=at, amount=amount, notional_usd=value, fee_usd=value * taker / 10_000)
        return decide(order, world, LIMITS, NOW).codes

    assert refusals(price) == ()
    assert refusals(price - D("0.01")) == ("BELOW_BREAK_EVEN",)


@settings(max_examples=150, deadline=None)
@given(st.decimals(min_value=0, max_value=20, places=2), st.integers(1, 100))
def test_target_leaves_at_least_the_profit_after_both_fees(profit: Decimal, lots: int) -> None:
    amount = D(lots) / 10_000
    held = Position(asset="BTC").apply(Side.BUY, amount, D(60000), D(60000) * amount * 40 / 10_000)
    target = Fraction(ask(position=held, profit_usd=profit)["target_price"])
    left = Fraction(amount) * target * (1 - Fraction(40, 10_000)) - Fraction(held.cost_usd)
    assert left >= Fraction(profit)
