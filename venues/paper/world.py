"""The world's clockwork: equal steps, each from its own seeded chance, whatever the wall clock does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol

from venues.paper.drift import Dice, Drift
from venues.paper.engine import Engine, Market
from venues.paper.makers import Street

STEP_MS = 500
STEP_S = Decimal(STEP_MS) / 1000


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
    """Makers and takers in every market, all from one seed."""

    def __init__(self, markets: Iterable[Market], starts: Mapping[str, Decimal], dice: Dice) -> None:
        markets = list(markets)
        currencies = {c for m in markets for c in (m.instrument.base, m.instrument.quote)}
        self._drift = Drift(currencies, dice, STEP_S)
        self._streets = {
            market.symbol: Street(market, starts[market.symbol], self._drift, dice, STEP_S)
            for market in markets
        }

    def step(self, engine: Engine) -> None:
        """Move the prices, then let each market's people act."""
        self._drift.step()
        for street in self._streets.values():
            street.step(engine)

    def fair_prices(self) -> Mapping[str, Decimal]:
        """Return each market's fair price."""
        return {symbol: street.fair for symbol, street in self._streets.items()}

    @property
    def line(self) -> str:
        """Say that the prices are made up."""
        return "seeded markets: prices are made by this exchange, not by the world"
