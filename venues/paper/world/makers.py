"""The seeded market: makers who quote around a wandering fair price and takers who come at random.

All of them are ordinary participants of the engine: their orders queue, match and are matched by
price-time priority like anybody's. When the price passes through a customer's resting order, it is a
maker's new quote or a taker that fills it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.instrument import Side
from domain.money import BPS, ZERO
from domain.order import ExecutionOption, OrderType
from venues.paper.matching.engine import Engine, Market
from venues.paper.matching.ledger import Account
from venues.paper.matching.market import PERMITS
from venues.paper.matching.orders import Order, OrderRequest
from venues.paper.world.drift import CALM_HEAT, Dice, Drift

MAX_WIDENING = Decimal(5)
TAKER_REACH = Decimal("0.001")
"""How far beyond the best price a taker is willing to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a maker quotes; distances are in half spreads.

    `first` is where its best quote stands, `growth` the ratio of neighbouring distances, `patience` how far
    the price may move before it quotes anew, `restless` the chance of doing so anyway in a step.
    """

    levels: int
    first: Decimal
    growth: Decimal
    patience: Decimal
    restless: Decimal
    size: Decimal


TIGHT = Style(
    levels=3,
    first=Decimal(1),
    growth=Decimal("1.7"),
    patience=Decimal("0.4"),
    restless=Decimal("0.05"),
    size=Decimal("0.6"),
)
DEEP = Style(
    levels=9,
    first=Decimal(5),
    growth=Decimal("1.45"),
    patience=Decimal("2.5"),
    restless=Decimal("0.01"),
    size=Decimal("1.8"),
)

QUIET = Style(
    levels=5,
    first=Decimal(1),
    growth=Decimal("1.8"),
    patience=Decimal("0.8"),
    restless=Decimal("0.02"),
    size=Decimal(1),
)


class Maker:
    """One maker in one market."""

    def __init__(self, market: Market, style: Style, account: Account, dice: Dice) -> None:
        self._market = market
        self._style = style
        self._account = account
        self._dice = dice
        self._quotes: dict[tuple[Side, Decimal], Order] = {}
        self._anchor = ZERO

    def step(self, engine: Engine, fair: Decimal, half_bps: Decimal, usd_rate: Decimal) -> None:
        """Quote anew when the price has moved, the best quote is gone, or on a whim."""
        half = fair * half_bps / BPS
        is_due = (
            not self._quotes
            or abs(fair - self._anchor) > self._style.patience * half
            or any(not order.is_live for order in self._quotes.values())
            or self._dice.happens(self._style.restless)
        )
        if is_due:
            self._quote(engine, fair, half, usd_rate)

    def _quote(self, engine: Engine, fair: Decimal, half: Decimal, usd_rate: Decimal) -> None:
        self._anchor = fair
        wanted = self._wanted(fair, half, usd_rate)
        kept = {}
        # Own stale quotes leave first, so that new ones can only meet other people's.
        for key, order in self._quotes.items():
            if order.is_live and key in wanted:
                kept[key] = order
            else:
                engine.cancel(order)
        for key, amount in wanted.items():
            if key not in kept:
                side, price = key
                request = OrderRequest(
                    symbol=self._market.symbol, side=side, type=OrderType.LIMIT, amount=amount, price=price
                )
                kept[key] = engine.place(self._account, request)
        self._quotes = {key: order for key, order in kept.items() if order.is_live}

    def _wanted(self, fair: Decimal, half: Decimal, usd_rate: Decimal) -> dict[tuple[Side, Decimal], Decimal]:
        instrument, listing, style = self._market.instrument, self._market.listing, self._style
        tick = instrument.price_tick
        wanted: dict[tuple[Side, Decimal], Decimal] = {}
        distance, bid, ask = style.first * half, fair, fair
        for level in range(style.levels):
            # At least a tick apart, however coarse the tick; a maker never quotes at or below zero.
            bid = min(instrument.round_price(fair - distance, Side.BUY), bid - tick if level else bid)
            ask = max(instrument.round_price(fair + distance, Side.SELL), ask + tick if level else ask)
            for side, price in ((Side.BUY, bid), (Side.SELL, ask)):
                usd = listing.level_usd * style.size * (1 + level) * self._dice.between(15, 100) / 100
                amount = instrument.round_amount(usd / (fair * usd_rate))
                if price > 0:
                    wanted[side, price] = max(amount, instrument.min_amount)
            distance *= style.growth
        return wanted


class Takers:
    """Everybody who comes to one market to trade at once."""

    def __init__(self, market: Market, account: Account, dice: Dice, step_s: Decimal) -> None:
        self._market = market
        self._account = account
        self._dice = dice
        self._chance = market.listing.trades_per_minute * step_s / 60

    def step(self, engine: Engine, drift: Drift, usd_rate: Decimal) -> None:
        """Let a taker come, more often in a storm and rather with the move than against it."""
        if not self._dice.happens(min(Decimal(1), self._chance * drift.heat / CALM_HEAT)):
            return
        lean = max(Decimal("-0.3"), min(Decimal("0.3"), drift.direction * Decimal("0.1")))
        side = Side.BUY if self._dice.happens(Decimal("0.5") + lean) else Side.SELL
        best = self._market.book.against(side).best
        if best is None:
            return
        instrument = self._market.instrument
        reach = best * (1 + TAKER_REACH) if side is Side.BUY else best * (1 - TAKER_REACH)
        amount = instrument.round_amount(self._usd() / (best * usd_rate))
        request = OrderRequest(
            symbol=self._market.symbol,
            side=side,
            type=OrderType.LIMIT,
            amount=max(amount, instrument.min_amount),
            price=instrument.round_price(reach, side),
            option=ExecutionOption.IMMEDIATE_OR_CANCEL,
        )
        engine.place(self._account, request)

    def _usd(self) -> Decimal:
        doublings = 0
        while doublings < 6 and self._dice.between(0, 1):
            doublings += 1
        return self._market.listing.trade_usd * (1 << doublings) * self._dice.between(10, 60) / 100


class Street:
    """Makers and takers of one market and the fair price they believe in."""

    def __init__(self, market: Market, start: Decimal, drift: Drift, dice: Dice, step_s: Decimal) -> None:
        symbol = market.symbol
        self._market = market
        self._drift = drift
        instrument = market.instrument
        self._scale = start / drift.ratio(instrument.base, instrument.quote)
        self._makers = [
            Maker(market, style, Account(name=f"maker-{number}-{symbol}", is_house=True), dice)
            for number, style in enumerate((QUIET,) if market.listing.is_quiet else (TIGHT, DEEP), start=1)
        ]
        self._takers = Takers(market, Account(name=f"takers-{symbol}", is_house=True), dice, step_s)

    @property
    def is_quiet(self) -> bool:
        """Say whether its people look at it rarely."""
        return self._market.listing.is_quiet

    @property
    def fair(self) -> Decimal:
        """Return the price the makers quote around."""
        instrument = self._market.instrument
        return self._scale * self._drift.ratio(instrument.base, instrument.quote)

    @property
    def half_bps(self) -> Decimal:
        """Return half the spread in basis points; it widens with the square of the heat."""
        widening = (self._drift.heat / CALM_HEAT) ** 2
        return self._market.listing.spread_bps / 2 * min(MAX_WIDENING, widening)

    def step(self, engine: Engine) -> None:
        """Quote, then trade, while the market does."""
        if not PERMITS[self._market.status].takes:
            return
        fair, half, rate = self.fair, self.half_bps, engine.usd_rate(self._market.instrument.quote)
        for maker in self._makers:
            maker.step(engine, fair, half, rate)
        self._takers.step(engine, self._drift, rate)
