"""One-minute candles of one market, kept as whole ticks and lots, and wider frames made from them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

MINUTE_MS = 60_000
KEPT_MINUTES = 1500
"""A day and an hour: what the 1m window, the 24 hour change and the hourly closes need."""

FRAMES = {
    "1m": 1,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "1hr": 60,
    "6h": 360,
    "6hr": 360,
    "1d": 1440,
    "1day": 1440,
}
"""Minutes per frame, in both spellings that clients send."""


class Bar(NamedTuple):
    """One candle in whole ticks (prices) and lots (volume); `start_ms` is its opening time."""

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int


class CandleSeries:
    """The last day of one-minute bars. Minutes without a trade are flat bars of no volume."""

    def __init__(self, tick: Decimal, step: Decimal) -> None:
        self._tick = tick
        self._step = step
        self._bars: deque[Bar] = deque(maxlen=KEPT_MINUTES)

    def load(self, bars: Iterable[Bar]) -> None:
        """Start with `bars`, oldest first."""
        self._bars.extend(bars)

    @property
    def latest(self) -> Bar | None:
        """Return the minute that is still open."""
        return self._bars[-1] if self._bars else None

    def tail(self, count: int) -> list[Bar]:
        """Return the newest `count` one-minute bars, oldest first."""
        return list(self._bars)[-count:]

    def roll(self, now_ms: int, price: Decimal) -> bool:
        """Open the bars up to the minute of `now_ms`; an empty series starts at `price`. True if any."""
        start = now_ms - now_ms % MINUTE_MS
        if not self._bars:
            ticks = int(price / self._tick)
            self._bars.append(Bar(start, ticks, ticks, ticks, ticks, 0))
            return True
        last = self._bars[-1]
        if last.start_ms >= start:
            return False
        first = max(last.start_ms + MINUTE_MS, start - KEPT_MINUTES * MINUTE_MS)
        for opening in range(first, start + 1, MINUTE_MS):
            self._bars.append(Bar(opening, last.close, last.close, last.close, last.close, 0))
        return True

    def add(self, at_ms: int, price: Decimal, amount: Decimal) -> None:
        """Count one trade."""
        self.roll(at_ms, price)
        bar = self._bars[-1]
        ticks, lots = int(price / self._tick), int(amount / self._step)
        first = ticks if bar.volume == 0 else bar.open
        high = max(ticks, first if bar.volume == 0 else bar.high)
        low = min(ticks, first if bar.volume == 0 else bar.low)
        self._bars[-1] = Bar(bar.start_ms, first, high, low, ticks, bar.volume + lots)

    def frame(self, minutes: int) -> list[Bar]:
        """Return the bars of a frame, newest first; the newest one is still open."""
        width = minutes * MINUTE_MS
        found: list[Bar] = []
        for bar in self._bars:
            start = bar.start_ms - bar.start_ms % width
            if found and found[-1].start_ms == start:
                found[-1] = _joined(found[-1], bar)
            else:
                found.append(bar._replace(start_ms=start))
        found.reverse()
        return found

    def newest(self, minutes: int) -> Bar | None:
        """Return the open bar of a frame."""
        width = minutes * MINUTE_MS
        found: Bar | None = None
        for bar in reversed(self._bars):
            if found is not None and bar.start_ms - bar.start_ms % width != found.start_ms:
                break
            found = (
                bar._replace(start_ms=bar.start_ms - bar.start_ms % width)
                if found is None
                else _joined(bar._replace(start_ms=found.start_ms), found)
            )
        return found

    def row(self, bar: Bar) -> tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]:
        """Return (start ms, open, high, low, close, volume) in quote and base units."""
        tick = self._tick
        return (
            bar.start_ms,
            bar.open * tick,
            bar.high * tick,
            bar.low * tick,
            bar.close * tick,
            bar.volume * self._step,
        )

    def day(self, now_ms: int) -> tuple[Decimal, Decimal, Decimal, Decimal] | None:
        """Return open, high, low and base volume of the last 24 hours, None without a bar."""
        since = now_ms - 1440 * MINUTE_MS
        bars = [bar for bar in self._bars if bar.start_ms >= since]
        if not bars:
            return None
        return (
            bars[0].open * self._tick,
            max(bar.high for bar in bars) * self._tick,
            min(bar.low for bar in bars) * self._tick,
            sum(bar.volume for bar in bars) * self._step,
        )


def _joined(first: Bar, second: Bar) -> Bar:
    return Bar(
        first.start_ms,
        first.open,
        max(first.high, second.high),
        min(first.low, second.low),
        second.close,
        first.volume + second.volume,
    )
