"""One request as a handler sees it, and how its parameters are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from venues.paper.exchange import Exchange
from venues.paper.matching.engine import Market
from venues.paper.matching.ledger import Account
from venues.paper.matching.listings import is_symbol
from venues.paper.matching.refusals import RefusedError, invalid_parameter
from venues.paper.state.keys import ApiKey

_WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII)
_SECONDS_BELOW = 100_000_000_000
_LATEST_MS = 253_402_300_799_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`path` are the template's parts, `query` the last value of each name, `payload` the signed JSON.

    `signer` is the key of a private call and `account` the account it acts on; a call about a whole group has
    none.
    """

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, Any] = field(default_factory=dict)
    account: Account | None = None
    signer: ApiKey | None = None

    @property
    def key(self) -> ApiKey:
        """Return the key of a private call."""
        if self.signer is None:
            raise RefusedError("MissingApikeyHeader", "Must provide 'X-GEMINI-APIKEY' header", 401)
        return self.signer

    @property
    def owner(self) -> Account:
        """Return the account of a signed call."""
        if self.account is None:
            raise RefusedError("MissingAccounts", f"API key {self.key.api_key} needs the account parameter")
        return self.account


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswer:
    """What a handler returns to answer a file instead of JSON; `name` is what it is to be saved as."""

    media_type: str
    name: str
    content: bytes


def whole(value: object) -> int | None:
    """Read a whole number of at most 19 ASCII digits, from a JSON number or text; None for anything else."""
    if isinstance(value, bool):
        return None
    text = str(value) if isinstance(value, (int, str)) else ""
    return int(text) if _WHOLE.fullmatch(text) else None


def limited(values: Mapping[str, Any], name: str, default: int, highest: int) -> int:
    """Read a count between 1 and `highest`."""
    given = values.get(name)
    if given is None:
        return default
    number = whole(given)
    if number is None or not 1 <= number <= highest:
        raise invalid_parameter(f"{name} must be a whole number from 1 to {highest}")
    return number


def since_ms(values: Mapping[str, Any], *names: str) -> int | None:
    """Read a time in seconds or milliseconds (below 10^11 means seconds), None when no name is given."""
    given = next((values[name] for name in names if values.get(name) is not None), None)
    if given is None:
        return None
    number = int(given) if isinstance(given, Decimal) and 0 <= given < _LATEST_MS else whole(given)
    if number is None or number > _LATEST_MS:
        raise RefusedError(
            "InvalidTimestampInPayload",
            f"Received invalid timestamp {str(given)[:40]!r}. Timestamp must be seconds or milliseconds.",
        )
    return number * 1000 if number < _SECONDS_BELOW else number


def market_or_bad_request(exchange: Exchange, symbol: str) -> Market:
    """Return the market of a symbol in a public path, in the words most public endpoints use."""
    found = exchange.engine.markets.get(symbol.lower()) if is_symbol(symbol) else None
    if found is None:
        known = ", ".join(exchange.engine.markets)
        raise RefusedError(
            "Bad Request",
            f"Supplied value '{symbol[:40]}' is not a valid symbol.  Please correct your API request to use "
            f"one of the supported symbols: [{known}]",
        )
    return found


def market_or_invalid(exchange: Exchange, symbol: object) -> Market:
    """Return the market of a symbol, or `InvalidSymbol`."""
    found = exchange.engine.markets.get(str(symbol).lower()) if is_symbol(symbol) else None
    if found is None:
        raise RefusedError("InvalidSymbol", f"Received unsupported symbol '{str(symbol)[:40]}'")
    return found
