from itertools import count

import httpx
import pytest_asyncio

from tests.venues_paper.services.asking import Keys, fresh_keys
from venues.paper.server import RunningExchange

NUMBERS = count(1)


@pytest_asyncio.fixture(loop_scope="module")
async def shared_keys(shared: tuple[RunningExchange, httpx.AsyncClient]) -> Keys:
    """All keys that the module's exchange opened with."""
    return Keys(*shared)


@pytest_asyncio.fixture(loop_scope="module")
async def keys(shared: tuple[RunningExchange, httpx.AsyncClient]) -> Keys:
    """Keys of new accounts, funded as those that every exchange has, on the module's exchange."""
    return fresh_keys(*shared, next(NUMBERS))
