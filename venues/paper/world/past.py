"""What happened before a market opened: candles made up from a seed when somebody first asks for them.

A market of its own walks back at random from the price it opened at. Where a dollar market tells, such as
for a pair in another currency or for a perpetual, the past follows from that market's candles instead, so
that pairs agree with each other. All of it is integers: the same seed gives the same past on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from math import isqrt
from random import Random

from venues.paper.matching.candles import DAY_MS, MINUTE_MS, WINDOWS, Bar, grouped

_FINE = 1_000_000
"""Prices walk in millionths of a tick, so that small ticks do not swallow small moves."""

_MINUTE_PPM = 800
"""How far a price usually moves in a minute, in millionths of itself: some 60 % a year."""

_STRIDE = 5
"""One minute in so many saw all the trades of a quiet market's last day."""

_BITS = 64
_DEVIATION = 4
"""A draw is the number of ones among 64 random bits less 32, which deviates by 4."""

_UNIT = Bar(0, 1, 1, 1, 1, 0)
"""What a price is divided by when nothing divides it."""


class WalkedPast:
    """A random walk that ends with `ticks` at `end_ms`, when the market's first minute begins.

    `lots_per_minute` is the usual volume. The last `minutes` before the end are there one by one. A still
    market never leaves its price.
    """

    def __init__(
        self, *, seed: str, end_ms: int, ticks: int, lots_per_minute: int, minutes: int, is_still: bool
    ) -> None:
        self._seed = seed
        self._end_ms = end_ms
        self._ticks = ticks
        self._lots = max(1, lots_per_minute)
        self._minutes = minutes
        self._ppm = 0 if is_still else _MINUTE_PPM
        self._walked = self._walk()
        self._bars: list[Bar] = []
        self._is_whole = False

    def bars(self, minutes: int) -> list[Bar]:
        """Return the candles of one kept width, oldest first."""
        if minutes == 1:
            self._bars += islice(self._walked, max(0, self._minutes - len(self._bars)))
            return self._bars[: self._minutes][::-1]
        if not self._is_whole:
            self._bars += self._walked
            self._is_whole = True
        return list(grouped(reversed(self._bars), minutes))

    def _walk(self) -> Iterator[Bar]:
        """Yield the candles newest first, each as wide as its distance allows."""
        chance = Random(self._seed)  # noqa: S311 - a made-up past must be repeatable, not unguessable
        price = self._ticks * _FINE
        for start_ms, width in self._periods():
            if width == 1 and start_ms // MINUTE_MS % _STRIDE:
                ticks = price // _FINE
                yield Bar(start_ms, ticks, ticks, ticks, ticks, 0)
                continue
            width *= _STRIDE if width == 1 else 1  # noqa: PLW2901 - what the still minutes around it left
            step = price * self._ppm * isqrt(width * 10_000) // (100 * 1_000_000)
            move = step * (chance.getrandbits(_BITS).bit_count() - _BITS // 2) // _DEVIATION
            opened = max(_FINE, price - move)
            above, below = (step * chance.getrandbits(8) // 512 for _ in range(2))
            lots = self._lots * width * (40 + chance.getrandbits(7)) // 100
            yield Bar(
                start_ms,
                opened // _FINE,
                (max(opened, price) + above) // _FINE,
                max(1, (min(opened, price) - below) // _FINE),
                price // _FINE,
                lots,
            )
            price = opened

    def _periods(self) -> Iterator[tuple[int, int]]:
        """Yield (start, minutes) backwards: minutes if wanted, then quarters, hours, days."""
        at_ms = self._end_ms
        for _ in range(self._minutes):
            at_ms -= MINUTE_MS
            yield at_ms, 1
        for width, window in WINDOWS.items():
            step_ms = width * MINUTE_MS
            # To a midnight, so that every wider candle is made of whole ones.
            until_ms = (self._end_ms - window * MINUTE_MS) // DAY_MS * DAY_MS
            if at_ms % step_ms:
                yield at_ms - at_ms % step_ms, at_ms % step_ms // MINUTE_MS
                at_ms -= at_ms % step_ms
            while at_ms > until_ms:
                at_ms -= step_ms
                yield at_ms, width


class DerivedPast:
    """The past of a market whose price follows from one or two others.

    `leader` and `divisor` return another market's candles of a width, oldest first. The past is scaled to end
    with `ticks`; its volume is `volume_share` of the leader's lots.
    """

    def __init__(
        self,
        *,
        end_ms: int,
        ticks: int,
        leader: Callable[[int], list[Bar]],
        divisor: Callable[[int], list[Bar]] | None,
        volume_share: Decimal,
        has_minutes: bool,
    ) -> None:
        self._end_ms = end_ms
        self._ticks = ticks
        self._leader = leader
        self._divisor = divisor
        self._share = volume_share
        self._has_minutes = has_minutes

    def bars(self, minutes: int) -> list[Bar]:
        """Return the candles of one kept width, oldest first."""
        if minutes == 1 and not self._has_minutes:
            return []
        led = [bar for bar in self._leader(minutes) if bar.start_ms < self._end_ms]
        others = {} if self._divisor is None else {bar.start_ms: bar for bar in self._divisor(minutes)}
        pairs = [(bar, others.get(bar.start_ms, _UNIT)) for bar in led]
        return [self._scaled(*pair, *pairs[-1]) for pair in pairs]

    def _scaled(self, bar: Bar, other: Bar, last: Bar, last_other: Bar) -> Bar:
        scale, unit = self._ticks * last_other.close, last.close
        opened = max(1, scale * bar.open // (unit * other.open))
        closed = max(1, scale * bar.close // (unit * other.close))
        return Bar(
            bar.start_ms,
            opened,
            max(opened, closed) * bar.high // max(bar.open, bar.close),
            max(1, min(opened, closed) * bar.low // min(bar.open, bar.close)),
            closed,
            int(bar.volume * self._share),
        )
