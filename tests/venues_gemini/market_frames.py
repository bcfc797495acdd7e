"""A feed on a socket server, and the frames that tests send it."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from domain.clock import SystemClock
from tests.venues_gemini.socket_server import SocketServer
from venues.gemini.market_feed import MarketFeed
from venues.gemini.session.pacing import Patience

D = Decimal
HASTE = Patience(first_s=0.005, longest_s=0.02)


def feed(server: SocketServer, *symbols: str, **options: Any) -> MarketFeed:
    settings = {"random": Random(3), "patience": HASTE, **options}
    return MarketFeed(server.endpoint, symbols or ("btcusd",), SystemClock(), **settings)


def snapshot(symbol: str = "BTCUSD", bid: str = "100.00", ask: str = "100.01", **more: Any) -> dict[str, Any]:
    changes = [["buy", bid, "1.5"], ["sell", ask, "2"]]
    return {
        "type": "l2_updates",
        "symbol": symbol,
        "changes": changes,
        "trades": [],
        "auction_events": [],
        **more,
    }


def delta(*changes: list[str], symbol: str = "BTCUSD") -> dict[str, Any]:
    return {"type": "l2_updates", "symbol": symbol, "changes": list(changes)}


def trade(tid: int, price: str, ms: int, **more: Any) -> dict[str, Any]:
    return {
        "type": "trade",
        "symbol": "BTCUSD",
        "event_id": 1,
        "tid": tid,
        "timestamp": ms,
        "price": price,
        "quantity": "0.1",
        "side": "buy",
        **more,
    }
