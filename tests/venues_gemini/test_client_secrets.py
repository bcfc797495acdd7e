"""Nothing secret in any log, error or repr of the client, whatever happens."""

from __future__ import annotations

import contextlib
import logging
import traceback
from typing import Any

import pytest

from domain.errors import MatrixError
from tests.venues_gemini.connected import ORDER_ID, on
from tests.venues_gemini.fault_server import CUT, GARBAGE, Act, error, ok, running
from tests.venues_gemini.samples import KEY, SECRET, draft, order_json
from tools.order_builder import build
from venues.gemini.key_check import check_key
from venues.gemini.person_calls import PersonCalls
from venues.gemini.session.heartbeats import Heartbeats
from venues.gemini.signing import Credentials

CREDENTIALS = Credentials(KEY, SECRET)
ACTS: dict[str, Act] = {
    "good": ok(order_json(is_live=False)),
    "a list": ok([]),
    "cut": CUT,
    "garbage": GARBAGE,
    "too fast": error(429, "RateLimit", KEY),
    "wrong key": error(400, "InvalidApiKey", f"{KEY} is unknown"),
    "down": error(503, "Maintenance", SECRET[:6]),
    "moved": Act(status=302, body=b"", headers=("Location: http://127.0.0.1:9/",)),
}


@pytest.mark.parametrize("name", ACTS)
async def test_any_answer_no_log_and_no_error_tells_a_secret(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    async with running(always=ACTS[name]) as server, on(server) as (client, nonces):
        calls = PersonCalls(client.caller, lambda record: shown.append(repr(record)))
        ready = calls.prepare("order_status", fields={"order_id": 1})
        things: list[Any] = [client, client.caller, nonces, calls, ready, ready.armed, CREDENTIALS]
        signed = build(draft(), CREDENTIALS, nonces.next())
        for asked in (
            client.submit(signed),
            client.cancel(ORDER_ID),
            client.balances(),
            client.symbols(),
            client.heartbeat(),
            calls.send(ready),
        ):
            try:
                shown.append(repr(await asked))
            except MatrixError as fault:
                shown += [str(fault), repr(fault), str(fault.as_json()), *traceback.format_exception(fault)]
        shown.append(repr(await check_key(client)))
        shown.append(repr(Heartbeats(client, client.caller._clock).status()))
        with contextlib.suppress(MatrixError):
            await client.caller.call(ready.call, lambda body: body, fields={})
        secrets = {SECRET, KEY}
        for request in server.requests:
            for header in ("x-gemini-signature", "x-gemini-payload"):
                if header in request.headers:
                    secrets.add(request.headers[header])
    shown += [repr(thing) for thing in (*things, signed, signed.request)]
    shown += [record.getMessage() for record in caplog.records if record.name != "asyncio"]
    assert server.requests
    assert not [secret for secret in secrets if any(secret in text for text in shown)]
