"""From an approved draft to signed bytes; signing beside the bare hash of the payload and beside ccxt."""

from __future__ import annotations

import gc
import hashlib
import hmac
import statistics
import time
from collections.abc import Callable
from itertools import count

import ccxt

from benchmarks.figures import Figure
from domain.order import ExecutionOption
from guardrails.consent import wire_fields
from tests.venues_gemini.samples import KEY, SECRET, draft
from tools.order_builder import build
from venues.gemini.catalogue import TABLE
from venues.gemini.signing import ArmedRequest, Credentials, SignedRequest, sign

ORDERS = 5_000
BATCH = 5_000
ROUNDS = 9
P99_MS = 5.0
RATIO = 2.5
CCXT_RATIO = 3.0
_HOW = "medians of interleaved rounds, CPU time"


def run(*, quick: bool = False) -> list[Figure]:
    """Time whole builds one by one, and batches of signing and of bare hashing in turns."""
    taken = build_times(500 if quick else ORDERS)
    p50, p99 = (statistics.quantiles(taken, n=100)[at] / 1000 for at in (49, 98))
    times = batch_times(3 if quick else ROUNDS)
    ours, armed, bare, theirs = (times[name] for name in ("ours", "armed", "bare", "ccxt"))
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
            shown=f"{ours / bare:.2f} x ({ours:.2f} µs to {bare:.2f} µs)",
            target=f"≤ {RATIO:g} x",
            met=ours / bare <= RATIO,
            how=f"{_HOW}; bare: pre-keyed SHA-384 of the finished payload",
        ),
        Figure(
            name="firing an armed order against the bare hash",
            shown=f"{armed / bare:.2f} x ({armed:.2f} µs)",
            how="same rounds; all but the nonce was coded and hashed before",
        ),
        Figure(
            name="signing against ccxt",
            shown=f"{theirs / ours:.1f} x faster ({theirs:.2f} µs)",
            target=f"≥ {CCXT_RATIO:g} x",
            met=theirs / ours >= CCXT_RATIO,
            how="same rounds; ccxt's gemini.sign() of the same order, which also builds the URL",
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


def batch_times(rounds: int) -> dict[str, float]:
    """Return the median microseconds of one signature by name."""
    credentials, path = Credentials(KEY, SECRET), TABLE["order_new"].path
    fields = wire_fields(draft(option=ExecutionOption.MAKER_OR_CANCEL))
    nonces = count(1_700_000_000_000_000)
    armed = ArmedRequest(credentials, path, fields)
    _check(sign(credentials, path, 5, fields), armed.fire(5))
    payload = sign(credentials, path, next(nonces), fields).headers["X-GEMINI-PAYLOAD"].encode()
    block = SECRET.encode().ljust(128, b"\0")
    inner, outer = (hashlib.sha384(bytes(b ^ pad for b in block)) for pad in (0x36, 0x5C))
    stranger = ccxt.gemini({"apiKey": KEY, "secret": SECRET})

    def bare() -> None:
        first = inner.copy()
        first.update(payload)
        second = outer.copy()
        second.update(first.digest())
        second.hexdigest()

    works: dict[str, Callable[[], object]] = {
        "ours": lambda: sign(credentials, path, next(nonces), fields),
        "armed": lambda: armed.fire(next(nonces)),
        "bare": bare,
        "ccxt": lambda: stranger.sign(path[1:], "private", "POST", fields),
    }
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(batch(work))
    return {name: statistics.median(times) for name, times in found.items()}


def _check(*signed: SignedRequest) -> None:
    # What is timed must be right.
    for request in signed:
        payload = request.headers["X-GEMINI-PAYLOAD"].encode()
        expected = hmac.new(SECRET.encode(), payload, hashlib.sha384).hexdigest()
        assert request.headers["X-GEMINI-SIGNATURE"] == expected


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
