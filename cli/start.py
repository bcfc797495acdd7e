"""`matrix up` and `matrix url`: the whole house in the foreground, and a fresh way in."""

from __future__ import annotations

from pathlib import Path

from cli import command
from cli.command import Context, Subparsers
from cli.exits import Exit
from domain.errors import BadInputError, LockedError, MatrixError, UnreachableError

_RANK = ("paper", "sandbox", "live")


def register(commands: Subparsers) -> None:
    """Add `up` and `url`."""
    up = command.add(commands, "up", run_up, "start exchange, desk and web page (the default)")
    up.add_argument("--port", type=command.port_number, help="the page's port (else matrix.toml's)")
    up.add_argument(
        "--mode", choices=_RANK, help="lower the mode of matrix.toml; it can never be raised here"
    )
    up.add_argument("--i-understand", action="store_true", help="needed for live mode, which is still locked")
    world_options(up)
    command.add(commands, "url", run_url, "print a fresh one-time address of the running page")


def world_options(parser: command.Parser) -> None:
    """Add the options of the embedded exchange's world."""
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="follow a recording of real books and trades"
    )
    parser.add_argument(
        "--speed",
        type=command.speed_number,
        metavar="N",
        help="1 is real time, 0 moves with each request, max plays a recording without waiting",
    )
    parser.add_argument("--seed", type=command.seed_number, metavar="N", help="seed of the market makers")


def readable_file(path: Path | None) -> Path | None:
    """Return `path` made absolute; raises `BadInputError` unless it is a file that can be read."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise BadInputError(
            "FILE_UNREADABLE",
            f"{path} cannot be read: {error.strerror}",
            "Give the path of an existing, readable file.",
        ) from error
    return path.absolute()


def lowered_mode(configured: str, asked: str | None, *, understood: bool) -> str:
    """Return the mode to run in; raises when `asked` is higher than `configured`, or for live."""
    mode = asked or configured
    if _RANK.index(mode) > _RANK.index(configured):
        raise BadInputError(
            "MODE_RAISED",
            f"--mode {mode} is higher than the mode in matrix.toml ({configured})",
            f'Set mode = "{mode}" in matrix.toml; the command line may only lower it.',
        )
    if mode == "live":
        flag = "" if understood else " (and --i-understand was not given)"
        raise LockedError(
            "LIVE_LOCKED", f"live mode is locked{flag}", 'Set mode = "paper" or "sandbox" in matrix.toml.'
        )
    return mode


def run_up(context: Context) -> int:
    """Check everything, start all, print the address, stay until told to stop."""
    import asyncio

    from cli.home import check_limits, prepare
    from cli.plans import World, app_plan, desk_plan, exchange_plan, refuse_second
    from cli.supervisor import Supervisor, supervise
    from desk import settings
    from loopback.files import only_one
    from loopback.serve import bind

    options, home = context.options, context.home
    world = World(seed=options.seed, speed=options.speed, replay=readable_file(options.replay))
    prepare(home)
    configured = settings.load(home)
    check_limits(home)
    mode = lowered_mode(configured.mode, options.mode, understood=options.i_understand)
    port = options.port or configured.port
    with only_one(home / "run" / "up.lock", "`matrix up` on this home"):
        refuse_second(home)
        bind(port).close()
        plans = [desk_plan(home, mode), app_plan(home, port)]
        if mode == "paper":
            plans.insert(0, exchange_plan(home, world))
        supervisor = Supervisor(plans, home, context.terminal.talk)

        async def announce() -> None:
            url = f"http://localhost:{port}/?code={_new_code(home)}"
            context.terminal.data({"url": url, "mode": mode, "home": str(home)}, url)
            context.terminal.talk(await _mode_line(home, mode))
            context.terminal.talk("Open the address above in a browser. Ctrl-C stops everything.")

        ready = asyncio.run(supervise(supervisor, announce))
    return Exit.OK if ready else Exit.INTERRUPTED


def run_url(context: Context) -> int:
    """Print a fresh address; the older unused code stays valid until it expires."""
    from cli import probe
    from cli.plans import APP_HEALTH

    url = probe.address(context.home, "app")
    if not probe.answers(url, APP_HEALTH):
        raise UnreachableError("APP_UNREACHABLE", "the web page is not running", "Start it with `matrix up`.")
    fresh = f"{url}/?code={_new_code(context.home)}"
    context.terminal.data({"url": fresh}, fresh)
    return Exit.OK


def _new_code(home: Path) -> str:
    from app.access import new_code

    return str(new_code(home))


async def _mode_line(home: Path, mode: str) -> str:
    """Return what the desk says of its mode and its market: seeded, or which recording it follows."""
    from cli.desk_access import reader

    try:
        async with reader(home) as desk:
            return str((await desk.read("/status"))["mode_line"])
    except MatrixError:
        return f"Mode: {mode}"
