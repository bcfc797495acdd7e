"""Which accounts are of the kind that may use margin and derivatives."""

from __future__ import annotations

from typing import Final

from venues.paper.exchange import Exchange
from venues.paper.ledger import Account
from venues.paper.refusals import RefusedError

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
