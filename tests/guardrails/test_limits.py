"""Limits: every key required and bounded, all faults at once, one change at a time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.limits import (
    MEANINGS,
    SHIPPED,
    UNITS,
    KillPositions,
    LimitsError,
    is_tightening,
    parse,
    to_toml,
)
from tests.guardrails.world import LIMITS, D

DESIGN = {
    "per_order_usd": "100",
    "per_symbol_usd": "300",
    "global_open_plus_filled_day_usd": "1000",
    "turnover_day_usd": "2000",
    "orders_per_rolling_60s": "6",
    "messages_per_rolling_60s": "60",
    "max_open_orders": "10",
    "max_pending_approvals": "20",
    "approval_ttl_s": "120",
    "daily_loss_usd": "25",
    "drawdown_soft_pct": "5",
    "drawdown_hard_pct": "10",
    "price_collar_pct": "5",
    "market_max_age_s": "10",
    "max_spread_pct": "0.5",
    "slippage_buffer_bps": "5",
    "cooldown_s": "1",
    "duplicate_window_s": "5",
    "rejects_in_a_row": "5",
    "repeated_execution_per_hour": "20",
    "profit_fee_multiple": "1",
    "widen_delay_s": "600",
    "kill_positions": "flatten",
}


def faults(text: str) -> tuple[str, ...]:
    with pytest.raises(LimitsError) as caught:
        parse(text)
    assert caught.value.code == "BAD_LIMITS"
    return caught.value.faults


def with_line(name: str, value: str) -> str:
    return "".join(
        f"{name} = {value}\n" if line.startswith(f"{name} =") else f"{line}\n"
        for line in SHIPPED.splitlines()
    )


def test_shipped_limits_are_the_designed_ones() -> None:
    assert {name: LIMITS.text(name) for name in UNITS} == DESIGN
    assert set(MEANINGS) == set(DESIGN)


def test_written_limits_are_read_back_the_same() -> None:
    changed = LIMITS.replace("max_spread_pct", "0.25").replace("kill_positions", "keep_stop")
    assert parse(to_toml(changed)) == changed
    assert parse(SHIPPED) == LIMITS


def test_all_faults_are_reported_at_once() -> None:
    text = (
        with_line("per_order_usd", "true")
        .replace("cooldown_s", "cooldwon_s")
        .replace("max_open_orders = 10", "max_open_orders = 2.5")
    )
    found = faults(text + "nonsense = 1\n")
    assert len(found) == 5
    joined = "\n".join(found)
    assert "did you mean cooldown_s?" in joined
    assert "cooldown_s is missing (shipped: 1)" in joined
    assert "per_order_usd must be a number" in joined
    assert "max_open_orders must be a whole number" in joined
    assert "'nonsense' is not a limit" in joined


@pytest.mark.parametrize("name", DESIGN)
def test_every_limit_is_required(name: str) -> None:
    text = "".join(f"{line}\n" for line in SHIPPED.splitlines() if not line.startswith(f"{name} ="))
    assert faults(text) == (f"{name} is missing (shipped: {DESIGN[name]})",)


@pytest.mark.parametrize("name", DESIGN)
@pytest.mark.parametrize(
    "value",
    [
        "0",
        "-1",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "true",
        "false",
        '"off"',
        '"none"',
        "[]",
        "{}",
        "1e-13",
        "2026-11-20",
    ],
)
def test_no_limit_can_be_switched_off(name: str, value: str) -> None:
    assert len(faults(with_line(name, value))) == 1


@pytest.mark.parametrize(
    "text", ["per_order_usd = 1\nper_order_usd = 2", "=", "a = 1e9999999999999999999", "\x00", "[" * 5000]
)
def test_broken_file_is_one_clear_fault(text: str) -> None:
    assert len(faults(text)) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("approval_ttl_s", "121"),
        ("drawdown_hard_pct", "101"),
        ("per_order_usd", "1000000001"),
        ("market_max_age_s", "61"),
    ],
)
def test_ceiling_stands_in_for_an_off_value(name: str, value: str) -> None:
    assert "must not be above" in faults(with_line(name, value))[0]


def test_soft_drawdown_above_hard_is_a_contradiction() -> None:
    assert "must not be above drawdown_hard_pct" in faults(with_line("drawdown_soft_pct", "11"))[0]
    with pytest.raises(LimitsError):
        LIMITS.replace("drawdown_hard_pct", "4")


def test_replace_changes_one_limit_only() -> None:
    changed = LIMITS.replace("per_order_usd", "50.5")
    assert changed.per_order_usd == D("50.5")
    assert changed.replace("per_order_usd", "100") == LIMITS
    assert LIMITS.replace("kill_positions", "keep").kill_positions is KillPositions.KEEP


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("per_order_usd", "0"),
        ("per_order_usd", "1e3"),
        ("per_order_usd", "-5"),
        ("per_order_usd", "٣"),
        ("per_order_usd", "NaN"),
        ("max_open_orders", "1.5"),
        ("kill_positions", "sell"),
        ("kill_positions", "1"),
        ("per_ordr_usd", "1"),
    ],
)
def test_bad_change_is_refused(name: str, value: str) -> None:
    with pytest.raises(LimitsError):
        LIMITS.replace(name, value)


def test_unknown_name_is_refused_everywhere() -> None:
    for call in (LIMITS.value, LIMITS.text):
        with pytest.raises(LimitsError, match="did you mean per_order_usd"):
            call("per_order_us")
    with pytest.raises(LimitsError):
        is_tightening("foo", D(1), D(2))


HIGHER_IS_TIGHTER = {
    "slippage_buffer_bps",
    "cooldown_s",
    "duplicate_window_s",
    "profit_fee_multiple",
    "widen_delay_s",
}


@pytest.mark.parametrize("name", [name for name in DESIGN if name != "kill_positions"])
def test_tightening_is_known_for_each_limit(name: str) -> None:
    is_higher = name in HIGHER_IS_TIGHTER
    assert is_tightening(name, D(5), D(6)) is is_higher
    assert is_tightening(name, D(5), D(4)) is not is_higher
    assert is_tightening(name, D(5), D(5))


def test_another_word_for_kill_positions_counts_as_widening() -> None:
    words: list[Any] = list(KillPositions)
    for old in words:
        for new in words:
            assert is_tightening("kill_positions", old, new) is (old is new)


@given(st.decimals(min_value=Decimal("0.000001"), max_value=1_000_000, places=6))
def test_any_plain_value_survives_writing_and_reading(value: Decimal) -> None:
    changed = LIMITS.replace("per_symbol_usd", format(value, "f"))
    assert parse(to_toml(changed)).per_symbol_usd == value
