"""The sockets.

Source: developer.gemini.com WebSocket pages and the venue's own AsyncAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.kinds import Host
from venues.gemini.catalogue.rows import socket

ROWS: Final = (
    socket("market_data", "/v2/marketdata"),
    socket("market_data_v1", "/v1/marketdata/{symbol}"),
    socket("multi_market_data", "/v1/multimarketdata"),
    socket("order_events", "/v1/order/events", roles="T/A", scope="orders:read"),
    socket("streams", "/", host=Host.STREAM),
)
