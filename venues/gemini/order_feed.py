"""The account's order events over `/v1/order/events`, with nothing missed silently.

Every message carries `socket_sequence`; a gap, or silence, ends the session. After each acknowledgement
`on_connected` is awaited first, so that the desk reads over REST what happened while nobody listened; events
that arrive meanwhile wait. The same event can thus be seen twice: appliers go by trade id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from random import Random, SystemRandom
from typing import NoReturn

from websockets.asyncio.client import ClientConnection

from domain.clock import Clock
from domain.order import OrderEvent
from guardrails.sandbox_lock import Endpoint
from venues.gemini.catalogue import TABLE
from venues.gemini.errors import plain
from venues.gemini.feed import RECONNECT, SILENCE_S, FeedCutError, FeedStatus, SocketLoop, open_socket
from venues.gemini.parsing.parse_orders import order_frame
from venues.gemini.session.nonce import Nonces, Urgency
from venues.gemini.session.pacing import Patience
from venues.gemini.signing import Credentials, sign

_HOLD_S = 1.0  # how long the upgrade keeps the next private request waiting


class Continuity:
    """Checks that `socket_sequence` goes up by one with every message.

    The first number of a connection is taken as it comes. Events of one frame may share a number or count
    on; the venue leaves open which.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def check(self, numbers: Iterable[int]) -> None:
        """Take the numbers of one frame in order. Raises `FeedCutError` at a gap or a step back."""
        is_first = True
        for number in numbers:
            last = self._last
            fits = last is None or number == last + 1 or (number == last and not is_first)
            if not fits:
                raise FeedCutError(f"order events jumped from {last} to {number}")
            self._last = number
            is_first = False


class OrderFeed:
    """Listens to the account's orders. `run` until cancelled.

    `on_event` is awaited for each event in order. An error of the venue raised by either callback ends the
    session, so that the next one resyncs; any other error is a fault of ours and ends `run`.
    """

    def __init__(  # noqa: PLR0917 - six different kinds of things, none of which can be swapped unseen
        self,
        endpoint: Endpoint,
        credentials: Credentials,
        nonces: Nonces,
        clock: Clock,
        on_event: Callable[[OrderEvent], Awaitable[None]],
        on_connected: Callable[[], Awaitable[None]],
        *,
        random: Random | None = None,
        silence_s: float = SILENCE_S,
        patience: Patience = RECONNECT,
    ) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._nonces = nonces
        self._on_event = on_event
        self._on_connected = on_connected
        self._loop = SocketLoop(clock, random or SystemRandom(), silence_s=silence_s, patience=patience)
        self._is_synced = False

    async def run(self) -> NoReturn:
        """Connect and listen until cancelled."""
        await self._loop.run(self._open, self._session, self._cut)

    def status(self) -> FeedStatus:
        """Return the feed's health; in sync means that `on_connected` is through on this connection."""
        return self._loop.status(synced=self._is_synced)

    async def _open(self) -> ClientConnection:
        path = TABLE["order_events"].path
        async with self._nonces.turnstile.turn(Urgency.READ):
            nonce = self._nonces.next()
            self._nonces.depart(nonce)
            request = sign(self._credentials, path, nonce, {})
            headers = {k: v for k, v in request.headers.items() if k.startswith("X-GEMINI-")}
            opening = asyncio.create_task(open_socket(self._endpoint, f"{path}?heartbeat=true", headers))
            try:
                await asyncio.wait({opening}, timeout=_HOLD_S)
            except asyncio.CancelledError:
                opening.cancel()
                raise
        try:
            return await opening
        finally:
            opening.cancel()

    async def _session(self, socket: ClientConnection) -> None:
        first = await self._loop.receive(socket, order_frame)
        if first.kind != "ack":
            raise FeedCutError(f"order events began with {plain(first.reason or first.kind)[:40]}")
        await self._on_connected()
        self._is_synced = True
        continuity = Continuity()
        while True:
            frame = await self._loop.receive(socket, order_frame)
            continuity.check(frame.sequences)
            if frame.kind == "heartbeat":
                self._loop.note_heartbeat()
            if frame.kind == "error":
                raise FeedCutError(f"order events ended with {plain(frame.reason)[:40]}")
            for event in frame.events:
                await self._on_event(event)

    def _cut(self) -> None:
        self._is_synced = False
