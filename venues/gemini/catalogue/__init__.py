"""Every endpoint of the venue as one frozen table: what is not in it is neither called nor served.

The client, the embedded exchange, the role check and the sandbox lock read it. It is pure data: the only
part of this package that the embedded exchange may import.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from venues.gemini.catalogue import (
    account_rows,
    clearing_rows,
    derivative_rows,
    fund_rows,
    market_rows,
    order_rows,
    socket_rows,
)
from venues.gemini.catalogue.kinds import Auth, Call, Host, Money, RateClass, Role
from venues.gemini.catalogue.shapes import SHAPES

__all__ = ["INTERVALS", "SHAPES", "TABLE", "Auth", "Call", "Host", "Money", "RateClass", "Role"]

INTERVALS: Final[Mapping[str, str]] = MappingProxyType(
    {"1m": "1m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1hr", "6h": "6hr", "1d": "1day"}
)
"""Our candle widths and the spelling that the venue's own tools send."""

_ROWS: Final = (
    *market_rows.ROWS,
    *order_rows.ROWS,
    *fund_rows.ROWS,
    *derivative_rows.ROWS,
    *clearing_rows.ROWS,
    *account_rows.ROWS,
    *socket_rows.ROWS,
)

TABLE: Final[Mapping[str, Call]] = MappingProxyType({row.name: row for row in _ROWS})
"""Every endpoint by name. Where two paths fit, the earlier row wins."""

assert len(TABLE) == len(_ROWS), "two rows share a name"
