import asyncio
import shutil
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from domain.clock import ManualClock
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.services.asking import Keys, fresh_keys
from venues.paper.server import RunningExchange, running_exchange

NUMBERS = count(1)


@pytest.fixture(scope="session")
def opened_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an exchange that was opened once, whose markets need no history any more."""
    home = tmp_path_factory.mktemp("opened") / "home"

    async def open_once() -> None:
        async with running_exchange(home=home, seed=11, clock=ManualClock(MORNING)):
            pass

    asyncio.run(open_once())
    return home


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    opened_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[RunningExchange, httpx.AsyncClient]]:
    """One exchange in virtual time for all tests of a module."""
    home = tmp_path_factory.mktemp("shared") / "home"
    shutil.copytree(opened_home, home)
    async with (
        running_exchange(home=home, seed=11, clock=ManualClock(MORNING)) as running,
        httpx.AsyncClient(trust_env=False, timeout=20) as client,
    ):
        yield running, client


@pytest_asyncio.fixture(loop_scope="module")
async def shared_keys(shared: tuple[RunningExchange, httpx.AsyncClient]) -> Keys:
    """All keys that the module's exchange opened with."""
    return Keys(*shared)


@pytest_asyncio.fixture(loop_scope="module")
async def keys(shared: tuple[RunningExchange, httpx.AsyncClient]) -> Keys:
    """Keys of new accounts, funded as those that every exchange has, on the module's exchange."""
    return fresh_keys(*shared, next(NUMBERS))
