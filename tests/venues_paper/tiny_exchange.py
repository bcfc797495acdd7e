"""The rules of trading once more, as plainly as they can be said: lists, fractions, a sort for every order.

Written from the wire contract alone and slow on purpose, so that the engine has something to be held against.
"""

from dataclasses import dataclass, field
from fractions import Fraction

HOUSE = "house"
MAKER, TAKER = Fraction(20, 10_000), Fraction(40, 10_000)
TICK = Fraction(1, 100)
COLLAR = Fraction(5, 100)


@dataclass(eq=False)
class TinyOrder:
    number: int
    who: str
    is_buy: bool
    amount: Fraction
    price: Fraction | None
    """None for a market order, until it is known how far it may go."""

    option: str | None = None
    stop: Fraction | None = None
    is_market: bool = False
    is_live: bool = True
    reason: str | None = None
    rest: Fraction = Fraction(0)
    arrival: int = 0

    def takes(self, price: Fraction, limit: Fraction | None = None) -> bool:
        limit = self.price if limit is None else limit
        return price <= limit if self.is_buy else price >= limit

    def is_reached(self, last: Fraction) -> bool:
        return last >= self.stop if self.is_buy else last <= self.stop


@dataclass
class TinyExchange:
    """`fills` are (number of the resting order, number of the other, price, amount), in their order."""

    funds: dict[tuple[str, str], Fraction]
    last: Fraction = Fraction(100)
    resting: list[TinyOrder] = field(default_factory=list)
    stops: list[TinyOrder] = field(default_factory=list)
    fills: list[tuple[int, int, Fraction, Fraction]] = field(default_factory=list)
    arrivals: int = 0

    def held(self, who: str, currency: str) -> Fraction:
        mine = [o for o in self.resting + self.stops if o.who == who and o.is_buy == (currency == "USD")]
        return sum((self._needed(order) for order in mine), Fraction(0))

    def place(self, order: TinyOrder) -> str | None:
        """Return the reason of a refusal."""
        order.rest = order.amount
        if order.is_market:
            against = self._against(order)
            if not against:
                return "InsufficientLiquidity"
            order.price = self._worst(order, against)
        if order.who != HOUSE:
            currency = "USD" if order.is_buy else "BTC"
            if self._needed(order) > self.funds[order.who, currency] - self.held(order.who, currency):
                return "InsufficientFunds"
        if order.stop is not None and not order.is_reached(self.last):
            self.stops.append(order)
            return None
        self._enter(order)
        while reached := [stop for stop in self.stops if stop.is_reached(self.last)]:
            first = min(reached, key=lambda stop: stop.number)
            self.stops.remove(first)
            self._enter(first)
        return None

    def cancel(self, order: TinyOrder) -> None:
        if order.is_live:
            (self.resting if order in self.resting else self.stops).remove(order)
            self._cancelled(order, "Requested")

    def _needed(self, order: TinyOrder) -> Fraction:
        return order.rest * order.price * (1 + TAKER) if order.is_buy else order.rest

    def _against(self, order: TinyOrder) -> list[TinyOrder]:
        others = [other for other in self.resting if other.is_buy != order.is_buy]
        return sorted(others, key=lambda o: (o.price if order.is_buy else -o.price, o.arrival))

    def _worst(self, order: TinyOrder, against: list[TinyOrder]) -> Fraction:
        reach = against[0].price * (1 + COLLAR if order.is_buy else 1 - COLLAR)
        ticks = reach // TICK if order.is_buy else -(-reach // TICK)
        return ticks * TICK

    def _enter(self, order: TinyOrder) -> None:
        against = self._against(order)
        limit = order.price
        if against:
            reach = against[0].price * (1 + COLLAR if order.is_buy else 1 - COLLAR)
            limit = min(limit, reach) if order.is_buy else max(limit, reach)
        met = [other for other in against if order.takes(other.price)]
        refusal = self._refusal(order, met, limit)
        if refusal is not None:
            self._cancelled(order, refusal)
            return
        for other in met:
            if order.rest and order.takes(other.price, limit):
                self._trade(other, order)
        if not order.rest:
            return
        beyond = self._against(order)
        if beyond and (order.is_market or order.takes(beyond[0].price)):
            self._cancelled(order, "ExceedsPriceLimits")
        elif order.is_market or order.option == "immediate-or-cancel":
            self._cancelled(order, "ImmediateOrCancelWouldPost")
        else:
            self.arrivals += 1
            order.arrival = self.arrivals
            self.resting.append(order)

    def _refusal(self, order: TinyOrder, met: list[TinyOrder], limit: Fraction) -> str | None:
        if order.who != HOUSE and any(other.who == order.who for other in met):
            return "SelfCrossPrevented"
        if met and order.option == "maker-or-cancel":
            return "MakerOrCancelWouldTake"
        there = sum(other.rest for other in met if order.takes(other.price, limit))
        if order.option == "fill-or-kill" and there < order.amount:
            return "FillOrKillWouldNotFill"
        return None

    def _trade(self, maker: TinyOrder, taker: TinyOrder) -> None:
        amount, price = min(maker.rest, taker.rest), maker.price
        self.last = price
        self.fills.append((maker.number, taker.number, price, amount))
        for order, fee in ((maker, MAKER), (taker, TAKER)):
            order.rest -= amount
            order.is_live = order.rest > 0
            if order.who != HOUSE:
                sign = 1 if order.is_buy else -1
                self.funds[order.who, "BTC"] += sign * amount
                self.funds[order.who, "USD"] -= (sign + fee) * amount * price
        if not maker.rest:
            self.resting.remove(maker)

    def _cancelled(self, order: TinyOrder, reason: str) -> None:
        order.is_live = False
        order.reason = reason
