"""A venue that holds own trades and cuts its pages at the end one chooses."""

from __future__ import annotations

from typing import Any

from tests.venues_gemini.fault_server import Act, FaultServer, Request, ok


def trade(tid: int, ms: int, symbol: str = "ETHUSD") -> dict[str, Any]:
    return {
        "price": "3206.00",
        "amount": "0.001",
        "timestamp": ms // 1000,
        "timestampms": ms,
        "type": "Sell",
        "aggressor": False,
        "fee_currency": "USD",
        "fee_amount": "0.003206",
        "tid": tid,
        "order_id": "54516439535",
        "exchange": "gemini",
        "is_auction_fill": False,
        "symbol": symbol,
    }


class TradeVenue:
    """Answers `/v1/mytrades` newest first: from a start the oldest that fit, or the newest."""

    def __init__(self, trades: list[dict[str, Any]], *, is_oldest: bool) -> None:
        self.trades = trades
        self.is_oldest = is_oldest
        self.asked = 0

    def __call__(self, _: FaultServer, request: Request) -> Act:
        self.asked += 1
        payload = request.payload
        start, limit = payload.get("timestamp", 0), payload["limit_trades"]
        fitting = sorted(
            (t for t in self.trades if t["timestampms"] >= start), key=lambda t: (t["timestampms"], t["tid"])
        )
        has_start = "timestamp" in payload
        page = fitting[:limit] if has_start and self.is_oldest else fitting[-limit:]
        return ok(page[::-1])
