"""The sockets, and the methods of the stream socket.

Source: developer.gemini.com WebSocket pages and the venue's own AsyncAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.kinds import Host
from venues.gemini.catalogue.rows import socket, stream_method

_FLAGS: Final = "heartbeat: bool, top_of_book: bool, bids: bool, offers: bool, trades: bool, auctions: bool"
_EVENT_TYPES: Final = "initial/accepted/rejected/booked/fill/cancelled/cancel_rejected/closed"

ROWS: Final = (
    socket(
        "market_data",
        "/v2/marketdata",
        asks="MarketRequest",
        answer="LevelUpdates | MarketTrade | CandleUpdates | MarketHeartbeat | MarkPrices | FundingAmounts | "
        "Refusal",
        sim="There is no acknowledgement: the first snapshot is the answer. Both spellings of a width are "
        "accepted, and the one asked for is echoed.",
    ),
    socket(
        "market_data_v1", "/v1/marketdata/{symbol}", query=_FLAGS, answer="MarketUpdate | UpdateHeartbeat"
    ),
    socket(
        "multi_market_data",
        "/v1/multimarketdata",
        query=f"symbols*: text, {_FLAGS}",
        answer="MarketUpdate | UpdateHeartbeat",
    ),
    socket(
        "order_events",
        "/v1/order/events",
        roles="T/A",
        scope="orders:read",
        query=f"symbolFilter: [symbol], apiSessionFilter: [text], eventTypeFilter: [{_EVENT_TYPES}], "
        "heartbeat: bool",
        answer="EventsAck | EventsHeartbeat | [OrderEvent]",
        sim="Heartbeats come unless refused; one event a frame and one number an event; price, amounts and "
        "average stand on every event; booked follows the first fills; a refused order gets rejected only.",
    ),
    socket(
        "streams",
        "/",
        query="snapshot: int, cancelOnDisconnect: bool",
        asks="StreamRequest",
        answer="StreamReply | BookTicker | DepthUpdate | PartialDepth | StreamTrade | OrderUpdate | "
        "BalanceUpdate",
        host=Host.STREAM,
        sim="A depth update starts at the number that the one before ended with.",
    ),
    stream_method("stream_ping", "ping"),
    stream_method("stream_time", "time", answer="ServerTime", sim="The shape was probed, not documented."),
    stream_method(
        "stream_conninfo",
        "conninfo",
        answer="[StreamLimit]",
        sim="The limits stand beside the status, as probed, not in a result.",
    ),
    stream_method("stream_subscribe", "subscribe", asks="[text]"),
    stream_method("stream_unsubscribe", "unsubscribe", asks="[text]"),
    stream_method("stream_list_subscriptions", "list_subscriptions", answer="[text]"),
    stream_method("stream_depth", "depth", request="symbol*: symbol, limit: int", answer="PartialDepth"),
    stream_method(
        "stream_order_place",
        "order.place",
        roles="T",
        scope="orders:create",
        money="$",
        request="symbol*: symbol, side*: BUY/SELL, type*: LIMIT/MARKET, timeInForce*: GTC/IOC/FOK/MOC, "
        "quantity*: decimal, price: decimal, stopPrice: decimal, clientOrderId: text, eventOutcome: text",
        answer="json",
        sim="What the venue answers is not enumerated; the order stream is the authority.",
    ),
    stream_method(
        "stream_order_cancel",
        "order.cancel",
        roles="T",
        scope="orders:create",
        money="$",
        request="orderId*: id",
        answer="json",
        sim="What the venue answers is not enumerated; the order stream is the authority.",
    ),
    stream_method(
        "stream_cancel_all",
        "order.cancel_all",
        roles="T",
        scope="orders:create",
        money="$",
        answer="json",
        sim="What the venue answers is not enumerated; the order stream is the authority.",
    ),
    stream_method(
        "stream_cancel_session",
        "order.cancel_session",
        roles="T",
        scope="orders:create",
        money="$",
        answer="json",
        sim="What the venue answers is not enumerated; the order stream is the authority.",
    ),
)
