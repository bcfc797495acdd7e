from decimal import Decimal

import pytest

from domain.instrument import InstrumentStatus, Side
from domain.order import ExecutionOption, OrderEventType
from tests.venues_paper.bench_engine import SYMBOL, Bench, bench
from venues.paper.matching.orders import CancelReason, MarketType, Order, OrderRequest
from venues.paper.matching.refusals import RefusedError

D = Decimal
E = OrderEventType
S = InstrumentStatus
MOC = ExecutionOption.MAKER_OR_CANCEL
IOC = ExecutionOption.IMMEDIATE_OR_CANCEL


@pytest.fixture
def world():
    with bench() as built:
        yield built


def at_market(world: Bench, who, side: str, amount: str) -> Order:
    kind = MarketType.BUY if side == "buy" else MarketType.SELL
    request = OrderRequest(symbol=SYMBOL, side=Side(side), type=kind, amount=D(amount), price=D(0))
    return world.engine.place(who, request, session="s")


@pytest.mark.parametrize("status", [S.CANCEL_ONLY, S.CLOSED])
def test_market_that_takes_nothing_refuses_with_a_rejected_event(world: Bench, status) -> None:
    world.engine.set_status(SYMBOL, status)
    with pytest.raises(RefusedError) as refusal:
        world.place(world.ann, "buy", "1", "99.00")
    assert (refusal.value.status, refusal.value.reason) == (400, "MarketNotOpen")
    [notice] = world.engine.batch.notices
    assert (notice.kind, notice.order.reason) == (E.REJECTED, "MarketNotOpen")
    assert world.ann.fund("USD").held == 0
    assert world.place(world.house, "buy", "1", "99.00").is_live is False


@pytest.mark.parametrize("status", [S.CANCEL_ONLY, S.POST_ONLY, S.LIMIT_ONLY])
def test_restricted_market_keeps_what_rests_and_lets_it_be_cancelled(world: Bench, status) -> None:
    order = world.place(world.ann, "buy", "1", "99.00")
    world.engine.set_status(SYMBOL, status)
    assert order.is_live
    world.engine.cancel(order)
    assert order.reason == CancelReason.REQUESTED


def test_closing_a_market_cancels_orders_and_stops_and_frees_their_money(world: Bench) -> None:
    resting = world.place(world.ann, "buy", "1", "99.00")
    stop = world.place(world.ann, "buy", "1", "103.00", stop="101.00")
    house = world.place(world.house, "sell", "1", "104.00")
    world.engine.set_status(SYMBOL, S.CLOSED)
    assert {resting.reason, stop.reason} == {CancelReason.MARKET_CLOSED}
    assert world.kinds(resting) == [E.ACCEPTED, E.BOOKED, E.CANCELLED, E.CLOSED]
    assert not house.is_live
    assert world.ann.fund("USD").held == 0
    assert (world.market.book.bids.best, world.market.book.asks.best) == (None, None)


def test_closing_all_trading_says_so(world: Bench) -> None:
    order = world.place(world.ann, "buy", "1", "99.00")
    world.engine.set_trading(S.CLOSED)
    assert order.reason == CancelReason.TRADING_CLOSED
    world.engine.set_trading(S.OPEN)
    assert world.place(world.ann, "buy", "1", "99.00").is_live


def test_post_only_market_lets_nobody_take(world: Bench) -> None:
    world.place(world.house, "sell", "1", "100.00")
    world.engine.set_status(SYMBOL, S.POST_ONLY)
    assert world.place(world.ann, "buy", "1", "100.00").reason == CancelReason.MAKER_WOULD_TAKE
    assert world.place(world.ann, "buy", "1", "99.00").is_live
    assert world.place(world.ann, "buy", "1", "98.00", option=MOC).is_live
    for option in (IOC, ExecutionOption.FILL_OR_KILL):
        with pytest.raises(RefusedError, match="MarketNotOpen"):
            world.place(world.ann, "buy", "1", "100.00", option=option)


def test_stop_that_was_reached_meanwhile_fires_when_the_market_opens_again(world: Bench) -> None:
    stop = world.place(world.ann, "buy", "1", "103.00", stop="101.00")
    world.engine.set_status(SYMBOL, S.CANCEL_ONLY)
    world.engine.record_print(world.market, D("101.50"), D(1), Side.BUY)
    assert not stop.is_triggered
    world.engine.set_status(SYMBOL, S.OPEN)
    assert stop.is_triggered
    assert world.market.book.bids.best == D("103.00")


def test_stop_that_is_reached_where_nobody_may_take_waits_for_the_opening(world: Bench) -> None:
    world.engine.set_status(SYMBOL, S.POST_ONLY)
    stop = world.place(world.ann, "buy", "1", "103.00", stop="99.00")
    world.place(world.bob, "buy", "1", "98.00")
    assert (stop.is_live, stop.is_waiting, world.market.book.bids.best) == (True, True, D("98.00"))
    world.engine.set_status(SYMBOL, S.OPEN)
    assert world.market.book.bids.best == D("103.00")


def test_stop_follows_a_trade_of_others_at_once(world: Bench) -> None:
    stop = world.place(world.ann, "sell", "1", "97.00", stop="99.00")
    world.engine.record_print(world.market, D("99.01"), D(1), Side.SELL)
    assert stop.is_waiting
    world.engine.record_print(world.market, D("99.00"), D(1), Side.SELL)
    assert world.kinds(stop) == [E.ACCEPTED, E.BOOKED]


def test_market_order_takes_what_there_is_and_shows_the_collar_as_its_price(world: Bench) -> None:
    world.place(world.house, "sell", "1", "100.00")
    world.place(world.house, "sell", "1", "104.00")
    order = at_market(world, world.ann, "buy", "2")
    assert (order.executed, order.notional, order.price) == (2, 204, D("105.00"))
    assert world.kinds(order) == [E.ACCEPTED, E.FILL, E.FILL, E.CLOSED]
    assert world.ann.fund("USD").held == 0


@pytest.mark.parametrize(
    ("offers", "reason"),
    [
        (["100.00"], CancelReason.IMMEDIATE_WOULD_POST),
        (["100.00", "105.01"], CancelReason.PRICE_LIMITS),
    ],
)
def test_rest_of_a_market_order_is_cancelled(world: Bench, offers: list[str], reason: CancelReason) -> None:
    for price in offers:
        world.place(world.house, "sell", "1", price)
    order = at_market(world, world.ann, "buy", "3")
    assert (order.executed, order.reason, order.is_live) == (1, reason, False)
    assert world.market.book.bids.best is None


def test_market_order_without_anybody_to_trade_with_is_refused(world: Bench) -> None:
    with pytest.raises(RefusedError) as refusal:
        at_market(world, world.ann, "sell", "1")
    assert refusal.value.reason == "InsufficientLiquidity"
    world.engine.set_status(SYMBOL, S.LIMIT_ONLY)
    world.place(world.house, "buy", "1", "100.00")
    with pytest.raises(RefusedError, match="MarketNotOpen"):
        at_market(world, world.ann, "sell", "1")


def test_market_order_meets_its_own_account_as_any_other_does(world: Bench) -> None:
    world.place(world.ann, "sell", "1", "101.00")
    world.place(world.house, "sell", "1", "100.00")
    assert at_market(world, world.ann, "buy", "1").reason == CancelReason.SELF_CROSS
    assert at_market(world, world.bob, "buy", "1").executed == 1
