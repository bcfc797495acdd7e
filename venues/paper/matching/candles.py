"""The candles of one market in whole ticks and lots: a day of minutes, and wider ones for up to a year.

Minutes are kept one by one. When a quarter of an hour, an hour or a UTC day is over, its candle is made from
the minutes and kept as well, so that each width reaches as far back as its window. What lies before the
market's first minute comes from a past that is made up when somebody first asks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain
from typing import NamedTuple, Protocol

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

WINDOWS = {15: 14 * 1440, 60: 60 * 1440, 1440: 365 * 1440}
"""How many minutes back the candles of each kept width go: a fortnight, two months, a year.

The venue's windows are known for 1m (about a day) and 1d (about a year) only; the others are our rule. A
frame is made of the widest kept candles that fit into it: 5m of minutes, 30m of quarters, 6h of hours.
"""

DAY_MS = 1440 * MINUTE_MS


class Bar(NamedTuple):
    """One candle in whole ticks (prices) and lots (volume); `start_ms` is its opening time."""

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int

    def joined(self, later: Bar) -> Bar:
        """Return the candle of both, which opens with this one."""
        return Bar(
            self.start_ms,
            self.open,
            max(self.high, later.high),
            min(self.low, later.low),
            later.close,
            self.volume + later.volume,
        )


class Past(Protocol):
    """What happened before a market's first minute."""

    def bars(self, minutes: int) -> list[Bar]:
        """Return the candles of one kept width (1, 15, 60 or 1440 minutes), oldest first."""
        ...


class CandleSeries:
    """All candles of one market. Minutes without a trade are flat bars of no volume."""

    def __init__(self, tick: Decimal, step: Decimal) -> None:
        self._tick = tick
        self._step = step
        self._bars: deque[Bar] = deque(maxlen=KEPT_MINUTES)
        self._closed: dict[int, deque[Bar]] = {
            width: deque(maxlen=window // width) for width, window in WINDOWS.items()
        }
        self._fresh: list[tuple[int, Bar]] = []
        self._saved_ms = 0
        self._past: Past | None = None
        self._past_bars: dict[int, list[Bar]] = {}
        self._day_key = (-1, -1)
        self._day_bar: Bar | None = None
        """The last 24 hours without the open minute, as one candle, for `_day_key`."""

    def load(self, bars: Iterable[Bar]) -> None:
        """Start with these minutes, oldest first; the wider candles that end among them follow."""
        for bar in bars:
            self._open(bar)

    def load_wider(self, minutes: int, bars: Iterable[Bar]) -> None:
        """Start with these closed candles of a kept width, oldest first. Call it before `load`."""
        self._closed[minutes].extend(bars)

    def follow(self, past: Past) -> None:
        """Take what happened before the first minute from `past`; it is asked when somebody wants it."""
        self._past = past

    def take_closed(self) -> list[tuple[int, Bar]]:
        """Return (minutes, candle) of the wider candles that closed since the last call."""
        closed, self._fresh = self._fresh, []
        return closed

    @property
    def latest(self) -> Bar | None:
        """Return the minute that is still open."""
        return self._bars[-1] if self._bars else None

    def tail(self, count: int) -> list[Bar]:
        """Return the newest `count` one-minute bars, oldest first."""
        found = list(self._bars)[-count:]
        missing = count - len(found)
        return [*self._before(1)[-missing:], *found] if missing else found

    def recent(self) -> list[Bar]:
        """Return the minutes that may have changed since the last call, oldest first."""
        since_ms = self._saved_ms
        self._saved_ms = self._bars[-1].start_ms if self._bars else since_ms
        return self._since(since_ms)

    def roll(self, now_ms: int, price: Decimal) -> bool:
        """Open the bars up to the minute of `now_ms`; an empty series starts at `price`. True if any."""
        start = now_ms - now_ms % MINUTE_MS
        if not self._bars:
            ticks = int(price / self._tick)
            self._open(Bar(start, ticks, ticks, ticks, ticks, 0))
            return True
        last = self._bars[-1]
        if last.start_ms >= start:
            return False
        first = max(last.start_ms + MINUTE_MS, start - KEPT_MINUTES * MINUTE_MS)
        for opening in range(first, start + 1, MINUTE_MS):
            self._open(Bar(opening, last.close, last.close, last.close, last.close, 0))
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
        """Return the bars of a frame within its window, newest first; the newest one is still open."""
        latest = self.latest
        if latest is None:
            return []
        kept = max((width for width in WINDOWS if minutes % width == 0), default=1)
        if kept == 1:
            oldest_ms = latest.start_ms - (KEPT_MINUTES - 1) * MINUTE_MS
            found: Iterable[Bar] = chain(self._before(1), self._bars)
        else:
            open_ms = latest.start_ms - latest.start_ms % (kept * MINUTE_MS)
            oldest_ms = open_ms - (WINDOWS[kept] - kept) * MINUTE_MS
            found = chain(self._before(kept), self._closed[kept], grouped(self._since(open_ms), kept))
        bars = list(grouped((bar for bar in found if bar.start_ms >= oldest_ms), minutes))
        bars.reverse()
        return bars

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
        latest = self.latest
        since_ms = -(-(now_ms - DAY_MS) // MINUTE_MS) * MINUTE_MS
        if latest is None or latest.start_ms < since_ms:
            return None
        if self._day_key != (since_ms, latest.start_ms):
            closed = [bar for bar in self.tail(1441)[:-1] if bar.start_ms >= since_ms]
            self._day_key = since_ms, latest.start_ms
            self._day_bar = _whole(closed) if closed else None
        whole = latest if self._day_bar is None else self._day_bar.joined(latest)
        return self.row(whole)[1], self.row(whole)[2], self.row(whole)[3], self.row(whole)[5]

    def _open(self, bar: Bar) -> None:
        if self._bars and bar.start_ms % (15 * MINUTE_MS) == 0:
            for width, closed in self._closed.items():
                if bar.start_ms % (width * MINUTE_MS) == 0:
                    self._close(width, closed, bar.start_ms)
        self._bars.append(bar)

    def _close(self, width: int, closed: deque[Bar], end_ms: int) -> None:
        step_ms = width * MINUTE_MS
        start_ms = end_ms - step_ms
        if closed:
            # While nobody ran the exchange nothing traded; what is beyond the window is not filled.
            last = closed[-1]
            first_ms = max(last.start_ms + step_ms, end_ms - WINDOWS[width] * MINUTE_MS)
            for gap_ms in range(first_ms, start_ms, step_ms):
                self._keep(width, Bar(gap_ms, last.close, last.close, last.close, last.close, 0))
            if last.start_ms >= start_ms:
                return
        for whole in grouped(self._since(start_ms), width):
            self._keep(width, whole)

    def _keep(self, width: int, whole: Bar) -> None:
        self._closed[width].append(whole)
        self._fresh.append((width, whole))

    def _since(self, start_ms: int) -> list[Bar]:
        """Return the minutes from `start_ms` on, oldest first."""
        found = []
        for bar in reversed(self._bars):
            if bar.start_ms < start_ms:
                break
            found.append(bar)
        found.reverse()
        return found

    def _before(self, width: int) -> list[Bar]:
        if self._past is None:
            return []
        found = self._past_bars.get(width)
        if found is None:
            found = self._past_bars[width] = self._past.bars(width)
        return found


def _whole(bars: Sequence[Bar]) -> Bar:
    """Return the candle of all `bars`, of which there is at least one."""
    return Bar(
        bars[0].start_ms,
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum(bar.volume for bar in bars),
    )


def grouped(bars: Iterable[Bar], minutes: int) -> Iterator[Bar]:
    """Yield the candles of `minutes` that `bars`, oldest first, make up."""
    width = minutes * MINUTE_MS
    whole: Bar | None = None
    for bar in bars:
        start = bar.start_ms - bar.start_ms % width
        if whole is not None and whole.start_ms == start:
            whole = whole.joined(bar)
            continue
        if whole is not None:
            yield whole
        whole = bar if bar.start_ms == start else bar._replace(start_ms=start)
    if whole is not None:
        yield whole
