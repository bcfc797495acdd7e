"""The desk put together: the one place where clock, chance, files, keys and sockets come in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from desk.account import Account
from desk.adoption import Adoption
from desk.drafts import Drafting
from desk.events import EventHub
from desk.explaining import Explaining
from desk.ledger import Ledger
from desk.lights import Lights
from desk.limit_file import LimitFile
from desk.market import Market
from desk.portfolio import Portfolio
from desk.proposals import Proposals
from desk.proposing import Proposing
from desk.reconciliation import Reconciliation
from desk.sending import Sending
from desk.service import Desk, Parts
from desk.settings import Settings
from desk.settlement import Settlement
from desk.snapshots import Health, MessageCount, Snapshots
from desk.stopping import Stopping
from desk.store import Store, connect
from desk.wire import Wire
from domain.clock import Clock
from domain.errors import BadInputError, UnreachableError
from domain.ids import IdSource
from guardrails import redactor, sandbox_lock
from guardrails.sandbox_lock import Endpoint, PaperAddress
from guardrails.snapshot import Mode
from memory import chain
from memory import journal as journals
from memory.journal import Journal
from memory.journal_files import JournalFiles
from venues.gemini.client import Credentials, GeminiRest
from venues.gemini.nonce import NonceSource

ACCOUNT_NAME = "primary"
_SOURCES = {
    Mode.PAPER: "the embedded exchange's market data socket",
    Mode.SANDBOX: "the Gemini sandbox's market data socket",
}


@dataclass(frozen=True, slots=True, repr=False)
class Venue:
    """Where orders go and with which key; `endpoint` came from the sandbox lock.

    `secret` is here only so that every sink can be told what must never be written.
    """

    endpoint: Endpoint
    credentials: Credentials
    secret: str
    world: Callable[[], str]


def paper_venue(home: Path) -> Venue:
    """Return the embedded exchange that runs on `home`.

    Raises `UnreachableError` when it does not run, `LockedError` when its address is not loopback.
    """
    try:
        where = json.loads((home / "run" / "exchange.json").read_text(encoding="utf-8"))
        keys = json.loads((home / "state" / "paper-account.json").read_text(encoding="utf-8"))
        url = urlsplit(where["url"])
        address = PaperAddress(host=url.hostname or "", port=url.port or 0)
        credentials = Credentials(keys["api_key"], keys["api_secret"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreachableError(
            "EXCHANGE_UNREACHABLE",
            "the paper exchange does not run",
            "Start it: matrix up, or matrix exchange.",
        ) from error
    return Venue(
        sandbox_lock.endpoint(Mode.PAPER, address), credentials, keys["api_secret"], lambda: _world(home)
    )


def _world(home: Path) -> str:
    """Return what the exchange says of its market: live makers, or a replay and whether it has ended."""
    try:
        return str(json.loads((home / "run" / "world.json").read_text(encoding="utf-8"))["text"])
    except (OSError, ValueError, KeyError):
        return "market source unknown"


def venue_of(home: Path, mode: Mode) -> Venue:
    """Return the venue of `mode`; the lock refuses live, and the sandbox needs a key first."""
    if mode is Mode.PAPER:
        return paper_venue(home)
    sandbox_lock.endpoint(mode)
    raise BadInputError(
        "NO_KEY",
        "no key for Gemini's sandbox is set up",
        'Use mode = "paper" in matrix.toml: play money, nothing to set up.',
    )


@dataclass(frozen=True, slots=True)
class Assembly:
    """The desk and what its process drives."""

    desk: Desk
    wire: Wire
    endpoint: Endpoint
    journal_key: Ed25519PrivateKey


def assemble(
    home: Path, settings: Settings, venue: Venue, *, clock: Clock, random: Random, secrets: list[str]
) -> Assembly:
    """Build every part on `home`. Raises `BadInputError` for files that can't be used."""
    known = [venue.secret, *secrets]

    def redact(text: str) -> str:
        return redactor.redact(text, known)

    ids = IdSource(clock, random)
    database = home / "state" / "desk.sqlite"
    connection = connect(database)
    journals.create(connection)
    journal_key = chain.load_key(home / "state" / "journal-key")
    store = Store(
        database,
        connection,
        Journal(connection, clock=clock, ids=ids, redact=redact),
        JournalFiles(home / "journal"),
        mode=settings.mode,
        venue=venue.endpoint.venue,
        redact=redact,
    )
    nonces = NonceSource(home / "state" / f"nonce-{settings.mode.value}", clock)
    wire = Wire(GeminiRest(venue.endpoint, venue.credentials, nonces, clock), venue.credentials, nonces)
    parts = _parts(home, settings, store, wire, clock=clock, ids=ids, world=venue.world, key=journal_key)
    return Assembly(Desk(parts), wire, venue.endpoint, journal_key)


def _parts(
    home: Path,
    settings: Settings,
    store: Store,
    wire: Wire,
    *,
    clock: Clock,
    ids: IdSource,
    world: Callable[[], str],
    key: Ed25519PrivateKey,
) -> Parts:
    limit_file = LimitFile(home, store, clock)
    ledger = Ledger(store, clock)
    market, health = Market(wire.rest, clock, _SOURCES[settings.mode]), Health(store, clock)
    account = Account(wire.rest, clock, on_answer=health.rebase_clock)
    health.venue_skew_s = lambda: wire.rest.clock_skew_s
    portfolio = Portfolio(
        store=store,
        ledger=ledger,
        market=market,
        account=account,
        clock=clock,
        limits=lambda: limit_file.limits,
    )
    drafting, proposals = Drafting(market, account, ids), Proposals(store, clock, ids)
    messages, order_count = MessageCount(clock), MessageCount(clock)
    snapshots = Snapshots(
        store=store,
        ledger=ledger,
        market=market,
        account=account,
        portfolio=portfolio,
        messages=messages,
        orders=order_count,
        health=health,
        account_name=ACCOUNT_NAME,
    )
    settlement = Settlement(store, ledger, market)
    adoption = Adoption(
        wire=wire,
        store=store,
        ledger=ledger,
        market=market,
        account=account,
        settlement=settlement,
        clock=clock,
    )
    stopping = Stopping(
        store=store,
        ledger=ledger,
        market=market,
        account=account,
        settlement=settlement,
        drafting=drafting,
        proposals=proposals,
        health=health,
        limit_file=limit_file,
        clock=clock,
    )
    sending = Sending(
        wire=wire,
        store=store,
        ledger=ledger,
        account=account,
        drafting=drafting,
        snapshots=snapshots,
        settlement=settlement,
        messages=messages,
        health=health,
        clock=clock,
        limits=lambda: limit_file.limits,
        kill_state=stopping.state,
        orders=order_count,
        adoption=adoption,
    )
    proposing = Proposing(
        store=store,
        market=market,
        drafting=drafting,
        snapshots=snapshots,
        proposals=proposals,
        limit_file=limit_file,
        clock=clock,
        account_name=ACCOUNT_NAME,
        kill_state=stopping.state,
    )
    stopping.connect(sending, proposing)
    reconciliation = Reconciliation(
        wire=wire,
        store=store,
        ledger=ledger,
        market=market,
        account=account,
        sending=sending,
        settlement=settlement,
        health=health,
        adoption=adoption,
        clock=clock,
    )
    lights = Lights(
        store=store,
        account=account,
        reconciliation=reconciliation,
        health=health,
        kill_state=stopping.state,
    )
    return Parts(
        settings=settings,
        store=store,
        ledger=ledger,
        market=market,
        account=account,
        portfolio=portfolio,
        drafting=drafting,
        proposals=proposals,
        proposing=proposing,
        settlement=settlement,
        sending=sending,
        stopping=stopping,
        reconciliation=reconciliation,
        explaining=Explaining(store, ledger, clock, settings.timezone),
        limit_file=limit_file,
        lights=lights,
        health=health,
        hub=EventHub(),
        clock=clock,
        account_name=ACCOUNT_NAME,
        journal_key=key.public_key(),
        mode_line=lambda: f"{settings.mode.value.upper()} · {world()}",
    )
