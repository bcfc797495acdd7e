"""A quiet session is kept alive, a busy one left alone, and two missed heartbeats are seen in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.clock import ManualClock, SystemClock
from domain.errors import VenueError
from tests.venues_gemini.connected import on
from tests.venues_gemini.fault_server import CUT, Act, FaultServer, error, ok, running
from tests.venues_gemini.samples import KEY, SECRET, START, rest, unhurried
from tests.venues_gemini.socket_server import background, until
from venues.gemini.client import GeminiRest
from venues.gemini.session.heartbeats import Heartbeats
from venues.gemini.session.nonce import NonceSource
from venues.gemini.signing import Credentials

ALIVE = {"/v1/heartbeat": ok({"result": "ok"}), "/v1/orders": ok([])}


@asynccontextmanager
async def beating(server: FaultServer, quiet_s: float) -> AsyncIterator[tuple[GeminiRest, Heartbeats]]:
    clock = SystemClock()
    client = GeminiRest(
        server.endpoint, Credentials(KEY, SECRET), NonceSource(None, clock), clock, pacer=unhurried()
    )
    beats = Heartbeats(client, clock, quiet_s=quiet_s)
    try:
        async with background(beats.run()):
            yield client, beats
    finally:
        await client.close()


def count(server: FaultServer) -> int:
    return sum(request.target == "/v1/heartbeat" for request in server.requests)


async def test_run_quiet_session_beats_at_its_interval() -> None:
    async with running(by_path=ALIVE) as server, beating(server, 0.1) as (_, beats):
        await asyncio.sleep(0.55)
        assert 3 <= count(server) <= 6
        status = beats.status()
        assert (status.is_ok, status.missed, status.last_error) == (True, 0, "")
        assert status.age_s is not None
        assert status.age_s < 0.3


async def test_run_any_private_call_resets_the_timer() -> None:
    async with running(by_path=ALIVE) as server, beating(server, 0.3) as (client, _):
        await until(lambda: count(server) == 1)
        for _ in range(8):
            await client.open_orders()
            await asyncio.sleep(0.1)
        assert count(server) == 1
        await until(lambda: count(server) == 2)


@pytest.mark.parametrize("reply", [CUT, error(503, "Maintenance"), error(400, "InvalidNonce")])
async def test_run_two_missed_red_until_any_private_call_is_answered(reply: object) -> None:
    paths = {**ALIVE, "/v1/heartbeat": reply}
    async with running(by_path=paths) as server, beating(server, 0.1) as (client, beats):
        await until(lambda: beats.status().missed == 1)
        assert beats.status().is_ok
        await until(lambda: beats.status().missed >= 2)
        assert not beats.status().is_ok
        assert beats.status().last_error
        await client.open_orders()
        assert beats.status().is_ok
        assert beats.status().missed == 0


async def test_heartbeat_refused_key_or_public_call_prove_no_life() -> None:
    refused = error(400, "InvalidSignature")
    paths = {"/v1/symbols": ok([]), "/v1/orders": refused, "/v1/roles": error(403, "MissingRole")}
    async with running(by_path=paths) as server, on(server) as (client, _):
        await client.symbols()
        assert client.last_heard_s is None
        with pytest.raises(VenueError):
            await client.open_orders()
        assert client.last_heard_s is None
        with pytest.raises(VenueError):  # refused, but by a venue that knows who asks
            await client.roles()
        assert client.last_heard_s is not None


async def test_heartbeat_no_answer_given_up_after_one_try() -> None:
    async with running(always=CUT) as server, on(server) as (client, _):
        with pytest.raises(VenueError):
            await client.heartbeat()
        assert count(server) == 1


async def test_status_before_anything_was_sent_green() -> None:
    async with running() as server:
        client = rest(server)
        status = Heartbeats(client, ManualClock(START)).status()
        assert (status.is_ok, status.missed, status.age_s) == (True, 0, None)
        await client.close()


@pytest.mark.parametrize(
    ("act", "is_proof"),
    [
        (Act(status=403, body=b"<html>blocked</html>"), False),
        (Act(status=404, body=b""), False),
        (Act(status=307, body=b""), False),
        (Act(status=400, body=b'{"errorMessage":"no"}'), False),
        (error(403, "MissingRole"), True),
        (error(400, "InvalidSignature"), False),
        (ok([]), True),
    ],
)
async def test_last_heard_refusal_of_a_gateway_is_no_proof_of_the_session(act: Act, is_proof: bool) -> None:
    async with running(always=act) as server, on(server) as (client, _):
        with contextlib.suppress(VenueError):
            await client.open_orders()
        assert (client.last_heard_s is not None) is is_proof
