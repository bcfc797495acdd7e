"""What a chat turn with the offline planner costs by itself, apart from the desk's own time.

Exchange and desk run in a process of their own behind a real socket; the time during which at least one
request to the desk is under way counts as the desk's, all the rest as the turn's own.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import httpx

from benchmarks.figures import Figure
from desk.client import DeskClient
from domain.clock import SystemClock
from domain.ids import IdSource

TARGET_MS = 60
WARM_UP = 10
TURNS = 120
QUICK_TURNS = 24
QUESTIONS = (
    "hi",
    "btc price",
    "what are my fees?",
    "order book of eth",
    "hourly candles for btc",
    "my positions",
    "open orders",
    "break even if I buy $50 of btc",
    "what are my limits?",
    "why did we buy?",
    "search the journal for orders",
    "are we connected?",
)


class TimedTransport(httpx.AsyncBaseTransport):
    """Adds up the time during which at least one request is under way."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._under_way = 0
        self._since = 0.0
        self.seconds = 0.0

    async def handle_async_request(  # noqa: D102 - httpx's port
        self, request: httpx.Request
    ) -> httpx.Response:
        if self._under_way == 0:
            self._since = time.perf_counter()
        self._under_way += 1
        try:
            response = await self._inner.handle_async_request(request)
            await response.aread()
            return response
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self.seconds += time.perf_counter() - self._since

    async def aclose(self) -> None:  # noqa: D102 - httpx's port
        await self._inner.aclose()


def run(*, quick: bool = False) -> list[Figure]:
    """Return own cost (p50, p95) and the desk's share of offline turns."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.turn", folder]
        desk = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert desk.stdout is not None
            url = desk.stdout.readline().strip()
            own, desks = asyncio.run(_measure(url, Path(folder), QUICK_TURNS if quick else TURNS))
        finally:
            desk.terminate()
            desk.wait(20)
    how = f"{len(own)} turns of {len(QUESTIONS)} kinds, desk in another process"
    p50, p95 = statistics.median(own), statistics.quantiles(own, n=20)[-1]
    return [
        _figure("offline turn, own cost p50", p50, how),
        _figure("offline turn, own cost p95", p95, how),
        Figure(name="offline turn, desk's share p50", shown=f"{statistics.median(desks):.1f} ms", how=how),
    ]


def _figure(name: str, value_ms: float, how: str) -> Figure:
    return Figure(
        name=name, shown=f"{value_ms:.1f} ms", target=f"<= {TARGET_MS} ms", met=value_ms <= TARGET_MS, how=how
    )


async def _measure(url: str, home: Path, turns: int) -> tuple[list[float], list[float]]:
    from agent_graph.conversations import Conversations
    from agent_graph.models import make_model

    clock, timed = SystemClock(), TimedTransport()
    http = httpx.AsyncClient(base_url=url, transport=timed, timeout=20)
    chat = await Conversations.open(
        db_path=home / "chat" / "app.sqlite",
        desk=DeskClient(http, read="read-token", propose="propose-token"),
        model=make_model("offline"),
        clock=clock,
        ids=IdSource(clock, Random(1)),
    )
    own: list[float] = []
    desks: list[float] = []
    try:
        for number in range(WARM_UP + turns):
            if number % len(QUESTIONS) == 0:
                conversation = await chat.create("ask")
            started, before = time.perf_counter(), timed.seconds
            handle = await chat.send(conversation, QUESTIONS[number % len(QUESTIONS)])
            assert (await handle.result()).mode == "paper", "the desk must answer"
            total, desk = time.perf_counter() - started, timed.seconds - before
            if number >= WARM_UP:
                own.append((total - desk) * 1000)
                desks.append(desk * 1000)
    finally:
        await chat.close()
        await http.aclose()
    return own, desks


async def _serve(home: Path) -> None:
    """Run exchange and desk on `home`, print the desk's address, until interrupted."""
    from loopback.serve import bind, serve
    from tests.stack import desk_on, exchange_on

    for name in ("run", "state", "journal", "logs"):
        (home / name).mkdir(mode=0o700, exist_ok=True)
    async with exchange_on(home) as exchange, desk_on(home, exchange) as stack:
        await stack.until_ready()
        await stack.buy()
        sock = bind()

        def tell() -> None:
            print(f"http://127.0.0.1:{sock.getsockname()[1]}", flush=True)

        await serve(stack.app, sock, on_ready=tell)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
