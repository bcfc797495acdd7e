"""One house and one browser for each module of browser tests."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.app.site import Site, chromium, house_on, make_home, signed_in

# The app imports these in a thread. Under pytest an import may parse and rewrite a module, and two threads
# that parse at once fail in Python 3.11, so both are imported here first (`app.page` sets up gradio).
for name in ("app.page", "gradio", "agent_graph.conversations"):
    importlib.import_module(name)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The whole house."""
    async with house_on(make_home(tmp_path_factory.mktemp("house") / "home")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(site: Site, browser: Browser) -> AsyncIterator[Page]:
    """A signed-in page in a fresh profile."""
    async with signed_in(browser, site) as fresh:
        yield fresh
