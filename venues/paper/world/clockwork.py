"""The world's clockwork: equal steps, each from its own seeded chance, whatever the wall clock does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol

from venues.paper.matching.engine import Engine, Market
from venues.paper.world.drift import Dice, Drift
from venues.paper.world.makers import Street

STEP_MS = 500
STEP_S = Decimal(STEP_MS) / 1000
QUIET_STEPS = 10
"""How many steps pass until a quiet market's people look at it again."""


class World(Protocol):
    """What moves the markets; one call a step."""

    def step(self, engine: Engine) -> None:
        """Advance by `STEP_MS` of the exchange's time."""
        ...

    def fair_prices(self) -> Mapping[str, Decimal]:
        """Return the prices to go on from after a restart, by symbol; empty when there is nothing to keep."""
        ...

    @property
    def line(self) -> str:
        """Return one sentence for people: where the prices come from."""
        ...


class SeededWorld:
    """Makers and takers in every market, all from one seed.

    Quiet markets take turns, each once in `QUIET_STEPS`, with chance of their own: however many of them are
    listed, the lively ones do what they would do without them.
    """

    def __init__(
        self,
        markets: Iterable[Market],
        starts: Mapping[str, Decimal],
        dice: Dice,
        quiet_dice: Dice | None = None,
    ) -> None:
        markets, quiet_dice = list(markets), quiet_dice or dice
        lively = {c for m in markets if not m.listing.is_quiet for c in _currencies(m)}
        followed = {c for m in markets if m.instrument.base in lively for c in _currencies(m)}
        rest = {c for m in markets if m.instrument.base not in lively for c in _currencies(m)}
        quiet_s = STEP_S * QUIET_STEPS
        self._drift = Drift(followed, dice, STEP_S)
        self._quiet_drift = Drift(rest, quiet_dice, quiet_s)
        self._streets: dict[str, Street] = {}
        self._quiet: list[Street] = []
        for market in markets:
            drift = self._drift if market.instrument.base in lively else self._quiet_drift
            is_quiet = market.listing.is_quiet
            street = Street(
                market,
                starts[market.symbol],
                drift,
                quiet_dice if is_quiet else dice,
                quiet_s if is_quiet else STEP_S,
            )
            self._streets[market.symbol] = street
            if is_quiet:
                self._quiet.append(street)
        self._steps = 0

    def step(self, engine: Engine) -> None:
        """Move the prices, then let each market's people act."""
        self._drift.step()
        turn = self._steps % QUIET_STEPS
        if turn == 0:
            self._quiet_drift.step()
        # At the very first step everybody opens.
        due = self._quiet[turn::QUIET_STEPS] if self._steps else self._quiet
        self._steps += 1
        for street in self._streets.values():
            if not street.is_quiet:
                street.step(engine)
        for street in due:
            street.step(engine)

    def fair_prices(self) -> Mapping[str, Decimal]:
        """Return each market's fair price."""
        return {symbol: street.fair for symbol, street in self._streets.items()}

    @property
    def line(self) -> str:
        """Say that the prices are made up."""
        return "seeded markets: prices are made by this exchange, not by the world"


def _currencies(market: Market) -> tuple[str, str]:
    return market.instrument.base, market.instrument.quote
