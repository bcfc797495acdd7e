"""The engine against a second exchange that shares no code with it: the same orders, fill by fill."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

from domain.instrument import Side
from domain.order import ExecutionOption, OrderType
from tests.venues_paper.bench_engine import SYMBOL, Bench, bench
from tests.venues_paper.tiny_exchange import HOUSE, TinyExchange, TinyOrder
from venues.paper.matching.ledger import Account
from venues.paper.matching.market import Batch
from venues.paper.matching.orders import MarketType, Order, OrderRequest
from venues.paper.matching.refusals import RefusedError

D = Decimal
OPTIONS = (None, None, None, *(option.value for option in ExecutionOption))
CANCELS, STOPS, MARKETS = 0.15, 0.35, 0.08
STOP_GRID = 40
"""Stops stand at round prices, so that one trade fires several of them."""


def drawn(chance: Random, number: int, last: Fraction) -> TinyOrder:
    """An order near the last price, now and then far from it."""
    who, is_buy = chance.choice(["ann", "bob", "cat", HOUSE]), chance.random() < 0.5
    away = chance.choice([chance.randint(-30, 30), chance.randint(-90, 90), chance.randint(-900, 900)])
    ticks = max(1, int(last * 100) + away)
    lots = chance.choice([chance.randint(1, 9) * 10**8, chance.randint(1, 10**9)])
    order = TinyOrder(number, who, is_buy, Fraction(lots, 10**8), Fraction(ticks, 100))
    kind, beyond = chance.random(), chance.randint(1, 60)
    if kind < STOPS:
        round_ticks = int(last * 100) // STOP_GRID * STOP_GRID
        stop_ticks = round_ticks + STOP_GRID * (chance.randint(0, 2) if is_buy else -chance.randint(0, 1))
        order.stop = Fraction(stop_ticks, 100)
        order.price = Fraction(max(1, stop_ticks + beyond if is_buy else stop_ticks - beyond), 100)
    elif kind < STOPS + MARKETS and who != HOUSE:
        order.price, order.is_market = None, True
    else:
        order.option = chance.choice(OPTIONS)
    return order


def exact(value: Fraction) -> Decimal:
    return D(value.numerator) / D(value.denominator)


def request_of(order: TinyOrder) -> OrderRequest:
    kind = OrderType.LIMIT if order.stop is None else OrderType.STOP_LIMIT
    market_kind = MarketType.BUY if order.is_buy else MarketType.SELL
    return OrderRequest(
        symbol=SYMBOL,
        side=Side.BUY if order.is_buy else Side.SELL,
        type=market_kind if order.is_market else kind,
        amount=exact(order.amount),
        price=D(0) if order.price is None else exact(order.price),
        option=None if order.option is None else ExecutionOption(order.option),
        stop_price=None if order.stop is None else exact(order.stop),
    )


class Pair:
    """Both exchanges, and the orders that both of them took."""

    def __init__(self, world: Bench) -> None:
        self.world = world
        self.people = {
            "ann": world.customer("ann", "3000", "25"),
            "bob": world.customer("bob", "2500", "20"),
            "cat": world.customer("cat", "900", "60"),
            HOUSE: world.house,
        }
        funds = {
            (name, currency): Fraction(held.amount)
            for name, account in self.people.items()
            for currency, held in account.funds.items()
        }
        self.tiny = TinyExchange(funds)
        self.orders: list[tuple[Order, TinyOrder]] = []

    def place(self, order: TinyOrder) -> None:
        request, refused = request_of(order), None
        wanted = self.tiny.place(order)
        try:
            placed = self.world.engine.place(self.people[order.who], request, "session")
            self.orders.append((placed, order))
        except RefusedError as error:
            refused = error.reason
        assert refused == wanted

    def cancel(self, index: int) -> None:
        ours, theirs = self.orders[index]
        self.world.engine.cancel(ours)
        self.tiny.cancel(theirs)

    def compare(self) -> None:
        batch, self.world.engine.batch = self.world.engine.batch, Batch()
        fills, self.tiny.fills = self.tiny.fills, []
        assert [(Fraction(p.price), Fraction(p.amount)) for _, p in batch.prints] == [f[2:] for f in fills]
        told = [
            (print_.tid, number, is_maker)
            for (_, print_), fill in zip(batch.prints, fills, strict=True)
            for number, is_maker in ((fill[0], True), (fill[1], False))
            if self._owner(number) != HOUSE
        ]
        numbers = {ours.id: theirs.number for ours, theirs in self.orders}
        assert [(e.tid, numbers[e.order_id], e.is_maker) for e in batch.executions] == told
        for ours, theirs in self.orders:
            assert (Fraction(ours.remaining), ours.is_live) == (theirs.rest, theirs.is_live)
            assert ours.reason == theirs.reason
        for (name, currency), amount in self.tiny.funds.items():
            if name != HOUSE:
                self._compare_funds(self.people[name], currency, amount)

    def _owner(self, number: int) -> str:
        return next(theirs.who for _, theirs in self.orders if theirs.number == number)

    def _compare_funds(self, account: Account, currency: str, amount: Fraction) -> None:
        held = account.fund(currency)
        assert (Fraction(held.amount), Fraction(held.held)) == (
            amount,
            self.tiny.held(account.name, currency),
        )
        assert 0 <= held.held <= held.amount


@pytest.mark.parametrize("seed", range(10))
def test_stream_of_orders_trades_as_the_plain_rules_say(seed: int) -> None:
    chance = Random(seed)
    with bench() as world:
        pair = Pair(world)
        for number in range(200):
            if pair.orders and chance.random() < CANCELS:
                pair.cancel(chance.randrange(len(pair.orders)))
            else:
                pair.place(drawn(chance, number, pair.tiny.last))
            pair.compare()
        assert len({theirs.reason for _, theirs in pair.orders}) >= 5
        assert sum(theirs.rest < theirs.amount for _, theirs in pair.orders) >= 20
