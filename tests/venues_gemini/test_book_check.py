"""Holding a live book against a REST snapshot: what is different, and what is only the passing of time."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.errors import UnreachableError
from domain.instrument import Side
from domain.market import BookView, Level
from venues.gemini.book_check import Difference, check_book, differences

D = Decimal


def view(bids: dict[str, str], asks: dict[str, str], *, synced: bool = True) -> BookView:
    return BookView(
        symbol="btcusd",
        bids=tuple(Level(D(p), D(a)) for p, a in bids.items()),
        asks=tuple(Level(D(p), D(a)) for p, a in asks.items()),
        age_s=0.0,
        synced=synced,
    )


BOOK = view({"10.0": "1", "9": "2"}, {"11": "1", "12.00": "2"})


def test_differences_same_numbers_in_other_spelling_none() -> None:
    assert differences(BOOK, BOOK, view({"10": "1.0", "9.0": "2"}, {"11": "1", "12": "2"})) == []


def test_differences_price_amount_and_side_named() -> None:
    found = differences(BOOK, BOOK, view({"10.5": "3", "10": "1", "9": "5"}, {"11": "1"}))
    assert found == [
        Difference(side=Side.BUY, price=D("10.5"), live=D(0), rest=D(3)),
        Difference(side=Side.BUY, price=D(9), live=D(2), rest=D(5)),
    ]
    found = differences(BOOK, BOOK, view({"10": "1", "9": "2"}, {"11": "1", "11.5": "1"}))
    assert found == [Difference(side=Side.SELL, price=D("11.5"), live=D(0), rest=D(1))]


def test_differences_deeper_than_the_shorter_top_not_compared() -> None:
    assert differences(BOOK, BOOK, view({"10": "1"}, {"11": "1"})) == []
    assert differences(BOOK, BOOK, view({"10": "1", "9": "2", "8": "7"}, {"11": "1", "12": "2"})) == []


def test_differences_one_side_empty_all_of_the_other_named() -> None:
    found = differences(BOOK, BOOK, view({}, {"11": "1", "12": "2"}))
    assert [(d.price, d.rest) for d in found] == [(D(10), D(0)), (D(9), D(0))]


def test_differences_level_that_moved_meanwhile_none() -> None:
    after = view({"10": "4", "9": "2"}, {"11": "1", "12": "2"})
    for amount in ("1", "2", "4"):
        assert differences(BOOK, after, view({"10": amount, "9": "2"}, {"11": "1", "12": "2"})) == []


class Snapshots:
    def __init__(self, *views: BookView) -> None:
        self.views = list(views)
        self.asked: list[int] = []

    async def fetch(self, depth: int) -> BookView:
        self.asked.append(depth)
        return self.views.pop(0)


OTHER = view({"10": "7", "9": "2"}, {"11": "1", "12": "2"})


async def test_check_equal_good_at_once() -> None:
    rest = Snapshots(BOOK)
    found = await check_book(lambda _: BOOK, rest.fetch, depth=2, pause_s=0)
    assert (found.is_good, found.tries, rest.asked) == (True, 1, [2])


async def test_check_difference_that_passes_good() -> None:
    found = await check_book(lambda _: BOOK, Snapshots(OTHER, BOOK).fetch, pause_s=0)
    assert (found.is_good, found.tries) == (True, 2)


async def test_check_difference_that_lasts_reported() -> None:
    another = view({"10": "8", "9": "3"}, {"11": "1", "12": "2"})
    found = await check_book(lambda _: BOOK, Snapshots(OTHER, OTHER, another).fetch, pause_s=0)
    assert found.differences == (Difference(side=Side.BUY, price=D(10), live=D(1), rest=D(8)),)
    assert (found.is_good, found.tries) == (False, 3)


async def test_check_differences_elsewhere_each_time_good() -> None:
    another = view({"10": "1", "9": "9"}, {"11": "1", "12": "2"})
    found = await check_book(lambda _: BOOK, Snapshots(OTHER, another).fetch, pause_s=0)
    assert (found.is_good, found.tries) == (True, 2)


async def test_check_out_of_sync_says_so() -> None:
    lost = view({}, {}, synced=False)
    found = await check_book(lambda _: lost, Snapshots(BOOK).fetch)
    assert (found.is_good, found.was_synced) == (False, False)


async def test_check_rest_failure_raised() -> None:
    async def fails(_: int) -> BookView:
        raise UnreachableError("EXCHANGE_UNREACHABLE", "gone")

    with pytest.raises(UnreachableError):
        await check_book(lambda _: BOOK, fails)
