"""From an approved draft to signed bytes, and signing against the bare hash of the finished payload."""

from __future__ import annotations

import gc
import hashlib
import statistics
import time
from collections.abc import Callable
from itertools import count

from benchmarks.figures import Figure
from domain.order import ExecutionOption
from guardrails.consent import wire_fields
from tests.venues_gemini.samples import KEY, SECRET, draft
from tools.order_builder import build
from venues.gemini.catalogue import TABLE
from venues.gemini.signing import Credentials, sign

ORDERS = 5_000
BATCH = 5_000
ROUNDS = 9
P99_MS = 5.0
RATIO = 2.5


def run(*, quick: bool = False) -> list[Figure]:
    """Time whole builds one by one, and batches of signing and of bare hashing in turns."""
    taken = build_times(500 if quick else ORDERS)
    p50, p99 = (statistics.quantiles(taken, n=100)[at] / 1000 for at in (49, 98))
    ours, bare = ratio_times(3 if quick else ROUNDS)
    ratio = ours / bare
    return [
        Figure(name="draft to signed bytes, p50", shown=f"{p50:.1f} µs", how="fields, signature, last look"),
        Figure(
            name="draft to signed bytes, p99",
            shown=f"{p99:.1f} µs",
            target=f"≤ {P99_MS:g} ms",
            met=p99 <= P99_MS * 1000,
            how=f"{len(taken)} orders, wall time",
        ),
        Figure(
            name="signing against the bare hash",
            shown=f"{ratio:.2f} x ({ours:.2f} µs to {bare:.2f} µs)",
            target=f"≤ {RATIO:g} x",
            met=ratio <= RATIO,
            how="medians of interleaved rounds, CPU time; bare: pre-keyed SHA-384 of the finished payload",
        ),
    ]


def build_times(orders: int) -> list[int]:
    """Return the nanoseconds of each build."""
    credentials, wanted = Credentials(KEY, SECRET), draft(option=ExecutionOption.MAKER_OR_CANCEL)
    taken = []
    for nonce in range(1, orders + 1):
        start = time.perf_counter_ns()
        build(wanted, credentials, nonce)
        taken.append(time.perf_counter_ns() - start)
    return taken


def ratio_times(rounds: int) -> tuple[float, float]:
    """Return the median microseconds of signing and of hashing what was signed."""
    credentials, path = Credentials(KEY, SECRET), TABLE["order_new"].path
    fields = wire_fields(draft(option=ExecutionOption.MAKER_OR_CANCEL))
    nonces = count(1_700_000_000_000_000)
    payload = sign(credentials, path, next(nonces), fields).headers["X-GEMINI-PAYLOAD"].encode()
    block = SECRET.encode().ljust(128, b"\0")
    inner, outer = (hashlib.sha384(bytes(b ^ pad for b in block)) for pad in (0x36, 0x5C))

    def bare() -> None:
        first = inner.copy()
        first.update(payload)
        second = outer.copy()
        second.update(first.digest())
        second.hexdigest()

    found: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(rounds):
        found["ours"].append(batch(lambda: sign(credentials, path, next(nonces), fields)))
        found["bare"].append(batch(bare))
    return statistics.median(found["ours"]), statistics.median(found["bare"])


def batch(work: Callable[[], object]) -> float:
    """Return the CPU microseconds of one call, over a batch."""
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        for _ in range(BATCH):
            work()
        return (time.process_time() - start) / BATCH * 1e6
    finally:
        gc.enable()
