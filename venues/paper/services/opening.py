"""What these services need when an exchange opens: their holds again, their duties, and a wallet to try."""

from __future__ import annotations

from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account
from venues.paper.services import clearing_orders, margin_accounts, withdrawals
from venues.paper.services.approved_addresses import open_wallet
from venues.paper.services.funds import restore_holds


def open_services(exchange: Exchange, *, wallet: Account, margin: Account) -> None:
    """Open them inside an operation; `wallet` gets approved addresses, `margin` is enabled for margin."""
    exchange.duties[withdrawals.DUTY] = withdrawals.confirm
    exchange.duties[clearing_orders.DUTY] = clearing_orders.go_on
    restore_holds(exchange)
    open_wallet(exchange, wallet)
    margin_accounts.enable(exchange, margin)
