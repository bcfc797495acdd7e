"""Whatever people do: money is conserved, holds and fees are exact, the book is never crossed."""

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.instrument import Side
from domain.order import ExecutionOption
from tests.venues_paper.bench_engine import Bench, bench
from venues.paper.matching.ledger import Account
from venues.paper.matching.orders import Order
from venues.paper.matching.refusals import RefusedError

D = Decimal


@dataclass(frozen=True)
class Act:
    who: int
    is_buy: bool
    ticks: int
    lots: int
    option: ExecutionOption | None
    stop_ticks: int | None
    cancels: int | None


ACTS = st.builds(
    Act,
    who=st.integers(0, 2),
    is_buy=st.booleans(),
    ticks=st.integers(-700, 700),
    lots=st.integers(1, 400_000_000),
    option=st.sampled_from([None, None, None, *ExecutionOption]),
    stop_ticks=st.one_of(st.none(), st.none(), st.none(), st.integers(1, 300)),
    cancels=st.one_of(st.none(), st.none(), st.integers(0, 30)),
)


class Oracle:
    """A second ledger in fractions, fed with executions only."""

    def __init__(self, accounts: list[Account]) -> None:
        self.accounts = {account.name: account for account in accounts}
        self.amounts = {
            (name, currency): Fraction(funds.amount)
            for name, account in self.accounts.items()
            for currency, funds in account.funds.items()
        }

    def settle(self, world: Bench, orders: dict[int, Order]) -> None:
        batch = world.engine.take_batch()
        for each in batch.executions:
            order = orders[each.order_id]
            price, amount, fee = Fraction(each.price), Fraction(each.amount), Fraction(each.fee)
            bps = order.maker_bps if each.is_maker else order.taker_bps
            assert fee == price * amount * Fraction(bps) / 10_000
            if each.is_maker:
                assert each.price == order.price, "a resting order trades at its own price"
            else:
                assert each.price <= order.price if order.is_buy else each.price >= order.price
            sign = 1 if each.side is Side.BUY else -1
            self.amounts[each.account, "BTC"] += sign * amount
            self.amounts[each.account, "USD"] -= sign * price * amount + fee
        by_tid: dict[int, list[Side]] = {}
        for each in batch.executions:
            by_tid.setdefault(each.tid, []).append(each.side)
        assert all(len(sides) == 1 or set(sides) == set(Side) for sides in by_tid.values())

    def check(self, world: Bench) -> None:
        for (name, currency), expected in self.amounts.items():
            account = self.accounts[name]
            funds = account.fund(currency)
            held = sum(
                (
                    _needed(o)
                    for o in world.engine.live.values()
                    if o.account is account and _holds(o) == currency
                ),
                Fraction(0),
            )
            assert Fraction(funds.amount) == expected
            assert Fraction(funds.held) == held
            assert 0 <= held <= expected


def _holds(order: Order) -> str:
    return "USD" if order.is_buy else "BTC"


def _needed(order: Order) -> Fraction:
    if not order.is_buy:
        return Fraction(order.remaining)
    return Fraction(order.remaining) * Fraction(order.price) * (1 + Fraction(order.taker_bps) / 10_000)


def _check_book(world: Bench) -> None:
    book = world.market.book
    if book.bids.best is not None and book.asks.best is not None:
        assert book.bids.best < book.asks.best
    for side in (book.bids, book.asks):
        prices = list(side.prices())
        assert prices == sorted(prices, reverse=side is book.bids)
        assert set(prices) == set(side.levels)
        for price, level in side.levels.items():
            assert level.total == sum(order.remaining for order in level.orders.values()) > 0
            assert all(order.price == price and order.is_live for order in level.orders.values())


def _perform(world: Bench, act: Act, everyone: list[Account], orders: dict[int, Order]) -> None:
    if act.cancels is not None and orders:
        world.engine.cancel(list(orders.values())[act.cancels % len(orders)])
        return
    price = D(100) + D(act.ticks) / 100
    stop = None
    if act.stop_ticks is not None:
        stop = price - D(act.stop_ticks) / 100 if act.is_buy else price + D(act.stop_ticks) / 100
    option = act.option if stop is None else None
    with suppress(RefusedError):  # the engine refuses nothing but a lack of funds; the oracle checks these
        order = world.place(
            everyone[act.who],
            "buy" if act.is_buy else "sell",
            D(act.lots).scaleb(-8),
            price,
            option=option,
            stop=stop,
        )
        orders[order.id] = order


@settings(max_examples=80, deadline=None)
@given(st.lists(ACTS, min_size=1, max_size=60))
def test_any_sequence_of_orders_keeps_the_books_exact(acts: list[Act]) -> None:
    with bench() as world:
        world.ann = world.customer("ann", usd="700", btc="5")
        world.bob = world.customer("bob", usd="300.5", btc="2.5")
        everyone = [world.ann, world.bob, world.house]
        oracle = Oracle([world.ann, world.bob])
        orders: dict[int, Order] = {}
        for act in acts:
            _perform(world, act, everyone, orders)
            oracle.settle(world, orders)
            oracle.check(world)
            _check_book(world)
        for order in list(world.engine.live.values()):
            world.engine.cancel(order)
        assert all(f.held == 0 for who in (world.ann, world.bob) for f in who.funds.values())
