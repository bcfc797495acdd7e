"""Crypto out: fee estimates and withdrawals, of both versions.

Our rules: ten withdrawals a calendar month (UTC) are free for an exchange account, then the network's fee is
charged on top of the amount; a custody account always pays. A withdrawal is confirmed one minute of the
exchange's time after it was asked for: until then the balance keeps the amount and only what is available
drops. One that goes to a deposit address of this exchange arrives there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.clock import from_epoch_ms
from domain.money import ZERO, to_wire
from venues.paper.call import Call
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account, AccountType
from venues.paper.matching.listings import FIAT
from venues.paper.matching.refusals import RefusedError
from venues.paper.services import funds
from venues.paper.services.addresses import holder_of, require_crypto
from venues.paper.services.approved_addresses import check_address, require_approved
from venues.paper.services.chains import CHAINS, Chain, chains_of, route
from venues.paper.services.fields import checked, positive

CONFIRMED_AFTER_MS = 60_000
FREE_A_MONTH = 10
DUTY = "confirm withdrawal"

_TRANSFER = "transfer"
_WITHDRAWAL = "withdrawal"


def fee_estimate(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v2/withdraw/{network}/{ticker}/feeEstimate`."""
    _, fee = route(call.path["network"], call.path["ticker"])
    return _estimate(exchange, call, "withdraw_fee", call.path["ticker"].upper(), fee)


def fee_estimate_v1(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/withdraw/{currency}/feeEstimate`; this version writes the fee as text."""
    currency = call.path["currency"].upper()
    shown = _estimate(exchange, call, "withdraw_fee_v1", currency, _main_chain(currency).fees[currency])
    return {**shown, "fee": to_wire(shown["fee"])}


def withdraw(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v2/withdraw/{network}/{ticker}`."""
    require_crypto(exchange)
    chain, _ = route(call.path["network"], call.path["ticker"])
    body = _withdraw(exchange, call, checked("withdraw", call), chain, call.path["ticker"].upper())
    return {name: body[name] for name in ("withdrawalId", "address", "amount", "currency", "fee")}


def withdraw_v1(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/withdraw/{currency}`, over the currency's main network."""
    require_crypto(exchange)
    currency = call.path["currency"].upper()
    body = _withdraw(exchange, call, checked("withdraw_v1", call), _main_chain(currency), currency)
    return {
        **{name: body[name] for name in ("address", "amount", "fee", "withdrawalId")},
        "message": f"You have requested a transfer of {body['amount']} {currency} to {body['address']}. This "
        "withdrawal will be sent to the blockchain within the next 60 seconds.",
    }


def confirm(exchange: Exchange, withdrawal_id: str) -> None:
    """Let a withdrawal go: the balance drops, the transfer is complete, and what is ours arrives."""
    body = exchange.documents.get(_WITHDRAWAL, withdrawal_id)
    assert body is not None, "a withdrawal is kept for good"
    account = exchange.accounts[body["account"]]
    amount, fee = Decimal(body["amount"]), Decimal(body["fee"])
    funds.release(exchange, f"withdrawal {withdrawal_id}")
    funds.add(exchange, account, body["currency"], -(amount + fee))
    shown = exchange.documents.get(_TRANSFER, body["eid"])
    assert shown is not None, "a transfer is kept for good"
    shown |= {"status": "Complete", "txHash": body["txHash"]}
    exchange.documents.put(_TRANSFER, body["eid"], account.name, shown)
    receiver = holder_of(exchange, CHAINS[body["network"]], body["address"])
    if receiver is not None:
        _arrive(exchange, receiver, body)


def _arrive(exchange: Exchange, receiver: Account, body: dict[str, Any]) -> None:
    funds.add(exchange, receiver, body["currency"], Decimal(body["amount"]))
    eid = exchange.engine.new_id()
    shown = {
        "type": "Deposit",
        "status": "Complete",
        "timestampms": exchange.timeline.now_ms(),
        "eid": eid,
        "currency": body["currency"],
        "amount": body["amount"],
        "network": body["network"],
        "txHash": body["txHash"],
    }
    exchange.documents.put(_TRANSFER, str(eid), receiver.name, shown)


def _estimate(exchange: Exchange, call: Call, row: str, currency: str, fee: Decimal) -> dict[str, Any]:
    given = checked(row, call)
    check_address(given["address"])
    positive(given["amount"])
    left = _free_left(exchange, call.owner)
    return {
        "currency": currency,
        "fee": ZERO if left else fee,
        "isOverride": False,
        "monthlyLimit": _free_limit(call.owner),
        "monthlyRemaining": left,
    }


def _withdraw(
    exchange: Exchange, call: Call, given: dict[str, Any], chain: Chain, currency: str
) -> dict[str, Any]:
    account = call.owner
    address, amount = given["address"], positive(given["amount"])
    check_address(address)
    repeated = _same_request(exchange, account, given, chain, currency)
    if repeated is not None:
        return repeated
    require_approved(exchange, account, chain, address)
    fee = ZERO if _free_left(exchange, account) else chain.fees[currency]
    withdrawal_id = str(UUID(int=exchange.chance.getrandbits(128), version=4))
    funds.hold(exchange, account, f"withdrawal {withdrawal_id}", currency, amount + fee)
    now_ms, eid = exchange.timeline.now_ms(), exchange.engine.new_id()
    body = {
        "withdrawalId": withdrawal_id,
        "account": account.name,
        "network": chain.name,
        "address": address,
        "amount": to_wire(amount),
        "currency": currency,
        "fee": to_wire(fee),
        "memo": given.get("memo", ""),
        "eid": str(eid),
        "at_ms": now_ms,
        "txHash": f"{exchange.chance.getrandbits(256):064x}",
        "clientTransferId": given.get("clientTransferId", ""),
    }
    exchange.documents.put(_WITHDRAWAL, withdrawal_id, account.name, body)
    exchange.documents.put(_TRANSFER, str(eid), account.name, _pending(body, eid))
    if account.type is AccountType.CUSTODY:
        exchange.documents.put("custody_fee", str(eid), account.name, _custody_fee(body, eid))
    exchange.agenda.add(now_ms + CONFIRMED_AFTER_MS, DUTY, withdrawal_id)
    return body


def _same_request(
    exchange: Exchange, account: Account, given: dict[str, Any], chain: Chain, currency: str
) -> dict[str, Any] | None:
    """Return the withdrawal that already carries the client's id; another one with that id is refused."""
    client_id = given.get("clientTransferId")
    if client_id is None:
        return None
    for body in exchange.documents.of(_WITHDRAWAL, account.name):
        if body["clientTransferId"] == client_id:
            asked = (
                chain.name,
                currency,
                given["address"],
                to_wire(given["amount"]),
                given.get("memo", ""),
            )
            if asked != tuple(body[name] for name in ("network", "currency", "address", "amount", "memo")):
                raise RefusedError("InvalidFundTransfer", "clientTransferId belongs to another withdrawal")
            return body
    return None


def _pending(body: dict[str, Any], eid: int) -> dict[str, Any]:
    return {
        "type": "Withdrawal",
        "status": "Pending",
        "timestampms": body["at_ms"],
        "eid": eid,
        "currency": body["currency"],
        "amount": body["amount"],
        "network": body["network"],
        "feeAmount": body["fee"],
        "feeCurrency": body["currency"],
        "destination": body["address"],
        "withdrawalId": body["withdrawalId"],
    }


def _custody_fee(body: dict[str, Any], eid: int) -> dict[str, Any]:
    return {
        "txTime": body["at_ms"],
        "feeAmount": body["fee"],
        "feeCurrency": body["currency"],
        "eid": eid,
        "eventType": "Withdrawal",
    }


def _main_chain(currency: str) -> Chain:
    if currency in FIAT:
        raise RefusedError("InvalidFundTransfer", f"{currency} does not travel over a network")
    return chains_of(currency)[0]


def _free_limit(account: Account) -> int:
    return 0 if account.type is AccountType.CUSTODY else FREE_A_MONTH


def _free_left(exchange: Exchange, account: Account) -> int:
    now = from_epoch_ms(exchange.timeline.now_ms())
    month_ms = int(datetime(now.year, now.month, 1, tzinfo=UTC).timestamp()) * 1000
    used: int = sum(body["at_ms"] >= month_ms for body in exchange.documents.of(_WITHDRAWAL, account.name))
    return max(0, _free_limit(account) - used)


HANDLERS = {
    "withdraw_fee": fee_estimate,
    "withdraw_fee_v1": fee_estimate_v1,
    "withdraw": withdraw,
    "withdraw_v1": withdraw_v1,
}
