"""Sessions that must keep talking: orders of a key that requires heartbeats end when it falls silent.

The venue names no reason of its own for these cancels, so they carry `Requested`, as any cancel through the
API does.
"""

from __future__ import annotations

from collections.abc import Iterable

from venues.paper.matching.engine import Engine
from venues.paper.state.keys import ApiKey

SILENCE_MS = 30_000
"""How long a session may be silent, in the exchange's time."""


def cancel_silent(engine: Engine, keys: Iterable[ApiKey], now_ms: int) -> None:
    """Cancel the live orders of every session that requires heartbeats and sent nothing for too long."""
    silent = {
        key.api_key for key in keys if key.requires_heartbeat and now_ms - key.last_seen_ms > SILENCE_MS
    }
    if silent:
        ended = [order for order in engine.live.values() if order.api_session in silent]
        for order in sorted(ended, key=lambda order: order.id):
            engine.cancel(order)
