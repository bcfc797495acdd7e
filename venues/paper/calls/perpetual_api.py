"""The public calls about perpetual swaps. An unknown swap is refused in three ways, as the venue does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.clock import from_epoch_ms
from domain.money import to_wire
from venues.paper.call import Call, market_or_invalid
from venues.paper.exchange import Exchange
from venues.paper.matching.candles import FRAMES
from venues.paper.matching.engine import Market
from venues.paper.matching.listings import is_symbol
from venues.paper.matching.perpetuals import funding, index_price, mark_price, open_interest
from venues.paper.matching.refusals import EmptyRefusedError, RefusedError
from venues.paper.matching.render import price_text

_INDEX_PLACES = Decimal("1e-6")
_WORTH_PLACES = Decimal("0.01")


def funding_amount(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/fundingamount/{symbol}`; an unknown symbol is 404 without a body."""
    market = _swap_or_nothing(exchange, call)
    now = funding(exchange.engine, market.symbol, exchange.timeline.now_ms())
    return {
        "symbol": market.symbol,
        "fundingDateTime": from_epoch_ms(now.paid_at_ms).isoformat(timespec="milliseconds")[:23] + "Z",
        "fundingTimestampMilliSecs": now.paid_at_ms,
        "nextFundingTimestamp": now.next_at_ms,
        "fundingAmount": now.paid,
        "estimatedFundingAmount": now.estimate,
    }


def next_funding_timestamp(exchange: Exchange, call: Call) -> int:
    """Answer `/v1/nextfundingtimestamp/{symbol}`: a bare number; an unknown symbol is 404 without a body."""
    market = _swap_or_nothing(exchange, call)
    return funding(exchange.engine, market.symbol, exchange.timeline.now_ms()).next_at_ms


def risk_stats(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/riskstats/{symbol}`."""
    market = _swap_or_invalid(exchange, call)
    engine, now_ms = exchange.engine, exchange.timeline.now_ms()
    mark, opened = mark_price(engine, market.symbol, now_ms), open_interest(engine, market.symbol, now_ms)
    return {
        "product_type": "PerpetualSwapContract",
        "mark_price": price_text(mark, market.instrument),
        "index_price": to_wire(index_price(engine, market.symbol).quantize(_INDEX_PLACES)),
        "open_interest": to_wire(opened),
        "open_interest_notional": to_wire((opened * mark).quantize(_WORTH_PLACES)),
    }


def candles(exchange: Exchange, call: Call) -> list[tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]]:
    """Answer `/v2/derivatives/candles/{symbol}/{interval}`: one-minute candles of a swap, newest first."""
    market = _swap_or_invalid(exchange, call)
    if FRAMES.get(call.path["interval"]) != 1:
        raise RefusedError(
            "Bad Request", f"'{call.path['interval'][:40]}' is not a time frame of derivatives; use 1m"
        )
    return [market.candles.row(bar) for bar in market.candles.frame(1)]


def _swap_or_nothing(exchange: Exchange, call: Call) -> Market:
    symbol = call.path["symbol"]
    market = exchange.engine.markets.get(symbol.lower()) if is_symbol(symbol) else None
    if market is None or market.instrument.is_spot:
        raise EmptyRefusedError(404)
    return market


def _swap_or_invalid(exchange: Exchange, call: Call) -> Market:
    market = market_or_invalid(exchange, call.path["symbol"])
    if market.instrument.is_spot:
        raise RefusedError("InvalidSymbol", f"Received unsupported symbol '{market.symbol}'")
    return market


HANDLERS = {
    "funding_amount": funding_amount,
    "next_funding_timestamp": next_funding_timestamp,
    "risk_stats": risk_stats,
    "derivative_candles": candles,
}
