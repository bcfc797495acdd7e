"""Which accounts may use margin and derivatives, and which markets are derivatives."""

from __future__ import annotations

from typing import Final

from venues.paper.call import market_or_invalid
from venues.paper.exchange import Exchange
from venues.paper.matching.engine import Market
from venues.paper.matching.ledger import Account
from venues.paper.matching.refusals import RefusedError

_KIND: Final = "margin_account"


def enable(exchange: Exchange, account: Account) -> None:
    """Make an account one of that kind."""
    exchange.documents.put(_KIND, account.name, account.name, {})


def margin_account(exchange: Exchange, account: Account) -> Account:
    """Return an account of that kind. Raises `AccountNotOfTypeRequired` for any other."""
    if exchange.documents.get(_KIND, account.name) is None:
        raise RefusedError(
            "AccountNotOfTypeRequired",
            f"Account {account.short_name} is not enabled for margin and derivatives",
        )
    return account


def perpetual(exchange: Exchange, symbol: object) -> Market:
    """Return the market of a perpetual swap. Raises `InvalidSymbol` for anything else."""
    market = market_or_invalid(exchange, symbol)
    if market.instrument.is_spot:
        raise RefusedError("InvalidSymbol", f"{market.symbol.upper()} is not a perpetual swap")
    return market
