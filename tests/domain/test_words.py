"""Ids, clocks, instruments, books and errors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import ManualClock, SystemClock, epoch_ms, from_epoch_ms, parse_rfc3339, rfc3339
from domain.errors import BadInputError, VenueRejectedError
from domain.ids import CLIENT_ORDER_ID, IdSource
from domain.instrument import Instrument, Side
from domain.market import BookView, Level
from domain.order import OrderState

D = Decimal
START = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def test_ids_rise_even_when_the_clock_stands_or_falls() -> None:
    clock = ManualClock(START)
    ids = IdSource(clock, Random(1))
    made = [ids.ulid() for _ in range(50)]
    clock.advance(1)
    made.append(ids.ulid())
    clock.advance(-3600)
    made += [ids.ulid() for _ in range(50)]
    assert made == sorted(set(made))
    assert all(len(each) == 26 for each in made)


def test_same_seed_and_time_make_the_same_ids() -> None:
    one, other = (IdSource(ManualClock(START), Random(5)) for _ in range(2))
    assert [one.record(), one.proposal()] == [other.record(), other.proposal()]


def test_prefixes_tell_ids_apart_and_the_venue_takes_ours() -> None:
    ids = IdSource(ManualClock(START), Random(1))
    assert ids.record().startswith("R-")
    assert ids.proposal().startswith("P-")
    order = ids.client_order()
    assert order.startswith("m-")
    assert CLIENT_ORDER_ID.fullmatch(order)


MOMENTS = st.datetimes(
    min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001 - Hypothesis adds the zone
)  # fmt: skip


@given(MOMENTS)
def test_times_survive_text_and_milliseconds(moment: datetime) -> None:
    assert parse_rfc3339(rfc3339(moment)) == moment
    assert abs(from_epoch_ms(epoch_ms(moment)) - moment) < timedelta(milliseconds=1)


def test_time_with_another_offset_is_turned_to_utc() -> None:
    local = datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(local) == "2026-11-20T08:30:00.000000Z"
    with pytest.raises(ValueError, match="without an offset"):
        parse_rfc3339("2026-11-20T08:30:00")


def test_manual_clock_moves_both_times_together() -> None:
    clock = ManualClock(START)
    clock.advance(1.5)
    assert clock.now() - START == timedelta(seconds=1.5)
    assert clock.monotonic() == 1.5
    system = SystemClock()
    assert system.now().tzinfo is UTC
    assert system.monotonic() <= system.monotonic()


def test_prices_are_rounded_in_our_favour() -> None:
    pair = Instrument(
        symbol="btcusd",
        base="BTC",
        quote="USD",
        price_tick=D("0.01"),
        amount_step=D("1E-8"),
        min_amount=D("1E-5"),
    )
    assert pair.round_price(D("100.019"), Side.BUY) == D("100.01")
    assert pair.round_price(D("100.011"), Side.SELL) == D("100.02")
    assert pair.round_amount(D("0.123456789")) == D("0.12345678")


def test_book_knows_its_middle_only_when_both_sides_stand() -> None:
    bids, asks = (Level(D(99), D(1)),), (Level(D(101), D(1)),)
    whole = BookView(symbol="btcusd", bids=bids, asks=asks, age_s=0.0, synced=True)
    assert (whole.bid, whole.ask, whole.mid, whole.spread_pct) == (D(99), D(101), D(100), D(2))
    for half in (
        BookView(symbol="btcusd", bids=(), asks=asks, age_s=0.0, synced=True),
        BookView(symbol="btcusd", bids=bids, asks=(), age_s=0.0, synced=True),
    ):
        assert half.mid is None
        assert half.spread_pct is None


def test_unknown_orders_count_as_live() -> None:
    live = {state for state in OrderState if state.is_live}
    assert live == {OrderState.SENDING, OrderState.OPEN, OrderState.UNKNOWN}


def test_error_says_what_and_what_next() -> None:
    error = BadInputError("CODE", "it is wrong", "Make it right.")
    assert error.as_json() == {"code": "CODE", "message": "it is wrong", "cure": "Make it right."}
    assert str(error) == "it is wrong. Make it right."
    venue = VenueRejectedError("REJECTED", "no", reason="InvalidPrice", status=400)
    assert (venue.reason, venue.status, str(venue)) == ("InvalidPrice", 400, "no")
