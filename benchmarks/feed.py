"""From a frame's bytes to the top of the book: how many messages a second, and against decoding alone.

Real frames need the recordings (MATRIX_RECORDINGS); the made-up stream has 3,000 levels a side.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable
from random import Random

import msgspec

from benchmarks.figures import Figure
from domain.clock import SystemClock
from guardrails.sandbox_lock import PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini import recordings
from tests.venues_gemini.streams import synthetic
from venues.gemini.book import Book
from venues.gemini.market_feed import MarketFeed
from venues.gemini.wire import FrameWire

LEVELS, MESSAGES = 3_000, 20_000
ROUNDS = 7
BOOK_PER_S = 1_000_000
FEED_PER_S = 50_000
RATIO = 2.5

_decode = msgspec.json.Decoder(FrameWire).decode


def run(*, quick: bool = False) -> list[Figure]:
    """Measure the made-up stream and, where they are, the real captures."""
    rounds = 3 if quick else ROUNDS
    frames = synthetic(Random(7), levels=LEVELS, messages=MESSAGES)
    figures = book_figures("3,000 levels", frames, 1, rounds, is_real=False)
    figures.append(feed_figure("3,000 levels", frames, rounds))
    if "MATRIX_RECORDINGS" in os.environ:
        for year, real, repeats in (
            ("2021", recordings.frames_2021(), 10),
            ("2026", recordings.frames_2026(), 40),
        ):
            figures += book_figures(f"real capture of {year}", real, repeats, rounds, is_real=True)
            figures.append(feed_figure(f"real capture of {year}", real, rounds))
    return figures


def book_figures(what: str, frames: list[bytes], repeats: int, rounds: int, *, is_real: bool) -> list[Figure]:
    """Compare decode, book and best prices with decode alone; deltas are timed, snapshots are not."""
    books: dict[str, Book] = {}
    deltas = []
    for raw in frames:
        frame = _decode(raw)
        if frame.is_snapshot:
            books[frame.symbol] = Book()
            books[frame.symbol].apply(frame.changes)
        elif frame.type == "l2_updates":
            deltas.append(raw)
    deltas *= repeats

    def ours() -> None:
        for raw in deltas:
            frame = _decode(raw)
            book = books[frame.symbol]
            book.apply(frame.changes)
            book.best()

    def decoded() -> None:
        _ = [_decode(raw) for raw in deltas]

    taken: dict[Callable[[], None], list[float]] = {ours: [], decoded: []}
    for _ in range(rounds):
        for work, times in taken.items():
            times.append(cpu_s(work))
    mine, limit = (statistics.median(times) / len(deltas) for times in taken.values())
    per_s, ratio = 1 / mine, mine / limit
    # Each target was set on one of the two kinds of stream.
    return [
        Figure(
            name=f"{what}: decode, book, best prices",
            shown=f"{per_s / 1e6:.2f} M messages/s",
            target="" if is_real else f"≥ {BOOK_PER_S / 1e6:.1f} M/s",
            met=None if is_real else per_s >= BOOK_PER_S,
            how="median of interleaved rounds, CPU time",
        ),
        Figure(
            name=f"{what}: against typed decode alone",
            shown=f"{ratio:.2f} x",
            target=f"≤ {RATIO:g} x" if is_real else "",
            met=ratio <= RATIO if is_real else None,
            how="same rounds; the limit keeps every decoded frame",
        ),
    ]


def feed_figure(what: str, frames: list[bytes], rounds: int) -> Figure:
    """Measure the feed itself, without the network: every frame taken, then a view as the desk takes it."""
    symbols = sorted({_decode(raw).symbol.lower() for raw in frames} - {""})
    held = endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=1))
    first = [raw for raw in frames if _decode(raw).is_snapshot]
    later = [raw for raw in frames if not _decode(raw).is_snapshot]

    def one_round() -> float:
        live = MarketFeed(held, symbols, SystemClock())
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
