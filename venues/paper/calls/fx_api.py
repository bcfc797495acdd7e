"""Foreign exchange fixings.

Our rule: a pair is fixed once an hour, near a level of its own, and the fixing follows from pair and hour
alone. The venue's rates come from a provider that this exchange does not ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from venues.paper.call import Call, since_ms
from venues.paper.exchange import Exchange
from venues.paper.matching.perpetuals import HOUR_MS
from venues.paper.matching.refusals import RefusedError

LEVELS: Final[Mapping[str, Decimal]] = MappingProxyType(
    {
        f"{currency}USD": Decimal(level)
        for currency, level in (
            ("AUD", "0.66"), ("CAD", "0.72"), ("COP", "0.00025"), ("EUR", "1.16"), ("CHF", "1.25"),
            ("HKD", "0.1285"), ("NZD", "0.58"), ("GBP", "1.33"), ("BRL", "0.187"), ("INR", "0.0113"),
            ("SGD", "0.77"), ("KRW", "0.00069"), ("JPY", "0.0066"), ("CNY", "0.1405"),
        )
    }
)  # fmt: skip
"""The pairs of the venue's page, in dollars per unit."""

_SPREAD: Final = 8000
"""A fixing leaves its level by at most this many millionths."""


def fx_rate(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v2/fxrate/{pair}/{timestamp}`: the last fixing at that time."""
    pair = call.path["pair"]
    level = LEVELS.get(pair)
    if level is None:
        raise RefusedError(
            "InvalidSymbol", f"Received unsupported symbol '{pair[:40]}'; use one of {', '.join(LEVELS)}"
        )
    at_ms = since_ms(call.path, "timestamp")
    if at_ms is None or at_ms > exchange.timeline.now_ms():
        raise RefusedError("InvalidTimestampInPayload", "There is no fixing yet for a time to come")
    hour = at_ms // HOUR_MS
    return {
        "fxPair": pair,
        "rate": fixing(pair, hour),
        "asOf": hour * HOUR_MS,
        "provider": "bcb",
        "benchmark": "Spot",
    }


def fixing(pair: str, hour: int) -> Decimal:
    """Return dollars per unit, as fixed in one hour since 1970, with six significant digits."""
    digest = sha256(f"{pair} {hour}".encode()).digest()
    millionths = int.from_bytes(digest[:4]) % (2 * _SPREAD + 1) - _SPREAD
    level = LEVELS[pair]
    rate = level * (1_000_000 + millionths) / 1_000_000
    return rate.quantize(Decimal(1).scaleb(level.adjusted() - 5))


HANDLERS = {"fx_rate": fx_rate}
