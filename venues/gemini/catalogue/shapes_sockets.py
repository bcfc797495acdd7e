"""Shapes of the messages on the sockets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_WIDTHS: Final = (
    "candles_1m",
    "candles_5m",
    "candles_15m",
    "candles_30m",
    "candles_1h",
    "candles_6h",
    "candles_1d",
    "candles_1hr",
    "candles_6hr",
    "candles_1day",
)
_CHANNELS: Final = "/".join(("l2", *_WIDTHS, "mark_price", "funding_amount"))
_CANDLE_TYPES: Final = "/".join(f"{width}_updates" for width in _WIDTHS)
_ORDER_STATES: Final = "NEW/OPEN/PARTIALLY_FILLED/FILLED/CANCELED/REJECTED/MODIFIED"

SHAPES: Final[Mapping[str, str]] = {
    # Market data, second version. The snapshot has all three of changes, trades and auction_events.
    "MarketRequest": "type*: subscribe/unsubscribe, subscriptions*: [Channel]",
    "Channel": f"name*: {_CHANNELS}, symbols*: [symbol]",
    "LevelUpdates": "type*: 'l2_updates', symbol*: symbol, changes*: [<buy/sell decimal decimal>], "
    "trades: [MarketTrade], auction_events: [json]",
    "MarketTrade": "type*: 'trade', symbol*: symbol, event_id*: int, tid: int, timestamp*: int, "
    "price*: decimal, quantity*: decimal, side*: buy/sell",
    "CandleUpdates": f"type*: {_CANDLE_TYPES}, symbol*: symbol, "
    "changes*: [<int number number number number number>]",
    "MarketHeartbeat": "type*: 'heartbeat', timestamp*: int",
    "MarkPrices": "type*: 'mark_price_updates', symbol*: symbol, changes*: [MarkPrice]",
    "MarkPrice": "timestamp*: int, mark_price*: decimal, spot_index*: decimal",
    "FundingAmounts": "type*: 'funding_amount_updates', symbol*: symbol, changes*: [FundingChange]",
    "FundingChange": "timestamp*: int, funding_amount*: decimal | number, funding_date_time*: int, "
    "funding_interval_in_minutes*: int, is_realized*: bool, funding_rate: decimal | number, "
    "mark_price: decimal",
    # Market data, first version. The first update, reason initial, comes without times at the venue.
    "MarketUpdate": "type*: 'update', eventId*: int, timestamp: int, timestampms: int, "
    "socket_sequence*: int, events*: [BookChange | UpdateTrade | AuctionNews]",
    "BookChange": "type*: 'change', symbol: symbol, side*: bid/ask, price*: decimal, remaining*: decimal, "
    "delta*: decimal, reason*: initial/place/cancel/trade/top-of-book",
    "UpdateTrade": "type*: trade/block_trade, symbol: symbol, tid*: int, price*: decimal, amount*: decimal, "
    "makerSide: bid/ask/auction",
    "AuctionNews": "type*: auction_open/auction_indicative/auction_result, symbol: symbol, eid: int, "
    "result: success/failure, time_ms: int, highest_bid_price: decimal, lowest_ask_price: decimal, "
    "collar_price: decimal, indicative_price: decimal, indicative_quantity: decimal, "
    "auction_price: decimal, auction_quantity: decimal, auction_open_ms: int, auction_time_ms: int, "
    "first_indicative_ms: int, last_cancel_time_ms: int",
    "UpdateHeartbeat": "type*: 'heartbeat', timestampms*: int, socket_sequence*: int",
    # Order events.
    "EventsAck": "type*: 'subscription_ack', accountId*: int, subscriptionId*: text, "
    "symbolFilter*: [symbol], apiSessionFilter*: [text], eventTypeFilter*: [text]",
    "EventsHeartbeat": "type*: 'heartbeat', timestampms*: int, sequence*: int, trace_id*: text, "
    "socket_sequence*: int",
    "OrderEvent": "type*: initial/accepted/rejected/booked/fill/cancelled/cancel_rejected/closed, "
    "order_id*: digits, event_id: digits, account_name: text, client_order_id: text, api_session*: text, "
    "symbol*: symbol, side*: buy/sell, behavior: text, "
    "order_type*: exchange limit/exchange stop limit/market buy/market sell, timestamp*: digits, "
    "timestampms*: int, is_live*: bool, is_cancelled*: bool, is_hidden*: bool, "
    "avg_execution_price: decimal, executed_amount: decimal, remaining_amount: decimal, "
    "original_amount: decimal, price: decimal, total_spend: decimal, stop_price: decimal, reason: text, "
    "cancel_command_id: digits, fill: EventFill, socket_sequence*: int",
    "EventFill": "trade_id*: digits, liquidity*: Maker/Taker, price*: decimal, amount*: decimal, "
    "fee*: decimal, fee_currency*: currency",
    # The stream socket. E is in nanoseconds.
    "StreamRequest": "id*: text | int, method*: text, params: json",
    "StreamReply": "id*: text | int | null, status*: int, error: StreamError, result: json, "
    "rateLimits: [StreamLimit]",
    "StreamError": "code*: int, msg*: text",
    "StreamLimit": "rateLimitType*: text, interval*: text, intervalNum*: int, limit*: int, count*: int",
    "ServerTime": "serverTime*: int",
    "BookTicker": "u*: int, E*: int, s*: symbol, b*: decimal, B*: decimal, a*: decimal, A*: decimal, "
    "c: decimal, C: decimal",
    "PartialDepth": "lastUpdateId*: int, bids*: [<decimal decimal>], asks*: [<decimal decimal>], "
    "symbol: symbol",
    "DepthUpdate": "e*: 'depthUpdate', E*: int, s*: symbol, U*: int, u*: int, b*: [<decimal decimal>], "
    "a*: [<decimal decimal>]",
    "StreamTrade": "E*: int, s*: symbol, t*: int, p*: decimal, q*: decimal, m*: bool",
    "OrderUpdate": "e*: orderUpdate/executionReport, E*: int, s*: symbol, i*: int, c: text, S: BUY/SELL, "
    f"o: LIMIT/MARKET/STOP_LIMIT/STOP_MARKET, X*: {_ORDER_STATES}, p: decimal, P: decimal, q: decimal, "
    "z: decimal, Z: decimal, L: decimal, t: int, n: decimal, m: bool, r: text, T*: int, O: text",
    "BalanceUpdate": "e*: 'balanceUpdate', E*: int, u*: int, B*: [AssetBalance]",
    "AssetBalance": "a*: currency, f*: decimal, c*: decimal",
}
"""Field lists by shape name."""
