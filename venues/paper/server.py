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
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from domain.clock import Clock, SystemClock
from domain.errors import BadInputError
from loopback import serve
from loopback.files import only_one, private_dir, write_private
from loopback.guard import RequestGuard
from venues.paper.access import oauth
from venues.paper.access.rate_limits import RateLimits
from venues.paper.edge.app import ExchangeApp
from venues.paper.edge.control import TOKEN_FILE, Control, arm
from venues.paper.exchange import Exchange
from venues.paper.faults.fault_file import FaultPlan, read_plan
from venues.paper.matching.book import OrderBook
from venues.paper.matching.refusals import RefusedError
from venues.paper.opening import (
    DESK,
    KEY_LABELS,
    STRANGER,
    Credentials,
    Opening,
    credentials_of,
    open_exchange,
)
from venues.paper.world.clockwork import STEP_MS
from venues.paper.world.queue_position import QueuePosition, queue_position
from venues.paper.world.replay import RecordedWorld
from venues.paper.world.timeline import UNPACED

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
    faults: Path | None = None,
    supervised: bool = False,
) -> int:
    """Run the exchange until SIGTERM or SIGINT, with `supervised` also until stdin ends; return 0.

    Writes `run/exchange.json` when it answers and removes it at a clean stop. `faults` is a plan of what
    shall go wrong (`docs/faults.md`). Returns 1 when it had to stop because its state could not be written.
    Raises `BadInputError` for a bad home, port, speed, state, plan or recording, and `ConflictError` when an
    exchange already runs on this home.
    """
    plan = None if faults is None else read_plan(faults)
    opening = Opening(home=home, clock=SystemClock(), seed=seed, speed=speed, replay=replay, state=state)
    with closing(serve.bind(port)) as sock, _opened(opening, plan) as exchange:
        address = f"{serve.LOOPBACK}:{sock.getsockname()[1]}"
        exchange.on_fault = lambda: signal.raise_signal(signal.SIGTERM)

        def on_ready() -> None:
            _announce(home, exchange, address)
            if supervised:
                threading.Thread(target=_stop_at_end_of_stdin, daemon=True).start()

        control = _control(home, exchange)
        asyncio.run(_serve(exchange, address, control, sock, on_ready))
        return 0 if exchange.fault is None else 1


async def _serve(
    exchange: Exchange,
    address: str,
    control: Control | None,
    sock: socket.socket,
    on_ready: Callable[[], None],
) -> None:
    async with _stepping(exchange):
        app = _guarded(exchange, lambda: address, control)
        await serve.serve(app, sock, on_ready=on_ready, date_header=False)


@contextmanager
def _opened(opening: Opening, plan: FaultPlan | None) -> Iterator[Exchange]:
    """Hold the home for one exchange, open it with its faults, and leave nothing in `run/` behind."""
    run = private_dir(private_dir(opening.home) / "run")
    with only_one(run / "exchange.lock", "an exchange on this home"):
        _take_back(run)  # what a killed one left would send clients to a dead port
        if opening.speed == UNPACED and opening.replay is None:
            raise BadInputError(
                "BAD_SPEED",
                "--speed max plays a recording, and there is none",
                "Name one with --replay, or give a number from 0 to 1000.",
            )
        exchange = open_exchange(opening)
        try:
            if plan is not None:
                _arm_first(exchange, plan)
            yield exchange
        finally:
            _take_back(run)
            exchange.close()


def _arm_first(exchange: Exchange, plan: FaultPlan) -> None:
    try:
        arm(exchange, plan)
    except RefusedError as error:
        raise BadInputError(
            "FAULTS_REFUSED", f"the plan of faults cannot be used: {error.message}", "Correct the plan."
        ) from error


def _control(home: Path, exchange: Exchange) -> Control | None:
    """Return the control route of an exchange that has faults, with its token written down; else None."""
    if not exchange.faults.is_open:
        return None
    control = Control(exchange)
    write_private(home / "run" / TOKEN_FILE, control.token + "\n")
    return control


def _announce(home: Path, exchange: Exchange, address: str) -> None:
    """Write `run/exchange.json`, where the exchange is and keys for strangers, and `run/world.json`."""
    run = private_dir(home / "run")
    key = credentials_of(exchange, STRANGER)
    app, public_app = oauth.apps(exchange.documents)
    exchange.on_line = lambda line: write_private(run / _WORLD, json.dumps({"text": line}) + "\n")
    exchange.tell_line()
    text = json.dumps(
        {
            "url": f"http://{address}",
            "ws_url": f"ws://{address}",
            "web_url": f"http://{address}/web",
            "api_key": key.api_key,
            "api_secret": key.api_secret,
            "keys": {label: asdict(credentials_of(exchange, label)) for label in KEY_LABELS if label != DESK},
            "oauth": {
                "client_id": app.client_id,
                "client_secret": app.secret,
                "public_client_id": public_app.client_id,
            },
        },
        indent=1,
    )
    write_private(run / _ANNOUNCEMENT, text + "\n")


def _take_back(run: Path) -> None:
    for name in (_ANNOUNCEMENT, _WORLD, TOKEN_FILE):
        (run / name).unlink(missing_ok=True)


def _guarded(exchange: Exchange, address: Callable[[], str], control: Control | None) -> RequestGuard:
    def hosts() -> frozenset[str]:
        host = address()
        return frozenset({host, host.replace(serve.LOOPBACK, "localhost")})

    return RequestGuard(ExchangeApp(exchange, control), hosts)


@asynccontextmanager
async def _stepping(exchange: Exchange) -> AsyncIterator[None]:
    """Run the world's steps as they fall due; virtual time needs none, each request brings its own."""
    task = asyncio.create_task(_run_world_or_stop(exchange))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _run_world_or_stop(exchange: Exchange) -> None:
    """Run the world; an exchange whose markets stand still for a fault of ours must not go on answering."""
    try:
        await _run_world(exchange)
    except Exception:
        LOG.exception("the world broke down")
        exchange.give_up("its markets cannot go on")


async def _run_world(exchange: Exchange) -> None:
    while not exchange.timeline.is_virtual and exchange.fault is None:
        with suppress(RefusedError):  # the state cannot be written: `fault` is set, requests get told
            is_playing = exchange.timeline.is_unpaced and _has_more_to_play(exchange)
            if is_playing and not exchange.run_due_steps(0):
                exchange.timeline.skip(STEP_MS)
            is_behind = exchange.run_due_steps(1 if is_playing else STEPS_PER_TURN) or is_playing
            await asyncio.sleep(0 if is_behind else exchange.timeline.wall_seconds(STEP_MS) / 2)


def _has_more_to_play(exchange: Exchange) -> bool:
    return isinstance(exchange.world, RecordedWorld) and not exchange.world.is_finished


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
    control_token: str = ""

    def key(self, label: str) -> Credentials:
        """Return one of the keys in `opening.KEY_LABELS`."""
        return credentials_of(self.exchange, label)

    def book(self, symbol: str) -> OrderBook:
        """Return the engine's own book."""
        return self.exchange.engine.markets[symbol].book

    def queue(self, order_id: int) -> QueuePosition | None:
        """Return where a resting order stands in its queue, None when it does not rest."""
        order = self.exchange.engine.live[order_id]
        return queue_position(self.exchange.engine.markets[order.symbol], order)


@asynccontextmanager
async def running_exchange(
    *,
    home: Path,
    seed: int | None = 1,
    speed: Decimal = Decimal(0),
    replay: Path | None = None,
    state: Path | None = None,
    clock: Clock | None = None,
    faults: FaultPlan | None = None,
    rate_limits: bool | None = None,
) -> AsyncIterator[RunningExchange]:
    """Serve an exchange in this event loop for the length of the block, by default in virtual time.

    With `faults`, even an empty plan, the control route is served. `rate_limits` None means as a process has
    them: on, but off in virtual time.
    """
    opening = Opening(
        home=home, clock=clock or SystemClock(), seed=seed, speed=speed, replay=replay, state=state
    )
    address = ""
    with _opened(opening, faults) as exchange:
        if rate_limits is not None:
            exchange.limits = RateLimits(exchange.timeline.now_ms, speed=speed, is_on=rate_limits)
        control = _control(home, exchange)
        app = _guarded(exchange, lambda: address, control)
        async with _stepping(exchange), serve.serving(app, date_header=False) as url:
            address = url.removeprefix("http://")
            _announce(home, exchange, address)
            yield RunningExchange(
                url=url,
                ws_url=f"ws://{address}",
                desk=credentials_of(exchange, DESK),
                stranger=credentials_of(exchange, STRANGER),
                exchange=exchange,
                control_token="" if control is None else control.token,
            )
