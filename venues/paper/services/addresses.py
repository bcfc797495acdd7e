"""Deposit addresses: one from the start for each account and network, more when asked for.

Our rules: the label of an address that got none says that it is a play address; nothing ever arrives on one
but the withdrawals of other accounts of this exchange.
"""

from __future__ import annotations

from typing import Any

from venues.paper.call import Call
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account
from venues.paper.matching.refusals import RefusedError
from venues.paper.services.chains import Chain, chain_named, play_address
from venues.paper.services.fields import checked

_KIND = "deposit_address"
_PLAY_LABEL = "play address"


def require_crypto(exchange: Exchange) -> None:
    """Refuse crypto in and out on an exchange that is set up like the venue's sandbox."""
    if not exchange.allows_crypto_transfers:
        raise RefusedError(
            "EndpointUnavailableInThisEnvironment", "Cryptocurrency operations are not available in sandbox"
        )


def holder_of(exchange: Exchange, chain: Chain, address: str) -> Account | None:
    """Return the account that deposits at an address belong to, None for an address of others."""
    found = exchange.documents.get(_KIND, f"{chain.name}|{address}")
    return None if found is None else exchange.accounts[found["account"]]


def addresses(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/addresses/{network}`, newest first."""
    chain, account = chain_named(call.path["network"]), call.owner
    since = checked("addresses", call).get("timestamp", 0)
    return [
        {name: value for name, value in body.items() if name != "account"}
        for body in reversed(_of(exchange, account, chain))
        if body["timestamp"] >= since
    ]


def new_address(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/deposit/{network}/newAddress`."""
    require_crypto(exchange)
    chain, account = chain_named(call.path["network"]), call.owner
    given = checked("new_address", call)
    _of(exchange, account, chain)  # the first one stays the first
    address = play_address(chain, account.name, exchange.chance.getrandbits(128))
    if given.get("legacy"):
        address = f"m{address[-33:]}" if chain.name == "litecoin" else address
    body = _put(exchange, account, chain, address, given.get("label", _PLAY_LABEL))
    return {name: body[name] for name in ("address", "label", "network")}


def _of(exchange: Exchange, account: Account, chain: Chain) -> list[dict[str, Any]]:
    found = [body for body in exchange.documents.of(_KIND, account.name) if body["network"] == chain.name]
    if not found:
        address = play_address(chain, account.name, "first")
        found = [_put(exchange, account, chain, address, _PLAY_LABEL)]
    return found


def _put(exchange: Exchange, account: Account, chain: Chain, address: str, label: str) -> dict[str, Any]:
    body = {
        "account": account.name,
        "address": address,
        "timestamp": exchange.timeline.now_ms(),
        "label": label,
        "network": chain.name,
    }
    if chain.has_memo:
        body["memo"] = str(account.account_id)
    exchange.documents.put(_KIND, f"{chain.name}|{address}", account.name, body)
    return body


HANDLERS = {"addresses": addresses, "new_address": new_address}
