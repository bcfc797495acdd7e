"""The signed calls about accounts and keys: details, subaccounts, roles, the end of a token."""

from __future__ import annotations

import hashlib
from typing import Any

from domain.clock import from_epoch_ms
from venues.paper.access import oauth
from venues.paper.access.subaccounts import MAX_TITLE, counterparty_id, short_name_of
from venues.paper.call import Call, limited, since_ms
from venues.paper.exchange import GROUP, Exchange
from venues.paper.matching.ledger import Account, AccountType, Role
from venues.paper.matching.refusals import RefusedError

MAX_ACCOUNTS = 100
"""Accounts that a group may have."""


def account(_: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/account`. The venue writes `created` as a string here, and as a number in the list."""
    owner = call.owner
    signed_in = from_epoch_ms(owner.created_ms)
    return {
        "account": {
            "accountName": owner.title,
            "shortName": owner.short_name,
            "type": owner.type,
            "created": str(owner.created_ms),
        },
        "users": [
            {
                "name": "Play Customer",
                "lastSignIn": f"{signed_in:%Y-%m-%dT%H:%M:%S}.{owner.created_ms % 1000:03d}Z",
                "status": "Active",
                "countryCode": "US",
                "isVerified": True,
            }
        ],
        "memo_reference_code": _memo_code(owner),
    }


def _memo_code(owner: Account) -> str:
    digest = hashlib.sha256(f"memo {owner.name}".encode()).digest()
    return "GEM" + "".join(chr(ord("A") + byte % 26) for byte in digest[:6])


def account_create(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/account/create`: a new, empty account in the key's group."""
    title = _title(call.payload.get("name"))
    kind = _type(call.payload.get("type"))
    group = call.key.group
    settings = exchange.documents.get(GROUP, group) or {}
    if kind is AccountType.CUSTODY and not settings.get("has_custody_terms", True):
        raise RefusedError(
            "HasNotAgreedToCustodyTerms", "The Group has not yet agreed to the Custody terms and conditions."
        )
    accounts = exchange.accounts_of(group)
    short_name = short_name_of(title)
    _check_free(accounts, title=title, short_name=short_name)
    if len(accounts) >= MAX_ACCOUNTS:
        raise RefusedError(
            "ExceededMaxAccountsInGroup", f"The group has the maximum number of accounts, {MAX_ACCOUNTS}"
        )
    made = exchange.open_account(group, short_name, title, kind)
    return {"account": made.short_name, "type": made.type}


def account_rename(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/account/rename`: what was given anew is answered, the rest stays."""
    owner = call.owner
    new_name, new_account = call.payload.get("newName"), call.payload.get("newAccount")
    if new_name is None and new_account is None:
        raise RefusedError("MissingName", "Give newName, newAccount or both")
    others = [each for each in exchange.accounts_of(owner.group) if each is not owner]
    title = owner.title if new_name is None else _title(new_name)
    short_name = owner.short_name if new_account is None else short_name_of(_title(new_account))
    _check_free(others, title=title, short_name=short_name)
    owner.title, owner.short_name = title, short_name
    exchange.keep_account(owner)
    answer = {} if new_name is None else {"name": title}
    return answer if new_account is None else {**answer, "account": short_name}


def account_list(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/account/list`: the newest accounts made until a time, the oldest of them first."""
    limit = limited(call.payload, "limit_accounts", 500, 500)
    until_ms = since_ms(call.payload, "timestamp")
    found = [
        each
        for each in exchange.accounts_of(call.key.group)
        if until_ms is None or each.created_ms <= until_ms
    ]
    return [
        {
            "name": each.title,
            "account": each.short_name,
            "type": each.type,
            "counterparty_id": counterparty_id(each),
            "created": each.created_ms,
            "status": "closed" if each.is_closed else "open",
        }
        for each in found[-limit:]
    ]


def roles(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/roles`; a master key also learns its group's clearing id and whether it administers it."""
    held = call.key.roles
    answer: dict[str, Any] = {
        "isAuditor": Role.AUDITOR in held,
        "isFundManager": Role.FUND_MANAGER in held,
        "isTrader": Role.TRADER in held,
    }
    if call.key.is_master:
        answer["counterparty_id"] = counterparty_id(exchange.accounts_of(call.key.group)[0])
        answer["isAccountAdmin"] = Role.ADMINISTRATOR in held
    return answer


def revoke_token(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/oauth/revokeByToken`: everything that the token's app was granted on the account ends."""
    if call.key.scopes is None:
        raise RefusedError(
            "InvalidApiKey", "Only an access token ends itself here: use Authorization: Bearer", 401
        )
    client_id = call.key.label
    oauth.revoke(exchange.documents, call.owner, client_id)
    return {"message": f"OAuth tokens and codes have been revoked for {client_id} on your account."}


def _title(given: object) -> str:
    if given is None or given == "":
        raise RefusedError("MissingName", "A name for the account is required")
    if not isinstance(given, str) or len(given) > MAX_TITLE or not given.isprintable():
        raise RefusedError(
            "InvalidAccountName", f"A name is text of at most {MAX_TITLE} characters on one line"
        )
    if not short_name_of(given).strip("-"):
        raise RefusedError("InvalidAccountName", "A name needs at least one letter a-z or digit")
    return given


def _type(given: object) -> AccountType:
    if given is None:
        return AccountType.EXCHANGE
    if not isinstance(given, str):
        raise RefusedError(
            "BadAccountType", "The type parameter must contain a string of either exchange or custody."
        )
    if given not in set(AccountType):
        raise RefusedError("InvalidAccountType", "The type of an account is either exchange or custody")
    return AccountType(given)


def _check_free(accounts: list[Account], *, title: str, short_name: str) -> None:
    for each in accounts:
        if each.short_name == short_name or each.title.casefold() == title.casefold():
            raise RefusedError(
                "ConflictingAccountName", f"The name '{title}' is already in use within the master group"
            )


HANDLERS = {
    "account": account,
    "account_create": account_create,
    "account_rename": account_rename,
    "account_list": account_list,
    "roles": roles,
    "revoke_token": revoke_token,
}
