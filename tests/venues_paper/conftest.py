from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.venues_paper.signed import Client
from venues.paper.server import RunningExchange, running_exchange


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningExchange]:
    """An exchange in virtual time, seed 11."""
    async with running_exchange(home=tmp_path / "home", seed=11) as running:
        yield running


@pytest.fixture
def desk(running: RunningExchange, http: httpx.AsyncClient) -> Client:
    """The account with 10,000 USD."""
    return Client(running.url, running.desk.api_key, running.desk.api_secret, http)


@pytest.fixture
def stranger(running: RunningExchange, http: httpx.AsyncClient) -> Client:
    """The account with 10,000 USD, 1 BTC and 10 ETH."""
    return Client(running.url, running.stranger.api_key, running.stranger.api_secret, http)
