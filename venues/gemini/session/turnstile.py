"""Whose turn it is: private requests of one key leave one at a time, the most urgent first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from heapq import heappop, heappush


class Urgency(IntEnum):
    """Who goes first when several private requests wait. A signed order already has its nonce."""

    ORDER = 0
    CANCEL = 1
    READ = 2


class Turnstile:
    """One at a time; the most urgent waiter goes next, and among equals the one with the lowest rank."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, int, asyncio.Future[None]]] = []
        self._is_taken = False
        self._arrivals = 0

    @asynccontextmanager
    async def turn(self, urgency: Urgency, rank: int = 0) -> AsyncIterator[None]:
        """Hold the turn for the length of the block."""
        if self._is_taken:
            ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._arrivals += 1
            heappush(self._waiting, (urgency, rank, self._arrivals, ticket))
            try:
                await ticket
            except asyncio.CancelledError:
                if ticket.done() and not ticket.cancelled():  # called up and cancelled at once
                    self._next()
                raise
        self._is_taken = True
        try:
            yield
        finally:
            self._next()

    def _next(self) -> None:
        while self._waiting:
            ticket = heappop(self._waiting)[3]
            if not ticket.done():
                ticket.set_result(None)
                return
        self._is_taken = False
