"""`matrix exchange`, `matrix desk` and `matrix app`: each process of the house alone."""

from __future__ import annotations

import os
import signal
import threading
import time
from decimal import Decimal
from pathlib import Path

from cli import command
from cli.command import Context, Subparsers
from cli.start import lowered_mode, readable_file, world_options

_LAST_RESORT_S = 15.0
_DESK_PATIENCE_S = 45.0
_SLOW = ("gradio", "app.page", "agent_graph.conversations")


def register(commands: Subparsers) -> None:
    """Add the three processes."""
    exchange = command.add(commands, "exchange", run_exchange, "the embedded exchange alone")
    exchange.add_argument("--port", type=command.port_number, help="its port (else a free one)")
    exchange.add_argument("--state", type=Path, metavar="FILE", help="keep accounts and orders in this file")
    exchange.add_argument(
        "--faults", type=Path, metavar="FILE", help="make the faults of this plan (.toml, .json)"
    )
    world_options(exchange)
    desk = command.add(commands, "desk", run_desk, "the desk alone: guardrails, keys, orders, journal")
    desk.add_argument("--mode", choices=("paper", "sandbox", "live"), help="lower the mode of matrix.toml")
    app = command.add(commands, "app", run_app, "the web app alone, for a running desk", hidden=True)
    app.add_argument("--port", type=command.port_number, help="its port (else matrix.toml's)")
    for parser in (exchange, desk, app):
        parser.add_argument("--supervised", action="store_true", help="end when standard input ends")


def run_exchange(context: Context) -> int:
    """Serve the embedded exchange until told to stop."""
    from cli.home import prepare
    from venues.paper.server import main

    options = context.options
    replay = readable_file(options.replay)
    prepare(context.home)
    _end_with_parent(options.supervised)
    return main(
        home=context.home,
        port=options.port or 0,
        seed=options.seed,
        speed=Decimal(1) if options.speed is None else options.speed,
        replay=replay,
        state=options.state,
        faults=options.faults,
    )


def run_desk(context: Context) -> int:
    """Serve the desk until told to stop."""
    from cli.home import check_limits, prepare
    from desk import settings
    from desk.main import main

    prepare(context.home)
    configured = settings.load(context.home)
    check_limits(context.home)
    mode = lowered_mode(configured.mode, context.options.mode, understood=False)
    _end_with_parent(context.options.supervised)
    return main(home=context.home, mode=mode)


def run_app(context: Context) -> int:
    """Serve the web app until told to stop."""
    from app.server import main
    from cli.home import prepare
    from cli.model_key import gemini_key
    from desk import settings

    prepare(context.home)
    configured = settings.load(context.home)
    _end_with_parent(context.options.supervised)
    if context.options.supervised:
        _load_until_desk_runs(context.home)
    return main(
        home=context.home,
        port=context.options.port or configured.port,
        model_name=configured.model,
        gemini_key=gemini_key(os.environ),
    )


def _load_until_desk_runs(home: Path) -> None:
    """Use the time in which the desk starts for the app's slow imports; then wait for the desk.

    Conversations look at the desk's cards when they open, so they must not be opened before it answers.
    """
    from importlib import import_module

    from cli.plans import desk_runs

    for name in _SLOW:
        import_module(name)
    deadline = time.monotonic() + _DESK_PATIENCE_S
    while not desk_runs(home) and time.monotonic() < deadline:
        time.sleep(0.05)


def _end_with_parent(supervised: bool) -> None:
    """Stop this process when the supervisor dies: only it holds the other end of our standard input."""
    if supervised:
        threading.Thread(target=_stop_at_end_of_input, name="parent-watch", daemon=True).start()


def _stop_at_end_of_input() -> None:
    # The bare descriptor: a thread inside a buffered reader would hold its lock when the process ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(_LAST_RESORT_S)
    os._exit(1)
