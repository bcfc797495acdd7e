"""What may keep a socket open: a place among the open ones, and an access token that still stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from venues.paper.access.auth import Caller, verify_upgrade
from venues.paper.exchange import Exchange
from venues.paper.feeds.intervals import Interval
from venues.paper.feeds.mailbox import Mailbox
from venues.paper.matching.refusals import RefusedError

MOST_SOCKETS: Final = 500
"""Sockets that one address may have open at once, far below the files a process may usually open."""

TOKEN_EVERY_MS: Final = 1_000
TOKEN_ENDED: Final = (1008, "the access token has expired or was revoked")


class OpenSockets:
    """The open sockets, counted by address."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    @contextmanager
    def place(self, peer: str) -> Iterator[None]:
        """Hold one place for `peer`. Raises `RefusedError` with `RateLimit` when it has all of its own."""
        held = self._open.get(peer, 0)
        if held >= MOST_SOCKETS:
            raise RefusedError("RateLimit", f"At most {MOST_SOCKETS} sockets may be open at once", 429)
        self._open[peer] = held + 1
        try:
            yield
        finally:
            self._open[peer] -= 1
            if not self._open[peer]:
                del self._open[peer]


def token_check(
    exchange: Exchange, caller: Caller | None, headers: Mapping[str, str], peer: str
) -> Callable[[], bool] | None:
    """Return what says whether the token of `caller`'s upgrade still stands; None when there is no token."""
    if caller is None or caller.key.scopes is None:
        return None

    def stands() -> bool:
        try:
            return verify_upgrade(exchange, headers, peer, exchange.timeline.now_ms()) is not None
        except RefusedError:
            return False

    return stands


def end_with_token(
    exchange: Exchange, stands: Callable[[], bool] | None, mailbox: Mailbox
) -> Interval | None:
    """Close a connection soon after its token has ended."""
    if stands is None:
        return None

    def look() -> None:
        if not mailbox.is_cut and not stands():
            mailbox.cut(TOKEN_ENDED)

    return exchange.feeds.intervals.every(TOKEN_EVERY_MS, look)
