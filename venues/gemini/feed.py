"""What the socket feeds share: one held connection at a time, opened again with back-off until cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, NoReturn, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from domain.clock import Clock
from domain.errors import LockedError, UnreachableError, VenueError
from guardrails.sandbox_lock import Endpoint, check_host
from venues.gemini.errors import envelope, plain
from venues.gemini.parsing.reading import UNREADABLE
from venues.gemini.session.pacing import Patience
from venues.gemini.transport import tls

SILENCE_S: Final = 15.0
"""The venue sends a heartbeat every five seconds; three missed ones mean a dead connection."""
HEARTBEAT_S: Final = 5.0
"""How often the v1 and v2 sockets send a heartbeat."""
_LATE_S = 1.0  # a heartbeat this late is not yet missed
RECONNECT: Final = Patience(first_s=0.5, longest_s=30.0)
_STEADY_S = 30.0  # a session that lasted this long starts the back-off anew
_MAX_FRAME = 8 * 1024 * 1024
_MAX_FRAMES = 64

# At debug level the library prints the handshake with its signed headers; this logger never goes there.
_LOG = logging.getLogger("venues.gemini.socket")
_LOG.setLevel(logging.WARNING)

_T = TypeVar("_T")


class FeedCutError(Exception):
    """The session ended and a new one is wanted; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStatus:
    """A feed's health. `age_s` counts from its last frame, None before one; `last_error` is for people.

    `missed_heartbeats` says how many are overdue right now; it is 0 while there is no connection.
    """

    connected: bool
    synced: bool
    age_s: float | None
    reconnects: int
    last_error: str
    missed_heartbeats: int = 0


class _Direct(connect):
    """A connection that follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the redirect as the error it is to us."""
        return exc


async def open_socket(endpoint: Endpoint, path: str, headers: Mapping[str, str]) -> ClientConnection:
    """Open a socket at `path` of the endpoint, without proxy, redirect or compression.

    Raises `LockedError` when the lock does not allow the host, else what the library raises.
    """
    check_host(endpoint, endpoint.host, endpoint.port)
    return await _Direct(
        endpoint.ws_url + path,
        additional_headers=dict(headers),
        user_agent_header="crypto-matrix",
        proxy=None,
        ssl=tls() if endpoint.ws_url.startswith("wss:") else None,
        compression=None,
        open_timeout=10.0,
        close_timeout=2.0,
        max_size=_MAX_FRAME,
        max_queue=_MAX_FRAMES,
        logger=_LOG,
        host=endpoint.host,
        port=endpoint.port,
    )


class SocketLoop:
    """Runs sessions one after the other and knows how the connection is.

    `session` gets an open connection and reads it through `receive` until something is wrong. Every fault
    of the network, of the venue or of its data ends the session, and a new one is opened after a pause; any
    other error is a fault of ours and ends `run`.
    """

    def __init__(self, clock: Clock, random: Random, *, silence_s: float, patience: Patience) -> None:
        self._clock = clock
        self._random = random
        self._silence_s = silence_s
        self._patience = patience
        self._last_frame: float | None = None
        self._last_beat: float | None = None
        self.is_connected = False
        self.reconnects = 0
        self.last_error = ""

    @property
    def age_s(self) -> float | None:
        """Return seconds since the last frame, None before the first."""
        return None if self._last_frame is None else self._clock.monotonic() - self._last_frame

    @property
    def missed_heartbeats(self) -> int:
        """Return how many heartbeats are overdue on this connection."""
        if self._last_beat is None:
            return 0
        return max(0, int((self._clock.monotonic() - self._last_beat - _LATE_S) / HEARTBEAT_S))

    def note_heartbeat(self) -> None:
        """Note that a heartbeat came."""
        self._last_beat = self._clock.monotonic()

    def status(self, *, synced: bool) -> FeedStatus:
        """Return the feed's health; what in sync means is the feed's to say."""
        return FeedStatus(
            connected=self.is_connected,
            synced=synced,
            age_s=self.age_s,
            reconnects=self.reconnects,
            last_error=self.last_error,
            missed_heartbeats=self.missed_heartbeats,
        )

    async def run(
        self,
        opened: Callable[[], Awaitable[ClientConnection]],
        session: Callable[[ClientConnection], Awaitable[None]],
        cut: Callable[[], None],
    ) -> NoReturn:
        """Open, run and open again until cancelled. `cut` is called whenever a connection is gone."""
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            began = loop.time()
            try:
                await self._once(opened, session, cut)
            except _TROUBLE as error:
                self.last_error = plain(str(error))
            attempt = 0 if loop.time() - began > _STEADY_S else attempt + 1
            await asyncio.sleep(self._patience.pause(min(attempt, 16), self._random))
            self.reconnects += 1

    async def receive(self, socket: ClientConnection, read: Callable[[bytes], _T]) -> _T:
        """Return the next frame, through `read`.

        Raises `FeedCutError` when none comes or it makes no sense.
        """
        try:
            return await self.receive_within(socket, read, self._silence_s)
        except TimeoutError as error:
            raise FeedCutError(f"no frame for {self._silence_s:g} seconds") from error

    async def receive_within(
        self, socket: ClientConnection, read: Callable[[bytes], _T], quiet_s: float
    ) -> _T:
        """Return the next frame, through `read`.

        Raises `TimeoutError` when none comes in `quiet_s`, and then nothing is lost; `FeedCutError` when
        the connection is gone or the frame makes no sense.
        """
        try:
            async with asyncio.timeout(quiet_s):
                frame = await socket.recv(decode=False)
        except ConnectionClosed as error:
            raise FeedCutError("the exchange closed the connection") from error
        self._last_frame = self._clock.monotonic()
        try:
            return read(frame)
        except UNREADABLE as error:
            raise FeedCutError("a frame could not be read") from error

    async def send(self, socket: ClientConnection, text: str) -> None:
        """Send a frame. Raises `FeedCutError` when the connection is gone."""
        try:
            await socket.send(text)
        except ConnectionClosed as error:
            raise FeedCutError("the exchange closed the connection") from error

    async def _once(
        self,
        opened: Callable[[], Awaitable[ClientConnection]],
        session: Callable[[ClientConnection], Awaitable[None]],
        cut: Callable[[], None],
    ) -> None:
        try:
            socket = await opened()
        except (OSError, WebSocketException) as error:  # a time-out is an OSError too
            raise FeedCutError(_why_not_open(error)) from error
        except LockedError as error:
            if error.code != "CLOCK_OFF":
                raise
            raise FeedCutError(error.message) from error  # signing goes on once the clock is right
        self.is_connected = True
        self.note_heartbeat()  # from here on they are due
        try:
            await session(socket)
        finally:
            self.is_connected = False
            self._last_beat = None
            cut()
            await socket.close()


_TROUBLE: Final = (FeedCutError, VenueError, UnreachableError)


def _why_not_open(error: Exception) -> str:
    # In our own words: the library's texts can hold what the venue sent.
    if isinstance(error, InvalidStatus):
        said = envelope(bytes(error.response.body or b""))
        reason = f" {plain(said[0])}" if said else ""
        return f"the exchange refused the connection with {error.response.status_code}{reason}"
    if isinstance(error, TimeoutError):
        return "the exchange did not answer in time"
    return "the exchange cannot be reached"
