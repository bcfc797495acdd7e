"""The journal: what one durable record costs against a bare flush of SQLite, in the same run."""

from __future__ import annotations

import gc
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.figures import Figure
from domain.clock import SystemClock
from domain.ids import IdSource
from guardrails.redactor import redact
from memory import journal_read, words
from memory.chain import load_key, verify_all
from memory.journal import Journal, create
from memory.journal_files import JournalFiles

ROUNDS = 5
HOT_RECORDS = 400
SHARED_COMMITS = 60
PRODUCERS = 32
RATIO = 2.0
SHARED_PER_S = 5_000
HOW = "WAL, synchronous=FULL, about 1 KB a record, interleaved rounds, median of rounds"

CHECKS = [
    {
        "rule": rule,
        "ok": True,
        "code": "",
        "text": f"{rule} holds",
        "numbers": {"used": "25.00", "limit": "100"},
    }
    for rule in ("per_order", "per_symbol", "global_day", "collar", "spread", "stale", "balance")
]
RESULT = {"outcome": "allowed", "codes": [], "checks": CHECKS, "warnings": []}
KNOWN = ("account-Zx81Qm40Rt77Lp29", "4Xq8Wc1Jm5Zr9Bv2Kt6P")
"""Stand-ins for the pair of a paper account, which the desk's redactor knows."""

LINE = json.dumps(RESULT).encode()


def connect(path: Path) -> sqlite3.Connection:
    """Open a database as the desk does."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


class Bare:
    """The least that is durable: one row, one flush."""

    def __init__(self, path: Path) -> None:
        self.connection = connect(path)
        self.connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, line BLOB)")

    def write(self) -> None:
        """Insert and flush."""
        self.connection.execute("INSERT INTO bare (line) VALUES (?)", (LINE,))


class Full:
    """The desk's journal with the real redactor, chain, indexes and order keys."""

    def __init__(self, path: Path, redactor: Callable[[str], str]) -> None:
        self.connection = connect(path)
        create(self.connection)
        clock = SystemClock()
        self.journal = Journal(self.connection, clock=clock, ids=IdSource(clock, Random(1)), redact=redactor)
        self.cause: str | None = None

    def write(self, records: int = 1) -> None:
        """Append and flush; several records share one flush."""
        self.connection.execute("BEGIN IMMEDIATE")
        for _ in range(records):
            self.cause = self.journal.append(
                "verdict",
                mode="paper",
                venue="paper",
                source="desk",
                symbol="btcusd",
                cause=self.cause,
                decision_text="the person asked for it",
                result=RESULT,
                latency_ms=3,
                order_keys=("P-01M7V41F00V3RS3DTR98H6BCFN", "m-01m7v41f00v3rs3dtr98h6bcfn"),
            ).id
        self.connection.execute("COMMIT")


def timed(act: Callable[[], None], count: int) -> list[float]:
    """Return the seconds of each of `count` calls, sorted."""
    taken = []
    gc.collect()
    for _ in range(count):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return sorted(taken)


def at(taken: list[float], part: float) -> float:
    """Return a percentile in microseconds."""
    return taken[min(len(taken) - 1, int(len(taken) * part))] * 1e6


@contextmanager
def home() -> Iterator[Path]:
    """Make a folder on the same disk as the working tree, as a home would be."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        yield Path(folder)


def run(*, quick: bool = False) -> list[Figure]:
    """Measure single records, shared commits, catching up of files and words, verifying and searching."""
    rounds = 2 if quick else ROUNDS
    with home() as folder:
        bare = Bare(folder / "bare.sqlite")
        full = Full(folder / "full.sqlite", partial(redact, known=KNOWN))
        unredacted = Full(folder / "unredacted.sqlite", str)
        runs: dict[str, list[list[float]]] = {"bare": [], "full": [], "unredacted": []}
        for _ in range(rounds):
            runs["bare"].append(timed(bare.write, HOT_RECORDS))
            runs["full"].append(timed(full.write, HOT_RECORDS))
            runs["unredacted"].append(timed(unredacted.write, HOT_RECORDS))
        shared = [timed(lambda: full.write(PRODUCERS), SHARED_COMMITS) for _ in range(rounds)]
        figures = [*single(runs), together(shared), *behind(full, folder)]
        for each in (bare, full, unredacted):
            each.connection.close()
    return figures


def single(runs: dict[str, list[list[float]]]) -> list[Figure]:
    """Compare one record with a bare flush; ratios are taken round by round."""
    figures = []
    for part, name in ((0.5, "p50"), (0.99, "p99")):
        bare = [at(taken, part) for taken in runs["bare"]]
        full = [at(taken, part) for taken in runs["full"]]
        own = [at(taken, part) for taken in runs["unredacted"]]
        ratio = median(f / b for f, b in zip(full, bare, strict=True))
        without = median(f / b for f, b in zip(own, bare, strict=True))
        figures.append(
            Figure(
                name=f"one durable record, {name}",
                shown=f"{median(full):.0f} µs = {ratio:.2f} x a bare flush ({median(bare):.0f} µs); "
                f"{without:.2f} x without redaction",
                target=f"<= {RATIO:g} x a bare flush",
                met=ratio <= RATIO,
                how=HOW,
            )
        )
    return figures


def together(shared: list[list[float]]) -> Figure:
    """Say how many records a second go through when producers share a flush."""
    per_s = PRODUCERS / median(sum(taken) / len(taken) for taken in shared)
    return Figure(
        name=f"records/s, {PRODUCERS} to a commit",
        shown=f"{per_s:,.0f}",
        target=f">= {SHARED_PER_S:,}",
        met=per_s >= SHARED_PER_S,
        how=HOW,
    )


def behind(full: Full, folder: Path) -> list[Figure]:
    """Measure what runs after commits: files, words, verification, search."""
    files = JournalFiles(folder / "journal")
    count = journal_read.count(full.connection)
    figures = []

    def figure(name: str, act: Callable[[], object]) -> None:
        start = time.perf_counter()
        act()
        per_s = count / (time.perf_counter() - start)
        figures.append(Figure(name=name, shown=f"{per_s:,.0f} records/s", how=f"{count} records, one pass"))

    def index_words() -> None:
        while words.index(full.connection):
            continue

    key = load_key(folder / "journal-key").public_key()
    figure("daily files catch up", lambda: files.catch_up(full.connection))
    figure("words are indexed", index_words)
    figure("chain is verified", lambda: verify_all(full.connection, key))
    taken = timed(lambda: len(journal_read.search(full.connection, text="per_order asked", limit=20)), 20)
    figures.append(
        Figure(
            name="search for two words, p50",
            shown=f"{at(taken, 0.5) / 1000:.1f} ms",
            how=f"{count} records, all match",
        )
    )
    return figures
