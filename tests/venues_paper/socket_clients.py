"""Socket clients of these tests, written from the wire contract so that they share no code with ours."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.venues_paper.signed import Client, signed_headers
from venues.paper.opening import TIME_NONCE, credentials_of
from venues.paper.server import RunningExchange

EVENTS = "/v1/order/events"


async def receive(socket: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), 10))


async def receive_until(socket: ClientConnection, kind: str) -> list[Any]:
    """Everything up to the first message or event of type `kind`, arrays unpacked."""
    found: list[Any] = []
    while True:
        message = await receive(socket)
        found += message if isinstance(message, list) else [message]
        if found[-1].get("type") == kind:
            return found


async def silence(socket: ClientConnection, seconds: float = 0.15) -> bool:
    """Whether nothing comes for a while."""
    try:
        await asyncio.wait_for(socket.recv(), seconds)
    except TimeoutError:
        return True
    return False


def plain_socket(running: RunningExchange, path: str, **kwargs: Any) -> connect:
    return connect(running.ws_url + path, proxy=None, max_queue=None, max_size=None, **kwargs)


def market_socket(running: RunningExchange) -> connect:
    return plain_socket(running, "/v2/marketdata")


def order_socket(running: RunningExchange, client: Client, query: str = "", **kwargs: Any) -> connect:
    headers = signed_headers(client.key, client.secret, EVENTS, **kwargs)
    return plain_socket(running, EVENTS + query, additional_headers=headers)


def subscribe(*streams: tuple[str, list[Any]], kind: str = "subscribe") -> str:
    return json.dumps({"type": kind, "subscriptions": [{"name": n, "symbols": s} for n, s in streams]})


@contextmanager
def still(running: RunningExchange) -> Iterator[None]:
    """Nobody but the test trades."""
    world, running.exchange.world = running.exchange.world, None
    try:
        yield
    finally:
        running.exchange.world = world


def upgrade_headers(key: str, secret: str, nonce: str) -> dict[str, str]:
    """Headers of the new WebSocket API's upgrade."""
    text = base64.b64encode(nonce.encode()).decode()
    return {
        "X-GEMINI-APIKEY": key,
        "X-GEMINI-NONCE": nonce,
        "X-GEMINI-PAYLOAD": text,
        "X-GEMINI-SIGNATURE": hmac.new(secret.encode(), text.encode(), hashlib.sha384).hexdigest(),
    }


def stream_socket(running: RunningExchange, query: str = "", *, label: str | None = None) -> connect:
    """The new WebSocket API, public or with one of the exchange's own keys."""
    headers = None
    if label is not None:
        key = credentials_of(running.exchange, label)
        nonce = str(running.exchange.timeline.now_ms() // 1000)
        headers = upgrade_headers(key.api_key, key.api_secret, nonce)
    return plain_socket(running, f"/{query}", additional_headers=headers)


def trader_socket(running: RunningExchange, query: str = "") -> connect:
    """The new WebSocket API as the stranger, who has USD, BTC and ETH."""
    return stream_socket(running, query, label=TIME_NONCE)


class Api:
    """Requests and streams of one connection to the new WebSocket API; frames of streams wait in `events`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[Any] = []
        self._number = 0

    async def ask(self, method: str, params: Any = None, **more: Any) -> Any:
        """The whole answer to one request."""
        self._number += 1
        request = {"id": self._number, "method": method, **more}
        await self.socket.send(json.dumps(request if params is None else {**request, "params": params}))
        while True:
            message = await receive(self.socket)
            if isinstance(message, dict) and "status" in message:
                assert message["id"] == self._number
                return message
            self.events.append(message)

    async def do(self, method: str, params: Any = None) -> Any:
        """The result of a request that must succeed."""
        answer = await self.ask(method, params)
        assert answer["status"] == 200, answer
        return answer.get("result")

    async def refused(self, method: str, params: Any = None) -> tuple[int, int]:
        """Code and status of a request that must fail."""
        answer = await self.ask(method, params)
        assert set(answer) == {"id", "status", "error"}
        assert answer["error"]["msg"]
        return answer["error"]["code"], answer["status"]

    async def event(self) -> Any:
        """The next frame of a stream."""
        return self.events.pop(0) if self.events else await receive(self.socket)


def limit_order(**fields: Any) -> dict[str, Any]:
    """Parameters of an order far below the market."""
    return {
        "symbol": "btcusd",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.001",
        "price": "60000.00",
        **fields,
    }


def without_orders(running: RunningExchange) -> RunningExchange:
    """The exchange after all live orders of everybody were cancelled."""
    exchange = running.exchange
    with exchange.operation():
        for order in list(exchange.engine.live.values()):
            exchange.engine.cancel(order)
    return running
