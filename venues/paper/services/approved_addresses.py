"""Addresses that withdrawals may go to. A new one is active after seven days of the exchange's time.

Our rules: asking again for a listed address does not start the seven days anew; an address asked for by a
group's key without an account is approved for the whole group.
"""

from __future__ import annotations

from typing import Any

from venues.paper.call import Call
from venues.paper.exchange import DAY_MS, Exchange
from venues.paper.matching.ledger import Account
from venues.paper.matching.refusals import RefusedError, invalid_parameter
from venues.paper.services.chains import CHAINS, Chain, chain_named, play_address
from venues.paper.services.fields import checked

HOLD_MS = 7 * DAY_MS
WALLET_LABEL = "play wallet"

_KIND = "approved_address"


def open_wallet(exchange: Exchange, account: Account) -> None:
    """Give an account one approved address for each network, so that a withdrawal can be tried at once."""
    for chain in CHAINS.values():
        address = play_address(chain, account.name, WALLET_LABEL)
        if exchange.documents.get("opened_wallet", f"{account.name}|{chain.name}") is None:
            exchange.documents.put("opened_wallet", f"{account.name}|{chain.name}", account.name, {})
            created_ms = account.created_ms - HOLD_MS
            _put(exchange, account.name, "account", chain, address, WALLET_LABEL, created_ms)


def require_approved(exchange: Exchange, account: Account, chain: Chain, address: str) -> None:
    """Refuse an address that is not on the account's or its group's list, or not active yet."""
    listed = _listed(exchange, account.name, account.group, chain)
    if not listed:
        raise RefusedError(
            "CryptoAddressWhitelistsNotEnabled",
            f"The account has no approved address list for {chain.name}; request an approved address first",
        )
    found = [body for body in listed if body["address"] == address]
    if not found:
        raise RefusedError(
            "InvalidFundTransfer", f"{address[:80]} is not an approved address of this account"
        )
    if all(_status(exchange, body) != "active" for body in found):
        raise RefusedError(
            "InvalidFundTransfer", f"{address[:80]} is still in the 7-day hold of a new approved address"
        )


def approved_addresses(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/approvedAddresses/account/{network}`: the account's list and its group's."""
    chain = chain_named(call.path["network"])
    owner = "" if call.account is None else call.account.name
    shown = [
        {
            "network": chain.name,
            "scope": body["scope"],
            "label": body["label"],
            "status": _status(exchange, body),
            "createdAt": str(body["created_ms"]),
            "address": body["address"],
        }
        for body in reversed(_listed(exchange, owner, call.key.group, chain))
    ]
    return {"approvedAddresses": shown}


def approve_address(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/approvedAddresses/{network}/request`."""
    chain, given = chain_named(call.path["network"]), checked("approve_address", call)
    address = given["address"]
    check_address(address)
    holder, scope = _holder(call)
    if exchange.documents.get(_KIND, f"{holder}|{chain.name}|{address}") is None:
        _put(exchange, holder, scope, chain, address, given["label"], exchange.timeline.now_ms())
    return {"message": "Approved address addition is now waiting a 7-day approval hold before activation."}


def remove_address(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/approvedAddresses/{network}/remove`."""
    chain, given = chain_named(call.path["network"]), checked("remove_address", call)
    holder, scope = _holder(call)
    key = f"{holder}|{chain.name}|{given['address']}"
    found = exchange.documents.get(_KIND, key)
    if found is None:
        raise invalid_parameter(f"{given['address'][:80]} is not on the approved address list")
    status = _status(exchange, found)
    exchange.documents.remove(_KIND, key)
    return {"message": f"{found['address']} removed from {scope} {status} approved addresses."}


def check_address(address: str) -> None:
    """Refuse a text that can be no address: 8 to 128 ASCII letters, digits and a few marks."""
    plain = address.replace(":", "").replace(".", "").replace("_", "").replace("-", "")
    if not (8 <= len(address) <= 128 and plain.isascii() and plain.isalnum()):
        raise invalid_parameter(f"address {address[:40]!r} is not an address")


def _holder(call: Call) -> tuple[str, str]:
    if call.account is None:
        return _group(call.key.group), "group"
    return call.account.name, "account"


def _group(name: str) -> str:
    return f"group {name}"


def _listed(exchange: Exchange, account_name: str, group: str, chain: Chain) -> list[dict[str, Any]]:
    return [
        body
        for holder in (account_name, _group(group))
        for body in exchange.documents.of(_KIND, holder)
        if body["network"] == chain.name
    ]


def _put(  # noqa: PLR0917 - one list entry
    exchange: Exchange, holder: str, scope: str, chain: Chain, address: str, label: str, created_ms: int
) -> None:
    body = {
        "network": chain.name,
        "scope": scope,
        "address": address,
        "label": label,
        "created_ms": created_ms,
    }
    exchange.documents.put(_KIND, f"{holder}|{chain.name}|{address}", holder, body)


def _status(exchange: Exchange, body: dict[str, Any]) -> str:
    return "active" if exchange.timeline.now_ms() >= body["created_ms"] + HOLD_MS else "pending-time"


HANDLERS = {
    "approved_addresses": approved_addresses,
    "approve_address": approve_address,
    "remove_address": remove_address,
}
