"""The two sockets: market data v2 and order events v1."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from venues.paper.candles import FRAMES
from venues.paper.exchange import Exchange
from venues.paper.feeds import Mailbox, OrderReader, dumps, initial_events
from venues.paper.ledger import Account, Role

HEARTBEAT_S = 5.0
MAX_SUBSCRIPTIONS = 200
"""Symbols a single frame may name."""

_NO_PAIRS = dumps({"result": "error", "reason": "NoValidTradingPairs"})
_ORDER_ROLES = frozenset({Role.TRADER, Role.AUDITOR})


async def market_data(exchange: Exchange, socket: WebSocket, _: str) -> None:
    """Serve `/v2/marketdata` until the client leaves or lags too far."""
    await socket.accept()
    mailbox = Mailbox()
    try:
        async with _speaking(socket, mailbox, partial(_beat, exchange, mailbox)):
            async for text in _texts(socket):
                _handle_frame(exchange, mailbox, text)
    finally:
        exchange.feeds.unwatch(mailbox)


def _beat(exchange: Exchange, mailbox: Mailbox) -> None:
    mailbox.put(dumps({"type": "heartbeat", "timestamp": exchange.timeline.now_ms()}))


def _handle_frame(exchange: Exchange, mailbox: Mailbox, text: str) -> None:
    try:
        frame = json.loads(text)
        kind = frame["type"]
        wanted = [(each["name"], each["symbols"]) for each in frame["subscriptions"]]
        pairs = [(str(name), symbol) for name, symbols in wanted for symbol in symbols]
    except (ValueError, KeyError, TypeError, RecursionError):
        mailbox.put(
            dumps({"result": "error", "reason": "InvalidJson", "message": "Not a subscription frame"})
        )
        return
    if kind not in {"subscribe", "unsubscribe"} or len(pairs) > MAX_SUBSCRIPTIONS:
        mailbox.put(
            dumps({"result": "error", "reason": "InvalidParameterValue", "message": f"Refused: {kind!s:.40}"})
        )
        return
    found = [
        (name, symbol.lower())
        for name, symbol in pairs
        if _is_stream(name) and isinstance(symbol, str) and symbol == symbol.upper()
        and symbol.lower() in exchange.engine.markets
    ]  # fmt: skip
    if not found:
        mailbox.put(_NO_PAIRS)
    for name, symbol in found:
        if kind == "unsubscribe":
            exchange.feeds.unwatch(mailbox, symbol=symbol, name=name)
        elif name == "l2":
            exchange.feeds.watch_book(symbol, mailbox)
        else:
            exchange.feeds.watch_candles(symbol, name.removeprefix("candles_"), mailbox)


def _is_stream(name: str) -> bool:
    return name == "l2" or (name.startswith("candles_") and name.removeprefix("candles_") in FRAMES)


async def order_events(exchange: Exchange, socket: WebSocket, path: str) -> None:
    """Serve `/v1/order/events`: signed headers are verified before the upgrade. Raises `RefusedError`."""
    headers = {name.lower(): value for name, value in socket.headers.items()}
    with exchange.operation():
        caller = exchange.authenticate(headers, path, _ORDER_ROLES)
    account = caller.account or exchange.accounts_of(caller.key.group)[0]
    await socket.accept()
    query = socket.query_params
    filters = {
        "symbolFilter": frozenset(text.lower() for text in query.getlist("symbolFilter")),
        "apiSessionFilter": frozenset(query.getlist("apiSessionFilter")),
        "eventTypeFilter": frozenset(query.getlist("eventTypeFilter")),
    }
    reader = OrderReader(
        account.name,
        symbols=filters["symbolFilter"],
        sessions=filters["apiSessionFilter"],
        kinds=filters["eventTypeFilter"],
    )
    reader.mailbox.put(dumps(_acknowledgement(exchange, account, filters)))
    for event in initial_events(exchange.engine, account.name):
        reader.offer(event)
    beat = _heartbeats(exchange, reader) if query.get("heartbeat", "true") != "false" else None
    exchange.feeds.add_orders(reader)
    try:
        async with _speaking(socket, reader.mailbox, beat):
            async for _ in _texts(socket):
                pass  # clients have nothing to say here; a ping is answered below us
    finally:
        exchange.feeds.remove_orders(reader)


def _acknowledgement(
    exchange: Exchange, account: Account, filters: dict[str, frozenset[str]]
) -> dict[str, Any]:
    token = hashlib.sha256(f"{account.account_id}:{exchange.timeline.now_ms()}".encode()).hexdigest()[:12]
    return {
        "type": "subscription_ack",
        "accountId": account.account_id,
        "subscriptionId": f"ws-order-events-{account.account_id}-{token}",
        **{name: sorted(values) for name, values in filters.items()},
    }


def _heartbeats(exchange: Exchange, reader: OrderReader) -> Callable[[], None]:
    count = 0

    def beat() -> None:
        nonlocal count
        now_ms = exchange.timeline.now_ms()
        trace = hashlib.sha256(f"{reader.account}:{now_ms}:{count}".encode()).hexdigest()[:32]
        reader.offer_heartbeat(
            {"type": "heartbeat", "timestampms": now_ms, "sequence": count, "trace_id": trace}
        )
        count += 1

    return beat


@asynccontextmanager
async def _speaking(
    socket: WebSocket, mailbox: Mailbox, beat: Callable[[], None] | None
) -> AsyncIterator[None]:
    """Send what is in the mailbox, and heartbeats, while the block reads from the client."""
    tasks = [asyncio.create_task(_send_all(socket, mailbox))]
    if beat is not None:
        tasks.append(asyncio.create_task(_every(HEARTBEAT_S, beat)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send_all(socket: WebSocket, mailbox: Mailbox) -> None:
    while (frame := await mailbox.get()) is not None:
        await socket.send_text(frame)
    await socket.close(1013, "too far behind")


async def _every(seconds: float, call: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        call()


async def _texts(socket: WebSocket) -> AsyncIterator[str]:
    while True:
        try:
            yield await socket.receive_text()
        except WebSocketDisconnect:
            return
        except KeyError:  # a binary frame, which this wire does not have
            yield ""
