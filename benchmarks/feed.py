"""From a frame's bytes to the top of the book: how many messages a second, beside decoding alone and ccxt.

Real frames need the recordings (MATRIX_RECORDINGS); the made-up stream has 3,000 levels a side. Before
anything is timed, the best prices after every message are held against a reference in `Decimal`.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable
from random import Random

import msgspec

from benchmarks.feed_rivals import CcxtBook, DecimalBook
from benchmarks.figures import Figure
from domain.clock import SystemClock
from guardrails.sandbox_lock import Endpoint, PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini import recordings
from tests.venues_gemini.streams import renamed, synthetic
from venues.gemini.book import Book
from venues.gemini.market_feed import MarketFeed
from venues.gemini.parsing.wire import FrameWire

LEVELS, MESSAGES = 3_000, 20_000
ROUNDS = 7
BOOK_PER_S = 1_000_000
FEED_PER_S = 50_000
RATIO = 2.5
CCXT_RATIO = 5.0
GROWTH = 1.5
SYMBOLS = (10, 100, 300)
_STEPS = 100
_HOW = "median of interleaved rounds, CPU time"

_decode = msgspec.json.Decoder(FrameWire).decode


def run(*, quick: bool = False) -> list[Figure]:
    """Measure the made-up stream and, where they are, the real captures."""
    rounds = 3 if quick else ROUNDS
    frames = synthetic(Random(7), levels=LEVELS, messages=MESSAGES)
    figures = book_figures("3,000 levels", frames, 1, rounds, is_real=False)
    figures.append(feed_figure("3,000 levels", frames, rounds))
    figures += growth_figures(rounds)
    if "MATRIX_RECORDINGS" in os.environ:
        for year, real, repeats in (
            ("2021", recordings.frames_2021(), 10),
            ("2026", recordings.frames_2026(), 40),
        ):
            figures += book_figures(f"real capture of {year}", real, repeats, rounds, is_real=True)
            figures.append(feed_figure(f"real capture of {year}", real, rounds))
    return figures


def book_figures(what: str, frames: list[bytes], repeats: int, rounds: int, *, is_real: bool) -> list[Figure]:
    """Compare decode, book and best prices with decode alone and with ccxt; only deltas are timed."""
    snapshots = [raw for raw in frames if _decode(raw).is_snapshot]
    deltas = [raw for raw in frames if (f := _decode(raw)).type == "l2_updates" and not f.is_snapshot]
    wrong = wrong_tops(snapshots + deltas)
    books = Books()
    rival = CcxtBook({_decode(raw).symbol for raw in snapshots})
    texts = [raw.decode() for raw in deltas] * repeats
    for raw in snapshots:
        books.feed(raw)
        rival.feed(raw.decode())
    deltas *= repeats

    def ours() -> None:
        feed = books.feed
        for raw in deltas:
            feed(raw)

    def decoded() -> None:
        _ = [_decode(raw) for raw in deltas]

    def theirs() -> None:
        feed = rival.feed
        for text in texts:
            feed(text)

    mine, limit, rivals = (t / len(deltas) for t in interleaved([ours, decoded, theirs], rounds))
    rival.close()
    per_s, ratio, faster = 1 / mine, mine / limit, rivals / mine
    frames_checked = len(snapshots) + len(deltas) // repeats
    # Each target was set on one of the two kinds of stream.
    return [
        Figure(
            name=f"{what}: decode, book, best prices",
            shown=f"{per_s / 1e6:.2f} M messages/s, {wrong} wrong of {frames_checked}",
            target="0 wrong" if is_real else f"≥ {BOOK_PER_S / 1e6:.1f} M/s, 0 wrong",
            met=wrong == 0 and (is_real or per_s >= BOOK_PER_S),
            how=f"{_HOW}; best prices after every message against a Decimal reference",
        ),
        Figure(
            name=f"{what}: against typed decode alone",
            shown=f"{ratio:.2f} x ({mine * 1e6:.2f} µs to {limit * 1e6:.2f} µs)",
            target=f"≤ {RATIO:g} x" if is_real else "",
            met=ratio <= RATIO if is_real else None,
            how="same rounds; the limit keeps every decoded frame",
        ),
        Figure(
            name=f"{what}: against ccxt.pro",
            shown=f"{faster:.1f} x faster ({rivals * 1e6:.2f} µs)",
            target="" if is_real else f"≥ {CCXT_RATIO:g} x",
            met=None if is_real else faster >= CCXT_RATIO,
            how="same rounds; ccxt.pro's handle_message and its best prices, which are floats",
        ),
    ]


class Books:
    """Our decoder and our books, as the feed uses them."""

    def __init__(self) -> None:
        self._books: dict[str, Book] = {}

    def feed(self, raw: bytes) -> tuple[str | None, str | None]:
        """Take an `l2_updates` frame and return the best prices of its book."""
        frame = _decode(raw)
        book = self._books.get(frame.symbol)
        if book is None:
            book = self._books[frame.symbol] = Book()
        book.apply(frame.changes)
        return book.best()


def wrong_tops(frames: list[bytes]) -> int:
    """Return after how many frames our best prices are not the reference's."""
    ours, reference = Books(), DecimalBook()
    return sum(DecimalBook.exact(ours.feed(raw)) != reference.feed(raw) for raw in frames)


def growth_figures(rounds: int) -> list[Figure]:
    """Measure what a message costs with many symbols on one connection, every book as deep as the next."""
    stream = synthetic(Random(7), levels=200, messages=_STEPS)
    taken: dict[int, list[float]] = {symbols: [] for symbols in SYMBOLS}
    for _ in range(rounds):
        for symbols, times in taken.items():
            feeds = max(SYMBOLS) // symbols  # as many messages for each number of symbols
            seconds = sum(
                _turns([renamed(stream, f"A{n:03}USD") for n in range(symbols)]) for _ in range(feeds)
            )
            times.append(seconds / (feeds * symbols * _STEPS) * 1e6)
    each = [statistics.median(times) for times in taken.values()]
    worst = max(each[1:]) / each[0]
    return [
        Figure(
            name="one feed, cost of a message at " + ", ".join(map(str, SYMBOLS)) + " symbols",
            shown=", ".join(f"{us:.2f} µs" for us in each) + f" ({worst:.2f} x)",
            target=f"≤ {GROWTH:g} x",
            met=worst <= GROWTH,
            how=f"{_HOW}; symbols in turn, 200 levels a side",
        )
    ]


def _turns(streams: list[list[bytes]]) -> float:
    """Return the CPU seconds of one message of each symbol in turn, the worst order for the caches."""
    symbols = [_decode(frames[0]).symbol.lower() for frames in streams]
    live = MarketFeed(_held(), symbols, SystemClock())
    for frames in streams:
        live.take(frames[0])
    later = [frames[at] for at in range(1, 1 + _STEPS) for frames in streams]

    def work() -> None:
        take = live.take
        for raw in later:
            take(raw)

    seconds = cpu_s(work)
    assert live.status().synced
    return seconds


def feed_figure(what: str, frames: list[bytes], rounds: int) -> Figure:
    """Measure the feed itself, without the network: every frame taken, then a view as the desk takes it."""
    symbols = sorted({_decode(raw).symbol.lower() for raw in frames} - {""})
    first = [raw for raw in frames if _decode(raw).is_snapshot]
    later = [raw for raw in frames if not _decode(raw).is_snapshot]

    def one_round() -> float:
        live = MarketFeed(_held(), symbols, SystemClock())
        for raw in first:
            live.take(raw)

        def whole() -> None:
            for raw in later:
                symbol = live.take(raw)
                if symbol is not None:
                    live.view(symbol, 1)

        taken = cpu_s(whole)
        assert live.status().synced
        return taken

    per_s = len(later) / statistics.median(one_round() for _ in range(rounds))
    return Figure(
        name=f"{what}: feed, book, snapshot of the top",
        shown=f"{per_s / 1000:.0f} k messages/s",
        target=f"≥ {FEED_PER_S // 1000} k/s",
        met=per_s >= FEED_PER_S,
        how="deltas, trades and heartbeats, CPU time",
    )


def _held() -> Endpoint:
    return endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=1))


def interleaved(works: list[Callable[[], None]], rounds: int) -> list[float]:
    """Return the median CPU seconds of each, run in turns so that the machine's moods meet all alike."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, times in zip(works, taken, strict=True):
            times.append(cpu_s(work))
    return [statistics.median(times) for times in taken]


def cpu_s(work: Callable[[], None]) -> float:
    """Return the CPU seconds of one run without the collector."""
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        work()
        return time.process_time() - start
    finally:
        gc.enable()
