"""One operation: all of it or none; a fault of our own stops the exchange only after a change."""

from __future__ import annotations

import pytest

from tests.venues_paper.signed import Client
from venues.paper.refusals import RefusedError
from venues.paper.server import RunningExchange


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
