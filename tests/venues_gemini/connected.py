"""A client on a fault server, and the check that no error tells a secret."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from domain.clock import ManualClock
from tests.venues_gemini.fault_server import FaultServer
from tests.venues_gemini.samples import KEY, SECRET, START, rest
from venues.gemini.client import GeminiRest
from venues.gemini.session.nonce import NonceSource

ORDER_ID = "147258369147258369"


@contextlib.asynccontextmanager
async def on(server: FaultServer, **options: Any) -> AsyncIterator[tuple[GeminiRest, NonceSource]]:
    nonces = NonceSource(None, ManualClock(START))
    client = rest(server, nonces=nonces, **options)
    try:
        yield client, nonces
    finally:
        await client.close()


def no_secret_in(fault: BaseException) -> None:
    chain: BaseException | None = fault
    while chain is not None:
        text = f"{chain!r} {chain} {getattr(chain, 'as_json', dict)()}"
        assert SECRET not in text
        assert KEY not in text
        assert "X-GEMINI" not in text.upper()
        chain = chain.__cause__
