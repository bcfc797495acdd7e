"""The new WebSocket API: requests and streams on one connection, authenticated at the upgrade or not at all.

Where the venue is silent: `orderId` is a text, as it passes 2^53; `order.cancel_all` answers as REST does;
`cancelOnDisconnect` cancels what was placed over the connection. A book that was asked for comes before the
acknowledgement, as it does at the venue.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from starlette.datastructures import QueryParams
from starlette.websockets import WebSocket

from venues.paper.access.auth import Caller
from venues.paper.access.rate_limits import CONNECTIONS, ORDERS, REQUESTS
from venues.paper.exchange import Exchange
from venues.paper.faults.fault_kinds import Stream
from venues.paper.feeds.conversation import converse
from venues.paper.feeds.encoding import dumps, padded_levels
from venues.paper.matching.ledger import Account, Role
from venues.paper.matching.orders import Order
from venues.paper.matching.refusals import RefusedError, invalid_parameter
from venues.paper.sockets import stream_orders
from venues.paper.sockets.parting import Parting
from venues.paper.sockets.socket_watch import end_with_token, token_check
from venues.paper.sockets.stream_errors import (
    INTERNAL,
    INVALID,
    ORDER_REJECTED,
    TOO_MANY,
    UNAUTHENTICATED,
    UNSUPPORTED,
    StreamError,
)
from venues.paper.sockets.stream_names import (
    AccountStream,
    Leave,
    MarketStream,
    join_account,
    join_market,
    read_name,
)
from venues.paper.state.keys import ApiKey

LOG = logging.getLogger(__name__)
MOST_STREAMS = 1024
MOST_LEVELS = 5000
LONGEST_ID = 200

Answer = Mapping[str, Any]
T = TypeVar("T")


async def streams(exchange: Exchange, socket: WebSocket, _: str) -> None:
    """Serve the new WebSocket API. Raises `RefusedError` before the upgrade."""
    headers = {name.lower(): value for name, value in socket.headers.items()}
    peer = "" if socket.client is None else socket.client.host
    snapshot = _snapshot(socket.query_params)
    with exchange.operation():
        caller = exchange.authenticate_upgrade(headers, peer)
    who = peer if caller is None else caller.key.api_key
    if not exchange.limits.counters(who).take(CONNECTIONS):
        raise RefusedError("RateLimit", "Connections were opened too frequently", 429)
    await socket.accept()
    stands = token_check(exchange, caller, headers, peer)
    parting = Parting(exchange) if socket.query_params.get("cancelOnDisconnect") == "true" else None
    session = StreamSession(
        exchange, caller, who, snapshot=snapshot, stands=stands or _always, parting=parting
    )
    watch = end_with_token(exchange, stands, session.mailbox)
    try:
        await converse(socket, session.mailbox, session.take, exchange.faults, Stream.WEBSOCKET_API)
    finally:
        if watch is not None:
            watch.cancel()
        session.end()


def _snapshot(query: QueryParams) -> int | None:
    """Return the levels of the first book: 0 for all of them, None for no book."""
    try:
        given = int(query.get("snapshot", "0")[:10])
    except ValueError:
        raise invalid_parameter("snapshot must be -1, 0 or a number of levels") from None
    return None if given == 0 else max(0, given)


class StreamSession:
    """One connection. `snapshot` is how many levels a book begins with, 0 for all, None for no book.

    `stands` says whether the caller's authentication still holds; `parting` takes the orders at the end.
    """

    def __init__(
        self,
        exchange: Exchange,
        caller: Caller | None,
        who: str,
        *,
        snapshot: int | None,
        stands: Callable[[], bool],
        parting: Parting | None,
    ) -> None:
        self.mailbox = exchange.feeds.mailbox()
        self._stands = stands
        self._exchange = exchange
        self._caller = caller
        self._counters = exchange.limits.counters(who)
        self._snapshot = snapshot
        self._joined: dict[str, Leave] = {}
        self._parting = parting
        self._methods: Mapping[str, Callable[[Any], Answer]] = {
            "ping": lambda _: {},
            "time": lambda _: {"result": {"serverTime": exchange.timeline.now_ms()}},
            "conninfo": lambda _: {"rateLimits": self._counters.shown()},
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "list_subscriptions": lambda _: {"result": list(self._joined)},
            "depth": self._depth,
            "order.place": self._place,
            "order.cancel": self._cancel,
            "order.cancel_all": lambda _: self._cancel_many(own_session=False),
            "order.cancel_session": lambda _: self._cancel_many(own_session=True),
        }

    def take(self, text: str) -> None:
        """Answer one frame."""
        request_id: object = None
        try:
            request = _read(text)
            request_id = _checked_id(request)
            answer = {"id": request_id, "status": 200, **self._answer(request)}
        except StreamError as error:
            answer = {
                "id": request_id,
                "status": error.status,
                "error": {"code": error.code, "msg": error.message},
            }
        self.mailbox.put(dumps(answer))

    def end(self) -> None:
        """Leave every stream and, if so wished, cancel what this connection placed."""
        for leave in self._joined.values():
            leave()
        if self._parting is not None:
            self._parting.end()

    def _answer(self, request: Mapping[str, Any]) -> Answer:
        if not self._counters.take(REQUESTS):
            raise StreamError(TOO_MANY, "Too many requests")
        if self._caller is not None:
            self._exchange.note_message(self._caller.key)
        name = request.get("method")
        if not isinstance(name, str):
            raise StreamError(INVALID, "Missing parameter: method")
        method = self._methods.get(name if name not in _UPPER else name.lower())
        if method is None:
            raise StreamError(UNSUPPORTED, "Unsupported operation")
        try:
            return method(request.get("params"))
        except RefusedError as refusal:  # outside of orders only a stopped exchange refuses
            LOG.warning("%s: %s", name, refusal)
            raise StreamError(INTERNAL, refusal.message) from refusal

    # Streams

    def _subscribe(self, params: object) -> Answer:
        found = self._named(params)
        if len(self._joined.keys() | {stream.name for stream in found}) > MOST_STREAMS:
            raise StreamError(INVALID, f"A connection may have at most {MOST_STREAMS} streams")
        owners = [
            self._authorized(stream.roles, stream.scope) if isinstance(stream, AccountStream) else None
            for stream in found
        ]
        for stream, owner in zip(found, owners, strict=True):
            self._leave(stream.name)
            self._joined[stream.name] = (
                join_market(self._exchange, stream, self.mailbox, self._snapshot)
                if isinstance(stream, MarketStream)
                else join_account(self._exchange, stream, self.mailbox, *_known(owner))
            )
        return {}

    def _unsubscribe(self, params: object) -> Answer:
        for stream in self._named(params):
            self._leave(stream.name)
        return {}

    def _leave(self, name: str) -> None:
        leave = self._joined.pop(name, None)
        if leave is not None:
            leave()

    def _named(self, params: object) -> list[MarketStream | AccountStream]:
        """Return the streams that a frame names. Raises `StreamError` when any of them does not exist."""
        if not isinstance(params, list) or not 0 < len(params) <= MOST_STREAMS:
            raise StreamError(INVALID, f"params must be an array of 1 to {MOST_STREAMS} stream names")
        found: dict[str, MarketStream | AccountStream] = {}
        for name in params:
            stream = read_name(self._exchange, name)
            if stream is None:
                raise StreamError(INVALID, f"Invalid stream name: {str(name)[:60]}")
            found[stream.name] = stream
        return list(found.values())

    def _depth(self, params: object) -> Answer:
        given = _members(params)
        symbol, limit = given.get("symbol"), given.get("limit", 100)
        market = self._exchange.engine.markets.get(symbol.lower()) if isinstance(symbol, str) else None
        if market is None:
            raise StreamError(INVALID, f"Invalid symbol: {str(symbol)[:40]}")
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_LEVELS:
            raise StreamError(INVALID, f"limit must be a whole number from 1 to {MOST_LEVELS}")
        book, instrument = market.book, market.instrument
        return {
            "result": {
                "lastUpdateId": self._exchange.feeds.update_id(market.symbol),
                "bids": padded_levels(book.bids.depth(limit), instrument),
                "asks": padded_levels(book.asks.depth(limit), instrument),
            }
        }

    # Orders

    def _place(self, params: object) -> Answer:
        key, account = self._trader()
        form = stream_orders.read_form(_members(params))

        def work() -> Order:
            order = stream_orders.place(self._exchange, key, account, form)
            if self._parting is not None:
                self._parting.note(order)
            return order

        order = self._carry_out(work)
        return {"result": {"orderId": str(order.id), "clientOrderId": order.client_order_id}}

    def _cancel(self, params: object) -> Answer:
        _, account = self._trader()
        wanted = stream_orders.read_order_id(_members(params))
        order = self._carry_out(lambda: stream_orders.cancel(self._exchange, account, wanted))
        return {"result": {"orderId": str(order.id), "clientOrderId": order.client_order_id}}

    def _cancel_many(self, *, own_session: bool) -> Answer:
        key, account = self._trader()
        session = key.api_key if own_session else None
        gone = self._carry_out(lambda: stream_orders.cancel_all(self._exchange, account, session))
        return {"result": {"cancelledOrders": [order.id for order in gone], "cancelRejects": []}}

    def _carry_out(self, work: Callable[[], T]) -> T:
        """Do `work` as an operation of the exchange: durable before it is answered.

        `work` refuses by `RefusedError` only: any other exception half-way stops the exchange.
        """
        exchange = self._exchange
        if not self._counters.take(ORDERS):
            raise StreamError(TOO_MANY, "Too many orders")
        if exchange.timeline.is_virtual:
            exchange.step()
        if exchange.fault is not None:
            raise StreamError(INTERNAL, "The exchange stopped: its state cannot be written")
        try:
            with exchange.operation():
                return work()
        except RefusedError as refusal:
            kind = INTERNAL if refusal.status >= 500 else ORDER_REJECTED
            raise StreamError(kind, f"{refusal.reason}: {refusal.message}") from refusal

    def _trader(self) -> tuple[ApiKey, Account]:
        return self._authorized(frozenset({Role.TRADER}), "orders:create")

    def _authorized(self, roles: frozenset[Role], scope: str) -> tuple[ApiKey, Account]:
        """Return who may do what these roles, or a token with this scope, may. Raises `StreamError`."""
        caller = self._caller
        if caller is None or caller.account is None or not self._stands():
            raise StreamError(UNAUTHENTICATED, "Authentication required")
        key = caller.key
        may = bool(roles & key.roles) if key.scopes is None else scope in key.scopes
        if not may:
            raise StreamError(UNAUTHENTICATED, f"This needs the role {' or '.join(sorted(roles))}")
        return key, caller.account


_UPPER = frozenset({"SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS"})


def _read(text: str) -> Mapping[str, Any]:
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        raise StreamError(INVALID, "Not a JSON object") from None
    if not isinstance(request, dict):
        raise StreamError(INVALID, "Not a JSON object")
    return request


def _always() -> bool:
    return True


def _checked_id(request: Mapping[str, Any]) -> object:
    given = request.get("id")
    is_number = isinstance(given, int) and not isinstance(given, bool) and abs(given) < 1 << 63
    if not is_number and (not isinstance(given, str) or len(given) > LONGEST_ID):
        raise StreamError(INVALID, "id must be a string or an integer")
    return given


def _members(params: object) -> Mapping[str, Any]:
    if not isinstance(params, dict):
        raise StreamError(INVALID, "params must be an object")
    return params


def _known(owner: tuple[ApiKey, Account] | None) -> tuple[ApiKey, Account]:
    assert owner is not None
    return owner
