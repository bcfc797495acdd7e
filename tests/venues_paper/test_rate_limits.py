import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from domain.clock import ManualClock
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.signed import signed_headers
from venues.gemini.catalogue import RateClass
from venues.gemini.session import pacing
from venues.paper.access.rate_limits import (
    CONNECTIONS,
    ORDERS,
    REQUESTS,
    RateLimits,
    SubscriptionLimit,
    TooOftenError,
)
from venues.paper.server import running_exchange


class Time:
    """The exchange's time, to be moved."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def time() -> Time:
    return Time()


def admitted(limits: RateLimits, rate: RateClass, count: int) -> list[int | None]:
    """What became of `count` requests at once: their waits, None for a refused one."""
    found: list[int | None] = []
    for _ in range(count):
        try:
            found.append(limits.admit(rate, "someone"))
        except TooOftenError:
            found.append(None)
    return found


def test_private_burst_follows_the_venues_own_example(time: Time) -> None:
    waits = admitted(RateLimits(time), RateClass.PRIVATE, 20)
    assert waits == [0] * 10 + [100, 200, 300, 400, 500] + [None] * 5


def test_public_burst_passes_five_queues_five_and_refuses_the_rest(time: Time) -> None:
    waits = admitted(RateLimits(time), RateClass.PUBLIC, 12)
    assert waits == [0] * 5 + [500, 1000, 1500, 2000, 2500] + [None] * 2


def test_limit_opens_again_at_its_rate(time: Time) -> None:
    limits = RateLimits(time)
    admitted(limits, RateClass.PRIVATE, 15)
    time.ms += 100
    assert admitted(limits, RateClass.PRIVATE, 2) == [500, None]
    time.ms += 60_000
    assert admitted(limits, RateClass.PRIVATE, 10) == [0] * 10


def test_a_minute_lets_exactly_its_number_through(time: Time) -> None:
    limits = RateLimits(time)
    admitted(limits, RateClass.PRIVATE, 20)
    passed = 0
    for _ in range(60_000 // 20):
        time.ms += 20
        passed += sum(wait is not None for wait in admitted(limits, RateClass.PRIVATE, 1))
    assert passed == 600


def test_clients_are_counted_apart(time: Time) -> None:
    limits = RateLimits(time)
    admitted(limits, RateClass.PRIVATE, 15)
    assert limits.admit(RateClass.PRIVATE, "somebody else") == 0


def test_addresses_and_transfers_have_limits_of_their_own_and_count_as_private(time: Time) -> None:
    limits = RateLimits(time)
    assert admitted(limits, RateClass.ADDRESSES, 3) == [0, 2000, None]
    assert admitted(limits, RateClass.TRANSFERS, 3) == [0, 5000, None]
    assert admitted(limits, RateClass.PRIVATE, 7) == [0] * 6 + [100]


def test_refusal_says_when_to_come_back(time: Time) -> None:
    limits = RateLimits(time)
    admitted(limits, RateClass.TRANSFERS, 2)
    with pytest.raises(TooOftenError) as refusal:
        limits.admit(RateClass.TRANSFERS, "someone")
    assert refusal.value.retry_after_s == 5
    assert (refusal.value.reason, refusal.value.status) == ("RateLimit", 429)


def test_slow_exchange_counts_by_the_wall(time: Time) -> None:
    limits = RateLimits(time, speed=Decimal("0.1"))
    for _ in range(50):
        assert limits.admit(RateClass.PRIVATE, "someone") == 0
        time.ms += 10  # a tenth of a second on the wall
    assert admitted(limits, RateClass.PRIVATE, 20)[-1] is None
    with pytest.raises(TooOftenError) as refusal:
        limits.admit(RateClass.PRIVATE, "someone")
    assert refusal.value.retry_after_s == 1


def test_forgetting_quiet_clients_keeps_the_busy_ones(time: Time) -> None:
    limits = RateLimits(time)
    admitted(limits, RateClass.TRANSFERS, 2)
    for number in range(5000):
        limits.admit(RateClass.PUBLIC, f"address {number}")
        time.ms += number % 2
    with pytest.raises(TooOftenError):
        limits.admit(RateClass.TRANSFERS, "someone")


@pytest.mark.parametrize("rate", [RateClass.PUBLIC, RateClass.PRIVATE])
def test_our_own_client_at_full_pace_never_even_waits(time: Time, rate: RateClass) -> None:
    limits, bucket = RateLimits(time), pacing.Bucket(pacing.GEMINI[rate])
    start_ms, sent = time.ms, 0
    while time.ms < start_ms + 30_000:
        if bucket.take((time.ms - start_ms) / 1000) == 0:
            assert limits.admit(rate, "us") == 0
            sent += 1
        else:
            time.ms += 1
    assert sent > 60


def test_subscriptions_are_one_a_minute_and_five_beyond(time: Time) -> None:
    limit = SubscriptionLimit(time)
    assert [limit.admits("BTCUSD") for _ in range(7)] == [True] * 6 + [False]
    assert limit.admits("ETHUSD")
    time.ms += 60_000
    assert [limit.admits("BTCUSD") for _ in range(2)] == [True, False]


def test_socket_counters_show_and_hold_their_windows(time: Time) -> None:
    time.ms -= time.ms % 86_400_000
    counters = RateLimits(time).counters("a key")
    assert counters is not RateLimits(time).counters("a key")
    assert all(counters.take(CONNECTIONS) for _ in range(300))
    assert not counters.take(CONNECTIONS)
    counters.take(ORDERS)
    counters.take(REQUESTS)
    shown = {(row["rateLimitType"], row["interval"]): row for row in counters.shown()}
    assert shown["CONNECTIONS", "MINUTE"] == {
        "rateLimitType": "CONNECTIONS", "interval": "MINUTE", "intervalNum": 5, "limit": 300, "count": 300,
    }  # fmt: skip
    assert (shown["ORDERS", "SECOND"]["count"], shown["ORDERS", "DAY"]["count"]) == (1, 1)
    time.ms += 10_000
    shown = {(row["rateLimitType"], row["interval"]): row["count"] for row in counters.shown()}
    assert shown == {
        ("REQUEST_WEIGHT", "SECOND"): 0, ("ORDERS", "SECOND"): 0, ("ORDERS", "DAY"): 1,
        ("CONNECTIONS", "MINUTE"): 300,
    }  # fmt: skip
    time.ms += 290_000
    assert counters.take(CONNECTIONS)


# Over the wire


async def test_public_flood_is_queued_then_refused(home: Path, http: httpx.AsyncClient) -> None:
    async with running_exchange(home=home, speed=Decimal(20)) as running:
        answers = await asyncio.gather(*(http.get(running.url + "/v1/symbols") for _ in range(16)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 6
    assert all(answer.status_code in {200, 429} for answer in answers)
    assert refused[0].json() == {
        "result": "error", "reason": "RateLimit", "message": "Requests were made too frequently",
    }  # fmt: skip
    assert int(refused[0].headers["retry-after"]) >= 1


async def test_refused_call_does_not_use_up_its_nonce(home: Path, http: httpx.AsyncClient) -> None:
    clock = ManualClock(
        datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    )  # stands still: the limits are counted in it
    async with running_exchange(home=home, speed=Decimal(1), clock=clock, rate_limits=True) as running:
        for _ in range(15):
            running.exchange.limits.admit(RateClass.PRIVATE, running.desk.api_key)
        headers = signed_headers(running.desk.api_key, running.desk.api_secret, "/v1/heartbeat")
        refused = await http.post(running.url + "/v1/heartbeat", headers=headers)
        assert refused.status_code == 429
        clock.advance(60)
        assert (await http.post(running.url + "/v1/heartbeat", headers=headers)).status_code == 200


async def test_strangers_without_a_known_key_share_their_address(home: Path, http: httpx.AsyncClient) -> None:
    clock = ManualClock(datetime(2026, 11, 20, 8, 30, tzinfo=UTC))
    async with running_exchange(home=home, speed=Decimal(1), clock=clock, rate_limits=True) as running:
        for number in range(15):
            running.exchange.limits.admit(RateClass.PRIVATE, "127.0.0.1")
            headers = signed_headers(f"account-{number}", "secret", "/v1/heartbeat")
        refused = await http.post(running.url + "/v1/heartbeat", headers=headers)
        assert refused.json()["reason"] == "RateLimit"


async def test_virtual_time_has_no_limits_unless_asked(home: Path, http: httpx.AsyncClient) -> None:
    async with running_exchange(home=home, clock=ManualClock(MORNING)) as running:
        answers = await asyncio.gather(*(http.get(running.url + "/v1/symbols") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}


async def test_queue_in_virtual_time_moves_the_time_on(home: Path, http: httpx.AsyncClient) -> None:
    clock = ManualClock(datetime(2026, 11, 20, 8, 30, tzinfo=UTC))
    async with running_exchange(home=home, clock=clock, rate_limits=True) as running:
        for _ in range(6):
            running.exchange.limits.admit(RateClass.PUBLIC, "127.0.0.1")
        before_ms = running.exchange.timeline.now_ms()
        assert (await http.get(running.url + "/v1/symbols")).status_code == 200
        assert running.exchange.timeline.now_ms() - before_ms == 1000 + 500
