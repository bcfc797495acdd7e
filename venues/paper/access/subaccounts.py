"""Groups of accounts: which account a call acts on, and what accounts of a group are called."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from venues.gemini.catalogue import Call as Row
from venues.gemini.catalogue import Money
from venues.paper.matching.ledger import Account, AccountType
from venues.paper.matching.refusals import RefusedError
from venues.paper.state.keys import ApiKey

MAX_TITLE = 64
"""Characters of an account's name."""

_GROUP_CALLS = frozenset(
    {
        "roles",
        "fx_rate",
        "network",
        "network_assets",
        "order_events",
        "approved_addresses",
        "approve_address",
        "remove_address",
    }
)
"""Calls that a master key may make without naming an account, beside those made for master keys only."""

_NEITHER_LETTER_NOR_SPACE = re.compile(r"[^a-z0-9 -]", re.ASCII)


def account_for(
    key: ApiKey, row: Row, payload: Mapping[str, Any], accounts: Sequence[Account]
) -> Account | None:
    """Return the account that a call acts on, None for a call about the whole group.

    `accounts` are those of the key's group. Raises `RefusedError` when the payload's `account` is wrong, or
    when the account is not of the kind or in the state that the call needs.
    """
    account = _chosen(key, row, payload, accounts)
    if account is None:
        return None
    if row.money is not Money.READS:
        check_open(account)
    if account.type is AccountType.CUSTODY and row.scope in {"orders:create", "orders:read"}:
        raise RefusedError(
            "AccountNotOfTypeRequired", f"Account {account.short_name} is not an exchange account"
        )
    return account


def _chosen(key: ApiKey, row: Row, payload: Mapping[str, Any], accounts: Sequence[Account]) -> Account | None:
    if key.account is not None:
        if "account" in payload:
            raise RefusedError(
                "AccountsOnGroupOnlyApi",
                "The account parameter may only be specified on a group (master) API key",
            )
        return key.account
    if row.name == "heartbeat":
        raise RefusedError("NotGroupApiCompatible", "Master API keys do not support heartbeats")
    if row.is_master_only or ("account" not in payload and row.name in _GROUP_CALLS):
        return None
    if "account" not in payload:
        raise RefusedError("MissingAccounts", "Expected a JSON payload with accounts")
    return named(payload["account"], accounts)


def named(given: object, accounts: Sequence[Account]) -> Account:
    """Return the one account that a parameter names. Raises `RefusedError`."""
    if isinstance(given, list):
        if len(given) > 1:
            raise RefusedError("MoreThanOneAccount", "This endpoint accepts a single account")
        given = given[0] if given else None
    if given is None or given == "":
        raise RefusedError("MissingAccountName", "Expected the name of an account")
    for account in accounts:
        if account.short_name == given:
            return account
    raise RefusedError(
        "InvalidAccountName",
        f"Expected a JSON array with valid accounts, instead got: {str(given)[:MAX_TITLE]}",
    )


def check_open(account: Account) -> None:
    """Raise `RefusedError` for a closed account."""
    if account.is_closed:
        raise RefusedError(
            "AccountClosed",
            f"Account {account.short_name} is closed and cannot be used for this operation.",
        )


def short_name_of(title: str) -> str:
    """Return what an account with this title is called in requests; empty when nothing of it can stay."""
    return _NEITHER_LETTER_NOR_SPACE.sub("", title.lower()).strip().replace(" ", "-")


def counterparty_id(account: Account) -> str | None:
    """Return the clearing id of an account: eight letters, None for custody, which does not trade."""
    if account.type is AccountType.CUSTODY:
        return None
    digest = hashlib.sha256(f"{account.group} {account.account_id}".encode()).digest()
    return "".join(chr(ord("A") + byte % 26) for byte in digest[:8])
