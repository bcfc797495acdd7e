"""One desk for all tests of a module that only read or only propose: nobody approves anything on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.stack import DeskStack, desk_on, exchange_on


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quiet_desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeskStack]:
    """The real desk on its own home; give conversations a home of their own."""
    home = tmp_path_factory.mktemp("quiet") / "home"
    for name in ("run", "state", "journal", "logs"):
        (home / name).mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    async with exchange_on(home, seed=7) as exchange, desk_on(home, exchange) as running:
        await running.until_ready()
        yield running
