"""The clearing calls: submitting, confirming, cancelling, asking. How orders settle: `clearing_orders`.

Our rules: an order lives 24 hours unless it says otherwise, a week at most; what is not the caller's is
`Not Found`; a source has confirmed by submitting; cancelling is for the source and the broker.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from domain.instrument import Instrument, Side
from domain.money import is_multiple, to_wire
from venues.paper.access.subaccounts import counterparty_id
from venues.paper.call import Call, market_or_invalid
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account
from venues.paper.matching.refusals import RefusedError, invalid_parameter
from venues.paper.services.clearing_orders import (
    AWAITING,
    ClearingOrder,
    State,
    confirmed,
    find,
    keep,
    new_id,
    submit,
)
from venues.paper.services.fields import checked
from venues.paper.services.funds import trading_account

DEFAULT_HOURS: Final = Decimal(24)
MAX_HOURS: Final = Decimal(168)
_HOUR_MS: Final = 3_600_000


def new(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/clearing/new`."""
    given = checked("clearing_new", call)
    source = trading_account(call.owner)
    counterparty = given.get("counterparty_id")
    target = "" if counterparty is None else account_of(exchange, counterparty).name
    if target == source.name:
        raise invalid_parameter("counterparty_id is the account's own")
    return _submit(exchange, given, State.AWAIT_CONFIRM, source=source.name, target=target)


def broker_new(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/clearing/broker/new`."""
    given = checked("broker_new", call)
    broker = trading_account(call.owner)
    source = account_of(exchange, given["source_counterparty_id"])
    target = account_of(exchange, given["target_counterparty_id"])
    if source is target:
        raise invalid_parameter("source and target must be two accounts")
    return _submit(
        exchange, given, State.AWAIT_BOTH, source=source.name, target=target.name, broker=broker.name
    )


def confirm(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/clearing/confirm`; every field must repeat the order, with the caller's own side."""
    given = checked("clearing_confirm", call)
    account = trading_account(call.owner)
    order = find(exchange, given["clearing_id"])
    if order is None or not _may_confirm(order, account):
        raise RefusedError("OrderNotFound", f"Clearing order {given['clearing_id'][:40]} not found", 404)
    if order.status not in AWAITING:
        raise invalid_parameter(f"Clearing order {order.clearing_id} is {order.status}, not to be confirmed")
    order.target = order.target or account.name
    _check_repeats(order, given, account)
    _confirm(exchange, order, account)
    return {"result": "confirmed"}


def cancel(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/clearing/cancel`; what cannot be cancelled is an answer, not an error."""
    clearing_id = checked("clearing_cancel", call)["clearing_id"]
    order = find(exchange, clearing_id)
    owner = call.owner.name
    if order is None or owner not in {order.broker or order.source, order.source}:
        return {"result": "failed", "details": f"Unable to cancel order {clearing_id[:40]}"}
    if order.status not in AWAITING:
        return {"result": "failed", "details": f"Unable to cancel order {clearing_id}"}
    order.status = State.CANCELED
    keep(exchange, order)
    return {"result": "ok", "details": f"{clearing_id} order canceled"}


def status(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/clearing/status`."""
    order = find(exchange, checked("clearing_status", call)["clearing_id"])
    is_ours = order is not None and call.owner.name in {*order.parties, order.broker}
    return {"result": "ok", "status": order.status if order is not None and is_ours else State.NOT_FOUND}


def account_of(exchange: Exchange, counterparty: str) -> Account:
    """Return the account with a counterparty id. Raises `RefusedError` when there is none that trades."""
    for account in exchange.accounts.values():
        if counterparty_id(account) == counterparty:
            return account
    raise RefusedError(
        "NoAccountOfTypeRequired", f"No exchange account has the counterparty id {counterparty[:40]!r}"
    )


def _submit(
    exchange: Exchange, given: dict[str, Any], state: State, *, source: str, target: str, broker: str = ""
) -> dict[str, str]:
    instrument = market_or_invalid(exchange, given["symbol"]).instrument
    _check_terms(instrument, given["amount"], given["price"])
    hours = given.get("expires_in_hrs", DEFAULT_HOURS)
    if not 0 < hours <= MAX_HOURS:
        raise invalid_parameter(f"expires_in_hrs must be above 0 and at most {MAX_HOURS}")
    now_ms = exchange.timeline.now_ms()
    order = ClearingOrder(
        clearing_id=new_id(exchange),
        symbol=instrument.symbol,
        side=given["side"],
        price=to_wire(given["price"]),
        amount=to_wire(given["amount"]),
        source=source,
        target=target,
        broker=broker,
        status=state,
        submission=now_ms,
        expiration=now_ms + int(hours * _HOUR_MS),
        updated=now_ms,
    )
    submit(exchange, order)
    return {"result": state, "clearing_id": order.clearing_id}


def _check_terms(instrument: Instrument, amount: Decimal, price: Decimal) -> None:
    symbol = instrument.symbol.upper()
    if not instrument.is_spot:
        raise RefusedError("InvalidSymbol", f"{symbol} cannot be cleared; only spot symbols can")
    if amount < instrument.min_amount or not is_multiple(amount, instrument.amount_step):
        raise RefusedError("InvalidQuantity", f"Invalid quantity for symbol {symbol}: {to_wire(amount)}")
    if not price > 0 or not is_multiple(price, instrument.price_tick):
        raise RefusedError("InvalidPrice", f"Invalid price for symbol {symbol}: {to_wire(price)}")


def _may_confirm(order: ClearingOrder, account: Account) -> bool:
    if order.broker:
        return account.name in order.parties
    return account.name != order.source and order.target in {"", account.name}


def _check_repeats(order: ClearingOrder, given: dict[str, Any], account: Account) -> None:
    symbol = order.symbol.upper()
    if given["symbol"] != order.symbol:
        raise RefusedError("InvalidSymbol", f"Invalid symbol: the order is for {symbol}")
    if given["amount"] != Decimal(order.amount):
        raise RefusedError(
            "InvalidQuantity", f"Invalid quantity for symbol {symbol}: {to_wire(given['amount'])}"
        )
    if given["price"] != Decimal(order.price):
        raise RefusedError("InvalidPrice", f"Invalid price for symbol {symbol}: {to_wire(given['price'])}")
    if Side(given["side"]) is not order.side_of(account):
        raise RefusedError("InvalidSide", f"Invalid side for symbol {symbol}: '{given['side']}'")


def _confirm(exchange: Exchange, order: ClearingOrder, account: Account) -> None:
    waiting, other = (
        (State.AWAIT_SOURCE, State.AWAIT_TARGET)
        if account.name == order.source
        else (State.AWAIT_TARGET, State.AWAIT_SOURCE)
    )
    if order.status is State.AWAIT_BOTH:
        order.status = other
        keep(exchange, order)
    elif order.status is other:
        raise invalid_parameter(f"Clearing order {order.clearing_id} is confirmed on this side already")
    else:
        assert order.status in {waiting, State.AWAIT_CONFIRM}
        confirmed(exchange, order)


HANDLERS = {
    "clearing_new": new,
    "broker_new": broker_new,
    "clearing_confirm": confirm,
    "clearing_cancel": cancel,
    "clearing_status": status,
}
