"""The real exchange and the real desk for tests: sockets between them, ASGI in front of the desk."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import httpx

from desk.api import build_api
from desk.client import DeskClient, open_http
from desk.person_client import PersonClient
from desk.running import Running
from desk.service import Desk
from desk.settings import load
from desk.wiring import assemble, paper_venue
from domain.clock import SystemClock
from venues.paper.server import RunningExchange, running_exchange

TOKENS = {"read": "read-token", "propose": "propose-token", "person": "person-token"}
DESK_URL = "http://127.0.0.1:1"


@dataclass(slots=True)
class DeskStack:
    """Everything a test may want to hold."""

    home: Path
    exchange: RunningExchange | None
    desk: Desk
    running: Running
    http: httpx.AsyncClient
    client: DeskClient
    person: PersonClient
    app: Any

    async def until_ready(self) -> None:
        await until(lambda: self.desk.parts.health.is_reconciled, "the desk is reconciled")
        await until(
            lambda: all(self.desk.parts.market.previous_mid(s) for s in self.desk.parts.market.instruments),
            "every book is in sync and was sampled",
        )

    async def propose(self, **intent: str) -> dict[str, Any]:
        """Propose as the conversation would."""
        body = {"request_id": f"test/{time.monotonic_ns()}", "intent": {"symbol": "btcusd", **intent}}
        return await self.client.propose("/proposals", body)

    async def buy(self, usd: str = "25", symbol: str = "btcusd") -> dict[str, Any]:
        """Buy for `usd` through a card and its approval; returns the settled proposal."""
        card = await self.propose(symbol=symbol, side="buy", notional_usd=usd, rationale="a test")
        assert card["state"] == "pending", card["verdict"]["codes"]
        done = await self.person.approve(card["id"], card["digest"])
        assert done["outcome"]["state"] == "filled", done["outcome"]
        return done


async def until(holds: Callable[[], Any], what: str, timeout_s: float = 15.0) -> None:
    """Wait for `holds`; fail naming `what`."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain until {what}"
        await asyncio.sleep(0.02)


_OPENED: dict[int, Path] = {}
"""Homes of exchanges that were opened once, by seed."""


async def _give_history(home: Path, seed: int) -> None:
    """Copy the state of an exchange that has its history: a new one takes a third of a second to make it."""
    opened = _OPENED.get(seed)
    if opened is None:
        folder = tempfile.mkdtemp(prefix="opened-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        opened = _OPENED[seed] = Path(folder) / "home"
        async with running_exchange(home=opened, seed=seed, speed=Decimal(1)):
            pass
    (home / "state").mkdir(parents=True, exist_ok=True, mode=0o700)
    for file in (opened / "state").iterdir():
        shutil.copy2(file, home / "state" / file.name)


@asynccontextmanager
async def exchange_on(
    home: Path, *, seed: int = 7, replay: Path | None = None
) -> AsyncIterator[RunningExchange]:
    """The embedded exchange on `home`, in this process, over real sockets."""
    if replay is None and not (home / "state" / "exchange.sqlite").exists():
        await _give_history(home, seed)
    async with running_exchange(home=home, seed=seed, speed=Decimal(1), replay=replay) as exchange:
        yield exchange


@asynccontextmanager
async def desk_on(
    home: Path, exchange: RunningExchange | None, *, seed: int = 11
) -> AsyncIterator[DeskStack]:
    """The whole desk on `home`, its API over ASGI."""
    assembly = assemble(
        home,
        load(home),
        paper_venue(home),
        clock=SystemClock(),
        random=Random(seed),
        secrets=list(TOKENS.values()),
    )
    running = Running(assembly)
    app = build_api(assembly.desk, TOKENS)
    http = open_http(DESK_URL, httpx.ASGITransport(app=app))
    await running.start()
    try:
        yield DeskStack(
            home=home,
            exchange=exchange,
            desk=assembly.desk,
            running=running,
            http=http,
            client=DeskClient(http, read=TOKENS["read"], propose=TOKENS["propose"]),
            person=PersonClient(http, TOKENS["person"]),
            app=app,
        )
    finally:
        await http.aclose()
        await running.stop()
