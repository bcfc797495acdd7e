"""Requests keep to the limits, and reads leave room for cancels."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.gemini.catalogue import TABLE, RateClass
from venues.gemini.session.pacing import GEMINI, Allowance, Bucket, Pacer, Patience
from venues.gemini.session.turnstile import Urgency


@given(gaps=st.lists(st.floats(min_value=0, max_value=2), min_size=1, max_size=200), keep=st.integers(0, 9))
def test_take_any_pattern_never_above_rate_and_burst(gaps: list[float], keep: int) -> None:
    bucket, now, taken = Bucket(Allowance(per_second=10.0, burst=5)), 0.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now, keep) == 0.0
    assert taken <= 5 + 10.0 * (now - gaps[0]) + 1e-6


def test_take_told_to_wait_is_enough() -> None:
    bucket, now = Bucket(Allowance(per_second=2.0, burst=3)), 0.0
    for _ in range(20):
        delay = bucket.take(now, 1)
        if delay:
            now += delay
            assert bucket.take(now, 1) == 0.0


def test_take_reads_first_leave_three_for_cancels() -> None:
    bucket = Bucket(GEMINI[RateClass.PRIVATE])
    reads = sum(bucket.take(0.0, 3) == 0.0 for _ in range(50))
    orders = sum(bucket.take(0.0, 2) == 0.0 for _ in range(50))
    cancels = sum(bucket.take(0.0, 0) == 0.0 for _ in range(50))
    assert (reads, orders, cancels) == (2, 1, 2)


async def test_wait_reads_without_end_cancel_goes_at_once() -> None:
    pacer = Pacer({RateClass.PRIVATE: Allowance(per_second=5.0, burst=5)})
    loop = asyncio.get_running_loop()
    reads = [asyncio.create_task(pacer.wait(RateClass.PRIVATE, Urgency.READ)) for _ in range(20)]
    await asyncio.sleep(0.05)
    start = loop.time()
    await pacer.wait(RateClass.PRIVATE, Urgency.CANCEL)
    assert loop.time() - start < 0.15
    assert sum(task.done() for task in reads) == 2
    for task in reads:
        task.cancel()
    await asyncio.gather(*reads, return_exceptions=True)


@pytest.mark.parametrize(
    ("attempt", "asked", "low", "high"),
    [(0, None, 0.5, 1), (3, None, 2, 4), (9, None, 2, 4), (0, 3.0, 3, 3), (0, 99.0, 4, 4)],
)
def test_pause_grows_to_a_cap_and_hears_the_venue(
    attempt: int, asked: float | None, low: float, high: float
) -> None:
    patience = Patience(first_s=1.0, longest_s=4.0)
    pauses = {patience.pause(attempt, Random(seed), asked) for seed in range(50)}
    assert min(pauses) >= low
    assert max(pauses) <= high
    assert asked is not None or len(pauses) > 10


def test_limits_every_rate_class_of_the_catalogue_has_one() -> None:
    assert set(GEMINI) == set(RateClass)
    assert {call.rate for call in TABLE.values()} <= set(GEMINI)


async def test_wait_narrow_budget_draws_on_the_wide_one_too() -> None:
    wide = Allowance(per_second=0.001, burst=5)
    pacer = Pacer({RateClass.PRIVATE: wide, RateClass.TRANSFERS: Allowance(per_second=1000.0, burst=9)})
    done = [asyncio.create_task(pacer.wait(RateClass.TRANSFERS, Urgency.READ)) for _ in range(4)]
    await asyncio.sleep(0.05)
    assert sum(task.done() for task in done) == 2
    for task in done:
        task.cancel()
    await asyncio.gather(*done, return_exceptions=True)


async def test_too_fast_reads_refused_without_end_cancels_still_go_at_once() -> None:
    pacer = Pacer({RateClass.PRIVATE: Allowance(per_second=0.5, burst=5)})
    loop, start = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    for urgency in (Urgency.READ, Urgency.ORDER) * 50:
        pacer.too_fast(RateClass.PRIVATE, urgency)
    await pacer.wait(RateClass.PRIVATE, Urgency.CANCEL)
    await pacer.wait(RateClass.PRIVATE, Urgency.CANCEL)
    assert loop.time() - start < 0.5
    pacer.too_fast(RateClass.PRIVATE, Urgency.CANCEL)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await pacer.wait(RateClass.PRIVATE, Urgency.CANCEL)


@pytest.mark.parametrize("rate", [RateClass.PUBLIC, RateClass.TRANSFERS])
async def test_too_fast_on_a_budget_that_no_cancel_needs_nothing_left(rate: RateClass) -> None:
    pacer = Pacer({each: Allowance(per_second=0.5, burst=5) for each in RateClass})
    pacer.too_fast(rate, Urgency.READ)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await pacer.wait(rate, Urgency.READ)
