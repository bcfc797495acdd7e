"""Gemini over REST, typed: what the desk asks and the orders it sends.

Reads and cancels are tried again with back-off, each time newly signed; an order is sent at most once. What
moves money out is not here at all: a person asks for it, through `person_calls`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from domain.clock import Clock
from domain.errors import BadInputError, OutcomeUnknownError, VenueRejectedError
from domain.ids import CLIENT_ORDER_ID
from domain.order import VenueOrder
from guardrails.sandbox_lock import Asker, Endpoint
from venues.gemini import errors
from venues.gemini.account_client import AccountReads
from venues.gemini.caller import Caller, Deadlines
from venues.gemini.catalogue import TABLE
from venues.gemini.market_client import MarketReads
from venues.gemini.parsing import parse_orders
from venues.gemini.session.nonce import Nonces
from venues.gemini.session.pacing import Pacer, Patience
from venues.gemini.session.turnstile import Urgency
from venues.gemini.signing import Credentials, SignedOrder, SignedRequest

__all__ = ["Credentials", "Deadlines", "GeminiRest", "SignedOrder"]

_ONE_TRY = Patience(attempts=1)
_HEARTBEAT_S = 5.0
_REMEMBERED = 1024  # more orders than leave while a nonce of seconds is still taken


class GeminiRest(MarketReads, AccountReads):
    """A client of one endpoint that the sandbox lock handed out.

    Public calls need no credentials. `account` is the short name that a master key acts on. Raises the errors
    of `domain.errors`: `VenueRejectedError` (no, and nothing happened), `OutcomeUnknownError` (orders and
    cancels only), `VenueRetryableError`, `UnreachableError`, `LockedError` (another host, a call that moves
    money, a clock too far off), `BadInputError` (a call that makes no sense).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials | None,
        nonces: Nonces | None,
        clock: Clock,
        *,
        random: Random | None = None,
        pacer: Pacer | None = None,
        patience: Patience | None = None,
        deadlines: Deadlines | None = None,
        account: str | None = None,
    ) -> None:
        self.caller = Caller(
            endpoint,
            credentials,
            nonces,
            clock,
            random=random,
            pacer=pacer,
            patience=patience,
            deadlines=deadlines,
            account=account,
        )
        self._left: dict[str, None] = {}
        MarketReads.__init__(self, self.caller)
        AccountReads.__init__(self, self.caller)

    @property
    def clock_skew_s(self) -> float | None:
        """Return by how many seconds our clock is ahead of the venue's at the last reply, None before one."""
        return self.caller.clock_skew_s

    @property
    def last_heard_s(self) -> float | None:
        """Return the monotonic time at which the last request left that proved the session alive."""
        return self.caller.last_heard_s

    async def submit(self, order: SignedOrder, *, may_leave: Callable[[], bool] | None = None) -> VenueOrder:
        """Send an order, once. Cancelling this call while it waits leaves the outcome unknown.

        `may_leave` is asked at the last moment, when it is this order's turn: on False nothing is sent and
        `VenueRejectedError("WITHDRAWN")` is raised. The same bytes never leave again:
        `OutcomeUnknownError("ALREADY_SENT")`.
        """
        call = TABLE["order_new"]
        if type(order) is not SignedOrder or order.request.path != call.path:
            raise BadInputError("NOT_A_SIGNED_ORDER", "only a signed order is sent", "Build it first.")
        credentials, nonces = self.caller.signer()
        if order.fields.get("account") != (self.caller.account if credentials.is_master else None):
            raise BadInputError(
                "NO_ACCOUNT", "the order does not name this client's account", "Build it for this account."
            )

        async def ready() -> SignedRequest:
            # Within the turn: what waited outside could be overtaken, and would have to be signed again.
            await self.caller.pace(call, Urgency.ORDER)
            if may_leave is not None and not may_leave():
                raise VenueRejectedError(
                    "WITHDRAWN",
                    "the desk was stopped, or the approval ran out, before the order left",
                    "Nothing was sent. Ask for a fresh card once the desk is active.",
                )
            self._refuse_again(order)
            if not nonces.depart(order.request.nonce):
                raise VenueRejectedError(
                    "NONCE_PASSED",
                    "a later request left before this order, so the order was not sent",
                    "Sign it again right before sending.",
                )
            self._note_left(order)
            return order.request

        reply = await self.caller.send_once(
            call, ready, Urgency.ORDER, asker=Asker.ORDER_PATH, rank=order.request.nonce
        )
        found = self.caller.read(call, reply, parse_orders.order, Urgency.ORDER)
        if found.client_order_id not in {None, order.client_order_id}:
            raise errors.unreadable(call, reply.status)
        return found

    def _refuse_again(self, order: SignedOrder) -> None:
        # Nonces of seconds alone would not stop it: the venue takes one of them several times.
        if order.request.headers["X-GEMINI-SIGNATURE"] in self._left:
            raise OutcomeUnknownError(
                "ALREADY_SENT",
                "these very bytes of the order have left before, so they were not sent again",
                "Look the order up by its client order id.",
                reason="AlreadySent",
                status=0,
            )

    def _note_left(self, order: SignedOrder) -> None:
        self._left[order.request.headers["X-GEMINI-SIGNATURE"]] = None
        if len(self._left) > _REMEMBERED:
            del self._left[next(iter(self._left))]

    async def cancel(self, venue_order_id: str) -> VenueOrder:
        """Cancel one order and return it; one that is already closed comes back as it is."""
        read = partial(_only, venue_order_id)
        fields = {"order_id": _number(venue_order_id)}
        return await self.caller.call(TABLE["order_cancel"], read, fields=fields)

    async def cancel_session(self) -> parse_orders.CancelReport:
        """Cancel every order that this key placed."""
        return await self.caller.call(TABLE["cancel_session"], parse_orders.cancel_report)

    async def cancel_all(self) -> parse_orders.CancelReport:
        """Cancel every order of the account, those of its other keys and of the web site too."""
        return await self.caller.call(TABLE["cancel_all"], parse_orders.cancel_report)

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
            return await self.caller.call(TABLE["order_status"], read, fields=fields)
        except VenueRejectedError as error:
            if error.reason == "OrderNotFound":
                return []
            raise

    async def open_orders(self) -> list[VenueOrder]:
        """Return every live order of the account, also those made elsewhere."""
        return await self.caller.call(TABLE["orders"], parse_orders.orders)

    async def heartbeat(self) -> None:
        """Tell the venue that this session lives: one try, ahead of reads, given up after five seconds."""
        await self.caller.call(
            TABLE["heartbeat"],
            parse_orders.ok,
            urgency=Urgency.CANCEL,
            patience=_ONE_TRY,
            within_s=_HEARTBEAT_S,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.caller.close()


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
