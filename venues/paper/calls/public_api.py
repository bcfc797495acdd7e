"""The public market data calls."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from domain.money import to_wire
from venues.gemini.catalogue import TABLE
from venues.paper.call import (
    Call,
    limited,
    market_or_bad_request,
    market_or_invalid,
    since_ms,
    whole,
)
from venues.paper.exchange import Exchange
from venues.paper.matching.candles import DAY_MS, FRAMES
from venues.paper.matching.engine import Market
from venues.paper.matching.orders import Print
from venues.paper.matching.refusals import RefusedError, endpoint_not_found, invalid_parameter
from venues.paper.matching.render import change_text, details_json, price_text, print_json
from venues.paper.state.market_keeping import PRINTS_DAYS

HOURS = 24
FEE_PROMO = "fee promo"
"""The kind of the documents `{"symbol"}` that switch `/v1/feepromos` on."""


def symbols(exchange: Exchange, _: Call) -> list[str]:
    """Answer `/v1/symbols`: what trades here, and nothing else."""
    return list(exchange.engine.markets)


def symbol_details(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/symbols/details/{symbol}`."""
    return details_json(market_or_invalid(exchange, call.path["symbol"]))


def all_details(exchange: Exchange, _: Call) -> list[dict[str, Any]]:
    """Answer `/v1/symbols/details/all`."""
    return [details_json(market) for market in exchange.engine.markets.values()]


def book(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/book/{symbol}`; a limit of 0 means the whole side."""
    market = market_or_bad_request(exchange, call.path["symbol"])
    stamp = str(exchange.timeline.now_ms() // 1000)
    answer = {}
    for name, side in (("bids", market.book.bids), ("asks", market.book.asks)):
        limit = whole(call.query.get(f"limit_{name}", "50"))
        if limit is None:
            raise invalid_parameter(f"limit_{name} must be a whole number")
        answer[name] = [
            {"price": price_text(price, market.instrument), "amount": to_wire(total), "timestamp": stamp}
            for price, total in side.depth(limit)
        ]
    return answer


def trades(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/trades/{symbol}`: newest first; with a start the oldest ones from it, newest first.

    Our rules: a week, and no more than the exchange keeps of a market; a page that starts at a time never
    ends inside a moment, even beyond the limit. Nothing here is ever broken, so `include_breaks` changes
    nothing.
    """
    market = market_or_bad_request(exchange, call.path["symbol"])
    limit = limited(call.query, "limit_trades", 50, 500)
    if call.query.get("include_breaks", "false").lower() not in {"true", "false"}:
        raise invalid_parameter("include_breaks must be true or false")
    oldest_ms = exchange.timeline.now_ms() - PRINTS_DAYS * DAY_MS
    prints = [trade for trade in market.prints if trade.at_ms >= oldest_ms]
    return [print_json(trade, market.instrument) for trade in reversed(_page(prints, limit, call))]


def _page(prints: Sequence[Print], limit: int, call: Call) -> Sequence[Print]:
    # Read before since_tid wins, so that a malformed time is told in any company.
    starts = [since_ms(call.query, name) for name in ("timestamp", "since")]
    given = call.query.get("since_tid")
    if given is not None:
        tid = whole(given)
        if tid is None:
            raise invalid_parameter("since_tid must be a whole number")
        return [trade for trade in prints if trade.tid > tid][:limit]
    start = next((found for found in starts if found is not None), None)
    if start is None:
        return prints[-limit:]
    found = [trade for trade in prints if trade.at_ms >= start]
    return [trade for trade in found if trade.at_ms <= found[:limit][-1].at_ms]


def price_feed(exchange: Exchange, _: Call) -> list[dict[str, str]]:
    """Answer `/v1/pricefeed`."""
    now_ms = exchange.timeline.now_ms()
    answer = []
    for market in exchange.engine.markets.values():
        day = market.candles.day(now_ms)
        answer.append(
            {
                "pair": market.symbol.upper(),
                "price": price_text(market.last, market.instrument),
                "percentChange24h": change_text(market.last if day is None else day[0], market.last),
            }
        )
    return answer


def pubticker(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/pubticker/{symbol}`."""
    market = market_or_bad_request(exchange, call.path["symbol"])
    now_ms = exchange.timeline.now_ms()
    day = market.candles.day(now_ms)
    volume = Decimal(0) if day is None else day[3]
    return {
        **_touch(market),
        "last": price_text(market.last, market.instrument),
        "volume": {
            market.instrument.base: to_wire(volume),
            market.instrument.quote: to_wire(volume * market.last),
            "timestamp": now_ms,
        },
    }


def ticker(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v2/ticker/{symbol}`; `changes` are the last 24 hourly closes, newest first."""
    market = market_or_bad_request(exchange, call.path["symbol"])
    day = market.candles.day(exchange.timeline.now_ms())
    opened, high, low, _ = day if day is not None else (market.last, market.last, market.last, Decimal(0))
    hourly = market.candles.frame(FRAMES["1h"])[:HOURS]
    instrument = market.instrument
    return {
        "symbol": market.symbol.upper(),
        "open": price_text(opened, instrument),
        "high": price_text(high, instrument),
        "low": price_text(low, instrument),
        "close": price_text(market.last, instrument),
        "changes": [price_text(market.candles.row(bar)[4], instrument) for bar in hourly],
        **_touch(market),
    }


def candles(exchange: Exchange, call: Call) -> list[tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]]:
    """Answer `/v2/candles/{symbol}/{interval}`, newest first; `start`, `end` and `limit` are ignored."""
    market = market_or_bad_request(exchange, call.path["symbol"])
    minutes = FRAMES.get(call.path["interval"])
    if minutes is None:
        raise RefusedError(
            "Bad Request",
            f"'{call.path['interval'][:40]}' is not a time frame; use one of {', '.join(FRAMES)}",
        )
    return [market.candles.row(bar) for bar in market.candles.frame(minutes)]


def fee_promos(exchange: Exchange, _: Call) -> dict[str, list[str]]:
    """Answer `/v1/feepromos`, which the venue took away: 404 unless documents say otherwise."""
    found = exchange.documents.of(FEE_PROMO)
    if not found:
        raise endpoint_not_found("GET", TABLE["fee_promos"].path)
    return {"symbols": [str(body["symbol"]) for body in found]}


def _touch(market: Market) -> dict[str, str]:
    bid, ask = market.book.bids.best, market.book.asks.best
    last = market.last
    return {
        "bid": price_text(last if bid is None else bid, market.instrument),
        "ask": price_text(last if ask is None else ask, market.instrument),
    }


HANDLERS = {
    "symbols": symbols,
    "symbol_details": symbol_details,
    "all_symbol_details": all_details,
    "book": book,
    "trades": trades,
    "price_feed": price_feed,
    "pub_ticker": pubticker,
    "ticker": ticker,
    "candles": candles,
    "fee_promos": fee_promos,
}
