from decimal import Decimal

import pytest

from domain.order import ExecutionOption, OrderEventType
from tests.venues_paper.bench_engine import Bench, bench
from venues.paper.matching.orders import CancelReason
from venues.paper.matching.refusals import RefusedError

D = Decimal
E = OrderEventType
MOC = ExecutionOption.MAKER_OR_CANCEL
IOC = ExecutionOption.IMMEDIATE_OR_CANCEL
FOK = ExecutionOption.FILL_OR_KILL


@pytest.fixture
def world():
    with bench() as built:
        yield built


def test_better_price_goes_first_then_the_older_order(world: Bench) -> None:
    first = world.place(world.ann, "sell", "1", "101.00")
    second = world.place(world.bob, "sell", "1", "101.00")
    late_but_better = world.place(world.bob, "sell", "1", "100.50")
    world.place(world.house, "buy", "1.5", "102.00")
    assert late_but_better.remaining == 0
    assert first.remaining == D("0.5")
    assert second.remaining == 1


def test_fill_is_at_the_resting_price_with_maker_and_taker_fee(world: Bench) -> None:
    world.place(world.ann, "sell", "2", "100.00")
    taken = world.place(world.bob, "buy", "2", "101.00")
    assert taken.notional == 200
    maker, taker = world.engine.batch.executions
    assert (maker.is_maker, maker.fee, maker.fee_currency) == (True, D("0.4"), "USD")
    assert (taker.is_maker, taker.fee, taker.fee_currency) == (False, D("0.8"), "USD")
    assert world.ann.fund("USD").amount == D(100_000) + 200 - D("0.4")
    assert world.bob.fund("USD").amount == D(100_000) - 200 - D("0.8")
    assert world.bob.fund("BTC").amount == 1002
    assert world.ann.fund("BTC").held == 0


def test_resting_order_events_are_accepted_and_booked(world: Bench) -> None:
    order = world.place(world.ann, "buy", "1", "99.00")
    assert world.kinds(order) == [E.ACCEPTED, E.BOOKED]
    world.place(world.house, "sell", "0.4", "99.00")
    world.place(world.house, "sell", "0.6", "99.00")
    assert world.kinds(order) == [E.ACCEPTED, E.BOOKED, E.FILL, E.FILL, E.CLOSED]
    last_fill = [n for n in world.engine.batch.notices if n.kind is E.FILL][-1]
    assert last_fill.order.is_live is False


def test_marketable_order_is_never_booked(world: Bench) -> None:
    world.place(world.house, "sell", "1", "100.00")
    order = world.place(world.ann, "buy", "1", "100.00")
    assert world.kinds(order) == [E.ACCEPTED, E.FILL, E.CLOSED]


def test_rest_of_a_marketable_order_is_booked_after_its_fills(world: Bench) -> None:
    world.place(world.house, "sell", "1", "100.00")
    order = world.place(world.ann, "buy", "3", "100.00")
    assert world.kinds(order) == [E.ACCEPTED, E.FILL, E.BOOKED]
    assert world.market.book.bids.total(D("100.00")) == 2


@pytest.mark.parametrize(
    ("option", "amount", "price", "reason", "filled"),
    [
        (MOC, "1", "100.00", CancelReason.MAKER_WOULD_TAKE, "0"),
        (MOC, "1", "99.00", None, "0"),
        (IOC, "3", "100.00", CancelReason.IMMEDIATE_WOULD_POST, "1"),
        (IOC, "1", "100.00", None, "1"),
        (IOC, "1", "99.00", CancelReason.IMMEDIATE_WOULD_POST, "0"),
        (FOK, "1.5", "100.00", CancelReason.FILL_OR_KILL, "0"),
        (FOK, "1.5", "101.00", None, "1.5"),
        (FOK, "1", "99.00", CancelReason.FILL_OR_KILL, "0"),
    ],
)
def test_option_ends_as_documented(world: Bench, *, option, amount, price, reason, filled) -> None:
    world.place(world.house, "sell", "1", "100.00")
    world.place(world.house, "sell", "1", "101.00")
    order = world.place(world.ann, "buy", amount, price, option=option)
    assert order.reason == reason
    assert order.executed == D(filled)
    assert order.is_live is (reason is None and order.remaining > 0)
    if reason is not None:
        fills = [E.FILL] if order.executed else []
        assert world.kinds(order) == [E.ACCEPTED, *fills, E.CANCELLED, E.CLOSED]
        assert world.ann.fund("USD").held == 0


def test_collar_cancels_what_would_trade_beyond_five_per_cent(world: Bench) -> None:
    world.place(world.house, "sell", "1", "100.00")
    world.place(world.house, "sell", "1", "105.00")
    world.place(world.house, "sell", "1", "105.01")
    order = world.place(world.ann, "buy", "3", "200.00")
    assert order.executed == 2
    assert order.reason == CancelReason.PRICE_LIMITS
    assert world.market.book.asks.best == D("105.01")


def test_collar_lets_a_far_price_rest_when_nothing_is_left_to_trade(world: Bench) -> None:
    world.place(world.house, "sell", "1", "100.00")
    order = world.place(world.ann, "buy", "3", "200.00")
    assert order.is_live
    assert world.market.book.bids.best == D("200.00")


@pytest.mark.parametrize(("side", "price"), [("buy", "101.00"), ("buy", "102.00")])
def test_self_cross_cancels_the_newcomer_and_leaves_the_resting_order(world: Bench, side, price) -> None:
    resting = world.place(world.ann, "sell", "1", "101.00")
    world.place(world.house, "sell", "1", "100.00")
    order = world.place(world.ann, side, "1", price)
    assert order.reason == CancelReason.SELF_CROSS
    assert order.executed == 0
    assert resting.is_live
    assert world.place(world.bob, side, "2", price).remaining == 0


def test_own_orders_of_another_market_side_do_not_count_as_self_cross(world: Bench) -> None:
    world.place(world.ann, "sell", "1", "101.00")
    assert world.place(world.ann, "buy", "1", "100.99").is_live


def test_insufficient_funds_is_refused_with_a_rejected_event(world: Bench) -> None:
    poor = world.customer("poor", usd="100")
    with pytest.raises(RefusedError) as refusal:
        world.place(poor, "buy", "1", "100.00")
    assert (refusal.value.status, refusal.value.reason) == (406, "InsufficientFunds")
    assert "100.4 USD needed" in refusal.value.message
    [notice] = world.engine.batch.notices
    assert notice.kind is E.REJECTED
    assert not world.engine.batch.orders
    assert world.place(poor, "buy", "0.99", "100.00").is_live


def test_open_orders_cannot_spend_the_same_money_twice(world: Bench) -> None:
    poor = world.customer("poor", usd="100", btc="1")
    world.place(poor, "buy", "0.6", "100.00")
    with pytest.raises(RefusedError):
        world.place(poor, "buy", "0.6", "99.00")
    world.place(poor, "sell", "0.7", "120.00")
    with pytest.raises(RefusedError):
        world.place(poor, "sell", "0.7", "120.00")


@pytest.mark.parametrize(
    ("side", "stop", "price", "trigger"), [("buy", "102", "103", "102.00"), ("sell", "98", "97", "98.00")]
)
def test_stop_waits_for_the_last_trade_and_then_acts_as_a_limit(
    world: Bench, side, stop, price, trigger
) -> None:
    other = "sell" if side == "buy" else "buy"
    order = world.place(world.ann, side, "1", price, stop=stop)
    assert order.is_live
    assert world.kinds(order) == [E.ACCEPTED]
    assert world.market.book.side(order.side).best is None
    world.place(world.house, other, "1", trigger)
    world.place(world.bob, side, "1", trigger)
    assert order.is_triggered
    assert world.kinds(order) == [E.ACCEPTED, E.BOOKED]
    world.place(world.house, other, "1", price)
    assert order.remaining == 0


def test_stop_that_is_already_reached_fires_at_once(world: Bench) -> None:
    order = world.place(world.ann, "buy", "1", "100.50", stop="99.00")
    assert world.kinds(order) == [E.ACCEPTED, E.BOOKED]


def test_stops_fire_each_other_in_order(world: Bench) -> None:
    for price in ("101.00", "102.00"):
        world.place(world.house, "sell", "1", price)
    first = world.place(world.ann, "buy", "1", "103.00", stop="101.00")
    second = world.place(world.bob, "buy", "1", "103.00", stop="102.00")
    world.place(world.house, "buy", "1", "101.00")
    assert first.remaining == 0
    assert second.is_triggered
    assert second.is_live


def test_cancelled_waiting_stop_gives_its_money_back(world: Bench) -> None:
    order = world.place(world.ann, "buy", "1", "103.00", stop="101.00")
    assert world.ann.fund("USD").held == D("103.412")
    world.engine.cancel(order)
    assert world.ann.fund("USD").held == 0
    assert not world.market.stops


def test_cancel_keeps_what_was_filled_and_closes_once(world: Bench) -> None:
    order = world.place(world.ann, "buy", "2", "100.00")
    world.place(world.house, "sell", "0.5", "100.00")
    world.engine.cancel(order)
    world.engine.cancel(order)
    assert world.kinds(order) == [E.ACCEPTED, E.BOOKED, E.FILL, E.CANCELLED, E.CLOSED]
    assert (order.executed, order.reason) == (D("0.5"), CancelReason.REQUESTED)
    assert world.ann.fund("USD").held == 0


def test_better_fill_price_frees_the_rest_of_the_hold(world: Bench) -> None:
    world.place(world.house, "sell", "1", "96.00")
    order = world.place(world.ann, "buy", "2", "100.00")
    assert world.ann.fund("USD").held == order.needed_hold() == D("100.4")
    assert world.ann.fund("USD").amount == D(100_000) - D("96.384")


def test_fee_is_unrounded_to_nineteen_decimals(world: Bench) -> None:
    world.place(world.house, "sell", "0.12345678", "99.99")
    world.place(world.ann, "buy", "0.12345678", "99.99")
    [execution] = world.engine.batch.executions
    assert execution.fee == D("0.12345678") * D("99.99") * D("0.004")


def test_level_totals_and_changes_follow_the_book(world: Bench) -> None:
    world.place(world.house, "buy", "1", "99.00")
    order = world.place(world.house, "buy", "2", "99.00")
    bids = world.market.book.bids
    assert bids.take_changes() == [(D("99.00"), D(3))]
    world.engine.cancel(order)
    world.place(world.house, "sell", "1", "99.00")
    assert bids.take_changes() == [(D("99.00"), D(0))]
    assert bids.take_changes() == []
    assert bids.best is None


def test_trade_has_one_time_for_everybody_who_hears_of_it(world: Bench) -> None:
    world.place(world.ann, "sell", "1", "100.00")
    times = iter(range(2_000, 3_000))
    world.engine._now_ms = lambda: next(times)
    world.place(world.bob, "buy", "1", "100.00")
    [(_, trade)] = world.engine.batch.prints
    fills = [notice for notice in world.engine.batch.notices if notice.execution is not None]
    assert len(fills) == len(world.engine.batch.executions) == 2
    assert {each.at_ms for each in [*fills, *world.engine.batch.executions]} == {trade.at_ms}
