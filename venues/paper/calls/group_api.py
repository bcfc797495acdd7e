"""The signed calls of a group as a whole: moving money between its accounts, and its record of everything.

A transfer between accounts is stored twice: as a `group_transfer`, which `/v1/transactions` reads, and as one
`transfer` for each of the two accounts, in the form in which `/v2/transfers` shows them.
"""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import Any

from domain.money import to_wire
from venues.paper.access.subaccounts import check_open, named
from venues.paper.call import Call, limited
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account, AccountType
from venues.paper.matching.listings import FIAT
from venues.paper.matching.orders import Execution
from venues.paper.matching.refusals import RefusedError, invalid_parameter

TRANSFER = "transfer"
GROUP_TRANSFER = "group_transfer"
INTERNAL = "Internal"
"""The method of transfers between accounts of a group."""

CUSTODY_MESSAGE = "Success, your withdrawal request was processed."
EXCHANGE_MESSAGE = "Success, transfer completed."

_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,18})?", re.ASCII)
_POSITION = re.compile(
    r"daccgrp_([0-9]{1,9}):n([0-9]{1,15}):a([0-9]{1,19}):m([0-9]{1,19}):iForward", re.ASCII
)
_DISPLAY_NAMES = {
    "BTC": "Bitcoin",
    "ETH": "Ether",
    "ZEC": "Zcash",
    "LTC": "Litecoin",
    "USD": "Dollar",
    "BCH": "Bitcoin Cash",
}

_HIGHEST = (1 << 63) - 1
"""No id is above it, and SQLite takes no number that is."""

Position = tuple[int, int, int]
"""Where a reader of the record stands: time in ms, id, order id."""


def account_transfer(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/account/transfer/{currency}`: free and at once.

    A repeated `clientTransferId` moves nothing and is answered as it was the first time.
    """
    currency = call.path["currency"].upper()
    accounts = exchange.accounts_of(call.key.group)
    source = named(call.payload.get("sourceAccount"), accounts)
    target = named(call.payload.get("targetAccount"), accounts)
    amount = _amount(call.payload.get("amount"))
    client_id = _client_id(call.payload.get("clientTransferId"))
    wanted = {
        "source": source.name,
        "target": target.name,
        "currency": currency,
        "amount": to_wire(amount),
    }
    known = _repeated(exchange, call.key.group, client_id)
    if known is not None:
        if any(known[name] != value for name, value in wanted.items()):
            raise RefusedError("InvalidFundTransfer", "clientTransferId belongs to another transfer")
        return _answer(known, source, target)
    _check_accounts(source, target, currency)
    _move(exchange, source, target, currency, amount)
    return _answer(_record(exchange, call.key.group, client_id, wanted), source, target)


def transactions(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/transactions`: trades and transfers of the group from a time on, the oldest first."""
    given = call.payload
    if given.get("timestamp_nanos") is not None and given.get("continuation_token") is not None:
        raise invalid_parameter("Give timestamp_nanos or continuation_token, not both")
    limit = limited(given, "limit", 100, 300)
    accounts = exchange.accounts_of(call.key.group)
    position = _position(given, accounts[0])
    found: list[tuple[Position, dict[str, Any]]] = [
        ((each.at_ms, each.tid, each.order_id), _trade_json(each, exchange))
        for each in exchange.store.executions_after(accounts, position, limit)
    ]
    for body in exchange.documents.of(GROUP_TRANSFER, call.key.group):
        at = (body["timestampms"], body["eid"], 0)
        if at > position:
            found.append((at, _transfer_json(body, exchange)))
    for account in accounts:
        for body in exchange.documents.of(TRANSFER, account.name):
            at = (body["timestampms"], body["eid"], 0)
            if at > position and body.get("method") != INTERNAL:
                found.append((at, _outside_json(body, account)))
    found.sort(key=lambda each: each[0])
    page = found[:limit]
    at_ms, last_id, order_id = page[-1][0] if page else position
    return {
        "results": [shown for _, shown in page],
        "continuationToken": (
            f"daccgrp_{accounts[0].account_id}:n{max(at_ms, 0)}:a{max(last_id, 0)}:m{order_id}:iForward"
        ),
    }


def _amount(given: object) -> Decimal:
    text = str(given) if isinstance(given, (str, int)) and not isinstance(given, bool) else ""
    if not _AMOUNT.fullmatch(text) or not Decimal(text):
        raise RefusedError("InvalidQuantity", f"Invalid quantity for a transfer: {str(given)[:40]}")
    return Decimal(text)


def _client_id(given: object) -> str | None:
    if given is None:
        return None
    try:
        return str(uuid.UUID(given if isinstance(given, str) else ""))
    except ValueError as error:
        raise invalid_parameter("clientTransferId must be a UUID") from error


def _repeated(exchange: Exchange, group: str, client_id: str | None) -> dict[str, Any] | None:
    if client_id is None:
        return None
    made = exchange.documents.of(GROUP_TRANSFER, group)
    return next((body for body in made if body["clientTransferId"] == client_id), None)


def _check_accounts(source: Account, target: Account, currency: str) -> None:
    check_open(source)
    check_open(target)
    if source is target:
        raise RefusedError("InvalidFundTransfer", "The two accounts of a transfer must differ")
    if currency in FIAT and AccountType.CUSTODY in {source.type, target.type}:
        raise RefusedError("BadAccountType", f"A custody account cannot hold {currency}")


def _move(exchange: Exchange, source: Account, target: Account, currency: str, amount: Decimal) -> None:
    known = {
        each for m in exchange.engine.markets.values() for each in (m.instrument.base, m.instrument.quote)
    }
    if currency not in known and currency not in source.funds:
        raise RefusedError("InvalidFundTransfer", f"{currency[:12]} is not a currency of this exchange")
    available = source.available(currency)
    if amount > available:
        raise RefusedError(
            "InsufficientFunds",
            f"Account {source.short_name} has {to_wire(available)} {currency} available, "
            f"{to_wire(amount)} {currency} needed",
            406,
        )
    source.fund(currency).amount -= amount
    target.fund(currency).amount += amount
    exchange.engine.batch.accounts.update((source, target))


def _record(exchange: Exchange, group: str, client_id: str | None, wanted: dict[str, str]) -> dict[str, Any]:
    now_ms = exchange.timeline.now_ms()
    transfer_id = str(uuid.UUID(int=exchange.chance.getrandbits(128), version=4))
    body: dict[str, Any] = {
        **wanted,
        "timestampms": now_ms,
        "eid": exchange.engine.new_id(),
        "uuid": transfer_id,
        "clientTransferId": client_id,
    }
    exchange.documents.put(GROUP_TRANSFER, transfer_id, group, body)
    for kind, name in (("Withdrawal", wanted["source"]), ("Deposit", wanted["target"])):
        eid = exchange.engine.new_id()
        side = {
            "type": kind,
            "status": "Complete",
            "timestampms": now_ms,
            "eid": eid,
            "currency": wanted["currency"],
            "amount": wanted["amount"],
            "method": INTERNAL,
            "purpose": "Transfer between accounts of the group",
        }
        exchange.documents.put(TRANSFER, str(eid), name, side)
    return body


def _answer(body: dict[str, Any], source: Account, target: Account) -> dict[str, str]:
    is_between_exchanges = source.type is target.type is AccountType.EXCHANGE
    return {
        "fromAccount": source.short_name,
        "toAccount": target.short_name,
        "amount": body["amount"],
        "fee": "0",
        "currency": _DISPLAY_NAMES.get(body["currency"], body["currency"]),
        "uuid" if is_between_exchanges else "withdrawalId": body["uuid"],
        "message": EXCHANGE_MESSAGE if is_between_exchanges else CUSTODY_MESSAGE,
    }


def _position(given: Any, main: Account) -> Position:
    token = given.get("continuation_token")
    if token is not None:
        found = _POSITION.fullmatch(token) if isinstance(token, str) else None
        numbers = [int(each) for each in found.groups()] if found is not None else []
        if not numbers or numbers[0] != main.account_id or max(numbers) > _HIGHEST:
            raise invalid_parameter("continuation_token is not one that this group was given")
        return (numbers[1], numbers[2], numbers[3])
    nanos = given.get("timestamp_nanos")
    if nanos is None:
        return (-1, 0, 0)
    if isinstance(nanos, bool) or not re.fullmatch(r"[0-9]{1,19}", str(nanos), re.ASCII):
        raise RefusedError(
            "InvalidTimestampInPayload", f"timestamp_nanos {str(nanos)[:40]!r} is not in nanoseconds"
        )
    # A time within a millisecond has passed everything that happened at its start.
    return (-(-int(nanos) // 1_000_000), -1, 0)


def _trade_json(execution: Execution, exchange: Exchange) -> dict[str, Any]:
    return {
        "account": exchange.accounts[execution.account].short_name,
        "amount": to_wire(execution.amount),
        "clientOrderId": execution.client_order_id or "",
        "price": to_wire(execution.price),
        "timestampms": execution.at_ms,
        "side": f"SIDE_TYPE_{execution.side.upper()}",
        "isAggressor": not execution.is_maker,
        "feeAssetCode": execution.fee_currency,
        "feeAmount": to_wire(execution.fee),
        "orderId": execution.order_id,
        "exchange": "gemini",
        "isAuctionFill": False,
        "isClearingFill": False,
        "symbol": execution.symbol.upper(),
        "tid": execution.tid,
        "type": "trade",
    }


def _transfer_json(body: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "timestampms": body["timestampms"],
        "source": exchange.accounts[body["source"]].short_name,
        "destination": exchange.accounts[body["target"]].short_name,
        "operationReason": "INTERNAL_TRANSFER",
        "status": "Complete",
        "eid": body["eid"],
        "currency": body["currency"],
        "amount": body["amount"],
        "method": INTERNAL,
        "correlationId": body["eid"],
        "transferType": INTERNAL,
        "transferId": body["uuid"],
        "type": "transfer",
    }
    if body["clientTransferId"] is not None:
        shown["clientTransferId"] = body["clientTransferId"]
    return shown


def _outside_json(body: dict[str, Any], account: Account) -> dict[str, Any]:
    """Write a deposit or withdrawal, which the documents hold in the words of `/v2/transfers`."""
    shown = {name: body[name] for name in ("timestampms", "status", "eid", "currency", "amount")}
    for name, given in (
        ("destination", "destination"),
        ("method", "method"),
        ("withdrawalId", "withdrawalId"),
        ("transactionHash", "txHash"),
        ("purpose", "purpose"),
    ):
        if given in body:
            shown[name] = body[given]
    return {**shown, "account": account.short_name, "transferType": body["type"], "type": "transfer"}


HANDLERS = {"account_transfer": account_transfer, "transactions": transactions}
