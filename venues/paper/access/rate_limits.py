"""How often a client may ask: the venue's leaky buckets, counted in the exchange's own time.

The venue: 120 public and 600 private requests a minute, counted per group of endpoints; what comes faster is
queued, five requests at most, and the rest is answered 429 until the rate falls (docs.gemini.com/rate-limit,
read 2026-09). Its example lets one second's worth of requests pass at once. Our rules where it is silent:
- a group is a rate class of the catalogue; `addresses` and `transfers` count as private as well;
- public requests are counted per source address, private ones per key, and at least five pass at once;
- of the classes that allow one call in so many seconds, one is queued;
- below speed 1 the limits count in wall time, so that a client paced by the wall is not too fast for them;
- in virtual time they are off unless asked for; where they are on, a queued request moves the time on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from venues.gemini.catalogue import RateClass
from venues.paper.matching.refusals import RefusedError

QUEUE: Final = 5
KEPT_BUCKETS: Final = 4096
"""Clients remembered before those who have been quiet are forgotten."""

SUBSCRIPTIONS_EVERY_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One request every `every_ms`; `at_once` pass without waiting, `queued` more are delayed."""

    every_ms: int
    at_once: int
    queued: int


ALLOWANCES: Final[Mapping[RateClass, Allowance]] = MappingProxyType(
    {
        RateClass.PUBLIC: Allowance(every_ms=500, at_once=5, queued=QUEUE),
        RateClass.PRIVATE: Allowance(every_ms=100, at_once=10, queued=QUEUE),
        RateClass.ADDRESSES: Allowance(every_ms=2_000, at_once=1, queued=1),
        RateClass.TRANSFERS: Allowance(every_ms=5_000, at_once=1, queued=1),
    }
)
"""Sockets are limited by subscriptions and by `SocketCounters` instead."""


class TooOftenError(RefusedError):
    """A 429; `retry_after_s` is when the next request would be taken, in whole seconds of wall time."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("RateLimit", "Requests were made too frequently", 429)
        self.retry_after_s = retry_after_s


class Bucket:
    """A leaky bucket; it only remembers when it will be empty."""

    __slots__ = ("_allowance", "_empty_ms")

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._empty_ms = 0

    def wait_ms(self, now_ms: int) -> int:
        """Return how long a request that came now would wait; more than the queue holds means refused."""
        spare = (self._allowance.at_once - 1) * self._allowance.every_ms
        return max(0, self._empty_ms - now_ms - spare)

    def excess_ms(self, now_ms: int) -> int:
        """Return in how many milliseconds the queue has room again, 0 when it has now."""
        return max(0, self.wait_ms(now_ms) - self._allowance.queued * self._allowance.every_ms)

    def take(self, now_ms: int) -> None:
        """Count a request that was let in."""
        self._empty_ms = max(self._empty_ms, now_ms) + self._allowance.every_ms

    def is_empty(self, now_ms: int) -> bool:
        """Say whether it has nothing to remember any more."""
        return self._empty_ms <= now_ms


class RateLimits:
    """All buckets of all clients. `speed` 0 means virtual time."""

    def __init__(self, now_ms: Callable[[], int], *, speed: Decimal = Decimal(1), is_on: bool = True) -> None:
        self._now_ms = now_ms
        self._is_on = is_on
        self._speed = speed or Decimal(1)
        self._buckets: dict[tuple[RateClass, str], Bucket] = {}
        self._counters: dict[str, SocketCounters] = {}
        slow = min(self._speed, Decimal(1))
        self._allowances = {
            rate: Allowance(
                every_ms=max(1, int(given.every_ms * slow)), at_once=given.at_once, queued=given.queued
            )
            for rate, given in ALLOWANCES.items()
        }

    def admit(self, rate: RateClass, who: str) -> int:
        """Count one request of `who` and return how many milliseconds of the exchange's time it must wait.

        Raises `TooOftenError`; a refused request is not counted.
        """
        if not self._is_on or rate not in self._allowances:
            return 0
        now_ms = self._now_ms()
        own = {rate} if rate is RateClass.PUBLIC else {rate, RateClass.PRIVATE}
        buckets = [self._bucket(each, who, now_ms) for each in own]
        excess_ms = max(bucket.excess_ms(now_ms) for bucket in buckets)
        if excess_ms:
            wall_ms = int(excess_ms / self._speed)
            raise TooOftenError(max(1, (wall_ms + 999) // 1000))
        wait_ms = max(bucket.wait_ms(now_ms) for bucket in buckets)
        for bucket in buckets:
            bucket.take(now_ms)
        return wait_ms

    def subscriptions(self) -> SubscriptionLimit:
        """Return the limit of one connection to the market data v2 socket."""
        return SubscriptionLimit(self._now_ms, is_on=self._is_on)

    def counters(self, who: str) -> SocketCounters:
        """Return the counters of one client of the new WebSocket API: its key, or its address without one."""
        found = self._counters.get(who)
        if found is None:
            if len(self._counters) >= KEPT_BUCKETS:
                self._counters.clear()  # on loopback, clients are as few as keys
            found = self._counters[who] = SocketCounters(self._now_ms, is_on=self._is_on)
        return found

    def _bucket(self, rate: RateClass, who: str, now_ms: int) -> Bucket:
        found = self._buckets.get((rate, who))
        if found is None:
            if len(self._buckets) >= KEPT_BUCKETS:
                self._buckets = {k: b for k, b in self._buckets.items() if not b.is_empty(now_ms)}
            found = self._buckets[rate, who] = Bucket(self._allowances[rate])
        return found


class SubscriptionLimit:
    """One connection's subscription requests: one per symbol and minute, and five beyond before it refuses.

    The five are our rule: a client that reads trades, books and candles of a symbol asks once for each.
    """

    def __init__(self, now_ms: Callable[[], int], *, is_on: bool = True) -> None:
        self._now_ms = now_ms
        self._is_on = is_on
        self._buckets: dict[str, Bucket] = {}

    def admits(self, symbol: str) -> bool:
        """Count one subscription request to `symbol` and say whether it may be served."""
        if not self._is_on:
            return True
        now_ms = self._now_ms()
        bucket = self._buckets.get(symbol)
        if bucket is None:
            allowance = Allowance(every_ms=SUBSCRIPTIONS_EVERY_MS, at_once=1 + QUEUE, queued=0)
            bucket = self._buckets[symbol] = Bucket(allowance)
        if bucket.excess_ms(now_ms):
            return False
        bucket.take(now_ms)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One limit of the new WebSocket API: at most `limit` in `count` intervals of a kind."""

    kind: str
    interval: str
    count: int
    limit: int

    @property
    def length_ms(self) -> int:
        """Return how long the window is."""
        return self.count * {"SECOND": 1_000, "MINUTE": 60_000, "DAY": 86_400_000}[self.interval]


REQUESTS: Final = "REQUEST_WEIGHT"
ORDERS: Final = "ORDERS"
CONNECTIONS: Final = "CONNECTIONS"
WINDOWS: Final = (
    Window(kind=REQUESTS, interval="SECOND", count=10, limit=7_000),
    Window(kind=ORDERS, interval="SECOND", count=10, limit=3_500),
    Window(kind=ORDERS, interval="DAY", count=1, limit=10_000_000),
    Window(kind=CONNECTIONS, interval="MINUTE", count=5, limit=300),
)


class SocketCounters:
    """One client's use of the new WebSocket API, as `conninfo` shows it; windows begin at round times."""

    def __init__(self, now_ms: Callable[[], int], *, is_on: bool = True) -> None:
        self._now_ms = now_ms
        self._is_on = is_on
        self._used: dict[Window, tuple[int, int]] = {}

    def take(self, kind: str) -> bool:
        """Count one use of `kind` (`REQUESTS`, `ORDERS`, `CONNECTIONS`); False when a window is full."""
        windows = [window for window in WINDOWS if window.kind == kind]
        if self._is_on and any(self._count(window) >= window.limit for window in windows):
            return False
        for window in windows:
            self._used[window] = (self._now_ms() // window.length_ms, self._count(window) + 1)
        return True

    def shown(self) -> list[dict[str, str | int]]:
        """Return the rows of `conninfo`'s `rateLimits`."""
        return [
            {
                "rateLimitType": window.kind,
                "interval": window.interval,
                "intervalNum": window.count,
                "limit": window.limit,
                "count": self._count(window),
            }
            for window in WINDOWS
        ]

    def _count(self, window: Window) -> int:
        begun, used = self._used.get(window, (0, 0))
        return used if begun == self._now_ms() // window.length_ms else 0
