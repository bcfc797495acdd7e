"""A stranger's client, pointed at the embedded exchange and changed in nothing but its addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import getcontext, setcontext
from pathlib import Path

import ccxt.async_support
import ccxt.pro
import pytest
from ccxt.async_support.base.ws.client import Client

from domain.clock import ManualClock
from venues.paper.server import RunningExchange, running_exchange

MORNING = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _rounding_of_our_own() -> Iterator[None]:
    """Give a stranger a decimal context of its own: ccxt changes the rounding of the one that it finds."""
    before = getcontext()
    setcontext(before.copy())
    yield
    setcontext(before)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningExchange]:
    """An exchange in virtual time: between two requests nothing moves."""
    async with running_exchange(home=tmp_path / "home", seed=23, clock=ManualClock(MORNING)) as running:
        yield running


class KeepsItsHeaders(ccxt.pro.gemini):
    """ccxt's socket client with one fault of its Python edition mended.

    It signs the upgrade of `watch_orders`, then takes the headers back before the connection is opened, so
    that no venue ever sees them (releases 4.5.64 and 4.5.90). Here each connection keeps its own copy.
    """

    def client(self, url: str) -> Client:
        """Return the connection of `url` with headers of its own."""
        found = super().client(url)
        if not found.connected.done() and "headers" in found.options:
            found.options = {**found.options}
        return found


def pointed(exchange: ccxt.async_support.gemini, running: RunningExchange) -> ccxt.async_support.gemini:
    """Return `exchange` with its URLs changed."""
    exchange.urls["api"].update(
        public=running.url,
        private=running.url,
        web=running.url,
        webExchange=f"{running.url}/web",
        ws=running.ws_url,
    )
    return exchange


@pytest.fixture
async def rest(running: RunningExchange) -> AsyncIterator[ccxt.async_support.gemini]:
    """ccxt's REST client with the stranger's key."""
    keys = {"apiKey": running.stranger.api_key, "secret": running.stranger.api_secret}
    exchange = pointed(ccxt.async_support.gemini({**keys, "enableRateLimit": False}), running)
    yield exchange
    await exchange.close()


@pytest.fixture(params=[ccxt.pro.gemini], ids=["as-published"])
async def pro(request: pytest.FixtureRequest, running: RunningExchange) -> AsyncIterator[ccxt.pro.gemini]:
    """ccxt's socket client with the stranger's key."""
    keys = {"apiKey": running.stranger.api_key, "secret": running.stranger.api_secret}
    exchange = pointed(request.param({**keys, "enableRateLimit": False}), running)
    yield exchange
    await exchange.close()
