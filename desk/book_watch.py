"""Every live book is held against a REST snapshot in turn; one that differs is dropped and asked for anew."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Final

from desk.market import Market
from desk.store import Store
from domain.errors import MatrixError
from domain.money import to_wire
from venues.gemini.book_check import BookCheck, check_book
from venues.gemini.client import GeminiRest

log = logging.getLogger("matrix.desk")
EVERY_S: Final = 15.0
"""One book at a time: forty books are through in ten minutes, at four public calls a minute."""


class BookWatch:
    """Checks one book after the other. `run` until cancelled."""

    def __init__(self, market: Market, rest: GeminiRest, store: Store) -> None:
        self._market = market
        self._rest = rest
        self._store = store

    async def run(self) -> None:
        """Check the next book every `EVERY_S` seconds."""
        while True:
            for symbol in list(self._market.instruments):
                await asyncio.sleep(EVERY_S)
                try:
                    await self.check(symbol)
                except MatrixError as error:
                    # A venue that does not answer says nothing about the book; its own light tells of it.
                    log.info("the book of %s was not checked: %s", symbol, error.message)

    async def check(self, symbol: str) -> BookCheck:
        """Hold the book of `symbol` against REST; on a difference drop it and write that down.

        Raises what the REST read raises.
        """
        found = await check_book(partial(self._market.view, symbol), partial(self._rest.book, symbol))
        if found.was_synced and found.differences:
            shown = "; ".join(
                f"{each.side} {to_wire(each.price)}: here {to_wire(each.live)}, there {to_wire(each.rest)}"
                for each in found.differences[:5]
            )
            self._store.record(
                "market.book_differs",
                symbol=symbol,
                decision_text="The live book is not the exchange's; it is dropped and asked for anew.",
                error_text=shown,
                result={"differences": len(found.differences), "tries": found.tries},
            )
            self._market.distrust(symbol, f"the book of {symbol} differs from the exchange's")
        return found
