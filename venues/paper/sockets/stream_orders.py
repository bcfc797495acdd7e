"""Orders over the new WebSocket API, translated into the exchange's own: the same checks, the same engine.

What an order may say differs from REST: market orders exist, and a stop may equal its limit. Where the venue
is silent: a client order id that the account has used before is a `DuplicateOrder`; a market order takes GTC,
IOC or FOK; cancelling a closed order is refused and tells the order events socket so.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from domain.instrument import Instrument, Side
from domain.order import ExecutionOption, OrderEventType, OrderType
from venues.paper.call import whole
from venues.paper.calls.refused_orders import tell_refused
from venues.paper.exchange import Exchange
from venues.paper.feeds.account_views import refused_update, stream_reason
from venues.paper.matching.ledger import Account
from venues.paper.matching.market import Notice
from venues.paper.matching.order_checks import check_market_order, check_order, client_order_id, number
from venues.paper.matching.orders import Order, OrderRequest
from venues.paper.matching.refusals import RefusedError
from venues.paper.services.funds import trading_account
from venues.paper.sockets.stream_errors import INVALID, StreamError
from venues.paper.state.keys import ApiKey

_OPTIONS = {"GTC": [], "IOC": ["immediate-or-cancel"], "FOK": ["fill-or-kill"], "MOC": ["maker-or-cancel"]}
_TEXTS = ("symbol", "quantity", "price", "stopPrice", "clientOrderId")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderForm:
    """The parameters of `order.place`, whose kinds are right and whose values are still to be judged."""

    symbol: str
    side: Side
    is_market: bool
    time_in_force: str
    quantity: str
    price: str | None
    stop_price: str | None
    client_order_id: str | None


def read_form(params: Mapping[str, Any]) -> OrderForm:
    """Read the parameters. Raises `StreamError` when one is missing, of another kind, or does not belong."""
    for name in ("symbol", "side", "type", "timeInForce", "quantity"):
        if params.get(name) is None:
            raise _invalid(f"Missing parameter: {name}")
    for name in _TEXTS:
        if params.get(name) is not None and not isinstance(params[name], str):
            raise _invalid(f"{name} must be a string")
    if params["side"] not in ("BUY", "SELL"):
        raise _invalid("side must be BUY or SELL")
    if params["type"] not in ("LIMIT", "MARKET"):
        raise _invalid("type must be LIMIT or MARKET")
    if not isinstance(params["timeInForce"], str) or params["timeInForce"] not in _OPTIONS:
        raise _invalid("timeInForce must be GTC, IOC, FOK or MOC")
    if params.get("eventOutcome") is not None:
        raise _invalid("eventOutcome is for event contracts, which are not traded here")
    form = OrderForm(
        symbol=params["symbol"],
        side=Side(params["side"].lower()),
        is_market=params["type"] == "MARKET",
        time_in_force=params["timeInForce"],
        quantity=params["quantity"],
        price=params.get("price"),
        stop_price=params.get("stopPrice"),
        client_order_id=params.get("clientOrderId"),
    )
    _check_form(form)
    return form


def _check_form(form: OrderForm) -> None:
    if form.is_market:
        if form.price is not None or form.stop_price is not None:
            raise _invalid("A MARKET order has neither price nor stopPrice")
        if form.time_in_force == "MOC":
            raise _invalid("A MARKET order cannot be MOC")
    elif form.price is None:
        raise _invalid("Missing parameter: price")
    if form.stop_price is not None and form.time_in_force != "GTC":
        raise _invalid("An order with stopPrice must be GTC")


def place(exchange: Exchange, key: ApiKey, account: Account, form: OrderForm) -> Order:
    """Place the order inside an operation.

    Raises `RefusedError`; the owner's streams have been told of the rejection by then.
    """
    engine = exchange.engine
    instruments = {symbol: market.instrument for symbol, market in engine.markets.items()}
    payload = _payload(form)
    try:
        request = _judged(exchange, trading_account(account), form, payload, instruments)
    except RefusedError as refusal:
        is_told = tell_refused(
            exchange, account, key.api_key, payload=payload, instruments=instruments, refusal=refusal
        )
        if not is_told:
            reason = stream_reason(refusal.reason, number(form.price))
            update = refused_update(engine.new_id(), exchange.timeline.now_ms(), reason, _shown(form))
            exchange.feeds.orders.tell(account, key.api_key, update)
        raise
    return engine.place(account, request, session=key.api_key)


def _payload(form: OrderForm) -> dict[str, Any]:
    """Return the order in the words of `/v1/order/new`, where one without a price is a market order."""
    priced = {} if form.is_market else {"price": form.price}
    return {
        "symbol": form.symbol,
        "side": form.side,
        "type": OrderType.LIMIT if form.stop_price is None else OrderType.STOP_LIMIT,
        "amount": form.quantity,
        **priced,
        "stop_price": form.stop_price,
        "options": _OPTIONS[form.time_in_force],
        "client_order_id": form.client_order_id,
    }


def _judged(
    exchange: Exchange,
    account: Account,
    form: OrderForm,
    payload: Mapping[str, Any],
    instruments: Mapping[str, Instrument],
) -> OrderRequest:
    if not form.is_market:
        request = check_order(payload, instruments, may_stop_at_price=True)
    elif form.time_in_force == "FOK":
        request = replace(check_market_order(payload, instruments), option=ExecutionOption.FILL_OR_KILL)
    else:
        request = check_market_order(payload, instruments)
    _check_duplicate(exchange, account, request.client_order_id)
    return request


def _check_duplicate(exchange: Exchange, account: Account, order_id: str | None) -> None:
    if order_id is None or not exchange.store.orders_by_client_id(account, order_id):
        return
    if exchange.faults.duplicate_policy() != "accept":
        raise RefusedError("DuplicateOrder", f"clientOrderId {order_id} has been used before")


def _shown(form: OrderForm) -> dict[str, str]:
    """Return what an update can repeat of a form: nothing that is not well-formed."""
    try:
        own_id = client_order_id(form.client_order_id)
    except RefusedError:
        own_id = None
    kind = "MARKET" if form.is_market else "LIMIT" if form.stop_price is None else "STOP_LIMIT"
    shown = {
        "s": form.symbol[:20].lower() if form.symbol.isascii() else None,
        "c": own_id,
        "S": form.side.upper(),
        "o": kind,
        "p": _plain(form.price),
        "P": _plain(form.stop_price),
        "q": _plain(form.quantity),
        "z": _plain(form.quantity),
    }
    return {name: text for name, text in shown.items() if text is not None}


def _plain(text: str | None) -> str | None:
    return text if number(text) is not None else None


def read_order_id(params: Mapping[str, Any]) -> int:
    """Read the parameter of `order.cancel`, a number or its text. Raises `StreamError`."""
    wanted = whole(params.get("orderId"))
    if wanted is None:
        raise _invalid("orderId must be a whole number")
    return wanted


def cancel(exchange: Exchange, account: Account, wanted: int) -> Order:
    """Cancel one order of the account inside an operation and return it.

    Raises `RefusedError` for an unknown order and for a closed one.
    """
    live = exchange.engine.live.get(wanted)
    if live is not None and live.account is account:
        exchange.engine.cancel(live)
        return live
    closed = exchange.store.order(account, wanted) if wanted < 1 << 63 else None
    if closed is not None:
        _tell_refused_cancel(exchange, closed)
    raise RefusedError("OrderNotFound", f"Order {wanted} is not open", 404)


def _tell_refused_cancel(exchange: Exchange, order: Order) -> None:
    engine = exchange.engine
    engine.batch.notices.append(
        Notice(
            kind=OrderEventType.CANCEL_REJECTED,
            order=copy(order),
            event_id=engine.new_id(),
            at_ms=exchange.timeline.now_ms(),
            command_id=engine.new_id(),
        )
    )


def cancel_all(exchange: Exchange, account: Account, session: str | None) -> list[Order]:
    """Cancel the account's live orders, or only those of one session, inside an operation."""
    cancelled = [
        order
        for order in exchange.engine.live_orders(account)
        if session is None or order.api_session == session
    ]
    for order in cancelled:
        exchange.engine.cancel(order)
    return cancelled


def _invalid(message: str) -> StreamError:
    return StreamError(INVALID, message)
