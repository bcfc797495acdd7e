"""The desk's life: bring the venue in, keep everything fresh, and say goodbye properly."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from desk.book_watch import BookWatch
from desk.market import LIVE_CANDLES, choose_symbols
from desk.wiring import Assembly
from domain.errors import MatrixError
from domain.order import OrderEvent
from memory import chain, words
from venues.gemini.market_feed import MarketFeed
from venues.gemini.order_feed import OrderFeed
from venues.gemini.session.heartbeats import Heartbeats

log = logging.getLogger("matrix.desk")
_TICK_S = 0.5
_ACCOUNT_EVERY_S = 5.0
_FEES_EVERY_S = 60.0
_STATUS_EVERY_S = 2.0
_RETRY_S = 1.0
_RECONCILE_EVERY_S = 25.0
"""Below the 30 s within which every order at the venue must be known here."""
_PRUNE_EVERY_S = 3600.0
_EVENTS_MAX_AGE_S = 15.0


class Running:
    """Owns the desk's background tasks; `start` returns at once, `stop` ends them in order."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._desk = assembly.desk
        self._parts = assembly.desk.parts
        self._tasks: list[asyncio.Task[None]] = []
        self._account_known = asyncio.Event()
        self.ready = asyncio.Event()

    async def start(self) -> None:
        """Check the journal, end cards of an earlier start, and begin everything that repeats."""
        store = self._parts.store
        report = chain.verify_since_last_head(store.connection, self._parts.journal_key)
        if not report.ok:
            store.is_journal_ok = False
            log.error("journal verification failed at start: %s", report.detail)
        store.record("desk.start", decision_text=self._parts.mode_line())
        self._desk.expire()
        self._desk.close_open_ends()
        timers = (self._tick, self._follow_account, self._sweep, self._reconcile, self._upkeep)
        for work in (self._connect, *timers):
            self._spawn(work)

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except Exception:
                # A timer that dies would leave the desk half alive: say so and stop trading.
                log.exception("a background task of the desk failed; trading is off until a restart")
                self._parts.store.is_journal_ok = False

        self._tasks.append(asyncio.create_task(guarded(), name=work.__name__))

    async def stop(self) -> None:
        """End all tasks, record the end, sign the journal's head, close the wire."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._assembly.wire.rest.close()
        store = self._parts.store
        store.record("desk.stop")
        with suppress(MatrixError):
            chain.sign_head(store.connection, self._assembly.journal_key, self._parts.clock.now())
        self._assembly.wire.nonces.close()
        store.connection.close()

    # -- tasks

    def _doubt(self) -> None:
        """Stop trading until the books agree again: an event told of an order we do not know."""
        self._parts.health.doubt()

    async def _connect(self) -> None:
        """Read the instruments, then follow market and orders for good."""
        market, health, clock = self._parts.market, self._parts.health, self._parts.clock
        instruments = None
        while instruments is None:
            try:
                instruments = choose_symbols(await self._assembly.wire.rest.instruments())
            except MatrixError as error:
                self._parts.account.last_error = error.message
                await asyncio.sleep(_RETRY_S)
        feed = MarketFeed(
            self._assembly.endpoint, [i.symbol for i in instruments], clock, candles=[LIVE_CANDLES]
        )
        orders = OrderFeed(
            self._assembly.endpoint,
            self._assembly.wire.credentials,
            self._assembly.wire.nonces,
            clock,
            on_event=self._on_event,
            on_connected=self._parts.reconciliation.run,
        )
        market.attach(feed, instruments)
        self._parts.lights.attach(feed, orders)

        def events_ok() -> bool:
            status = orders.status()
            return status.connected and status.age_s is not None and status.age_s < _EVENTS_MAX_AGE_S

        health.order_events_ok = events_ok
        self._parts.settlement.on_stranger = self._doubt
        await self._account_known.wait()
        account = self._parts.account
        if account.fees is None:
            await account.refresh_fees()
        if account.balances is None:  # the venue was not there yet when they were asked for
            await account.refresh()
        self.ready.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(feed.run())
            group.create_task(orders.run())
            group.create_task(market.follow_changes())
            group.create_task(market.follow_mids())
            group.create_task(BookWatch(market, self._assembly.wire.rest, self._parts.store).run())
            if self._assembly.requires_heartbeat:
                heartbeats = Heartbeats(self._assembly.wire.rest, clock)
                self._parts.lights.attach_heartbeats(heartbeats)
                group.create_task(heartbeats.run())

    async def _on_event(self, event: OrderEvent) -> None:
        self._parts.settlement.apply_event(event)

    async def _tick(self) -> None:
        """Publish prices twice a second; expire cards and apply due limits as soon as they are due."""
        while True:
            self._desk.expire()
            self._parts.limit_file.apply_due()
            if self._parts.hub.has_readers:
                self._parts.hub.publish("prices", {"prices": self._parts.market.prices_json()["prices"]})
            await asyncio.sleep(_TICK_S)

    async def _follow_account(self) -> None:
        """Keep balances and the fee tier fresh; a silent venue holds up nothing but this."""
        clock, account = self._parts.clock, self._parts.account
        next_fees = 0.0
        while True:
            await account.refresh()
            if clock.monotonic() >= next_fees or account.fees is None:
                await account.refresh_fees()
                next_fees = clock.monotonic() + _FEES_EVERY_S
            self._account_known.set()
            await asyncio.sleep(_ACCOUNT_EVERY_S)

    async def _sweep(self) -> None:
        """While the desk is stopped, cancel what is still live at the venue."""
        while True:
            await self._parts.stopping.sweep()
            await asyncio.sleep(1.0)

    async def _reconcile(self) -> None:
        """Settle unknown orders, and compare the books: at once when in doubt, else on a timer."""
        clock, parts = self._parts.clock, self._parts
        await self.ready.wait()
        next_check = clock.monotonic() + _RECONCILE_EVERY_S
        while True:
            await parts.reconciliation.settle_unknown()
            if not parts.health.is_reconciled and parts.health.order_events_ok():
                await parts.reconciliation.run()
                next_check = clock.monotonic() + _RECONCILE_EVERY_S
            elif clock.monotonic() >= next_check:
                await parts.reconciliation.check()
                next_check = clock.monotonic() + _RECONCILE_EVERY_S
            await asyncio.sleep(1.0)

    async def _upkeep(self) -> None:
        """Publish the status, index and sign the journal, forget old replies."""
        clock, parts = self._parts.clock, self._parts
        next_status = next_prune = 0.0
        while True:
            now = clock.monotonic()
            if now >= next_status:
                self._status()
                next_status = now + _STATUS_EVERY_S
            if now >= next_prune:
                parts.store.prune_replies(clock.now() - timedelta(days=1))
                next_prune = now + _PRUNE_EVERY_S
            words.index(parts.store.connection)
            if chain.is_head_due(parts.store.connection, clock.now()):
                chain.sign_head(parts.store.connection, self._assembly.journal_key, clock.now())
            await asyncio.sleep(1.0)

    def _status(self) -> None:
        hub = self._parts.hub
        if hub.has_readers:
            hub.publish("status", self._desk.status())
            hub.publish("portfolio", self._parts.portfolio.as_json())
