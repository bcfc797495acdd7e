"""Auctions: none is held any more, here as at the venue. All numbers are zero and the history is empty."""

from __future__ import annotations

from typing import Any

from venues.paper.call import Call, market_or_bad_request
from venues.paper.exchange import Exchange
from venues.paper.services.fields import checked, within


def auction(exchange: Exchange, call: Call) -> dict[str, int]:
    """Answer `/v1/auction/{symbol}`."""
    market_or_bad_request(exchange, call.path["symbol"])
    return {"last_auction_eid": 0, "next_auction_ms": 0, "next_update_ms": 0}


def auction_history(exchange: Exchange, call: Call) -> list[Any]:
    """Answer `/v1/auction/{symbol}/history`."""
    market_or_bad_request(exchange, call.path["symbol"])
    within(checked("auction_history", call), "limit_auction_results", 50, 500)
    return []


HANDLERS = {"auction": auction, "auction_history": auction_history}
