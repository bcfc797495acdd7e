"""How often a socket may be asked, where the limits are on."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from domain.clock import ManualClock
from tests.venues_paper.conftest import MORNING
from tests.venues_paper.socket_clients import Api, market_socket, receive, stream_socket, subscribe
from venues.paper.server import RunningExchange, running_exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def limited(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningExchange]:
    """An exchange in virtual time that counts."""
    home = tmp_path_factory.mktemp("limited") / "home"
    async with running_exchange(home=home, seed=11, clock=ManualClock(MORNING), rate_limits=True) as running:
        yield running


async def test_subscribing_too_often_is_refused_for_that_symbol(limited: RunningExchange) -> None:
    async with market_socket(limited) as socket:
        for _ in range(6):
            await socket.send(subscribe(("l2", ["BTCUSD"])))
            assert (await receive(socket))["type"] == "l2_updates"
        await socket.send(subscribe(("l2", ["BTCUSD", "ETHUSD"])))
        assert (await receive(socket))["reason"] == "RateLimit"
        assert (await receive(socket))["symbol"] == "ETHUSD"


async def test_requests_beyond_the_weight_are_refused_and_the_socket_lives(limited: RunningExchange) -> None:
    limited.exchange.timeline.advance(600_000)
    async with stream_socket(limited) as socket:
        ping = json.dumps({"id": 0, "method": "ping"})
        for _ in range(70):
            for _ in range(100):
                await socket.send(ping)
            for _ in range(100):
                answer = await receive(socket)
        assert answer["status"] == 200
        await socket.send(ping)
        refused = await receive(socket)
        assert (refused["status"], refused["error"]["code"]) == (429, -1003)
        limited.exchange.timeline.advance(10_000)
        assert (await Api(socket).ask("ping"))["status"] == 200


async def test_connections_are_counted(limited: RunningExchange) -> None:
    limited.exchange.timeline.advance(600_000)
    for _ in range(300):
        limited.exchange.limits.counters("127.0.0.1").take("CONNECTIONS")
    with pytest.raises(InvalidStatus) as refused:
        async with stream_socket(limited):
            pass
    assert refused.value.response.status_code == 429
    limited.exchange.timeline.advance(600_000)
    async with stream_socket(limited) as socket:
        assert (await Api(socket).ask("ping"))["status"] == 200
