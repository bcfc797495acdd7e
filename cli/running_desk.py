"""A desk to talk to: the one that runs, or one that is started for the length of a command."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from cli import plans
from cli.child import ChildPlan
from cli.supervisor import Say, Supervisor
from desk.settings import Settings
from domain.errors import ConflictError
from loopback.files import only_one

_WAIT_S = 60.0
_POLL_S = 0.2


@asynccontextmanager
async def desk_for(home: Path, settings: Settings, say: Say) -> AsyncIterator[None]:
    """Make sure that a desk runs on `home` inside the block; what was started here is stopped at its end.

    Raises `ConflictError` when another process is starting one and does not finish.
    """
    if plans.desk_runs(home):
        yield
        return
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
        yield


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
