"""The account's streams of the new WebSocket API: orders, balances, positions.

Fields that are empty or zero are left out of order updates, as the venue may; `Z` is the last fill's amount
on fills and the whole executed amount elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from domain.instrument import Instrument
from domain.money import to_wire
from domain.order import OrderEventType, OrderType
from venues.paper.feeds.encoding import NS_PER_MS, amount_text, asked_price, dumps
from venues.paper.feeds.intervals import Interval, Intervals
from venues.paper.feeds.mailbox import Mailbox
from venues.paper.feeds.order_readers import OrderReader
from venues.paper.matching.ledger import Account
from venues.paper.matching.market import Notice
from venues.paper.matching.orders import Order
from venues.paper.state.keys import ApiKey

_STATES = {
    OrderEventType.ACCEPTED: "NEW",
    OrderEventType.BOOKED: "OPEN",
    OrderEventType.CANCELLED: "CANCELED",
    OrderEventType.REJECTED: "REJECTED",
}

_REASONS = {
    "InvalidSymbol": "UnknownInstrument",
    "InvalidStopPriceBuy": "InvalidStopPrice",
    "InvalidStopPriceSell": "InvalidStopPrice",
    "InvalidStopPriceRatio": "InvalidStopPrice",
}


class UpdateReader(OrderReader):
    """`orders@account`, or `orders@session`: only what one key placed."""

    def __init__(self, mailbox: Mailbox, key: ApiKey, account: Account, *, own_session: bool) -> None:
        super().__init__(order_update, mailbox, account=account.name)
        self._session = key.api_key if own_session else None

    def wants(self, notice: Notice) -> bool:
        """Say whether the order belongs to the session, if one was asked for."""
        return self.takes_refusals(notice.order.api_session)

    def takes_refusals(self, session: str) -> bool:
        """Say whether `session` is its own, or none was asked for."""
        return self._session is None or session == self._session


def order_update(notice: Notice, instrument: Instrument) -> str | None:
    """Write an order update; None for what these streams do not tell."""
    order, execution = notice.order, notice.execution
    if execution is not None:
        state = "PARTIALLY_FILLED" if order.remaining else "FILLED"
    elif notice.kind in _STATES:
        state = _STATES[notice.kind]
    else:
        return None
    at_ns = notice.at_ms * NS_PER_MS
    executed = order.executed if execution is None else execution.amount
    update: dict[str, Any] = {
        "e": "orderUpdate",
        "E": at_ns,
        "s": order.symbol,
        "i": order.id,
        "c": order.client_order_id,
        "S": order.side.upper(),
        "o": _type(order),
        "X": state,
        "p": None if order.is_market else asked_price(order.price, instrument),
        "P": None if order.stop_price is None else asked_price(order.stop_price, instrument),
        "q": amount_text(order.amount, instrument),
        "z": amount_text(order.remaining, instrument) if order.remaining else None,
        "Z": amount_text(executed, instrument) if executed else None,
    }
    if execution is not None:
        update |= {
            "L": asked_price(execution.price, instrument),
            "t": execution.tid,
            "n": to_wire(execution.fee) if execution.fee else None,
            "m": execution.is_maker,
        }
    if notice.kind is OrderEventType.CANCELLED:
        update["r"] = order.reason
    elif notice.kind is OrderEventType.REJECTED:
        update["r"] = stream_reason(order.reason or "", order.price)
    update["T"] = at_ns
    return dumps({name: value for name, value in update.items() if value is not None})


def _type(order: Order) -> str:
    if order.is_market:
        return "MARKET"
    return "STOP_LIMIT" if order.type is OrderType.STOP_LIMIT else "LIMIT"


def stream_reason(reason: str, price: Decimal | None) -> str:
    """Return what these streams call the reason why an order with this `price` was refused."""
    if reason == "InvalidPrice" and price:
        return "LimitPriceOffTick"
    return _REASONS.get(reason, reason)


def refused_update(order_id: int, at_ms: int, reason: str, fields: Mapping[str, Any]) -> str:
    """Write the update of an order that never became one; `fields` are its other members."""
    return dumps(
        {
            "e": "orderUpdate",
            "E": at_ms * NS_PER_MS,
            "i": order_id,
            **fields,
            "X": "REJECTED",
            "r": reason,
            "T": at_ms * NS_PER_MS,
        }
    )


class BalanceChannel:
    """`balances@account`: the assets that changed, at once or at most once in a period.

    Where the venue is silent: the first frame of a reader has every asset of the account.
    """

    def __init__(self, account: Account, intervals: Intervals, period_ms: int) -> None:
        self.readers: dict[Mailbox, None] = {}
        self._account = account
        self._intervals = intervals
        self._period_ms = period_ms
        self._shown = _standing(account)
        self._due: Interval | None = None

    def join(self, mailbox: Mailbox) -> None:
        """Send every asset, and what changes from now on."""
        self.readers[mailbox] = None
        mailbox.put(self._frame(_standing(self._account).items()))

    def show(self) -> None:
        """Send what changed, or see to it when the period is over."""
        if not self._period_ms:
            self._flush()
        elif self._due is None:
            self._due = self._intervals.at_next(self._period_ms, self._flush)

    def close(self) -> None:
        """Send nothing more."""
        if self._due is not None:
            self._due.cancel()

    def _flush(self) -> None:
        self._due = None
        standing = _standing(self._account)
        changed = [(asset, now) for asset, now in standing.items() if self._shown.get(asset) != now]
        self._shown = standing
        if changed:
            frame = self._frame(changed)
            for mailbox in self.readers:
                mailbox.put(frame)

    def _frame(self, rows: Iterable[tuple[str, tuple[Decimal, Decimal]]]) -> str:
        at_ns = self._intervals.now_ms() * NS_PER_MS
        return dumps(
            {
                "e": "balanceUpdate",
                "E": at_ns,
                "u": at_ns,
                "B": [
                    {"a": asset, "f": to_wire(available), "c": to_wire(amount)}
                    for asset, (available, amount) in rows
                ],
            }
        )


def _standing(account: Account) -> dict[str, tuple[Decimal, Decimal]]:
    return {asset: (funds.available, funds.amount) for asset, funds in sorted(account.funds.items())}


def position_report(account: Account, at_ms: int) -> str:
    """Write the positions of an account; a spot account has none."""
    at_ns = at_ms * NS_PER_MS
    return dumps({"e": "positionReport", "E": at_ns, "u": at_ns, "A": account.account_id, "P": []})
