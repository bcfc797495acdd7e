"""The gate on examples: each rule passes, refuses with its own code and numbers, and is missed when gone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from domain.market import Level
from domain.order import ExecutionOption, OrderType, Origin, Purpose
from guardrails import gate
from guardrails.snapshot import ConsentKind, KillState
from guardrails.verdict import Verdict
from tests.guardrails.cases import REFUSED, Refused
from tests.guardrails.world import (
    BTCUSD,
    ETHBTC,
    KILL,
    LIMITS,
    MANDATED,
    NO_CONSENT,
    NOW,
    D,
    book,
    draft,
    sale,
    snapshot,
)

EXIT_PRICE = D("60281.27")
"""The break-even of the calm world: (60000 + 10) / (1 - 0.0040 - 0.0005), up to the tick."""


def judge(order: Any, world: Any, limits: Any = LIMITS) -> Verdict:
    return gate.decide(order, world, limits, NOW)


def refusals(verdict: Verdict) -> list[tuple[str, str]]:
    return [(check.rule, check.code) for check in verdict.checks if not check.ok]


@pytest.mark.parametrize(
    "order", [draft(), sale(), draft(origin=Origin.PERSON)], ids=["buy", "sell", "person"]
)
def test_calm_world_passes_every_rule(order: Any) -> None:
    verdict = judge(order, snapshot())
    assert refusals(verdict) == []
    assert verdict.may_send
    assert verdict.as_json()["outcome"] == "allowed"


def test_every_check_carries_its_rules_name_in_fixed_order() -> None:
    for order in (draft(), sale()):
        assert [check.rule for check in judge(order, snapshot()).checks] == [name for name, _ in gate.RULES]


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_rule_alone_refuses_with_its_own_code(case: Refused) -> None:
    verdict = judge(*case.put())
    expected = [(case.rule, case.code)]
    found = refusals(verdict)
    if case.world.get("consent") is NO_CONSENT and case.rule != "consent":
        expected.append(("consent", "CONSENT_MISSING"))
    assert found == expected
    text = next(check.text for check in verdict.checks if check.rule == case.rule)
    assert text.endswith(".")
    assert "None" not in text
    json.dumps(verdict.as_json())


@pytest.mark.parametrize("name", [name for name, _ in gate.RULES])
def test_removing_a_rule_lets_an_order_through_wrongly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(case for case in REFUSED if case.rule == name)
    is_proposal = case.world.get("consent") is NO_CONSENT and name != "consent"
    before = judge(*case.put())
    assert not before.may_send
    monkeypatch.setattr(gate, "RULES", tuple(rule for rule in gate.RULES if rule[0] != name))
    after = judge(*case.put())
    assert not after.is_refused
    assert is_proposal or after.may_send


def test_missing_consent_alone_asks_the_person() -> None:
    verdict = judge(draft(), snapshot(consent=NO_CONSENT))
    assert not verdict.is_refused
    assert verdict.as_json()["outcome"] == "needs_person"


def test_rule_that_cannot_be_computed_refuses_under_its_own_name() -> None:
    verdict = judge(draft(instrument=replace(BTCUSD, price_tick=D(0))), snapshot())
    assert refusals(verdict) == [("price_tick", "RULE_FAILED")]


def test_nothing_at_all_is_refused_by_every_rule_that_looks() -> None:
    verdict = gate.decide(None, None, None, None)  # type: ignore[arg-type]  # the gate is total
    assert [rule for rule, _ in refusals(verdict)] == [name for name, _ in gate.RULES]
    assert "RULE_FAILED" in verdict.codes


def test_naive_time_is_refused() -> None:
    verdict = gate.decide(draft(), snapshot(), LIMITS, datetime(2026, 11, 20))  # noqa: DTZ001 - the naive time is the case
    assert refusals(verdict) == [("clock", "CLOCK_UNKNOWN")]


@pytest.mark.parametrize(
    ("name", "world", "used"),
    [
        ("per_order_usd", {}, D(0)),
        ("per_symbol_usd", {"asset_exposure_usd": D(200)}, D(200)),
        ("global_open_plus_filled_day_usd", {"global_day_usd": D(200)}, D(200)),
        ("turnover_day_usd", {"turnover_day_usd": D(200)}, D(200)),
    ],
)
def test_cap_is_inclusive_and_counts_the_fee(name: str, world: dict[str, Any], used: Any) -> None:
    cost = D("24.096") + used
    order, seen = draft(), snapshot(**world)
    assert refusals(judge(order, seen, replace(LIMITS, **{name: cost}))) == []
    assert refusals(judge(order, seen, replace(LIMITS, **{name: cost - D("0.000001")}))) == [
        (name, name.upper())
    ]
    check = next(c for c in judge(order, seen).checks if c.rule == name)
    assert dict(check.numbers) == {
        "used_usd": str(used),
        "order_usd": "24.096",
        "limit_usd": LIMITS.text(name),
    }


@pytest.mark.parametrize(
    ("price", "is_ok"), [("63000", True), ("57000", True), ("63000.01", False), ("56999.99", False)]
)
def test_collar_is_inclusive_around_the_mid(price: str, is_ok: bool) -> None:
    check = next(c for c in judge(draft(price=D(price)), snapshot()).checks if c.rule == "collar")
    assert check.ok is is_ok
    assert check.numbers["mid"] == "60000"


def test_quote_other_than_usd_is_valued_at_its_rate() -> None:
    levels = {"bids": (Level(D("0.04999"), D(9)),), "asks": (Level(D("0.05001"), D(9)),)}
    world = snapshot(
        book=book(symbol="ethbtc", **levels), previous_mid=D("0.05"), available={"BTC": D("0.01")}
    )
    order = draft(instrument=ETHBTC, amount=D("0.02"), price=D("0.05"))
    verdict = judge(order, world)
    assert refusals(verdict) == []
    assert next(c for c in verdict.checks if c.rule == "per_order_usd").numbers["order_usd"] == "60.24"
    unknown = judge(order, replace(world, usd_rates={"USD": D(1)}))
    assert ("valuation", "NO_USD_RATE") in refusals(unknown)
    assert ("per_order_usd", "PER_ORDER_USD_UNKNOWN") in refusals(unknown)
    broken = judge(draft(), snapshot(usd_rates={"USD": D(2)}))
    assert ("valuation", "NO_USD_RATE") in refusals(broken)


def test_exit_passes_what_is_meant_for_entries() -> None:
    world = snapshot(
        asset_exposure_usd=D(9999),
        global_day_usd=D(9999),
        turnover_day_usd=D(9999),
        day_pnl_usd=D(-500),
        drawdown_pct=D(50),
        seconds_since_order_in_symbol=0.0,
        executions_last_hour=99,
    )
    order = sale(amount=D("0.01"), origin=Origin.AGENT)
    verdict = judge(order, world)
    assert refusals(verdict) == []
    assert any("more than the 100 USD" in text for text in verdict.warnings)


@pytest.mark.parametrize(
    ("order", "world"),
    [
        ({"amount": D("0.010001")}, {"available": {"BTC": D(1)}}),
        ({}, {"held": None}),
        ({}, {"held": D("NaN")}),
        ({"purpose": Purpose.REDUCE}, {"average_cost_usd": None}),
    ],
    ids=["more than held", "held unknown", "held NaN", "not bought by us"],
)
def test_sale_that_is_no_exit_meets_the_entry_rules(order: dict[str, Any], world: dict[str, Any]) -> None:
    verdict = judge(sale(**order), snapshot(**{"day_pnl_usd": D(-500), **world}))
    assert ("daily_loss_usd", "DAILY_LOSS_USD") in refusals(verdict)


def test_selling_into_a_coin_is_no_exit() -> None:
    levels = {"bids": (Level(D("0.04999"), D(9)),), "asks": (Level(D("0.05001"), D(9)),)}
    world = snapshot(
        book=book(symbol="ethbtc", **levels),
        previous_mid=D("0.05"),
        available={"ETH": D(1)},
        held=D(1),
        average_cost_usd=D(2000),
        kill_state=KillState.REDUCING,
    )
    order = sale(instrument=ETHBTC, amount=D("0.02"), price=D("0.05"))
    assert refusals(judge(order, world)) == [("kill_switch", "KILL_REDUCING")]


def test_reducing_lets_an_approved_exit_through() -> None:
    assert judge(sale(), snapshot(kill_state=KillState.REDUCING)).may_send


def test_persons_kill_sells_through_pace_spread_and_missing_events() -> None:
    wide = book(bids=(Level(D(58500), D(1)),), asks=(Level(D(61500), D(1)),))
    world = snapshot(
        kill_state=KillState.REDUCING,
        consent=KILL,
        book=wide,
        previous_mid=D(70000),
        is_order_events_ok=False,
        orders_last_60s=99,
        messages_last_60s=99,
        open_orders=99,
        rejects_in_a_row=99,
        seconds_since_same_order=0.0,
        seconds_since_order_in_symbol=0.0,
        average_cost_usd=None,
    )
    order = sale(origin=Origin.KILL, purpose=Purpose.REDUCE, price=D(58500))
    assert refusals(judge(order, world)) == []
    for origin in (Origin.MODEL, Origin.AGENT, Origin.PERSON):
        found = refusals(judge(replace(order, origin=origin), world))
        assert ("consent", "CONSENT_KILL_ONLY") in found
        assert ("spread", "SPREAD_TOO_WIDE") in found
    stale = judge(order, replace(world, book=replace(wide, age_s=11.0)))
    assert refusals(stale) == [("market_age", "MARKET_STALE")]


def test_drawdown_soft_lets_only_a_persons_own_entry_through() -> None:
    world = snapshot(drawdown_pct=D(6))
    verdict = judge(draft(origin=Origin.PERSON), world)
    assert verdict.may_send
    assert any("below its peak" in text for text in verdict.warnings)
    for origin in (Origin.MODEL, Origin.AGENT):
        order = draft(origin=origin, expected_exit=D(61500))
        assert refusals(judge(order, world)) == [("drawdown_soft_pct", "DRAWDOWN_SOFT_PCT")]


def test_take_profit_must_clear_the_break_even_price() -> None:
    assert judge(sale(price=EXIT_PRICE), snapshot()).may_send
    check = next(c for c in judge(sale(price=EXIT_PRICE), snapshot()).checks if c.rule == "profit")
    assert check.numbers["break_even_price"] == str(EXIT_PRICE)
    assert refusals(judge(sale(price=EXIT_PRICE - D("0.01")), snapshot())) == [("profit", "BELOW_BREAK_EVEN")]
    maker = sale(price=D("60160.41"), option=ExecutionOption.MAKER_OR_CANCEL)
    assert judge(maker, snapshot()).may_send
    unknown = judge(sale(), snapshot(average_cost_usd=None))
    assert ("profit", "COST_UNKNOWN") in refusals(unknown)


@pytest.mark.parametrize("purpose", [Purpose.REDUCE, Purpose.STOP])
def test_reduction_below_break_even_passes_with_a_warning(purpose: Purpose) -> None:
    verdict = judge(sale(price=D("60000"), purpose=purpose), snapshot())
    assert verdict.may_send
    assert any("Below break-even" in text for text in verdict.warnings)
    unknown = judge(sale(price=D("60000"), purpose=purpose), snapshot(average_cost_usd=None))
    assert any("not known" in text for text in unknown.warnings)


def test_automatic_buy_must_aim_above_the_round_trip() -> None:
    for order in (
        draft(origin=Origin.AGENT, expected_exit=D("60522.36")),
        draft(mandate_id="M-1", expected_exit=D("60522.36")),
    ):
        assert judge(order, snapshot()).may_send
        tripled = judge(order, snapshot(), LIMITS.replace("profit_fee_multiple", "3"))
        assert refusals(tripled) == [("profit", "EXIT_TOO_LOW")]
    covered = judge(draft(mandate_id="M-1", expected_exit=D(61500)), snapshot(consent=MANDATED))
    assert covered.may_send
    assert MANDATED.kind is ConsentKind.MANDATE


def test_models_low_target_is_a_warning_for_the_person() -> None:
    verdict = judge(draft(expected_exit=D("60100")), snapshot())
    assert verdict.may_send
    assert any("would not pay the fees" in text for text in verdict.warnings)
    assert judge(draft(expected_exit=D("61500")), snapshot()).warnings == ()


def test_stop_orders_pass_in_their_own_direction() -> None:
    buy = draft(order_type=OrderType.STOP_LIMIT, stop_price=D("59900"))
    stop = sale(
        order_type=OrderType.STOP_LIMIT, stop_price=D("59000"), price=D("58900"), purpose=Purpose.STOP
    )
    assert judge(buy, snapshot()).may_send
    assert judge(stop, snapshot()).may_send


def test_numbers_are_plain_text_whatever_they_are() -> None:
    world = snapshot(asset_exposure_usd=D("1E+999"), turnover_day_usd=D("1E-999"), orders_last_60s=10**5000)
    shown = judge(draft(), world).as_json()
    text = json.dumps(shown)
    assert "E+" not in text
    assert "out of range" in text
    assert len(text) < 20_000
