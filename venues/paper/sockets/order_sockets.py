"""The order events socket v1: signed headers at the upgrade, filters in the query."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket

from venues.gemini.catalogue import TABLE
from venues.paper.access.auth import Caller
from venues.paper.exchange import Exchange
from venues.paper.faults.fault_kinds import Stream
from venues.paper.feeds.conversation import converse
from venues.paper.feeds.encoding import dumps
from venues.paper.feeds.order_readers import EventReader
from venues.paper.sockets.market_sockets import HEARTBEAT_MS
from venues.paper.sockets.socket_watch import end_with_token, token_check


async def order_events(exchange: Exchange, socket: WebSocket, path: str) -> None:
    """Serve `/v1/order/events`. Raises `RefusedError` before the upgrade.

    A key sees the orders of its account, a master key those of its whole group.
    """
    headers = {name.lower(): value for name, value in socket.headers.items()}
    peer = "" if socket.client is None else socket.client.host
    with exchange.operation():
        caller = exchange.authenticate(headers, path, TABLE["order_events"], peer=peer)
    await socket.accept()
    query = socket.query_params
    filters = {
        "symbolFilter": frozenset(text.lower() for text in query.getlist("symbolFilter")),
        "apiSessionFilter": frozenset(query.getlist("apiSessionFilter")),
        "eventTypeFilter": frozenset(query.getlist("eventTypeFilter")),
    }
    reader = EventReader(
        exchange.feeds.mailbox(),
        account="" if caller.account is None else caller.account.name,
        group=caller.key.group if caller.account is None else "",
        symbols=filters["symbolFilter"],
        sessions=filters["apiSessionFilter"],
        kinds=filters["eventTypeFilter"],
    )
    reader.mailbox.put(dumps(_acknowledgement(exchange, caller, filters)))
    orders = exchange.feeds.orders
    orders.show_live(reader, list(exchange.engine.live.values()))
    orders.add(reader)
    wants_beat = query.get("heartbeat", "true") != "false"
    beat = exchange.feeds.intervals.every(HEARTBEAT_MS, _heartbeats(exchange, reader)) if wants_beat else None
    watch = end_with_token(exchange, token_check(exchange, caller, headers, peer), reader.mailbox)
    try:
        await converse(socket, reader.mailbox, _ignore, exchange.faults, Stream.ORDER_EVENTS)
    finally:
        for interval in (beat, watch):
            if interval is not None:
                interval.cancel()
        orders.remove(reader)


def _acknowledgement(
    exchange: Exchange, caller: Caller, filters: dict[str, frozenset[str]]
) -> dict[str, Any]:
    account_id = 0 if caller.account is None else caller.account.account_id
    text = f"{caller.key.api_key}:{exchange.timeline.now_ms()}"
    token = hashlib.sha256(text.encode()).hexdigest()[:12]
    return {
        "type": "subscription_ack",
        "accountId": account_id,
        "subscriptionId": f"ws-order-events-{account_id}-{token}",
        **{name: sorted(values) for name, values in filters.items()},
    }


def _heartbeats(exchange: Exchange, reader: EventReader) -> Callable[[], None]:
    count = 0

    def beat() -> None:
        nonlocal count
        now_ms = exchange.timeline.now_ms()
        trace = hashlib.sha256(f"{reader.account}:{reader.group}:{now_ms}:{count}".encode()).hexdigest()[:32]
        reader.beat({"type": "heartbeat", "timestampms": now_ms, "sequence": count, "trace_id": trace})
        count += 1

    return beat


def _ignore(_: str) -> None:
    """Take what a client says on a socket that has nothing to say to; a ping is answered below us."""
