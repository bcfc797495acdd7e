"""The task that follows the desk: keeps `Live` true and tells the conversations what was settled."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from app.desk_link import DeskLink
from app.live import KEPT_FILLS, Json, Live
from desk.client import DeskEvent
from domain.errors import MatrixError

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 2.0
_RECENT_FILLS = 20
LOST = "the desk does not answer; start it with `matrix up`"


class Settling(Protocol):
    """What the conversations hear: neither call waits, and a repeat does nothing."""

    def settle(self, proposal_id: str) -> None:
        """Hear that this proposal changed."""
        ...

    def settle_waiting(self) -> None:
        """Hear that proposals may have changed while nobody listened."""
        ...


class Follower:
    """Reads the desk's events for ever; every lost line is made good by reading all lists again."""

    def __init__(self, link: DeskLink, live: Live, talk: Settling) -> None:
        self._link = link
        self._live = live
        self._talk = talk

    async def run(self) -> None:
        """Follow until cancelled."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                async for event in self._link.events():
                    await self._take(event)
                    pause = FIRST_PAUSE_S
                reason = "the desk closed the connection"
            except MatrixError as error:
                reason = error.message
            except (KeyError, TypeError, ValueError) as error:
                reason = f"an event could not be read: {error!r}"
            log.info("desk lost: %s", reason)
            self._live.set_desk(up=False, text=LOST)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _take(self, event: DeskEvent) -> None:
        live, data = self._live, event.data
        if event.name == "hello":
            await self._read_all(data)
        elif event.name == "status":
            live.set_status(data)
        elif event.name == "kill":
            live.set_kill(data)
        elif event.name == "prices":
            live.set_prices(data["prices"])
        elif event.name == "order":
            await self._take_order(data)
        elif event.name == "fill":
            live.put_fills([data])
        elif event.name == "portfolio":
            live.set_portfolio(data)
        elif event.name == "proposal":
            self.take_proposal(data)

    async def _take_order(self, order: Json) -> None:
        """Show an order; when more of it is filled, show its fills whether or not they were told apart."""
        if self._live.put_order(order):
            fills = await self._link.read("/fills", symbol=order["symbol"], limit=_RECENT_FILLS)
            self._live.put_fills(fills["fills"])

    def take_proposal(self, proposal: Json) -> None:
        """Show a card's new state and wake the conversation that waits for it."""
        self._live.put_proposal(proposal)
        self._talk.settle(proposal["id"])

    async def _read_all(self, status: Json) -> None:
        link, live = self._link, self._live
        prices, portfolio, orders, fills, proposals = await asyncio.gather(
            link.read("/prices"),
            link.read("/portfolio"),
            link.read("/orders", state="all"),
            link.read("/fills", limit=KEPT_FILLS),
            link.read("/proposals", state="all"),
        )
        live.status, live.prices, live.portfolio = status, prices["prices"], portfolio
        live.desk = {"up": True, "text": "connected"}
        live.replace(orders=orders["orders"], fills=fills["fills"], proposals=proposals["proposals"])
        self._talk.settle_waiting()
