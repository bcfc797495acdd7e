"""One house, one browser and one signed-in profile for all browser tests of this folder."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from tests.app.site import Site, chromium, house_on, make_home, page_in, profile

QUIET_S = 0.5
"""After an answer the page ignores a second click for a moment."""

# The app imports these in a thread. Under pytest an import may parse and rewrite a module, and two threads
# that parse at once fail in Python 3.11, so both are imported here first (`app.page` sets up gradio).
for name in ("app.page", "gradio", "agent_graph.conversations"):
    importlib.import_module(name)


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The whole house."""
    async with house_on(make_home(tmp_path_factory.mktemp("house") / "home")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def shared(site: Site, browser: Browser) -> AsyncIterator[BrowserContext]:
    """A signed-in profile; a page of it loads in half the time of a page of a fresh one."""
    async with profile(browser, site) as context:
        yield context


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def _standing(site: Site, shared: BrowserContext) -> AsyncIterator[Page]:
    async with page_in(shared, site) as standing:
        yield standing


@pytest.fixture(scope="package")
def _left() -> list[float]:
    """When tests let go of the standing page."""
    return [0.0]


@pytest_asyncio.fixture(loop_scope="package")
async def steady(_standing: Page, _left: list[float]) -> AsyncIterator[Page]:
    """A page that stays open all the time, as a person's does, on its chat; for tests that leave it clean."""
    await asyncio.sleep(max(0.0, _left[-1] + QUIET_S - time.monotonic()))
    await _standing.get_by_role("tab", name="Chat").click()
    yield _standing
    _left.append(time.monotonic())


@pytest_asyncio.fixture(loop_scope="package")
async def page(site: Site, shared: BrowserContext) -> AsyncIterator[Page]:
    """A fresh page in the shared profile."""
    async with page_in(shared, site) as fresh:
        yield fresh
