import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from domain.clock import ManualClock
from tests.venues_paper.signed import Client
from venues.paper.server import RunningExchange, running_exchange

MORNING = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here speaks TLS; without one of its own each client would read every known authority."""


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20, verify=NO_AUTHORITIES) as client:
        yield client


@pytest.fixture(scope="session")
def opened_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an exchange that was opened once, whose markets need no history any more."""
    home = tmp_path_factory.mktemp("opened") / "home"

    async def open_once() -> None:
        async with running_exchange(home=home, seed=11, clock=ManualClock(MORNING)):
            pass

    asyncio.run(open_once())
    return home


@pytest.fixture
def home(opened_home: Path, tmp_path: Path) -> Path:
    """A copy of that home: opening it again takes a fifth of the time that a new one takes."""
    return shutil.copytree(opened_home, tmp_path / "home")


@pytest.fixture
async def running(home: Path) -> AsyncIterator[RunningExchange]:
    """An exchange in virtual time, seed 11."""
    async with running_exchange(home=home, seed=11, clock=ManualClock(MORNING)) as running:
        yield running


@pytest.fixture
def desk(running: RunningExchange, http: httpx.AsyncClient) -> Client:
    """The account with 10,000 USD."""
    return Client(running.url, running.desk.api_key, running.desk.api_secret, http)


@pytest.fixture
def stranger(running: RunningExchange, http: httpx.AsyncClient) -> Client:
    """The account with 10,000 USD, 1 BTC and 10 ETH."""
    return Client(running.url, running.stranger.api_key, running.stranger.api_secret, http)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    opened_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[RunningExchange, httpx.AsyncClient]]:
    """One exchange for all tests of a module that leave it as they found it."""
    home = shutil.copytree(opened_home, tmp_path_factory.mktemp("shared") / "home")
    async with (
        running_exchange(home=home, seed=11, clock=ManualClock(MORNING)) as running,
        httpx.AsyncClient(trust_env=False, timeout=20, verify=NO_AUTHORITIES) as client,
    ):
        yield running, client


@pytest_asyncio.fixture(loop_scope="module")
async def shared_desk(shared: tuple[RunningExchange, httpx.AsyncClient]) -> Client:
    """The desk's account on the shared exchange."""
    running, client = shared
    return Client(running.url, running.desk.api_key, running.desk.api_secret, client)


@pytest_asyncio.fixture(loop_scope="module")
async def shared_stranger(shared: tuple[RunningExchange, httpx.AsyncClient]) -> Client:
    """The stranger's account on the shared exchange."""
    running, client = shared
    return Client(running.url, running.stranger.api_key, running.stranger.api_secret, client)
