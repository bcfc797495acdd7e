"""One call of the catalogue: paced, signed in its turn, held to its deadlines, tried again where safe.

One private request leaves at a time, the next when the last was answered or has had a second to arrive, so
that nonces reach the venue in order; signed orders go before cancels, cancels before reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random, SystemRandom
from typing import Any, Final, TypeVar

from domain.clock import Clock
from domain.errors import BadInputError, UnreachableError, VenueError
from guardrails.sandbox_lock import Asker, Endpoint, check_call
from venues.gemini import errors
from venues.gemini.catalogue import Auth, Call, Money
from venues.gemini.parsing.reading import UNREADABLE
from venues.gemini.reasons import KEY_REFUSED
from venues.gemini.session.nonce import Nonces
from venues.gemini.session.pacing import Pacer, Patience
from venues.gemini.session.turnstile import Urgency
from venues.gemini.signing import Credentials, SignedRequest, sign
from venues.gemini.transport import Flight, NoReplyError, Reply, Transport

_GROUP_CALLS: Final = frozenset({"roles", "fx_rate", "network", "network_assets"})
"""What a master key asks without naming an account, beside the calls that only master keys have."""
_NO_PARTS: Final[Mapping[str, str]] = {}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds: for a read, for an order or cancel, and how long one under way keeps the next waiting."""

    read_s: float = 10.0
    trade_s: float = 8.0
    hold_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call with everything filled in. `urgency` None means that of its kind."""

    call: Call
    path: str
    params: Mapping[str, str] | None = None
    fields: Mapping[str, object]
    urgency: Urgency | None = None
    within_s: float | None = None


class Caller:
    """Makes calls to one endpoint with one key.

    `account` is the short name that a master key acts on. Raises the errors of `domain.errors`.
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
        check_account(credentials, account)
        self.endpoint = endpoint
        self.account = account
        self._transport = Transport(endpoint, clock, None if nonces is None else nonces.light)
        self._clock = clock
        self._credentials = credentials
        self._nonces = nonces
        self._random = random or SystemRandom()
        self._pacer = pacer or Pacer()
        self._patience = patience or Patience()
        self._deadlines = deadlines or Deadlines()
        self._last_heard: float | None = None

    @property
    def clock_skew_s(self) -> float | None:
        """Return by how many seconds our clock is ahead of the venue's at the last reply, None before one."""
        return self._transport.clock_skew_s

    @property
    def last_heard_s(self) -> float | None:
        """Return the monotonic time at which the last request left that proved the session alive."""
        return self._last_heard

    async def call(
        self,
        call: Call,
        read: Callable[[bytes], _T],
        *,
        parts: Mapping[str, str] = _NO_PARTS,
        params: Mapping[str, str] | None = None,
        fields: Mapping[str, object] | None = None,
        urgency: Urgency | None = None,
        patience: Patience | None = None,
        within_s: float | None = None,
    ) -> _T:
        """Make the call and return its answer through `read`; a repeatable one is tried again in trouble.

        `parts` fill the path, `params` are the query of a public call, `fields` the payload of a signed one.
        Raises `LockedError` for a call that moves money, which only a person makes (`person_calls`), and
        for a new order, which only `GeminiRest.submit` sends.
        """
        is_cancel = call.money is Money.TRADES and call.is_repeatable
        check_call(self.endpoint.mode, call.money, Asker.ORDER_PATH if is_cancel else Asker.DESK)
        asked = Asked(
            call=call,
            path=call.at(**parts),
            params=params,
            fields=self.with_account(call, fields or {}),
            urgency=urgency,
            within_s=within_s,
        )
        patience = patience or self._patience
        attempt = 0
        while True:
            reply: Reply | None = None
            try:
                reply = await self._once(asked)
                return self.read(call, reply, read, asked.urgency)
            except (VenueError, UnreachableError) as error:
                is_last = attempt + 1 >= patience.attempts or not call.is_repeatable
                if is_last or not errors.is_retryable(error):
                    raise
            wish = reply.retry_after_s if reply is not None else None
            await asyncio.sleep(patience.pause(attempt, self._random, wish))
            attempt += 1

    async def pace(self, call: Call, urgency: Urgency) -> None:
        """Return when one more request of this kind is within the limits."""
        await self._pacer.wait(call.rate, urgency)

    async def send_once(
        self,
        call: Call,
        ready: Callable[[], Awaitable[SignedRequest]],
        urgency: Urgency,
        *,
        asker: Asker,
        rank: int = 0,
    ) -> Reply:
        """Send what `ready` returns when it is its turn, once, whatever happens. Pacing is up to `ready`.

        Raises `LockedError` for a call that is not open to `asker`.
        """
        check_call(self.endpoint.mode, call.money, asker)
        within_s = self._deadlines.trade_s if call.money is not Money.READS else self._deadlines.read_s
        try:
            return await self._private(call, ready, urgency, rank=rank, within_s=within_s)
        except NoReplyError as fault:
            raise errors.of_fault(call, fault) from fault

    async def fetch_once(self, call: Call, path: str, params: Mapping[str, str] | None = None) -> Reply:
        """Fetch a public page once. Pacing is up to whoever asks."""
        try:
            return await self._transport.send(
                call.method, path, flight=Flight(), within_s=self._deadlines.read_s, params=params
            )
        except NoReplyError as fault:
            raise errors.of_fault(call, fault) from fault

    def read(
        self, call: Call, reply: Reply, read: Callable[[bytes], _T], urgency: Urgency | None = None
    ) -> _T:
        """Return the reply's body through `read`, or raise what a reply other than a good one means."""
        if reply.status == 429:
            self._pacer.too_fast(call.rate, self._urgency(call, urgency))
        if reply.status != 200 or errors.envelope(reply.body) is not None:
            hidden = self._credentials.api_key if self._credentials is not None else ""
            raise errors.of_reply(call, reply, hidden)
        try:
            return read(reply.body)
        except UNREADABLE as error:
            raise errors.unreadable(call, reply.status) from error

    def signer(self) -> tuple[Credentials, Nonces]:
        """Return key and nonces. Raises `BadInputError("NO_KEY")` when there are none."""
        if self._credentials is None or self._nonces is None:
            raise BadInputError("NO_KEY", "this needs an API key and none is set up", "Set one up first.")
        return self._credentials, self._nonces

    def with_account(
        self, call: Call, fields: Mapping[str, object], account: str | None = None
    ) -> Mapping[str, object]:
        """Return the fields with the account that a master key acts on; `account` instead of the client's.

        Raises `BadInputError` when a master key has none, and when another key has one.
        """
        wanted = self.account if account is None else account
        check_account(self._credentials, wanted)
        is_for_account = not call.is_master_only and call.name not in _GROUP_CALLS
        if call.auth is Auth.NONE or not is_for_account or self._credentials is None:
            return fields
        if not self._credentials.is_master:
            return fields
        if wanted is None:
            raise BadInputError(
                "NO_ACCOUNT",
                f"a master key must say on which account {call.name} acts",
                "Give the account's short name; the list of accounts has it.",
            )
        return {**fields, "account": wanted}

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()

    async def _once(self, asked: Asked) -> Reply:
        call = asked.call
        if call.auth is Auth.NONE:
            await self.pace(call, Urgency.READ)
            return await self.fetch_once(call, asked.path, asked.params)
        credentials, nonces = self.signer()
        urgency = self._urgency(call, asked.urgency)
        await self.pace(call, urgency)

        async def ready() -> SignedRequest:
            nonce = nonces.next()
            nonces.depart(nonce)
            return sign(credentials, asked.path, nonce, asked.fields)

        is_trade = call.money is Money.TRADES
        within_s = asked.within_s or (self._deadlines.trade_s if is_trade else self._deadlines.read_s)
        try:
            return await self._private(call, ready, urgency, within_s=within_s)
        except NoReplyError as fault:
            raise errors.of_fault(call, fault) from fault

    async def _private(
        self,
        call: Call,
        ready: Callable[[], Awaitable[SignedRequest]],
        urgency: Urgency,
        *,
        within_s: float,
        rank: int = 0,
    ) -> Reply:
        flight = Flight()
        async with self.signer()[1].turnstile.turn(urgency, rank):
            request = await ready()
            left = self._clock.monotonic()
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
            reply = await leaving
        finally:
            leaving.cancel()
        self._note_alive(reply, left)
        return reply

    def _note_alive(self, reply: Reply, left: float) -> None:
        # A refusal proves it only in the venue's own words: a gateway's page came from before the venue.
        said = errors.envelope(reply.body)
        knows_us = reply.status == 200 if said is None else said[0] not in KEY_REFUSED | {""}
        if knows_us and reply.status < 500 and reply.status != 429:
            self._last_heard = left if self._last_heard is None else max(self._last_heard, left)

    @staticmethod
    def _urgency(call: Call, wanted: Urgency | None) -> Urgency:
        if wanted is not None:
            return wanted
        return Urgency.CANCEL if call.money is Money.TRADES else Urgency.READ


def check_account(credentials: Credentials | None, account: str | None) -> None:
    """Raise `BadInputError` for an account given beside a key that acts on one account anyway."""
    if account is not None and (credentials is None or not credentials.is_master):
        raise BadInputError(
            "ACCOUNT_NOT_TAKEN",
            "only a master key chooses an account; this key acts on its own",
            "Leave the account out.",
        )
