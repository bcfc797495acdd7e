"""The gate on anything at all: it never raises, says every number, and never lets a cap be passed."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.fees import FeeTier
from domain.instrument import Side
from domain.market import Level
from domain.order import ExecutionOption, OrderDraft, Origin, Purpose
from guardrails.gate import RULES, decide
from guardrails.snapshot import KillState, Snapshot
from tests.guardrails.oracle import broken_promises
from tests.guardrails.world import BTCUSD, LIMITS, NO_CONSENT, NOW, YES, D, book, draft, snapshot

JUNK = st.sampled_from(
    [
        None,
        D("NaN"),
        D("sNaN"),
        D("-NaN"),
        D("Infinity"),
        D("-Infinity"),
        D("1E+999999"),
        D("1E-999999"),
        D("-1"),
        D("0"),
        D("1E+40"),
        -1,
        10**5000,
        float("nan"),
        float("inf"),
        "",
        "1",
        "\u0663",
        True,
        (),
        {},
        {"USD": D("NaN"), "BTC": None},
        object(),
        frozenset(),
        Level(D("NaN"), D(1)),
    ]
)
ORDER_FIELDS = sorted(field.name for field in fields(OrderDraft))
WORLD_FIELDS = sorted(field.name for field in fields(Snapshot))
QUICK = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def changed(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), JUNK, max_size=4)


@QUICK
@given(order=changed(ORDER_FIELDS), world=changed(WORLD_FIELDS), is_sale=st.booleans())
def test_gate_never_raises_and_junk_never_adds_a_yes(
    order: dict[str, Any], world: dict[str, Any], is_sale: bool
) -> None:
    base = draft(side=Side.SELL, purpose=Purpose.REDUCE) if is_sale else draft()
    verdict = decide(replace(base, **order), snapshot(**world), LIMITS, NOW)
    assert [check.rule for check in verdict.checks] == [name for name, _ in RULES]
    assert len(json.dumps(verdict.as_json())) < 30_000
    assert all(check.ok is (check.code == "") for check in verdict.checks)


@QUICK
@given(name=st.sampled_from(ORDER_FIELDS + WORLD_FIELDS), junk=JUNK)
def test_junk_in_the_book_or_the_instrument_never_raises(name: str, junk: Any) -> None:
    pair = {field.name for field in fields(BTCUSD)}
    order = draft(instrument=replace(BTCUSD, **{name: junk})) if name in pair else draft()
    levels = (junk,) if isinstance(junk, Level) else junk
    world = snapshot(book=book(bids=levels, asks=levels), fees=FeeTier(maker_bps=junk, taker_bps=junk))
    verdict = decide(order, world, LIMITS, NOW)
    assert verdict.is_refused


@QUICK
@given(name=st.sampled_from([f.name for f in fields(LIMITS)]), junk=JUNK)
def test_junk_in_the_limits_never_raises(name: str, junk: Any) -> None:
    decide(draft(), snapshot(), replace(LIMITS, **{name: junk}), NOW)


def money(most: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=0, max_value=most, places=4, allow_nan=False, allow_infinity=False)


@st.composite
def known_worlds(draw: st.DrawFn) -> tuple[OrderDraft, Snapshot]:
    """Draw an order and a world near the edges of every cap, with all numbers known."""
    side = draw(st.sampled_from(list(Side)))
    price = D(draw(st.integers(5_650_000, 6_350_000))) / 100
    amount = D(draw(st.integers(1_000, 200_000))) / 10**8
    taker = draw(st.sampled_from([D(0), D(40), D("12.5"), D(250)]))
    origin = draw(st.sampled_from([Origin.PERSON, Origin.MODEL, Origin.AGENT]))
    purpose = draw(st.sampled_from([Purpose.REDUCE, Purpose.STOP, Purpose.TAKE_PROFIT, Purpose.ENTRY]))
    value = amount * price
    order = draft(
        side=side,
        price=price,
        amount=amount,
        purpose=Purpose.ENTRY if side is Side.BUY else purpose,
        origin=origin,
        option=draw(st.sampled_from([None, *ExecutionOption])),
        expected_exit=draw(st.sampled_from([None, price * D("1.05").quantize(D("0.01"))])),
        notional_usd=value,
        fee_usd=value * taker / 10_000,
    )
    world = snapshot(
        fees=FeeTier(maker_bps=D(0), taker_bps=taker),
        available={"USD": draw(money(200)) + 40, "BTC": draw(money(1))},
        held=draw(money(1)),
        average_cost_usd=draw(st.sampled_from([None, D(50_000), D(61_000)])),
        asset_exposure_usd=draw(st.one_of(money(350), st.just(D(300) - value))),
        global_day_usd=draw(money(1_100)),
        turnover_day_usd=draw(money(2_200)),
        orders_last_60s=draw(st.integers(0, 6)),
        messages_last_60s=draw(st.integers(50, 60)),
        open_orders=draw(st.integers(0, 10)),
        day_pnl_usd=draw(st.one_of(money(30), st.sampled_from([D(-25), D("-24.9999"), D(-30)]))),
        drawdown_pct=draw(st.one_of(money(6), money(12))),
        kill_state=draw(st.sampled_from([*[KillState.ACTIVE] * 6, KillState.REDUCING])),
        consent=draw(st.sampled_from([YES, NO_CONSENT])),
    )
    return order, world


@settings(max_examples=800, deadline=None)
@given(known_worlds())
def test_nothing_that_the_gate_lets_through_breaks_a_promise(case: tuple[OrderDraft, Snapshot]) -> None:
    order, world = case
    if not decide(order, world, LIMITS, NOW).is_refused:
        assert broken_promises(order, world, LIMITS) == []


@settings(max_examples=300, deadline=None)
@given(
    known_worlds(), st.sampled_from(["per_order_usd", "per_symbol_usd", "daily_loss_usd", "turnover_day_usd"])
)
def test_tightening_a_limit_never_turns_a_no_into_a_yes(case: tuple[OrderDraft, Snapshot], name: str) -> None:
    order, world = case
    tighter = LIMITS.replace(name, "1")
    if decide(order, world, LIMITS, NOW).is_refused:
        assert decide(order, world, tighter, NOW).is_refused


@settings(max_examples=200, deadline=None)
@given(known_worlds())
def test_same_question_gets_the_same_answer(case: tuple[OrderDraft, Snapshot]) -> None:
    assert decide(*case, LIMITS, NOW).as_json() == decide(*case, LIMITS, NOW).as_json()
