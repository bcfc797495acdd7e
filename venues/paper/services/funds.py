"""How these services move balances: at once, or held first and taken later."""

from __future__ import annotations

from decimal import Decimal

from domain.money import to_wire
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account, AccountType
from venues.paper.matching.refusals import RefusedError

_HOLD = "hold"


def trading_account(account: Account) -> Account:
    """Return an account that trades. Raises `RefusedError` for a custody account."""
    if account.type is AccountType.CUSTODY:
        raise RefusedError("BadAccountType", "A custody account cannot do this; use an exchange account")
    return account


def require(account: Account, currency: str, amount: Decimal) -> None:
    """Refuse with `InsufficientFunds` unless `amount` of `currency` is available."""
    available = account.available(currency)
    if amount > available:
        raise RefusedError(
            "InsufficientFunds",
            f"Insufficient funds: {to_wire(amount)} {currency} needed, {to_wire(available)} available",
            406,
        )


def add(exchange: Exchange, account: Account, currency: str, amount: Decimal) -> None:
    """Add `amount`, which may be negative, to a balance."""
    account.fund(currency).amount += amount
    exchange.engine.batch.accounts.add(account)


def hold(exchange: Exchange, account: Account, key: str, currency: str, amount: Decimal) -> None:
    """Take `amount` out of what is available, until `release` is called with the same `key`."""
    require(account, currency, amount)
    account.fund(currency).held += amount
    exchange.engine.batch.accounts.add(account)
    body = {"account": account.name, "currency": currency, "amount": to_wire(amount)}
    exchange.documents.put(_HOLD, key, account.name, body)


def release(exchange: Exchange, key: str) -> None:
    """Give back what was held under `key`."""
    body = exchange.documents.get(_HOLD, key)
    assert body is not None, "only what is held is released"
    account = exchange.accounts[body["account"]]
    account.fund(body["currency"]).held -= Decimal(body["amount"])
    exchange.engine.batch.accounts.add(account)
    exchange.documents.remove(_HOLD, key)


def restore_holds(exchange: Exchange) -> None:
    """Hold again what was held when the exchange closed."""
    for body in exchange.documents.of(_HOLD):
        exchange.accounts[body["account"]].fund(body["currency"]).held += Decimal(body["amount"])
