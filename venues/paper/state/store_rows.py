"""Between the exchange's objects and the rows of its tables."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.instrument import Side
from domain.money import to_wire
from domain.order import ExecutionOption, OrderType
from venues.paper.matching.ledger import Account, AccountType, Role
from venues.paper.matching.orders import Execution, MarketType, Order
from venues.paper.state.keys import ApiKey, NonceMode

ACCOUNT_COLUMNS = "account_id, name, group_name, short_name, title, type, created_ms, is_closed"
KEY_COLUMNS = (
    "api_key, secret, label, group_name, account, roles, nonce_mode, requires_heartbeat, addresses, nonce"
)
ORDER_COLUMNS = (
    "id, account, symbol, side, type, price, amount, remaining, created_ms, option, stop_price, "
    "client_order_id, api_session, notional, maker_bps, taker_bps, is_live, is_triggered, reason"
)
EXECUTION_COLUMNS = (
    "tid, order_id, account, symbol, side, price, amount, fee, fee_currency, is_maker, at_ms, "
    "notional_usd, client_order_id"
)


_MARKET_TYPES = frozenset(MarketType)


def marks(columns: str) -> str:
    """Return as many parameter marks as there are columns."""
    return ", ".join("?" * (columns.count(",") + 1))


def _text(value: Decimal | None) -> str | None:
    return None if value is None else to_wire(value)


def order_row(order: Order) -> tuple[Any, ...]:
    """Return an order as the values of `ORDER_COLUMNS`."""
    return (
        order.id,
        order.account.name,
        order.symbol,
        order.side,
        order.type,
        to_wire(order.price),
        to_wire(order.amount),
        to_wire(order.remaining),
        order.created_ms,
        order.option,
        _text(order.stop_price),
        order.client_order_id,
        order.api_session,
        to_wire(order.notional),
        to_wire(order.maker_bps),
        to_wire(order.taker_bps),
        order.is_live,
        order.is_triggered,
        order.reason,
    )


def order_of(row: tuple[Any, ...], account: Account) -> Order:
    """Return the order of a row; it holds nothing yet."""
    (
        order_id, _, symbol, side, kind, price, amount, remaining, created_ms, option, stop_price,
        client_order_id, api_session, notional, maker_bps, taker_bps, is_live, is_triggered, reason,
    ) = row  # fmt: skip
    return Order(
        id=order_id,
        account=account,
        symbol=symbol,
        side=Side(side),
        type=MarketType(kind) if kind in _MARKET_TYPES else OrderType(kind),
        price=Decimal(price),
        amount=Decimal(amount),
        remaining=Decimal(remaining),
        created_ms=created_ms,
        option=None if option is None else ExecutionOption(option),
        stop_price=None if stop_price is None else Decimal(stop_price),
        client_order_id=client_order_id,
        api_session=api_session,
        notional=Decimal(notional),
        maker_bps=Decimal(maker_bps),
        taker_bps=Decimal(taker_bps),
        is_live=bool(is_live),
        is_triggered=bool(is_triggered),
        reason=reason,
    )


def execution_row(execution: Execution) -> tuple[Any, ...]:
    """Return an execution as the values of `EXECUTION_COLUMNS`."""
    return (
        execution.tid,
        execution.order_id,
        execution.account,
        execution.symbol,
        execution.side,
        to_wire(execution.price),
        to_wire(execution.amount),
        to_wire(execution.fee),
        execution.fee_currency,
        execution.is_maker,
        execution.at_ms,
        to_wire(execution.notional_usd),
        execution.client_order_id,
    )


def execution_of(row: tuple[Any, ...]) -> Execution:
    """Return the execution of a row."""
    tid, order_id, account, symbol, side, price, amount, fee, currency, is_maker, at_ms, usd, client_id = row
    return Execution(
        tid=tid,
        order_id=order_id,
        account=account,
        symbol=symbol,
        side=Side(side),
        price=Decimal(price),
        amount=Decimal(amount),
        fee=Decimal(fee),
        fee_currency=currency,
        is_maker=bool(is_maker),
        at_ms=at_ms,
        notional_usd=Decimal(usd),
        client_order_id=client_id,
    )


def account_row(account: Account) -> tuple[Any, ...]:
    """Return an account as the values of `ACCOUNT_COLUMNS`."""
    return (
        account.account_id,
        account.name,
        account.group,
        account.short_name,
        account.title,
        account.type,
        account.created_ms,
        account.is_closed,
    )


def account_of(row: tuple[Any, ...]) -> Account:
    """Return the account of a row, still without funds."""
    account_id, name, group, short_name, title, kind, created_ms, is_closed = row
    return Account(
        account_id=account_id,
        name=name,
        group=group,
        short_name=short_name,
        title=title,
        type=AccountType(kind),
        created_ms=created_ms,
        is_closed=bool(is_closed),
    )


def key_row(key: ApiKey) -> tuple[Any, ...]:
    """Return a key as the values of `KEY_COLUMNS`."""
    return (
        key.api_key,
        key.secret,
        key.label,
        key.group,
        None if key.account is None else key.account.name,
        ",".join(sorted(key.roles)),
        key.nonce_mode,
        key.requires_heartbeat,
        ",".join(key.trusted_addresses),
        _text(key.last_nonce),
    )


def key_of(row: tuple[Any, ...], accounts: Mapping[str, Account]) -> ApiKey:
    """Return the key of a row."""
    api_key, secret, label, group, account, roles, mode, requires_heartbeat, addresses, nonce = row
    return ApiKey(
        api_key=api_key,
        secret=secret,
        label=label,
        group=group,
        account=None if account is None else accounts[account],
        roles=frozenset(Role(role) for role in roles.split(",") if role),
        nonce_mode=NonceMode(mode),
        requires_heartbeat=bool(requires_heartbeat),
        trusted_addresses=tuple(address for address in addresses.split(",") if address),
        last_nonce=None if nonce is None else Decimal(nonce),
    )
