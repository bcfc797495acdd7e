"""One operation: all of it or none; a fault of our own stops the exchange only after a change."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.venues_paper.signed import Client
from venues.paper.matching.refusals import RefusedError
from venues.paper.server import RunningExchange, running_exchange


async def test_fault_before_any_change_is_one_failed_request(running: RunningExchange, desk: Client) -> None:
    with pytest.raises(ZeroDivisionError), running.exchange.operation():
        _ = 1 // 0
    assert running.exchange.fault is None
    assert await desk.post("/v1/balances")


async def test_fault_after_a_change_stops_the_exchange(running: RunningExchange, desk: Client) -> None:
    def half() -> None:
        with running.exchange.operation():
            running.exchange.documents.put("test", "half", "desk", {"done": "half"})
            _ = 1 // 0

    with pytest.raises(ZeroDivisionError):
        half()
    assert running.exchange.fault is not None
    with pytest.raises(RefusedError), running.exchange.operation():
        pass
    assert (await desk.try_post("/v1/balances")).status_code == 503


async def test_world_that_breaks_down_stops_the_exchange(
    home: Path, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: str) -> None:
        raise OSError("no space left")

    async with running_exchange(home=home, speed=Decimal(1000)) as running:
        stopped = asyncio.Event()
        running.exchange.on_fault = stopped.set
        with caplog.at_level(logging.CRITICAL):
            running.exchange.on_line = broken
            await asyncio.wait_for(stopped.wait(), 10)
        desk = Client(running.url, running.desk.api_key, running.desk.api_secret, http)
        assert await desk.refused("/v1/balances") == (503, "Maintenance")
