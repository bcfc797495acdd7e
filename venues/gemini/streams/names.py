"""The names of the new WebSocket API's streams that we read, and the only requests that we send there.

Orders are never placed over a socket: this list has no request that could.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from domain.errors import BadInputError
from venues.gemini.signing import Credentials

ORDERS_ACCOUNT: Final = "orders@account"
ORDERS_SESSION: Final = "orders@session"
BALANCES: Final = "balances@account"
_PRIVATE: Final = frozenset({ORDERS_ACCOUNT, ORDERS_SESSION, BALANCES, f"{BALANCES}@1s"})
_PUBLIC: Final = re.compile(r"([a-z0-9]{4,20})@(bookTicker|trade|depth(?:5|10|20)?(?:@100ms)?)", re.ASCII)
_encode = msgspec.json.Encoder().encode


class Kind(StrEnum):
    """What a stream tells of."""

    TOP = "bookTicker"
    TRADES = "trade"
    CHANGES = "changes"  # of a book, to be followed without a gap
    LEVELS = "levels"  # the best ones, sent whole
    ORDERS = "orders"
    BALANCES = "balances"


class Method(StrEnum):
    """What may be asked on the socket: all of it only reads."""

    PING = "ping"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


def request(method: Method, number: int, names: Sequence[str] = ()) -> str:
    """Return the text of a request."""
    asked: dict[str, object] = {"id": str(number), "method": Method(method).value}
    if names:
        asked["params"] = list(names)
    return _encode(asked).decode()


def check(names: Sequence[str]) -> None:
    """Raise `BadInputError` unless each is a stream that we read, and no two tell of the same thing."""
    for name in names:
        if name not in _PRIVATE and not _PUBLIC.fullmatch(name):
            raise BadInputError(
                "BAD_STREAM",
                f"{name!r:.60} is not a stream that is read here",
                "Write it like btcusd@depth, btcusd@bookTicker, btcusd@trade or orders@account.",
            )
    if len({subject(name) for name in names}) != len(names):
        raise BadInputError(
            "BAD_STREAM", "two streams tell of the same thing", "Name one stream of a kind for each symbol."
        )


def subject(name: str) -> tuple[str, Kind]:
    """Return what a stream tells of: its symbol, "" for the account, and the kind."""
    symbol, _, rest = name.partition("@")
    if name in _PRIVATE:
        return "", Kind(symbol)
    if rest.startswith("depth"):
        return symbol, Kind.CHANGES if rest in {"depth", "depth@100ms"} else Kind.LEVELS
    return symbol, Kind(rest)


def check_key(credentials: Credentials) -> None:
    """Raise `BadInputError` for a group's key: this API takes only an account's."""
    if credentials.is_master:
        raise BadInputError(
            "MASTER_KEY",
            "the exchange's streams do not take a key of a group of accounts",
            "Use an account's key that was made with time-based nonces.",
        )
