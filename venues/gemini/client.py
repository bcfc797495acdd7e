"""Gemini over REST: every call of the catalogue, paced, bounded and typed.

Reads and cancels are tried again with back-off, each time newly signed; an order is sent at most once. One
private request leaves at a time, the next when the last was answered or has had a second to arrive, so that
nonces reach the venue in order; signed orders go before cancels, cancels before reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random, SystemRandom
from typing import Any, TypeVar

from domain.clock import Clock, epoch_ms
from domain.errors import BadInputError, UnreachableError, VenueError, VenueRejectedError
from domain.ids import CLIENT_ORDER_ID
from domain.instrument import Instrument
from domain.market import BookView, Candle, PublicTrade
from domain.order import Balance, Fill, VenueOrder
from guardrails.sandbox_lock import Endpoint
from venues.gemini import errors, parse, parse_orders
from venues.gemini.catalogue import INTERVALS, TABLE, Call, Money
from venues.gemini.nonce import NonceSource, Urgency
from venues.gemini.pacing import Pacer, Patience
from venues.gemini.reading import UNREADABLE
from venues.gemini.signing import Credentials, SignedOrder, SignedRequest, sign
from venues.gemini.transport import Flight, NoReplyError, Reply, Transport

__all__ = ["Credentials", "GeminiRest", "SignedOrder"]

_DETAILS_AT_ONCE = 4
_PAGE = 500

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds: for a read, for an order or cancel, and how long one under way keeps the next waiting."""

    read_s: float = 10.0
    trade_s: float = 8.0
    hold_s: float = 1.0


class GeminiRest:
    """A client of one endpoint that the sandbox lock handed out.

    Public calls need no credentials. Raises the errors of `domain.errors`: `VenueRejectedError` (no, and
    nothing happened), `OutcomeUnknownError` (orders and cancels only), `VenueRetryableError`,
    `UnreachableError`, `LockedError` (another host), `BadInputError` (a call that makes no sense).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials | None,
        nonces: NonceSource | None,
        clock: Clock,
        *,
        random: Random | None = None,
        pacer: Pacer | None = None,
        patience: Patience | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        self._transport = Transport(endpoint, clock)
        self._credentials = credentials
        self._nonces = nonces
        self._random = random or SystemRandom()
        self._pacer = pacer or Pacer()
        self._patience = patience or Patience()
        self._deadlines = deadlines or Deadlines()

    @property
    def clock_skew_s(self) -> float | None:
        """Return by how many seconds our clock is ahead of the venue's at the last reply, None before one."""
        return self._transport.clock_skew_s

    async def symbols(self) -> list[str]:
        """Return every symbol in lower case."""
        return await self._call(TABLE["symbols"], parse.symbols)

    async def instruments(self) -> list[Instrument]:
        """Return every instrument, derivatives too (`is_spot` False)."""
        try:
            return await self._call(TABLE["all_symbol_details"], parse.instruments)
        except VenueRejectedError:  # not every deployment has the list in one piece
            return await self._instruments_one_by_one()

    async def book(self, symbol: str, limit: int = 50) -> BookView:
        """Return up to `limit` levels a side; 0 means all."""
        call = TABLE["book"]
        params = {"limit_bids": str(limit), "limit_asks": str(limit)}
        read = partial(parse.book, symbol=symbol)
        return await self._call(call, read, path=call.at(symbol=symbol), params=params)

    async def trades(self, symbol: str, limit: int = 50) -> list[PublicTrade]:
        """Return the newest public trades, oldest first; at most 500."""
        call = TABLE["trades"]
        params = {"limit_trades": str(limit)}
        read = partial(parse.trades, symbol=symbol)
        return await self._call(call, read, path=call.at(symbol=symbol), params=params)

    async def price_feed(self) -> list[parse.PriceQuote]:
        """Return the last price of every pair."""
        return await self._call(TABLE["price_feed"], parse.price_feed)

    async def ticker(self, symbol: str) -> parse.Ticker:
        """Return the day of one symbol."""
        call = TABLE["ticker"]
        return await self._call(call, parse.ticker, path=call.at(symbol=symbol))

    async def candles(self, symbol: str, interval: str) -> list[Candle]:
        """Return the venue's window of candles, oldest first; `interval` is one of `catalogue.INTERVALS`."""
        if interval not in INTERVALS:
            raise BadInputError(
                "BAD_INTERVAL", f"no candles of {interval!r:.20}", f"Use one of {', '.join(INTERVALS)}."
            )
        call = TABLE["candles"]
        path = call.at(symbol=symbol, interval=INTERVALS[interval])
        return await self._call(call, parse.candles, path=path)

    async def balances(self) -> list[Balance]:
        """Return what the account has in each currency."""
        return await self._call(TABLE["balances"], parse.balances)

    async def fee_schedule(self) -> parse.FeeSchedule:
        """Return the account's own fee rates."""
        return await self._call(TABLE["notional_volume"], parse.fee_schedule)

    async def submit(self, order: SignedOrder, *, may_leave: Callable[[], bool] | None = None) -> VenueOrder:
        """Send an order, once. Cancelling this call while it waits leaves the outcome unknown.

        `may_leave` is asked at the last moment, when it is this order's turn: on False nothing is sent and
        `VenueRejectedError("WITHDRAWN")` is raised.
        """
        call = TABLE["order_new"]
        if type(order) is not SignedOrder or order.request.path != call.path:
            raise BadInputError("NOT_A_SIGNED_ORDER", "only a signed order is sent", "Build it first.")
        _, nonces = self._signer()

        async def ready() -> SignedRequest:
            await self._pacer.wait(call.rate, Urgency.ORDER)
            if may_leave is not None and not may_leave():
                raise VenueRejectedError(
                    "WITHDRAWN",
                    "the desk was stopped, or the approval ran out, before the order left",
                    "Nothing was sent. Ask for a fresh card once the desk is active.",
                )
            if not nonces.depart(order.request.nonce):
                raise VenueRejectedError(
                    "NONCE_PASSED",
                    "a later request left before this order, so the order was not sent",
                    "Sign it again right before sending.",
                )
            return order.request

        try:
            reply = await self._private(call, ready, Urgency.ORDER, rank=order.request.nonce)
        except NoReplyError as fault:
            raise errors.of_fault(call, fault) from fault
        found = self._read(call, reply, parse_orders.order)
        if found.client_order_id not in {None, order.client_order_id}:
            raise errors.unreadable(call, reply.status)
        return found

    async def cancel(self, venue_order_id: str) -> VenueOrder:
        """Cancel one order and return it; one that is already closed comes back as it is."""
        call = TABLE["order_cancel"]
        read = partial(_only, venue_order_id)
        return await self._call(call, read, fields={"order_id": _number(venue_order_id)})

    async def cancel_session(self) -> parse_orders.CancelReport:
        """Cancel every order that this key placed."""
        return await self._call(TABLE["cancel_session"], parse_orders.cancel_report)

    async def order_status(
        self, *, venue_order_id: str | None = None, client_order_id: str | None = None
    ) -> list[VenueOrder]:
        """Return the orders with this id: none when the venue knows none, several when an id was used twice.

        Exactly one of the two ids must be given.
        """
        if (venue_order_id is None) == (client_order_id is None):
            raise BadInputError("BAD_ORDER_ID", "give exactly one order id", "The venue's or ours.")
        fields: dict[str, object] = {}
        if venue_order_id is not None:
            fields["order_id"] = _number(venue_order_id)
        elif client_order_id is not None:
            fields["client_order_id"] = _client_order_id(client_order_id)
        read = partial(_matching, venue_order_id, client_order_id)
        try:
            return await self._call(TABLE["order_status"], read, fields=fields)
        except VenueRejectedError as error:
            if error.reason == "OrderNotFound":
                return []
            raise

    async def open_orders(self) -> list[VenueOrder]:
        """Return every live order of the account, also those made elsewhere."""
        return await self._call(TABLE["orders"], parse_orders.orders)

    async def my_trades(
        self, symbol: str | None = None, since_ms: int | None = None, limit: int = _PAGE
    ) -> list[Fill]:
        """Return own fills, oldest first.

        Without `since_ms` the newest `limit` (at most 500). With it, everything at or after that moment:
        pages of `limit` until one brings nothing new, each trade once.
        """
        if not 1 <= limit <= _PAGE:
            raise BadInputError("BAD_LIMIT", f"cannot ask for {limit} trades", f"Ask for 1 to {_PAGE}.")
        fields: dict[str, object] = {"limit_trades": limit}
        if symbol is not None:
            fields["symbol"] = symbol
        if since_ms is None:
            return await self._fills(fields, symbol)
        found: dict[tuple[str, str], Fill] = {}
        cursor = since_ms
        while True:
            page = await self._fills({**fields, "timestamp": cursor}, symbol)
            known = len(found)
            found.update({(fill.symbol, fill.trade_id): fill for fill in page})
            if len(page) < limit or len(found) == known:
                return sorted(found.values(), key=lambda fill: (fill.at, int(fill.trade_id)))
            cursor = epoch_ms(page[-1].at)

    async def heartbeat(self) -> None:
        """Tell the venue that this session lives."""
        await self._call(TABLE["heartbeat"], parse_orders.ok)

    async def roles(self) -> parse.KeyRoles:
        """Return what the key may do."""
        return await self._call(TABLE["roles"], parse.roles)

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()

    async def _fills(self, fields: Mapping[str, object], symbol: str | None) -> list[Fill]:
        read = partial(parse_orders.fills, symbol=symbol)
        return await self._call(TABLE["my_trades"], read, fields=fields)

    async def _instruments_one_by_one(self) -> list[Instrument]:
        call = TABLE["symbol_details"]
        gate = asyncio.Semaphore(_DETAILS_AT_ONCE)

        async def one(symbol: str) -> Instrument | None:
            async with gate:
                try:
                    return await self._call(call, parse.instrument, path=call.at(symbol=symbol))
                except VenueRejectedError:  # listed, but gone since
                    return None

        wanted = await self.symbols()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(symbol)) for symbol in wanted]
        except ExceptionGroup as several:  # all of one kind: the venue is in trouble
            raise several.exceptions[0] from several
        return [found for task in tasks if (found := task.result()) is not None]

    async def _call(
        self,
        call: Call,
        read: Callable[[bytes], _T],
        *,
        path: str | None = None,
        params: Mapping[str, str] | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> _T:
        attempt = 0
        while True:
            reply: Reply | None = None
            try:
                reply = await self._once(call, path or call.path, params, fields or {})
                return self._read(call, reply, read)
            except (VenueError, UnreachableError) as error:
                if attempt + 1 >= self._patience.attempts or not errors.is_retryable(error):
                    raise
            wish = reply.retry_after_s if reply is not None else None
            await asyncio.sleep(self._patience.pause(attempt, self._random, wish))
            attempt += 1

    async def _once(
        self, call: Call, path: str, params: Mapping[str, str] | None, fields: Mapping[str, object]
    ) -> Reply:
        urgency = Urgency.CANCEL if call.money is Money.TRADES else Urgency.READ
        await self._pacer.wait(call.rate, urgency)
        try:
            if call.method == "GET":
                return await self._transport.send(
                    "GET", path, flight=Flight(), within_s=self._deadlines.read_s, params=params
                )
            credentials, nonces = self._signer()

            async def ready() -> SignedRequest:
                nonce = nonces.next()
                nonces.depart(nonce)
                return sign(credentials, path, nonce, fields)

            return await self._private(call, ready, urgency)
        except NoReplyError as fault:
            raise errors.of_fault(call, fault) from fault

    async def _private(
        self, call: Call, ready: Callable[[], Awaitable[SignedRequest]], urgency: Urgency, rank: int = 0
    ) -> Reply:
        within_s = self._deadlines.trade_s if call.money is Money.TRADES else self._deadlines.read_s
        flight = Flight()
        async with self._signer()[1].turnstile.turn(urgency, rank):
            request = await ready()
            leaving = asyncio.create_task(
                self._transport.send(
                    call.method, request.path, flight=flight, within_s=within_s, headers=request.headers
                )
            )
            either: set[asyncio.Future[Any]] = {leaving, flight.sent}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait({leaving}, timeout=self._deadlines.hold_s)
            except asyncio.CancelledError:
                leaving.cancel()
                raise
        try:
            return await leaving
        finally:
            leaving.cancel()

    def _read(self, call: Call, reply: Reply, read: Callable[[bytes], _T]) -> _T:
        if reply.status == 429:
            self._pacer.too_fast(call.rate)
        if reply.status != 200 or errors.envelope(reply.body) is not None:
            hidden = self._credentials.api_key if self._credentials is not None else ""
            raise errors.of_reply(call, reply, hidden)
        try:
            return read(reply.body)
        except UNREADABLE as error:
            raise errors.unreadable(call, reply.status) from error

    def _signer(self) -> tuple[Credentials, NonceSource]:
        if self._credentials is None or self._nonces is None:
            raise BadInputError("NO_KEY", "this needs an API key and none is set up", "Set one up first.")
        return self._credentials, self._nonces


def _number(venue_order_id: str) -> int:
    if not (venue_order_id.isascii() and venue_order_id.isdigit() and len(venue_order_id) <= 19):
        raise BadInputError(
            "BAD_ORDER_ID", f"{venue_order_id!r:.40} is no order id of the exchange", "It is a whole number."
        )
    return int(venue_order_id)


def _client_order_id(text: str) -> str:
    if not CLIENT_ORDER_ID.fullmatch(text):
        raise BadInputError(
            "BAD_ORDER_ID", f"{text!r:.60} is no client order id", "1 to 36 of letters, digits and : - _ . #"
        )
    return text


def _only(venue_order_id: str, body: bytes) -> VenueOrder:
    found = parse_orders.order(body)
    if found.venue_order_id != venue_order_id:
        raise ValueError("an answer about another order")
    return found


def _matching(venue_order_id: str | None, client_order_id: str | None, body: bytes) -> list[VenueOrder]:
    found = parse_orders.orders(body)
    for order in found:
        if venue_order_id is not None and order.venue_order_id != venue_order_id:
            raise ValueError("an answer about another order")
        if client_order_id is not None and order.client_order_id not in {None, client_order_id}:
            raise ValueError("an answer about another order")
    return found
