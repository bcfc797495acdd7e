"""The exchange that is fuzzed, and what a life asks of it before it can say what is true right now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import requests

from domain.clock import ManualClock
from tests.strangers.fuzz_signing import Sender, Signer, usual_sender
from venues.gemini.catalogue import TABLE, Auth, Call
from venues.paper.access import oauth
from venues.paper.faults.fault_file import FaultPlan
from venues.paper.server import RunningExchange, running_exchange

MORNING = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
SEED = 29
BACK = "http://127.0.0.1:9/back"

Chosen = TypeVar("Chosen")


@contextmanager
def exchange_on(home: Path, faults: FaultPlan | None = None) -> Iterator[RunningExchange]:
    """Serve an exchange in virtual time from a thread of its own, as the fuzzer's client blocks."""
    ready: Future[tuple[RunningExchange, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def live() -> None:
        clock = ManualClock(MORNING)
        async with running_exchange(home=home, seed=SEED, clock=clock, faults=faults) as running:
            is_over = asyncio.Event()
            ready.set_result((running, asyncio.get_running_loop(), is_over))
            await is_over.wait()

    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(asyncio.run, live())
        wait([ready, ended], return_when=FIRST_COMPLETED)
        if ended.done():
            ended.result()
        running, loop, is_over = ready.result()
        try:
            yield running
        finally:
            loop.call_soon_threadsafe(is_over.set)
            ended.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What makes a case true right now: who sends it, and parts of its path, its query and its payload."""

    sender: Sender | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)


class World:
    """A running exchange as lives see it. `chance` is drawn anew for each of them."""

    def __init__(self, running: RunningExchange, session: requests.Session) -> None:
        self.running, self.session = running, session
        self.signer = Signer(running)
        self.chance = Random(0)
        self.known: dict[str, Any] = {}
        """What one life leaves for the next."""

    @property
    def now_ms(self) -> int:
        """Return the exchange's time."""
        return self.running.exchange.timeline.now_ms()

    def pass_time(self, ms: int) -> None:
        """Let the exchange's clock run ahead; nothing may be under way."""
        self.running.exchange.timeline.advance(ms)

    def pick(self, *choices: Chosen) -> Chosen:
        """Return one of the choices."""
        return self.chance.choice(choices)

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        return self.chance.randint(low, high)

    def amount(self, step: str, most: int) -> str:
        """Return a positive amount of at most `most` steps, as text."""
        return format(Decimal(step) * self.whole(1, most), "f")

    def word(self, letters: int = 10) -> str:
        """Return a word that nobody has said before."""
        return "".join(self.chance.choices("abcdefghjkmnpqrstuvwxyz", k=letters))

    def uuid(self) -> str:
        """Return a UUID that nobody has used before."""
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def some(self, **fields: Any) -> dict[str, Any]:
        """Return some of the fields: those that a call may be made without."""
        return {name: value for name, value in fields.items() if self.chance.random() < 0.6}

    def symbols(self, ending: str = "") -> Sequence[str]:
        """Return what is listed, or what of it ends so."""
        if "symbols" not in self.known:
            self.known["symbols"] = self.ask("symbols")
        return [symbol for symbol in self.known["symbols"] if symbol.endswith(ending)]

    def best(self, symbol: str, side: str) -> Decimal:
        """Return the best bid or ask."""
        book = self.running.book(symbol)
        found = book.bids.best if side == "bid" else book.asks.best
        assert found is not None, f"nobody quotes {symbol}"
        return found

    def usual_sender(self, row: Call) -> Sender:
        """Return who may make a call."""
        if row.name == "revoke_token":
            return Sender(token=self.token())
        return usual_sender(self.running, row)

    def token(self) -> str:
        """Return an access token that the customer has just granted."""
        app, site = oauth.apps(self.running.exchange.documents)[0], f"{self.running.url}/web/auth"
        wish = {
            "client_id": app.client_id,
            "response_type": "code",
            "redirect_uri": BACK,
            "scope": "account:read,orders:read",
        }
        sent_back = self.session.post(site, data={**wish, "decision": "allow"}, allow_redirects=False)
        form = {
            "client_id": app.client_id,
            "client_secret": app.secret,
            "redirect_uri": BACK,
            "grant_type": "authorization_code",
            "code": sent_back.headers["location"].partition("code=")[2].partition("&")[0],
        }
        return str(self.session.post(f"{site}/token", data=form).json()["access_token"])

    def secrets(self) -> list[str]:
        """Return every text that must not stand in an answer."""
        keys = [key.secret for key in self.running.exchange.keys.values()]
        return [*keys, *(app.secret for app in oauth.apps(self.running.exchange.documents) if app.secret)]

    def ask(
        self, call: str, fields: Mapping[str, Any] | None = None, *, label: str = "", **parts: str
    ) -> Any:
        """Make one call that has to succeed and return what it answers."""
        row = TABLE[call]
        path, headers = row.at(**parts), {}
        if row.auth is Auth.SIGNED:
            self.signer.sender = Sender(label=label) if label else usual_sender(self.running, row)
            headers = self.signer.headers(path, fields or {})
        answer = self.session.request(row.method, self.running.url + path, headers=headers, timeout=20)
        assert answer.status_code == 200, f"{call} as {label or 'usual'}: {answer.text[:400]}"
        return json.loads(answer.text, parse_float=Decimal)
