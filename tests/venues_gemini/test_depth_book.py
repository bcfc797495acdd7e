"""The depth stream's continuity: both readings of `U`, gaps, old frames, and no loop of asking again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.gemini.streams.depth_book import DepthBook, Numbering, Outcome
from venues.gemini.streams.stream_wire import DepthWire

D = Decimal


def frame(first: int, last: int, *bids: tuple[str, str], asks: tuple[tuple[str, str], ...] = ()) -> DepthWire:
    return DepthWire(symbol="btcusd", first=first, last=last, bids=list(bids), asks=list(asks))


def whole(number: int) -> DepthWire:
    return frame(number, number, ("100.00", "1"), asks=(("101.00", "1"),))


def opened(numbering: Numbering | None = None) -> DepthBook:
    book = DepthBook()
    book.open(numbering or Numbering())
    return book


def test_take_first_is_last_before_followed() -> None:
    book = opened()
    assert book.take(whole(5)) is Outcome.APPLIED
    assert book.take(frame(5, 7, ("100.50", "2.000"))) is Outcome.APPLIED
    assert book.take(frame(7, 8, ("100.5", "0.00000000"))) is Outcome.APPLIED
    assert (book.view(9)[0], book.synced) == (((D(100), D(1)),), True)


def test_take_old_frame_dropped() -> None:
    book = opened()
    book.take(whole(5))
    assert book.take(frame(3, 5, ("100.50", "2"))) is Outcome.DROPPED
    assert book.take(frame(4, 4, ("100.50", "2"))) is Outcome.DROPPED
    assert book.view(9)[0] == ((D(100), D(1)),)


def test_take_frame_that_reaches_back_but_further_applied() -> None:
    book = opened()
    book.take(whole(5))
    assert book.take(frame(2, 6, ("100.50", "2"))) is Outcome.APPLIED


@pytest.mark.parametrize("first", [7, 8, 900])
def test_take_gap_lost_and_empty(first: int) -> None:
    book = opened()
    book.take(whole(5))
    assert book.take(frame(first, first + 1, ("100.50", "2"))) is Outcome.LOST
    assert (book.synced, book.view(9)) == (False, ((), ()))
    assert book.why == f"updates 6 to {first - 1} are missing"
    assert book.take(frame(5, 950)) is Outcome.DROPPED


def test_take_next_numbers_in_doubt_until_the_second_then_for_the_connection() -> None:
    numbering = Numbering()
    book, other = opened(numbering), opened(numbering)
    book.take(whole(5))
    synced = []
    for change in (frame(6, 7, ("100.50", "2")), frame(8, 8, ("100.60", "2"))):
        assert book.take(change) is Outcome.APPLIED
        synced.append(book.synced)
    assert synced == [False, True]
    assert book.take(frame(9, 9)) is Outcome.APPLIED
    assert book.take(frame(11, 11)) is Outcome.LOST
    other.take(whole(50))
    assert other.take(frame(51, 52)) is Outcome.APPLIED
    assert other.synced


def test_take_one_next_number_then_overlap_was_a_gap() -> None:
    book = opened()
    book.take(whole(5))
    book.take(frame(6, 7, ("100.50", "2")))
    assert book.take(frame(7, 8, ("100.60", "2"))) is Outcome.LOST
    assert book.why == "an update is missing"


def test_take_next_number_later_is_a_gap() -> None:
    book = opened()
    book.take(whole(5))
    for last in range(6, 12):
        book.take(frame(last - 1, last))
    assert book.take(frame(12, 12)) is Outcome.LOST


def test_take_third_reading_not_asked_for_for_ever() -> None:
    numbering = Numbering()
    book = DepthBook()
    losses = 0
    for _ in range(10):  # the first change repeats the snapshot's number, the next ones count on
        book.open(numbering)
        taken = [book.take(f) for f in (whole(5), frame(5, 6), frame(7, 7), frame(8, 8))]
        losses += Outcome.LOST in taken
    assert losses == 3
    assert book.synced


def test_take_near_misses_far_apart_do_not_add_up() -> None:
    numbering, book = Numbering(), DepthBook()
    for _ in range(6):
        book.open(numbering)
        book.take(whole(5))
        book.take(frame(5, 6))
        assert book.take(frame(7, 7)) is Outcome.LOST
        book.open(numbering)
        book.take(whole(5))
        for last in range(6, 12):
            assert book.take(frame(last - 1, last)) is Outcome.APPLIED
    assert not numbering.starts_after


def test_take_first_frame_no_whole_book_lost() -> None:
    assert opened().take(frame(4, 5, ("1", "1"))) is Outcome.LOST


@pytest.mark.parametrize(
    "bad", [frame(5, 6, ("101.00", "1")), frame(5, 6, ("1e5", "1")), frame(5, 6, ("-1", "1"))]
)
def test_take_crossing_or_nonsense_lost(bad: DepthWire) -> None:
    book = opened()
    book.take(whole(5))
    assert book.take(bad) is Outcome.LOST


def test_view_size_that_makes_no_sense_lost() -> None:
    book = opened()
    book.take(whole(5))
    book.take(frame(5, 6, ("99.00", "x")))
    assert book.view(1)[0] == ((D(100), D(1)),)
    assert book.view(5) == ((), ())
    assert not book.synced


def test_take_before_open_dropped() -> None:
    assert DepthBook().take(whole(5)) is Outcome.DROPPED


@given(
    steps=st.lists(st.integers(1, 5), min_size=1, max_size=30),
    starts_after=st.booleans(),
    missing=st.integers(0, 29),
)
def test_take_any_run_all_applied_and_every_lost_frame_noticed(
    steps: list[int], starts_after: bool, missing: int
) -> None:
    numbers, last = [], 100
    for step in steps:
        numbers.append((last + (1 if starts_after else 0), last + step))
        last += step
    book = opened()
    book.take(whole(100))
    assert all(book.take(frame(*pair)) is Outcome.APPLIED for pair in numbers)
    assert book.synced == (not starts_after or len(steps) > 1)
    if missing + 1 < len(numbers):
        book.open(Numbering())
        book.take(whole(100))
        del numbers[missing]
        outcomes = [book.take(frame(*pair)) for pair in numbers]
        assert Outcome.LOST in outcomes or not book.synced
