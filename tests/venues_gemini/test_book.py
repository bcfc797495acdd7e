"""The fast book equals a slow one in `Decimal`, after every message of real and made-up streams."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.market import Level
from tests.venues_gemini import recordings
from tests.venues_gemini.streams import synthetic
from venues.gemini.book import MAX_LEVELS, Book, BookError
from venues.gemini.parsing.wire import Change, FrameWire

D = Decimal


class SlowBook:
    def __init__(self) -> None:
        self.sides: dict[str, dict[Decimal, Decimal]] = {"buy": {}, "sell": {}}

    def apply(self, changes: list[Change]) -> None:
        for side, price, size in changes:
            if D(size):
                self.sides[side][D(price)] = D(size)
            else:
                self.sides[side].pop(D(price), None)

    def best(self) -> tuple[Decimal | None, Decimal | None]:
        return max(self.sides["buy"], default=None), min(self.sides["sell"], default=None)

    def view(self, depth: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        bids = sorted(self.sides["buy"].items(), reverse=True)[:depth]
        asks = sorted(self.sides["sell"].items())[:depth]
        return tuple(Level(*row) for row in bids), tuple(Level(*row) for row in asks)


def best(book: Book) -> tuple[Decimal | None, Decimal | None]:
    bid, ask = book.best()
    return (None if bid is None else D(bid)), (None if ask is None else D(ask))


def same_after_every_message(frames: list[bytes]) -> int:
    decode = msgspec.json.Decoder(FrameWire).decode
    books: dict[str, tuple[Book, SlowBook]] = {}
    compared = 0
    for raw in frames:
        frame = decode(raw)
        if frame.type != "l2_updates":
            continue
        fast, slow = books.setdefault(frame.symbol, (Book(), SlowBook()))
        assert frame.is_snapshot == (len(fast) == 0)
        fast.apply(frame.changes)
        slow.apply(frame.changes)
        assert best(fast) == slow.best()
        assert not fast.is_crossed
        compared += 1
        if compared % 25 == 0:
            assert fast.view(20) == slow.view(20)
    for fast, slow in books.values():
        assert fast.view(10_000) == slow.view(10_000)
        assert len(fast) == sum(map(len, slow.sides.values()))
    return compared


def test_book_real_capture_of_2021_equal() -> None:
    assert same_after_every_message(recordings.frames_2021()) == 935


def test_book_real_capture_of_2026_equal() -> None:
    assert same_after_every_message(recordings.frames_2026()) == 241


def test_book_synthetic_stream_equal() -> None:
    assert same_after_every_message(synthetic(Random(7), levels=300, messages=1500)) == 1501


PRICES = st.sampled_from(
    ["1", "1.0", "1.00", "0.039", "0.03900", "0.0390000", "65206.28", "65206.280", "2", "0.000000000001"]
)
SIZES = st.sampled_from(["0", "0.0", "0.00000000", "0.000000000000", "1", "1.50", "0.00000001"])
CHANGES = st.lists(st.tuples(st.sampled_from(["buy", "sell"]), PRICES, SIZES), max_size=6)


@settings(max_examples=200)
@given(messages=st.lists(CHANGES, max_size=30))
def test_book_any_spelling_of_price_and_zero_equal(messages: list[list[Change]]) -> None:
    fast, slow = Book(), SlowBook()
    for changes in messages:
        fast.apply(changes)
        slow.apply(changes)
        assert best(fast) == slow.best()
        assert fast.view(99) == slow.view(99)
        bid, ask = slow.best()
        assert fast.is_crossed == (bid is not None and ask is not None and bid >= ask)


@pytest.mark.parametrize(
    "change",
    [
        ("buy", "", "1"),
        ("buy", "1e5", "1"),
        ("buy", "-1", "1"),
        ("buy", "+1", "1"),
        ("buy", " 1", "1"),
        ("buy", "1_0", "1"),
        ("buy", "1.", "1"),
        ("buy", ".5", "1"),
        ("buy", "NaN", "1"),
        ("buy", "\u0661", "1"),
        ("sell", "1.0000000000001", "1"),
        ("sell", "1234567890123", "1"),
    ],
)
def test_apply_nonsense_refused(change: Change) -> None:
    book = Book()
    book.apply([("buy", "1", "1")])
    with pytest.raises(BookError):
        book.apply([change])


@pytest.mark.parametrize("size", ["", "x", "1e3", "-1", "-0", "00", "0.", "NaN", "1,5", "\u0661"])
def test_view_malformed_size_refused(size: str) -> None:
    book = Book()
    book.apply([("buy", "1", size)])
    with pytest.raises(BookError):
        book.view(1)


def test_apply_levels_without_end_refused() -> None:
    book = Book()
    with pytest.raises(BookError, match="levels"):
        book.apply([("sell", str(n), "1") for n in range(1, MAX_LEVELS + 2)])


def test_apply_prices_that_come_and_go_forgotten_in_bounds() -> None:
    book = Book()
    book.apply([("buy", "0.5", "7"), ("sell", "999999", "7")])
    for n in range(1, 30_000):
        book.apply([("buy", str(n), "1"), ("buy", str(n), "0"), ("sell", str(n), "0")])
        book.apply([("buy", f"0.{n:05}", "1"), ("buy", f"0.{n:05}", "0.0")])
    for half in (book._bids, book._asks):
        assert len(half) <= 8200
        assert len(half._rows) <= 8200
        assert len(half._order) <= 8200
    assert (len(book), book.best()) == (2, ("0.5", "999999"))


def test_apply_spellings_without_end_forgotten_in_bounds() -> None:
    book = Book()
    for n in range(1, 3000):
        for places in range(1, 13):
            book.apply([("buy", f"{n}.{'0' * places}", str(places))])
    assert len(book._bids) <= 2 * 3000 + 8192
    assert len(book) == 2999
    assert book.view(1)[0] == ((D(2999), D(12)),)


def test_apply_sweeps_in_a_wide_book_equal() -> None:
    random, fast, slow = Random(5), Book(), SlowBook()
    for _ in range(40_000):
        side = random.choice(["buy", "sell"])
        far = random.randrange(1, 9_000) * (-1 if side == "buy" else 1)
        size = random.choice(["0", "0.0", "1", "2.5"])
        change: list[Change] = [(side, str(20_000 + far), size)]  # type: ignore[list-item]  # a str at large
        fast.apply(change)
        slow.apply(change)
    assert fast.view(99_999) == slow.view(99_999)
    assert len(fast) == sum(map(len, slow.sides.values()))


def test_apply_emptied_level_set_again_stands_once() -> None:
    book = Book()
    book.apply([("buy", "10", "1"), ("buy", "9", "2"), ("buy", "8", "3")])
    book.apply([("buy", "9", "0"), ("buy", "9.0", "4"), ("buy", "10", "0"), ("buy", "10", "5")])
    book.apply([("buy", "9.00", "0.000"), ("buy", "9", "0"), ("buy", "9", "6")])
    assert book.view(9)[0] == ((D(10), D(5)), (D(9), D(6)), (D(8), D(3)))
    book.apply([("buy", "9", "0"), ("buy", "10", "0"), ("buy", "8", "0")])
    assert (book.best(), len(book)) == ((None, None), 0)
    book.apply([("buy", "9", "1")])
    assert (book.best(), book.view(9)[0]) == (("9", None), ((D(9), D(1)),))


def test_clear_everything_gone() -> None:
    book = Book()
    book.apply([("buy", "5", "1")])
    book.clear()
    assert (len(book), book.best(), book.view(5)) == (0, (None, None), ((), ()))
    assert book.view(-1) == ((), ())


@pytest.mark.parametrize(
    "price", ["0", "0.00", "1e5", "+1", "-1", "٣", "0x10", " 1", "1 ", "1_0", "", "NaN", "1\n"]
)
def test_apply_text_that_is_no_price_refused(price: str) -> None:
    with pytest.raises(BookError):
        Book().apply([("sell", price, "1")])
