"""The exchange as a whole: engine, accounts, durable state, feeds and the world, one operation at a time.

An operation changes memory, is committed to disk, is published to the sockets, and only then is answered.
If the disk fails, the exchange stops answering instead of going on with books that nobody could restore.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, localcontext
from random import Random, SystemRandom

from domain.instrument import Instrument
from domain.money import CONTEXT, ZERO
from venues.gemini.catalogue import Call as Row
from venues.paper.access import oauth
from venues.paper.access.auth import Asked, Caller, verify, verify_upgrade
from venues.paper.access.rate_limits import RateLimits
from venues.paper.access.session_watch import cancel_silent
from venues.paper.faults.armed import Faults
from venues.paper.feeds.hub import Feeds
from venues.paper.matching.engine import ALL, Batch, Engine
from venues.paper.matching.ledger import Account, AccountType, tier_for
from venues.paper.matching.listings import instrument_for
from venues.paper.matching.refusals import RefusedError
from venues.paper.state.agenda import Agenda
from venues.paper.state.documents import Documents
from venues.paper.state.keys import ApiKey, NonceMode
from venues.paper.state.market_keeping import MarketKeeper
from venues.paper.state.store import Store
from venues.paper.world.clockwork import STEP_MS, World
from venues.paper.world.timeline import Timeline

LOG = logging.getLogger(__name__)
DAY_MS = 86_400_000
VOLUME_DAYS = 30
SAVE_EVERY_STEPS = 10
SEED = "seed"
"""The fact that the first opening wrote: what the past, the fixings and the funding are made up from."""

GROUP = "group"
"""The kind of the documents with a group's settings: `trusted_addresses`, `has_custody_terms`."""

MAX_CATCH_UP = 240
"""Steps run in a row after a stall, such as a machine's sleep; what lies before them is let go."""


class Ids:
    """Order, trade and event ids: 17 or 18 digits, rising over restarts.

    A block is claimed on disk before any id of it is used: the opener writes `ceiling` down, later ones are
    claimed while half of the last is left. The next opening begins above it, whatever its clock says.
    """

    BLOCK = 10_000_000

    def __init__(self, first: int) -> None:
        self._next = first
        self.ceiling = first + self.BLOCK

    def take(self) -> int:
        """Return the next id."""
        self._next += 1
        return self._next

    @property
    def needs_block(self) -> bool:
        """Say whether half of the claimed block is gone."""
        return self._next > self.ceiling - self.BLOCK // 2

    def claim(self) -> int:
        """Return the new ceiling to write down."""
        self.ceiling = self._next + self.BLOCK
        return self.ceiling


class Exchange:
    """Everything behind the wire. Not for threads: one event loop calls it.

    `accounts` are the customers' by name, `keys` by their text. `chance` draws what stands in answers, such
    as the ids of transfers; `secrecy` draws tokens: from the system, in virtual time from the seed as well.
    `duties` are what the agenda may ask for, by name. `allows_crypto_transfers` False refuses crypto in and
    out with `EndpointUnavailableInThisEnvironment`, as the venue's sandbox does.
    """

    def __init__(self, *, engine: Engine, store: Store, timeline: Timeline, ids: Ids, chance: Random) -> None:
        self.engine = engine
        self.store = store
        self.timeline = timeline
        self.seed = store.markets.fact(SEED) or ""
        self.keeper = MarketKeeper(store.markets)
        self.feeds = Feeds(engine, timeline)
        self.faults = Faults(timeline.now_ms)
        self.limits = RateLimits(timeline.now_ms, speed=timeline.speed, is_on=not timeline.is_virtual)
        self.accounts: dict[str, Account] = store.accounts()
        self.keys: dict[str, ApiKey] = store.keys(self.accounts)
        self.documents = Documents(store.documents())
        self.agenda = Agenda(self.documents)
        self.duties: dict[str, Callable[[Exchange, str], None]] = {}
        self.allows_crypto_transfers = True
        self.chance = chance
        self.secrecy = chance if timeline.is_virtual else SystemRandom()
        self.world: World | None = None
        self.fault: str | None = None
        self.on_fault: Callable[[], None] = _nothing
        self.on_line: Callable[[str], None] = _nobody
        self._told: tuple[Callable[[str], None], str] = (_nobody, "")
        self._ids = ids
        self._nonces: dict[str, ApiKey] = {}
        self._accounts_due: dict[str, Account] = {}
        self._keys_due: dict[str, ApiKey] = {}
        self._steps_run = 0
        self._started_ms = timeline.now_ms()

    def instrument(self, symbol: str) -> Instrument:
        """Return the instrument of a symbol that is listed now or was once."""
        market = self.engine.markets.get(symbol)
        return instrument_for(symbol) if market is None else market.instrument

    # Operations

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Run one atomic change: store it, then publish it. A refusal inside still stores a used nonce.

        A fault of our own ends the exchange when it came after the first change, as nobody knows what else
        belonged to it; before that it is one failed request.
        """
        if self.fault is not None:
            raise RefusedError("Maintenance", "The exchange stopped: its state cannot be written", 503)
        with localcontext(CONTEXT):
            try:
                yield
            except RefusedError:
                self._finish()
                raise
            except Exception:
                if self._has_changes:
                    self.give_up("an operation failed half-way")
                else:
                    self._finish()
                raise
            except BaseException:
                self.give_up("an operation was broken off")
                raise
            self._finish()

    @property
    def _has_changes(self) -> bool:
        batch = self.engine.batch
        return bool(
            batch.needs_storing
            or batch.notices
            or batch.prints
            or self._accounts_due
            or self._keys_due
            or self.documents.pending
        )

    def _finish(self) -> None:
        batch = self.engine.take_batch()
        self.keeper.note(batch)
        if batch.needs_storing or self._nonces or self._keys_due or self.documents.pending:
            try:
                with self.store.transaction():
                    self._write(batch)
            except sqlite3.Error as error:
                self.give_up(f"its state cannot be written: {error}")
                raise RefusedError("System", "The exchange could not write its state", 500) from error
            self._nonces.clear()
            self._accounts_due.clear()
            self._keys_due.clear()
            self.documents.settled()
        self.feeds.publish(batch)

    def _write(self, batch: Batch) -> None:
        for account in self._accounts_due.values():
            self.store.write_account(account)
        for key in self._keys_due.values():
            self.store.write_key(key)
        for key in self._nonces.values():
            self.store.write_nonce(key)
        self.store.write_documents(self.documents.pending)
        self.store.write_batch(batch)
        self.keeper.flush()

    def give_up(self, why: str) -> None:
        """Answer nothing from now on, because nobody could vouch for it, and tell the process to end."""
        LOG.critical("the exchange stops: %s", why)
        self.fault = why
        self.on_fault()

    def authenticate(
        self, headers: Mapping[str, str], path: str, row: Row, *, query: str = "", peer: str = ""
    ) -> Caller:
        """Verify a signed request for `row` inside an operation.

        `headers` have lower-case names, `path` is without its query, `peer` the address it came from.
        """
        asked = Asked(headers=headers, path=path, query=query, peer=peer)
        caller = verify(self, asked, row, self.faults.nonce_ms())
        self._welcome(caller)
        return caller

    def authenticate_upgrade(self, headers: Mapping[str, str], peer: str = "") -> Caller | None:
        """Verify who opens a socket of the new WebSocket API; None for somebody who does not say."""
        caller = verify_upgrade(self, headers, peer, self.faults.nonce_ms())
        if caller is not None:
            self._welcome(caller)
        return caller

    def _welcome(self, caller: Caller) -> None:
        key = caller.key
        self.note_message(key)
        if key.scopes is None and key.nonce_mode is NonceMode.INCREMENTAL:
            self._nonces[key.api_key] = key
        if caller.account is not None:
            self.refresh_tier(caller.account)

    def note_message(self, key: ApiKey) -> None:
        """Note that a session spoke; to be called for each authenticated message on a socket as well.

        A socket may stay open over midnight, so the tier of the key's account is looked at here.
        """
        key.last_seen_ms = self.timeline.now_ms()
        if key.account is not None:
            self.refresh_tier(key.account)

    def key_of(self, text: str) -> ApiKey | None:
        """Return the key with this text."""
        return self.keys.get(text)

    def grant_of(self, token: str) -> ApiKey | None:
        """Return what a good access token stands for."""
        return oauth.find_grant(self.documents, self.accounts, token, self.timeline.now_ms())

    def trusted_by(self, group: str) -> tuple[str, ...]:
        """Return the addresses that a group accepts requests from, none when from everywhere."""
        return tuple((self.documents.get(GROUP, group) or {}).get("trusted_addresses", ()))

    def keep_account(self, account: Account) -> None:
        """Open a new account, or store what changed of a known one, with the operation."""
        account.account_id = account.account_id or 1 + max(
            (each.account_id for each in self.accounts.values()), default=0
        )
        self.accounts[account.name] = account
        self._accounts_due[account.name] = account
        self.engine.batch.accounts.add(account)

    def open_account(self, group: str, short_name: str, title: str, kind: AccountType) -> Account:
        """Open an empty account in a group and return it."""
        number = 1 + max((each.account_id for each in self.accounts.values()), default=0)
        account = Account(
            account_id=number,
            name=f"{group}/{number}",
            group=group,
            short_name=short_name,
            title=title,
            type=kind,
            created_ms=self.timeline.now_ms(),
        )
        self.keep_account(account)
        return account

    def add_key(self, key: ApiKey) -> None:
        """Make a new key known and store it with the operation; its silence is counted from now."""
        self.note_message(key)
        self.keys[key.api_key] = self._keys_due[key.api_key] = key

    def accounts_of(self, group: str) -> list[Account]:
        """Return the accounts of a group, the main one first."""
        return [account for account in self.accounts.values() if account.group == group]

    # Fees

    def refresh_tier(self, account: Account) -> None:
        """Set the tier from the 30 days before the last midnight UTC; it moves at midnight only."""
        today = self.timeline.now_ms() // DAY_MS
        if account.day != today:
            account.tier = tier_for(sum((volume for _, volume in self.daily_volumes(account)), ZERO))
            account.day = today

    def daily_volumes(self, account: Account) -> list[tuple[int, Decimal]]:
        """Return (UTC day since 1970, USD) of the last 30 whole days."""
        midnight = self.timeline.now_ms() // DAY_MS * DAY_MS
        return self.store.daily_volumes(account, midnight - VOLUME_DAYS * DAY_MS, midnight)

    # The world

    def step(self) -> None:
        """Run one step of the world."""
        self.timeline.advance(STEP_MS)
        self._steps_run += 1
        with self.operation():
            self.apply_due_statuses()
            if self.world is not None:
                self.world.step(self.engine)
            now_ms = self.timeline.now_ms()
            cancel_silent(self.engine, self.keys.values(), now_ms)
            while (due := self.agenda.take(now_ms)) is not None:
                self.duties[due.duty](self, due.key)
            for market in self.engine.markets.values():
                market.candles.roll(now_ms, market.last)
        if self._steps_run % SAVE_EVERY_STEPS == 0:
            self.save()
        self.tell_line()

    def apply_due_statuses(self) -> None:
        """Set the trading statuses that a plan of faults asked for by now; inside an operation."""
        for change in self.faults.due_statuses():
            if change.symbol == ALL:
                self.engine.set_trading(change.status)
            else:
                self.engine.set_status(change.symbol, change.status)

    def tell_line(self) -> None:
        """Say where the prices come from to `on_line`, when that is news to it."""
        line = "" if self.world is None else self.world.line
        if (self.on_line, line) != self._told:
            self._told = (self.on_line, line)
            self.on_line(line)

    def run_due_steps(self, limit: int) -> bool:
        """Run at most `limit` of the steps that are due by now; True when more are."""
        due = (self.timeline.now_ms() - self._started_ms) // STEP_MS
        self._steps_run = max(self._steps_run, due - MAX_CATCH_UP)
        for _ in range(min(limit, due - self._steps_run)):
            self.step()
        return self._steps_run < due

    def save(self) -> None:
        """Write last prices, candles and the claim on ids, if there is a world to keep."""
        now_ms = self.timeline.now_ms()
        facts = {"now_ms": str(now_ms)}
        if self._ids.needs_block:
            facts["ids"] = str(self._ids.claim())
        prices: Mapping[str, Decimal] = {} if self.world is None else self.world.fair_prices()
        try:
            with localcontext(CONTEXT), self.store.transaction():
                self.keeper.save(self.engine, prices, facts, now_ms)
        except sqlite3.Error as error:
            self.give_up(f"its state cannot be written: {error}")

    def close(self) -> None:
        """Save what the world needs to go on, and let go of the file."""
        if self.fault is None:
            self.save()
        self.store.close()


def _nobody(_: str) -> None:
    return


def _nothing() -> None:
    return
