"""A desk to talk to: the one that runs, or one that is started for the length of a command."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from cli import plans
from cli.child import ChildPlan
from cli.desk_access import reader
from cli.supervisor import Say, Supervisor
from desk.settings import Settings
from domain.errors import ConflictError
from loopback.files import only_one

_WAIT_S = 60.0
_SETTLE_S = 10.0
_POLL_S = 0.1


@asynccontextmanager
async def desk_for(home: Path, settings: Settings, say: Say) -> AsyncIterator[bool]:
    """Make sure that a desk runs on `home` inside the block; what was started here is stopped at its end.

    Yields whether it was started here.
    Raises `ConflictError` when another process is starting one and does not finish.
    """
    if plans.desk_runs(home):
        yield False
        return
    is_borrowed = False
    async with AsyncExitStack() as stack:
        try:
            stack.enter_context(only_one(home / "run" / "up.lock", "`matrix up` on this home"))
        except ConflictError:
            if not await _came_up(home):
                raise
        else:
            say("starting the desk for this command")
            supervisor = Supervisor(_missing(home, settings), home, say)
            stack.push_async_callback(supervisor.stop)
            await supervisor.start()
            await settle_in(home)
            is_borrowed = True
        yield is_borrowed


async def settle_in(home: Path) -> None:
    """Give a desk that has just started a moment to see its first books; an answer needs prices.

    A venue that stays away must not keep the person from asking: then the answer says so.
    """
    deadline = time.monotonic() + _SETTLE_S
    async with reader(home) as desk:
        while time.monotonic() < deadline:
            status = await desk.read("/status")
            if status["reconciled"] and all(light["state"] != "down" for light in status["lights"]):
                return
            await asyncio.sleep(_POLL_S)


def _missing(home: Path, settings: Settings) -> list[ChildPlan]:
    needed = [plans.desk_plan(home, settings.mode)]
    if settings.mode == "paper" and not plans.exchange_runs(home):
        (home / "run" / "exchange.json").unlink(missing_ok=True)
        needed.insert(0, plans.exchange_plan(home, plans.World()))
    return needed


async def _came_up(home: Path) -> bool:
    """Wait for the desk that another process is starting."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        if await asyncio.to_thread(plans.desk_runs, home):
            return True
        await asyncio.sleep(_POLL_S)
    return False
