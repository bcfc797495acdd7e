"""The exchange as a process, and the same exchange inside a test's event loop."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from domain.clock import Clock, SystemClock
from loopback import serve
from loopback.files import only_one, private_dir, write_private
from loopback.guard import RequestGuard
from venues.paper.app import ExchangeApp
from venues.paper.book import OrderBook
from venues.paper.exchange import Exchange
from venues.paper.opening import (
    DESK,
    KEY_LABELS,
    STRANGER,
    Credentials,
    Opening,
    credentials_of,
    open_exchange,
)
from venues.paper.refusals import RefusedError
from venues.paper.world import STEP_MS

LOG = logging.getLogger(__name__)
STEPS_PER_TURN = 4
"""Steps run before requests get a turn again when the world has to catch up."""

_ANNOUNCEMENT = "exchange.json"
_WORLD = "world.json"


def main(
    *,
    home: Path,
    port: int = 0,
    seed: int | None = None,
    speed: Decimal = Decimal(1),
    replay: Path | None = None,
    state: Path | None = None,
    supervised: bool = False,
) -> int:
    """Run the exchange until SIGTERM or SIGINT, with `supervised` also until stdin ends; return 0.

    Writes `run/exchange.json` when it answers and removes it at a clean stop. Returns 1 when it had to stop
    because its state could not be written. Raises `BadInputError` for a bad home, port, speed, state or
    recording, and `ConflictError` when an exchange already runs on this home.
    """
    opening = Opening(home=home, clock=SystemClock(), seed=seed, speed=speed, replay=replay, state=state)
    with closing(serve.bind(port)) as sock, _opened(opening) as exchange:
        address = f"{serve.LOOPBACK}:{sock.getsockname()[1]}"
        exchange.on_fault = lambda: signal.raise_signal(signal.SIGTERM)

        def on_ready() -> None:
            _announce(home, exchange, address)
            if supervised:
                threading.Thread(target=_stop_at_end_of_stdin, daemon=True).start()

        asyncio.run(_serve(exchange, address, sock, on_ready))
        return 0 if exchange.fault is None else 1


async def _serve(exchange: Exchange, address: str, sock: socket.socket, on_ready: Callable[[], None]) -> None:
    async with _stepping(exchange):
        await serve.serve(_guarded(exchange, lambda: address), sock, on_ready=on_ready)


@contextmanager
def _opened(opening: Opening) -> Iterator[Exchange]:
    """Hold the home for one exchange, open it, and leave nothing in `run/` behind."""
    run = private_dir(private_dir(opening.home) / "run")
    with only_one(run / "exchange.lock", "an exchange on this home"):
        _take_back(run)  # what a killed one left would send clients to a dead port
        exchange = open_exchange(opening)
        try:
            yield exchange
        finally:
            _take_back(run)
            exchange.close()


def _announce(home: Path, exchange: Exchange, address: str) -> None:
    """Write `run/exchange.json`, where the exchange is and a key for strangers, and `run/world.json`."""
    run = private_dir(home / "run")
    key = credentials_of(exchange, STRANGER)
    exchange.on_line = lambda line: write_private(run / _WORLD, json.dumps({"text": line}) + "\n")
    exchange.tell_line()
    text = json.dumps(
        {
            "url": f"http://{address}",
            "ws_url": f"ws://{address}",
            "web_url": f"http://{address}/web",
            "api_key": key.api_key,
            "api_secret": key.api_secret,
            "keys": {
                label: {"api_key": key.api_key, "api_secret": key.api_secret}
                for label in KEY_LABELS
                if label != DESK
                for key in (credentials_of(exchange, label),)
            },
        },
        indent=1,
    )
    write_private(run / _ANNOUNCEMENT, text + "\n")


def _take_back(run: Path) -> None:
    for name in (_ANNOUNCEMENT, _WORLD):
        (run / name).unlink(missing_ok=True)


def _guarded(exchange: Exchange, address: Callable[[], str]) -> RequestGuard:
    def hosts() -> frozenset[str]:
        host = address()
        return frozenset({host, host.replace(serve.LOOPBACK, "localhost")})

    return RequestGuard(ExchangeApp(exchange), hosts)


@asynccontextmanager
async def _stepping(exchange: Exchange) -> AsyncIterator[None]:
    """Run the world's steps as they fall due; virtual time needs none, each request brings its own."""
    task = asyncio.create_task(_run_world(exchange))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _run_world(exchange: Exchange) -> None:
    while not exchange.timeline.is_virtual and exchange.fault is None:
        with suppress(RefusedError):  # the state cannot be written: `fault` is set, requests get told
            is_behind = exchange.run_due_steps(STEPS_PER_TURN)
            await asyncio.sleep(0 if is_behind else exchange.timeline.wall_seconds(STEP_MS) / 2)


def _stop_at_end_of_stdin() -> None:
    # Not through sys.stdin: its lock, held here at the interpreter's end, would abort the process.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    signal.raise_signal(signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningExchange:
    """An exchange that answers on loopback inside this process; `exchange` is for a test's own look."""

    url: str
    ws_url: str
    desk: Credentials
    stranger: Credentials
    exchange: Exchange

    def key(self, label: str) -> Credentials:
        """Return one of the keys in `opening.KEY_LABELS`."""
        return credentials_of(self.exchange, label)

    def book(self, symbol: str) -> OrderBook:
        """Return the engine's own book."""
        return self.exchange.engine.markets[symbol].book


@asynccontextmanager
async def running_exchange(
    *,
    home: Path,
    seed: int | None = 1,
    speed: Decimal = Decimal(0),
    replay: Path | None = None,
    state: Path | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[RunningExchange]:
    """Serve an exchange in this event loop for the length of the block, by default in virtual time."""
    opening = Opening(
        home=home, clock=clock or SystemClock(), seed=seed, speed=speed, replay=replay, state=state
    )
    address = ""
    with _opened(opening) as exchange:
        app = _guarded(exchange, lambda: address)
        async with _stepping(exchange), serve.serving(app) as url:
            address = url.removeprefix("http://")
            _announce(home, exchange, address)
            yield RunningExchange(
                url=url,
                ws_url=f"ws://{address}",
                desk=credentials_of(exchange, DESK),
                stranger=credentials_of(exchange, STRANGER),
                exchange=exchange,
            )
