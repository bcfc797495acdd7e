"""What every open page sees: one picture of the desk, and a fan-out that encodes each change once."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

from domain.clock import Clock, rfc3339

Json = dict[str, Any]

MAX_WAITING = 256
"""Messages a page may lag behind before it is cut off; it reconnects and gets the whole picture."""
KEPT_FILLS = 100
KEPT_ORDERS = 100
KEPT_SETTLED = 20


def encode(topic: str, data: object) -> str:
    """Return one message of the socket: `{"topic", "data"}`."""
    return json.dumps({"topic": topic, "data": data}, separators=(",", ":"), ensure_ascii=False)


class Viewer:
    """One open page; `next_message` returns None once it was cut off."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(MAX_WAITING + 1)
        self._cut = False

    def offer(self, message: str) -> None:
        """Queue a message, or cut the page off when it reads too slowly."""
        if self._cut:
            return
        if self._queue.qsize() >= MAX_WAITING:
            self._cut = True
            self._queue.put_nowait(None)
        else:
            self._queue.put_nowait(message)

    async def next_message(self) -> str | None:
        """Wait for the next message."""
        return await self._queue.get()


class Live:
    """The latest of everything, as the desk told it. All methods are called from one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._viewers: set[Viewer] = set()
        self.desk: Json = {"up": False, "text": "connecting to the desk"}
        self.model: Json = {"name": "Model", "state": "off", "word": "starting", "detail": "still opening"}
        self.status: Json = {}
        self.prices: list[Json] = []
        self.portfolio: Json = {}
        self._orders: dict[str, Json] = {}
        self._fills: dict[str, Json] = {}
        self._proposals: dict[str, Json] = {}

    def join(self) -> Viewer:
        """Add a page; its first message is the whole picture."""
        viewer = Viewer()
        viewer.offer(encode("all", self.picture()))
        self._viewers.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Remove a page."""
        self._viewers.discard(viewer)

    def picture(self) -> Json:
        """Return everything a fresh page needs."""
        return {
            "now": rfc3339(self._clock.now()),
            "desk": self.desk,
            "model": self.model,
            "status": self.status,
            "prices": self.prices,
            "portfolio": self.portfolio,
            "orders": list(self._orders.values()),
            "fills": list(self._fills.values()),
            "proposals": list(self._proposals.values()),
        }

    def publish(self, topic: str, data: object) -> None:
        """Encode once, hand to every page."""
        if not self._viewers:
            return
        message = encode(topic, data)
        for viewer in self._viewers:
            viewer.offer(message)

    def set_desk(self, *, up: bool, text: str) -> None:
        """Say whether the desk answers."""
        if (self.desk["up"], self.desk["text"]) != (up, text):
            self.desk = {"up": up, "text": text}
            self.publish("desk", self.desk)

    def set_model(self, light: Json) -> None:
        """Take the light of the chat's model: a light of the desk's shape, see `app.model_light`."""
        self.model = light
        self.publish("model", light)

    def set_status(self, status: Json) -> None:
        """Take a whole status."""
        self.status = status
        self.publish("status", status)

    def set_kill(self, kill: Json) -> None:
        """Take a change of the kill latch."""
        self.set_status({**self.status, "kill_state": kill["kill_state"], "kill_reason": kill["reason"]})

    def set_prices(self, prices: list[Json]) -> None:
        """Take prices, of all symbols or of those that moved."""
        merged = {price["symbol"]: price for price in self.prices}
        merged.update((price["symbol"], price) for price in prices)
        self.prices = list(merged.values())
        self.publish("prices", prices)

    def set_portfolio(self, portfolio: Json) -> None:
        """Take a whole portfolio."""
        self.portfolio = portfolio
        self.publish("portfolio", portfolio)

    def put_order(self, order: Json) -> bool:
        """Take one order, new or changed; returns whether more of it is filled than was known."""
        key = order["client_order_id"]
        known = self._orders.pop(key, {"filled": "0"})
        self._orders = _newest({key: order}, self._orders, KEPT_ORDERS)
        self.publish("order", order)
        return bool(Decimal(order["filled"] or 0) > Decimal(known["filled"] or 0))

    def put_fills(self, fills: list[Json]) -> None:
        """Take fills, newest first; those known already are not told again."""
        for fill in reversed(fills):
            if fill["record_id"] not in self._fills:
                self._fills = _newest({fill["record_id"]: fill}, self._fills, KEPT_FILLS)
                self.publish("fill", fill)

    def put_proposal(self, proposal: Json) -> None:
        """Take one card, new or changed; the oldest settled ones are forgotten, never a pending one."""
        self._proposals[proposal["id"]] = proposal
        settled = [key for key, item in self._proposals.items() if item["state"] != "pending"]
        for key in settled[:-KEPT_SETTLED]:
            del self._proposals[key]
        self.publish("proposal", proposal)

    def replace(self, *, orders: list[Json], fills: list[Json], proposals: list[Json]) -> None:
        """Take the desk's own lists after a connect (each newest first)."""
        self._orders = {order["client_order_id"]: order for order in orders[:KEPT_ORDERS]}
        self._fills = {fill["record_id"]: fill for fill in fills[:KEPT_FILLS]}
        settled = [item for item in proposals if item["state"] != "pending"][:KEPT_SETTLED]
        kept = [*reversed(settled), *(item for item in proposals if item["state"] == "pending")]
        self._proposals = {item["id"]: item for item in kept}
        self.publish("all", self.picture())


def _newest(first: dict[str, Json], rest: dict[str, Json], limit: int) -> dict[str, Json]:
    """Return `first` before `rest`, cut to `limit`."""
    merged = {**first, **{key: value for key, value in rest.items() if key not in first}}
    return dict(list(merged.items())[:limit])
