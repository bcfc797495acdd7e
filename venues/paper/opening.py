"""Putting an exchange together: accounts, durable state, markets, world."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

from domain.clock import Clock
from domain.errors import BadInputError
from domain.money import CONTEXT
from loopback.files import private_dir, write_private
from venues.paper.access import oauth
from venues.paper.exchange import SEED, Exchange, Ids
from venues.paper.market_opening import open_recorded_markets, open_seeded_markets
from venues.paper.matching.engine import Engine
from venues.paper.matching.ledger import Account, Funds, Role
from venues.paper.services.opening import open_services
from venues.paper.sockets.parting import cancel_left_behind
from venues.paper.state.keys import ApiKey, NonceMode
from venues.paper.state.market_store import WorldState
from venues.paper.state.store import Store
from venues.paper.world.drift import Dice
from venues.paper.world.timeline import Timeline

LOG = logging.getLogger(__name__)
DESK = "desk"
STRANGER = "stranger"
AUDITOR = "auditor"
TIME_NONCE = "time"
HEARTBEAT = "heartbeat"
FUND_MANAGER = "funds"
MASTER = "master"
MARGIN = "margin"
KEY_LABELS = (DESK, STRANGER, AUDITOR, TIME_NONCE, HEARTBEAT, FUND_MANAGER, MASTER, MARGIN)
"""The keys every exchange has.

Those of desk and margin act on accounts of their own, master on the stranger's group, all others on the
stranger's account.
"""

IDS_PER_MS = 10_000
_OPENINGS = "openings"
"""The fact that counts how often the state was opened."""

_FIRST_FUNDS = {
    DESK: {"USD": Decimal(10_000)},
    STRANGER: {"USD": Decimal(10_000), "BTC": Decimal(1), "ETH": Decimal(10)},
    MARGIN: {"USD": Decimal(10_000), "GUSD": Decimal(10_000), "BTC": Decimal(1)},
}
_KEY_HABITS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        AUDITOR: {"roles": frozenset({Role.AUDITOR})},
        TIME_NONCE: {"nonce_mode": NonceMode.TIME},
        HEARTBEAT: {"requires_heartbeat": True},
        FUND_MANAGER: {"roles": frozenset({Role.FUND_MANAGER})},
        MASTER: {"roles": frozenset({Role.ADMINISTRATOR, Role.FUND_MANAGER, Role.TRADER})},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A play-money key pair, as written into the home's files."""

    api_key: str
    api_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How an exchange is to be opened. `seed` None draws one; `state` None means the home's own file."""

    home: Path
    clock: Clock
    seed: int | None
    speed: Decimal
    replay: Path | None = None
    state: Path | None = None


def open_exchange(opening: Opening) -> Exchange:
    """Return an exchange with its state read back, its accounts funded and its markets quoted.

    Raises `BadInputError` for an unusable home, state or recording.
    """
    private_dir(opening.home)
    state_dir = private_dir(opening.home / "state")
    seed = secrets.randbits(32) if opening.seed is None else opening.seed
    dice = Dice(Random(seed))  # noqa: S311 - a made-up market must be repeatable, not unguessable
    store = Store(opening.state or state_dir / "exchange.sqlite")
    with localcontext(CONTEXT):
        timeline = Timeline(opening.clock, opening.speed, int(store.markets.fact("now_ms") or 0))
        ids = Ids(max(int(store.markets.fact("ids") or 0), timeline.now_ms() * IDS_PER_MS))
        number = int(store.markets.fact(_OPENINGS) or 0) + 1
        _write_opening(store, number, ids, seed)
        engine = Engine(next_id=ids.take, now_ms=timeline.now_ms)
        # An exchange that opens again must not draw anew what it drew before, such as the ids of transfers;
        # time alone does not see to that, as virtual time may stand where it stood.
        chance = Random(f"{seed} {timeline.now_ms()} {number}")  # noqa: S311 - repeatable in virtual time
        exchange = Exchange(engine=engine, store=store, timeline=timeline, ids=ids, chance=chance)
        _open_accounts(exchange, state_dir)
        if opening.replay is None:
            open_seeded_markets(exchange, dice, Dice(Random(f"{seed} quiet")))  # noqa: S311 - as above
        else:
            open_recorded_markets(exchange, dice, opening.replay)
    _restore_orders(exchange)
    with exchange.operation():
        cancel_left_behind(exchange)
        open_services(exchange, wallet=exchange.accounts[STRANGER], margin=exchange.accounts[MARGIN])
    exchange.save()
    exchange.step()
    LOG.info("seed %d: %s", seed, "" if exchange.world is None else exchange.world.line)
    return exchange


def _write_opening(store: Store, number: int, ids: Ids, seed: int) -> None:
    """Write down what must be on disk before anything is drawn or numbered."""
    facts = {_OPENINGS: str(number), "ids": str(ids.ceiling)}
    if store.markets.fact(SEED) is None:
        facts[SEED] = str(seed)
    with store.transaction():
        store.markets.write(WorldState(facts=facts))


def credentials_of(exchange: Exchange, label: str) -> Credentials:
    """Return one of the keys in `KEY_LABELS`."""
    key = next(each for each in exchange.keys.values() if each.label == label)
    return Credentials(api_key=key.api_key, api_secret=key.secret)


def _open_accounts(exchange: Exchange, state_dir: Path) -> None:
    desk_file = state_dir / "paper-account.json"
    with exchange.operation():
        for name, funds in _FIRST_FUNDS.items():
            if name not in exchange.accounts:
                account = Account(name=name, group=name, created_ms=exchange.timeline.now_ms())
                account.funds = {currency: Funds(amount=amount) for currency, amount in funds.items()}
                exchange.keep_account(account)
        oauth.register_apps(exchange.documents, exchange.chance, exchange.secrecy)
        for key in exchange.keys.values():
            exchange.note_message(key)
        known = {key.label for key in exchange.keys.values()}
        for label in KEY_LABELS:
            if label not in known:
                # A desk whose exchange lost its state keeps its key: only its play money is new.
                kept = _read_credentials(desk_file) if label == DESK else None
                exchange.add_key(_new_key(exchange, label, kept))
    desk = credentials_of(exchange, DESK)
    if _read_credentials(desk_file) != desk:
        write_private(desk_file, json.dumps({"api_key": desk.api_key, "api_secret": desk.api_secret}) + "\n")


def _new_key(exchange: Exchange, label: str, kept: Credentials | None) -> ApiKey:
    account = exchange.accounts[label if label in {DESK, MARGIN} else STRANGER]
    # The text of a key stands in answers, so the seed draws it; its secret never does.
    text = f"{'master' if label == MASTER else 'account'}-{exchange.chance.getrandbits(80):020x}"
    key = kept or Credentials(api_key=text, api_secret=secrets.token_urlsafe(24))
    return ApiKey(
        api_key=key.api_key,
        secret=key.api_secret,
        label=label,
        group=account.group,
        account=None if label == MASTER else account,
        **_KEY_HABITS.get(label, {}),
    )


def _read_credentials(path: Path) -> Credentials | None:
    try:
        found = json.loads(path.read_text("utf-8"))
        return Credentials(api_key=str(found["api_key"]), api_secret=str(found["api_secret"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(
            "PAPER_ACCOUNT_UNREADABLE",
            f"{path} does not hold the paper account's key: {error}",
            "Remove the file; the exchange writes it anew.",
        ) from error


def _restore_orders(exchange: Exchange) -> None:
    with exchange.operation():
        for account in exchange.accounts.values():
            exchange.refresh_tier(account)
        for order in exchange.store.live_orders(exchange.accounts):
            if order.symbol in exchange.engine.markets:
                exchange.engine.restore(order)
            else:
                exchange.engine.withdraw(order)
