"""Clearing orders: what is agreed between two accounts, who has confirmed it, and how it settles.

Our rules: an order may also be confirmed by whoever knows its id when it names no counterparty; one second of
the exchange's time after the last confirmation its settlement is attempted, and then once a second until both
sides have the funds or the order expires; no fee is charged; the broker's own balances never move.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.instrument import Side
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account
from venues.paper.services import funds

DUTY: Final = "clearing"

_KIND: Final = "clearing"
_ATTEMPT_EVERY_MS: Final = 1000
_ID_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class State(StrEnum):
    """Where a clearing order stands."""

    AWAIT_CONFIRM = "AwaitConfirm"
    AWAIT_BOTH = "AwaitSourceTargetConfirm"
    AWAIT_TARGET = "AwaitTargetConfirm"
    AWAIT_SOURCE = "AwaitSourceConfirm"
    CONFIRMED = "Confirmed"
    ATTEMPT_SETTLEMENT = "AttemptSettlement"
    SETTLED = "Settled"
    EXPIRED = "Expired"
    CANCELED = "Canceled"
    NOT_FOUND = "Not Found"


AWAITING: Final = frozenset({State.AWAIT_CONFIRM, State.AWAIT_BOTH, State.AWAIT_TARGET, State.AWAIT_SOURCE})
_CLOSED: Final = frozenset({State.SETTLED, State.EXPIRED, State.CANCELED})


@dataclass(slots=True, kw_only=True)
class ClearingOrder:
    """One order. `side` is the source's; accounts are names, empty where there is none (yet)."""

    clearing_id: str
    symbol: str
    side: str
    price: str
    amount: str
    source: str
    target: str
    broker: str
    status: State
    submission: int
    expiration: int
    updated: int

    @property
    def parties(self) -> tuple[str, str]:
        """Return the names of the source and the target."""
        return self.source, self.target

    def side_of(self, account: Account) -> Side:
        """Return what the order is for one of its parties."""
        side = Side(self.side)
        if account.name == self.source:
            return side
        return Side.SELL if side is Side.BUY else Side.BUY


def new_id(exchange: Exchange) -> str:
    """Return an id of eight characters that no order has."""
    while True:
        found = "".join(exchange.chance.choice(_ID_LETTERS) for _ in range(8))
        if exchange.documents.get(_KIND, found) is None:
            return found


def submit(exchange: Exchange, order: ClearingOrder) -> None:
    """Keep a new order and see to its expiry."""
    keep(exchange, order)
    exchange.agenda.add(order.expiration, DUTY, order.clearing_id)


def keep(exchange: Exchange, order: ClearingOrder) -> None:
    """Write an order down as it stands now."""
    order.updated = exchange.timeline.now_ms()
    exchange.documents.put(_KIND, order.clearing_id, order.source, asdict(order))


def find(exchange: Exchange, clearing_id: str) -> ClearingOrder | None:
    """Return an order by its id."""
    body = exchange.documents.get(_KIND, clearing_id)
    return None if body is None else ClearingOrder(**{**body, "status": State(body["status"])})


def all_orders(exchange: Exchange) -> list[ClearingOrder]:
    """Return every order, oldest first."""
    return [
        ClearingOrder(**{**body, "status": State(body["status"])}) for body in exchange.documents.of(_KIND)
    ]


def confirmed(exchange: Exchange, order: ClearingOrder) -> None:
    """Note that the last party has confirmed; settlement follows."""
    order.status = State.CONFIRMED
    keep(exchange, order)
    exchange.agenda.add(exchange.timeline.now_ms() + _ATTEMPT_EVERY_MS, DUTY, order.clearing_id)


def is_funded(exchange: Exchange, order: ClearingOrder, account: Account) -> bool:
    """Say whether a party has what it is to give."""
    instrument = exchange.instrument(order.symbol)
    amount = Decimal(order.amount)
    if order.side_of(account) is Side.BUY:
        return account.available(instrument.quote) >= amount * Decimal(order.price)
    return account.available(instrument.base) >= amount


def go_on(exchange: Exchange, clearing_id: str) -> None:
    """Do what is due: expire, begin to settle, or settle."""
    order = find(exchange, clearing_id)
    assert order is not None, "a clearing order is kept for good"
    now_ms = exchange.timeline.now_ms()
    if order.status in _CLOSED:
        return
    if now_ms >= order.expiration:
        order.status = State.EXPIRED
    elif order.status is State.CONFIRMED:
        order.status = State.ATTEMPT_SETTLEMENT
    elif order.status is State.ATTEMPT_SETTLEMENT:
        _try_to_settle(exchange, order)
    keep(exchange, order)
    if order.status is State.ATTEMPT_SETTLEMENT:
        exchange.agenda.add(now_ms + _ATTEMPT_EVERY_MS, DUTY, clearing_id)


def _try_to_settle(exchange: Exchange, order: ClearingOrder) -> None:
    parties = [exchange.accounts[name] for name in order.parties]
    if not all(is_funded(exchange, order, party) for party in parties):
        return
    instrument = exchange.instrument(order.symbol)
    amount = Decimal(order.amount)
    worth = amount * Decimal(order.price)
    for party in parties:
        sign = 1 if order.side_of(party) is Side.BUY else -1
        funds.add(exchange, party, instrument.base, sign * amount)
        funds.add(exchange, party, instrument.quote, -sign * worth)
    order.status = State.SETTLED
