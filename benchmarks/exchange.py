"""The paper exchange: matches a second, memory of open orders, an order's round trip, growth with symbols.

A match is one trade between two customers' orders: both are settled (balances, fees, holds), told of in
events and written. Whole operations are timed: matching, SQLite with `synchronous=FULL`, publication.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal, localcontext
from pathlib import Path
from random import Random

from benchmarks.figures import Figure
from domain.clock import SystemClock
from domain.instrument import Instrument, Side
from domain.money import CONTEXT
from domain.order import OrderType
from guardrails.sandbox_lock import PaperAddress, endpoint
from guardrails.snapshot import Mode
from tests.venues_gemini.samples import draft
from tests.venues_gemini.streams import synthetic
from tools.order_builder import build
from venues.gemini.client import Credentials, GeminiRest
from venues.gemini.market_feed import MarketFeed
from venues.gemini.session.nonce import NonceSource
from venues.paper.exchange import Exchange, Ids
from venues.paper.matching.engine import Engine
from venues.paper.matching.ledger import Account, Funds
from venues.paper.matching.listings import Listing
from venues.paper.matching.orders import OrderRequest
from venues.paper.state.store import Store
from venues.paper.world.clockwork import SeededWorld
from venues.paper.world.drift import Dice
from venues.paper.world.timeline import Timeline

D = Decimal
MATCHES, ROUNDS = 2_000, 5
SWEEPS = {1: "", 10: "", 100: "≥ 5,000/s"}
"""Resting orders that one order meets. The fewer, the more the disk's flush per operation decides."""

MATCHES_PER_S = 5_000
OPEN_ORDERS = 4_000
MB_PER_1000 = 4.0
SYMBOLS = (10, 100, 300)
STEPS = 100
MESSAGES = 60
NOISE = 1.2
"""What a ratio may lie above linear growth before it counts as growing faster."""

SENT = 300
PACE_S = 0.11
"""Between two orders, so that the client's own pacing never makes one wait."""

_EXCHANGE = """
import sys
from pathlib import Path
from venues.paper.server import main
sys.exit(main(home=Path(sys.argv[1]), seed=3, supervised=True))
"""


def run(*, quick: bool = False) -> list[Figure]:
    """Measure all of it."""
    return [
        *match_figures(500 if quick else MATCHES, 2 if quick else ROUNDS),
        memory_figure(1_000 if quick else OPEN_ORDERS),
        *round_trip_figures(30 if quick else SENT),
        *growth_figures("a step of the world", {n: step_s(n, 20 if quick else STEPS) for n in SYMBOLS}),
        *growth_figures("decoding books", {n: decode_s(n, 20 if quick else MESSAGES) for n in SYMBOLS}),
    ]


# The exchange alone


@contextmanager
def exchange_of(symbols: int) -> Iterator[Exchange]:
    """Give an exchange with a store on disk, two rich customers and nobody else."""
    with tempfile.TemporaryDirectory() as home:
        timeline = Timeline(SystemClock(), D(1))
        ids = Ids(timeline.now_ms())
        exchange = Exchange(
            engine=Engine(next_id=ids.take, now_ms=timeline.now_ms),
            store=Store(Path(home) / "exchange.sqlite"),
            timeline=timeline,
            ids=ids,
            chance=Random(1),
        )
        for number in range(symbols):
            base = f"C{number:03}"
            instrument = Instrument(
                symbol=f"{base.lower()}usd",
                base=base,
                quote="USD",
                price_tick=D("0.01"),
                amount_step=D("0.00000001"),
                min_amount=D("0.00001"),
            )
            exchange.engine.list_market(Listing(instrument=instrument, start_price=D(100)))
        with exchange.operation():
            for name in ("ann", "bob"):
                funds = {"USD": Funds(amount=D(10**9)), "C000": Funds(amount=D(10**9))}
                exchange.keep_account(Account(name=name, group=name, funds=funds))
        yield exchange
        exchange.close()


def place(exchange: Exchange, who: str, side: Side, amount: Decimal) -> None:
    """Place a limit order at 100 in the first market, inside an operation."""
    request = OrderRequest(
        symbol="c000usd",
        side=side,
        type=OrderType.LIMIT,
        amount=amount,
        price=D(100),
        client_order_id="bench",
    )
    exchange.engine.place(exchange.accounts[who], request, session="account-bench")


def match_figures(matches: int, rounds: int) -> list[Figure]:
    """Time orders that sweep 1, 10 and 100 resting ones, each of them an operation of its own."""
    return [_match_figure(size, target, matches, rounds) for size, target in SWEEPS.items()]


def _match_figure(size: int, target: str, matches: int, rounds: int) -> Figure:
    with exchange_of(1) as exchange:
        per_s = max(_matches_per_s(exchange, size, matches) for _ in range(rounds))
    return Figure(
        name=f"matches, {size} an order",
        shown=f"{per_s:,.0f}/s",
        target=target,
        met=per_s >= MATCHES_PER_S if target else None,
        how=f"customer against customer; each order one durable operation; best of {rounds}, wall time",
    )


def _matches_per_s(exchange: Exchange, size: int, matches: int) -> float:
    amount, orders = D("0.001"), matches // size
    for _ in range(matches // 100):
        with exchange.operation():
            for _ in range(100):
                place(exchange, "ann", Side.SELL, amount)
    start = time.perf_counter()
    for _ in range(orders):
        with exchange.operation():
            place(exchange, "bob", Side.BUY, amount * size)
    taken = time.perf_counter() - start
    assert exchange.engine.markets["c000usd"].book.asks.best is None
    return orders * size / taken


def memory_figure(orders: int) -> Figure:
    """Weigh open orders: what Python holds for them, without the store's own pages."""
    with exchange_of(1) as exchange:
        place_open(exchange, 100)
        gc.collect()
        tracemalloc.start()
        place_open(exchange, orders)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    megabytes = held / orders * 1000 / 1e6
    return Figure(
        name="memory of 1,000 open orders",
        shown=f"{megabytes:.2f} MB",
        target=f"≤ {MB_PER_1000:g} MB",
        met=megabytes <= MB_PER_1000,
        how=f"Python's allocations for {orders:,} resting orders",
    )


def place_open(exchange: Exchange, orders: int) -> None:
    """Place resting orders, a hundred an operation."""
    for _ in range(orders // 100):
        with exchange.operation():
            for _ in range(100):
                place(exchange, "ann", Side.SELL, D("0.001"))


def step_s(symbols: int, steps: int) -> float:
    """Return the CPU seconds of one step of a seeded world: makers, takers, events, what is saved."""
    with exchange_of(symbols) as exchange, localcontext(CONTEXT):
        markets = exchange.engine.markets
        starts = {symbol: D(100) for symbol in markets}
        exchange.world = SeededWorld(markets.values(), starts, Dice(Random(1)))
        exchange.keeper.is_on = True
        for _ in range(10):
            exchange.step()
        return statistics.median(_timed(exchange.step) for _ in range(steps))


# Client and exchange


def round_trip_figures(orders: int) -> list[Figure]:
    """Time orders from the draft to the venue's answer, between two processes."""
    with tempfile.TemporaryDirectory() as home, exchange_process(Path(home)) as address:
        taken = asyncio.run(_send(address, Path(home) / "nonce", orders))
    p50, p99 = (statistics.quantiles(taken, n=100)[at] * 1000 for at in (49, 98))
    how = f"{orders} orders, sign, POST, durable commit, answer; exchange in its own process, wall time"
    return [
        Figure(name=f"order round trip on loopback, {name}", shown=f"{value:.2f} ms", how=how)
        for name, value in (("p50", p50), ("p99", p99))
    ]


@contextmanager
def exchange_process(home: Path) -> Iterator[dict[str, str]]:
    """Start an exchange at speed 1 and give what it announces."""
    process = subprocess.Popen([sys.executable, "-c", _EXCHANGE, str(home)], stdin=subprocess.PIPE)
    announcement = home / "run" / "exchange.json"
    try:
        while not announcement.exists():
            assert process.poll() is None
            time.sleep(0.05)
        yield json.loads(announcement.read_text(encoding="utf-8"))
    finally:
        assert process.stdin is not None
        process.stdin.close()  # supervised: the end of its input ends it
        process.wait(20)


async def _send(address: dict[str, str], nonce_file: Path, orders: int) -> list[float]:
    port = int(address["url"].rsplit(":", 1)[1])
    credentials = Credentials(address["api_key"], address["api_secret"])
    nonces = NonceSource(nonce_file, SystemClock())
    client = GeminiRest(
        endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=port)), credentials, nonces, SystemClock()
    )
    try:
        taken = []
        for _ in range(orders + 5):
            await asyncio.sleep(PACE_S)
            start = time.perf_counter()
            await client.submit(build(draft(amount=D("0.0002")), credentials, nonces.next()))
            taken.append(time.perf_counter() - start)
        await client.cancel_all()
        return taken[5:]
    finally:
        await client.close()
        nonces.close()


def decode_s(symbols: int, messages: int) -> float:
    """Return the CPU seconds of `messages` book frames of each symbol, in turns, decoded and applied."""
    names = [f"c{number:03}usd" for number in range(symbols)]
    template = synthetic(Random(7), levels=50, messages=messages)
    held = endpoint(Mode.PAPER, PaperAddress(host="127.0.0.1", port=1))
    turns = [
        [frame.replace(b'"BTCUSD"', f'"{name.upper()}"'.encode()) for name in names] for frame in template
    ]

    def once() -> float:
        feed = MarketFeed(held, names, SystemClock())
        for frame in turns[0]:
            feed.take(frame)

        def rest() -> None:
            for turn in turns[1:]:
                for frame in turn:
                    feed.take(frame)

        taken = _timed(rest)
        assert feed.status().synced
        return taken

    return statistics.median(once() for _ in range(3))


def growth_figures(what: str, times: dict[int, float]) -> Iterator[Figure]:
    """Compare the times at more symbols with the one at the fewest."""
    (first, base), *others = times.items()
    for symbols, taken in others:
        ratio, linear = taken / base, symbols / first
        yield Figure(
            name=f"{what}, {symbols} symbols against {first}",
            shown=f"{ratio:.1f} x the time ({base * 1000:.1f} ms to {taken * 1000:.1f} ms)",
            target=f"≤ {linear:g} x (linear)",
            met=ratio <= linear * NOISE,
            how=f"medians, CPU time; {NOISE - 1:.0%} allowed for noise",
        )


def _timed(work: Callable[[], None]) -> float:
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        work()
        return time.process_time() - start
    finally:
        gc.enable()
