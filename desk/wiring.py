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
from venues.gemini.session.nonce import NonceSource
from venues.gemini.session.nonce_file import nonce_path

ACCOUNT_NAME = "primary"
_SOURCES = {
    Mode.PAPER: "the embedded exchange's market data socket",
    Mode.SANDBOX: "the Gemini sandbox's market data socket",
}


@dataclass(frozen=True, slots=True, repr=False)
class Venue:
    """Where orders go and with which key; `endpoint` came from the sandbox lock.

    `secret` is here only so that every sink can be told what must never be written. A key that
    `requires_heartbeat` loses its orders when it falls silent for 30 s.
    """

    endpoint: Endpoint
    credentials: Credentials
    secret: str
    world: Callable[[], str]
    requires_heartbeat: bool = False


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
        sandbox_lock.endpoint(Mode.PAPER, address),
        credentials,
        keys["api_secret"],
        lambda: _world(home),
        requires_heartbeat=keys.get("requires_heartbeat") is True,
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
    requires_heartbeat: bool


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
    nonces = NonceSource(nonce_path(home / "state", venue.credentials.api_key), clock)
    wire = Wire(GeminiRest(venue.endpoint, venue.credentials, nonces, clock), venue.credentials, nonces)
    ground = _ground(home, settings, store, wire, clock=clock, ids=ids)
    parts = _parts(ground, venue.world, journal_key)
    return Assembly(Desk(parts), wire, venue.endpoint, journal_key, venue.requires_heartbeat)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What everything else stands on."""

    settings: Settings
    store: Store
    wire: Wire
    clock: Clock
    ids: IdSource
    limit_file: LimitFile
    ledger: Ledger
    market: Market
    account: Account
    health: Health
    portfolio: Portfolio


def _ground(
    home: Path, settings: Settings, store: Store, wire: Wire, *, clock: Clock, ids: IdSource
) -> _Ground:
    limit_file, ledger = LimitFile(home, store, clock), Ledger(store, clock)
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
    return _Ground(
        settings=settings,
        store=store,
        wire=wire,
        clock=clock,
        ids=ids,
        limit_file=limit_file,
        ledger=ledger,
        market=market,
        account=account,
        health=health,
        portfolio=portfolio,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trading:
    """What makes, sends, settles and stops orders."""

    drafting: Drafting
    proposals: Proposals
    proposing: Proposing
    settlement: Settlement
    sending: Sending
    stopping: Stopping
    adoption: Adoption


def _trading(g: _Ground) -> _Trading:
    drafting, proposals = Drafting(g.market, g.account, g.ids), Proposals(g.store, g.clock, g.ids)
    messages, orders = MessageCount(g.clock), MessageCount(g.clock)
    snapshots = Snapshots(
        store=g.store,
        ledger=g.ledger,
        market=g.market,
        account=g.account,
        portfolio=g.portfolio,
        messages=messages,
        orders=orders,
        health=g.health,
        account_name=ACCOUNT_NAME,
    )
    settlement = Settlement(g.store, g.ledger, g.market)
    adoption = Adoption(
        wire=g.wire,
        store=g.store,
        ledger=g.ledger,
        market=g.market,
        account=g.account,
        settlement=settlement,
        clock=g.clock,
    )
    stopping = Stopping(
        store=g.store,
        ledger=g.ledger,
        market=g.market,
        account=g.account,
        settlement=settlement,
        drafting=drafting,
        proposals=proposals,
        health=g.health,
        limit_file=g.limit_file,
        clock=g.clock,
    )
    sending = _sending(g, drafting, snapshots, settlement, adoption, stopping, messages, orders)
    proposing = Proposing(
        store=g.store,
        market=g.market,
        drafting=drafting,
        snapshots=snapshots,
        proposals=proposals,
        limit_file=g.limit_file,
        clock=g.clock,
        account_name=ACCOUNT_NAME,
        kill_state=stopping.state,
    )
    stopping.connect(sending, proposing)
    return _Trading(
        drafting=drafting,
        proposals=proposals,
        proposing=proposing,
        settlement=settlement,
        sending=sending,
        stopping=stopping,
        adoption=adoption,
    )


def _sending(  # noqa: PLR0917 - eight parts of eight types, none of which can be swapped unseen
    g: _Ground,
    drafting: Drafting,
    snapshots: Snapshots,
    settlement: Settlement,
    adoption: Adoption,
    stopping: Stopping,
    messages: MessageCount,
    orders: MessageCount,
) -> Sending:
    return Sending(
        wire=g.wire,
        store=g.store,
        ledger=g.ledger,
        account=g.account,
        drafting=drafting,
        snapshots=snapshots,
        settlement=settlement,
        messages=messages,
        orders=orders,
        adoption=adoption,
        health=g.health,
        clock=g.clock,
        limits=lambda: g.limit_file.limits,
        kill_state=stopping.state,
    )


def _parts(g: _Ground, world: Callable[[], str], key: Ed25519PrivateKey) -> Parts:
    t = _trading(g)
    reconciliation = Reconciliation(
        wire=g.wire,
        store=g.store,
        ledger=g.ledger,
        market=g.market,
        account=g.account,
        sending=t.sending,
        settlement=t.settlement,
        health=g.health,
        adoption=t.adoption,
        clock=g.clock,
    )
    lights = Lights(
        store=g.store,
        account=g.account,
        reconciliation=reconciliation,
        health=g.health,
        kill_state=t.stopping.state,
    )
    return Parts(
        settings=g.settings,
        store=g.store,
        wire=g.wire,
        ids=g.ids,
        ledger=g.ledger,
        market=g.market,
        account=g.account,
        portfolio=g.portfolio,
        drafting=t.drafting,
        proposals=t.proposals,
        proposing=t.proposing,
        settlement=t.settlement,
        sending=t.sending,
        stopping=t.stopping,
        reconciliation=reconciliation,
        explaining=Explaining(g.store, g.ledger, g.clock, g.settings.timezone),
        limit_file=g.limit_file,
        lights=lights,
        health=g.health,
        hub=EventHub(),
        clock=g.clock,
        account_name=ACCOUNT_NAME,
        journal_key=key.public_key(),
        mode_line=lambda: f"{g.settings.mode.value.upper()} · {world()}",
    )
