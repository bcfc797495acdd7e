"""How prices wander: one common market factor, each currency's own news, calm and stormy spells.

A currency has an index that starts at 1; a pair's fair price follows base index over quote index, so that
cross pairs stay consistent. All of it is integer chance and exact decimals: the same seed gives the same
world on every machine. A normal draw is (ones among 1,024 random bits - 512) / 16.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from random import Random
from typing import NamedTuple

from domain.money import ZERO

YEAR_S = Decimal(365 * 86_400)
CALM_HEAT = Decimal("0.85")
STORM_HEAT = Decimal("1.7")
CALM_LASTS_S = Decimal(2400)
STORM_LASTS_S = Decimal(360)
HEAT_FOLLOWS_S = Decimal(45)
"""Time constant with which volatility moves to the level of its spell, so that it clusters."""

FACTOR_VOL = Decimal("0.38")
_PLACES = Decimal("1e-14")


class Habit(NamedTuple):
    """How a currency answers to the factor, and its own yearly volatility."""

    beta: Decimal
    own_vol: Decimal


_HABITS = {
    name: Habit(Decimal(beta), Decimal(own))
    for name, beta, own in (
        ("BTC", "1", "0.14"),
        ("ETH", "1.12", "0.28"),
        ("SOL", "1.25", "0.38"),
        ("LTC", "1.05", "0.34"),
        ("XRP", "1.1", "0.42"),
        ("DOGE", "1.25", "0.42"),
        ("LINK", "1.2", "0.40"),
        ("BCH", "1", "0.42"),
        ("AVAX", "1.25", "0.42"),
    )
}
_OTHER = Habit(Decimal("1.15"), Decimal("0.42"))
_STILL = frozenset({"USD", "GUSD", "USDT", "USDC", "RLUSD", "DAI", "EUR", "GBP", "SGD"})


class Dice:
    """Chance for the world, all of it from one seeded `Random` and without floats."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def normal(self) -> Decimal:
        """Return a draw of mean 0 and deviation 1 (in steps of 1/16)."""
        return Decimal(self._random.getrandbits(1024).bit_count() - 512) / 16

    def happens(self, chance: Decimal) -> bool:
        """Say yes with probability `chance`."""
        return self._random.getrandbits(32) < chance * 4_294_967_296

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both possible."""
        return self._random.randint(low, high)


class Drift:
    """The indices of all currencies, advanced in equal steps of `step_s` seconds."""

    def __init__(self, currencies: Iterable[str], dice: Dice, step_s: Decimal) -> None:
        self._dice = dice
        share = (step_s / YEAR_S).sqrt()
        self._factor_vol = FACTOR_VOL * share
        self._moving = {
            name: Habit(habit.beta, habit.own_vol * share)
            for name in sorted(set(currencies) - _STILL)
            for habit in (_HABITS.get(name, _OTHER),)
        }
        self.index: dict[str, Decimal] = {name: Decimal(1) for name in sorted(set(currencies))}
        self.heat = CALM_HEAT
        self.is_storm = False
        self._storm_chance = step_s / CALM_LASTS_S
        self._calm_chance = step_s / STORM_LASTS_S
        self._follow = min(Decimal(1), step_s / HEAT_FOLLOWS_S)
        self.direction = ZERO
        """The last move of the factor in its own deviations; takers lean with it."""

    def step(self) -> None:
        """Advance every index by one step."""
        if self._dice.happens(self._calm_chance if self.is_storm else self._storm_chance):
            self.is_storm = not self.is_storm
        target = STORM_HEAT if self.is_storm else CALM_HEAT
        self.heat = (self.heat + (target - self.heat) * self._follow).quantize(_PLACES)
        self.direction = self._dice.normal()
        factor = self.direction * self._factor_vol
        for name, habit in self._moving.items():
            move = (habit.beta * factor + habit.own_vol * self._dice.normal()) * self.heat
            self.index[name] = (self.index[name] * (1 + move)).quantize(_PLACES)

    def ratio(self, base: str, quote: str) -> Decimal:
        """Return by what factor the price of `base` in `quote` has changed since the start."""
        return self.index[base] / self.index[quote]
