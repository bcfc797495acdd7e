"""Who reads order events: each event is written once per view and handed to the readers it concerns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.instrument import Instrument
from domain.order import OrderEventType
from venues.paper.feeds.encoding import asked_price, dumps
from venues.paper.feeds.mailbox import Mailbox
from venues.paper.matching.ledger import Account
from venues.paper.matching.market import Notice
from venues.paper.matching.orders import Order
from venues.paper.matching.render import event_json

OrderView = Callable[[Notice, Instrument], str | None]
"""Writes a notice; None for one that the view does not have."""


class OrderReader:
    """One reader of the orders of an account, or of all accounts of a group."""

    def __init__(self, view: OrderView, mailbox: Mailbox, *, account: str = "", group: str = "") -> None:
        self.view = view
        self.mailbox = mailbox
        self.account = account
        self.group = group

    def concerns(self, account: Account) -> bool:
        """Say whether the orders of `account` are its own."""
        return account.name == self.account if self.account else account.group == self.group

    def wants(self, notice: Notice) -> bool:
        """Say whether a notice about its orders passes its filters."""
        del notice
        return True

    def takes_refusals(self, session: str) -> bool:
        """Say whether it hears of orders of `session` that were refused before they were any."""
        del session
        return False

    def take(self, text: str) -> None:
        """Send an event."""
        self.mailbox.put(text)


class EventReader(OrderReader):
    """One order-events connection: its filters, and numbers of its own. One event a frame."""

    def __init__(
        self,
        mailbox: Mailbox,
        *,
        account: str = "",
        group: str = "",
        symbols: frozenset[str] = frozenset(),
        sessions: frozenset[str] = frozenset(),
        kinds: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(group_event if group else account_event, mailbox, account=account, group=group)
        self._symbols = symbols
        self._sessions = sessions
        self._kinds = kinds

    def wants(self, notice: Notice) -> bool:
        """Say whether a notice passes the filters; an empty one passes all."""
        order = notice.order
        return (
            (not self._symbols or order.symbol in self._symbols)
            and (not self._sessions or order.api_session in self._sessions)
            and (not self._kinds or notice.kind in self._kinds)
        )

    def take(self, text: str) -> None:
        """Send an event, alone in its array."""
        self.mailbox.put_numbered(f'[{text[:-1]},"socket_sequence":', "}]")

    def beat(self, heartbeat: dict[str, Any]) -> None:
        """Send a heartbeat; it takes a number as well."""
        self.mailbox.put_numbered(f'{dumps(heartbeat)[:-1]},"socket_sequence":', "}")


def account_event(notice: Notice, instrument: Instrument) -> str:
    """Write an event as the keys of an account see it."""
    return dumps(_event(notice, instrument))


def group_event(notice: Notice, instrument: Instrument) -> str:
    """Write an event as master keys see it: with the account's name."""
    return dumps({**_event(notice, instrument), "account_name": notice.order.account.short_name})


def _event(notice: Notice, instrument: Instrument) -> dict[str, Any]:
    event = event_json(notice, instrument, initial=notice.kind is OrderEventType.INITIAL)
    if notice.kind is OrderEventType.CANCEL_REJECTED:
        event["reason"] = "OrderNotFound"  # not among the open ones, whose own end may have another reason
    if notice.kind is OrderEventType.REJECTED:
        event["price"] = asked_price(notice.order.price, instrument)
        if notice.order.stop_price is not None:
            event["stop_price"] = asked_price(notice.order.stop_price, instrument)
    return event


class OrderReaders:
    """All of them."""

    def __init__(self, instrument_of: Callable[[str], Instrument]) -> None:
        self._instrument_of = instrument_of
        self._readers: dict[OrderReader, None] = {}

    def add(self, reader: OrderReader) -> None:
        """Start sending to `reader`."""
        self._readers[reader] = None

    def remove(self, reader: OrderReader) -> None:
        """Stop sending to `reader`."""
        self._readers.pop(reader, None)

    def show_live(self, reader: OrderReader, orders: list[Order]) -> None:
        """Send one `initial` event for each live order that concerns `reader`, newest first."""
        for order in sorted(orders, key=lambda each: -each.id):
            if reader.concerns(order.account):
                notice = Notice(kind=OrderEventType.INITIAL, order=order, event_id=0, at_ms=order.created_ms)
                self._show(notice, reader, {})

    def publish(self, notices: list[Notice]) -> None:
        """Send what happened to the readers it concerns."""
        for notice in notices if self._readers else ():
            texts: dict[OrderView, str | None] = {}
            for reader in self._readers:
                if reader.concerns(notice.order.account):
                    self._show(notice, reader, texts)

    def tell(self, account: Account, session: str, text: str) -> None:
        """Send a text that is no notice to the update streams that would have the session's orders."""
        for reader in self._readers:
            if reader.concerns(account) and reader.takes_refusals(session):
                reader.take(text)

    def _show(self, notice: Notice, reader: OrderReader, texts: dict[OrderView, str | None]) -> None:
        if not reader.wants(notice):
            return
        if reader.view not in texts:
            texts[reader.view] = reader.view(notice, self._instrument_of(notice.order.symbol))
        text = texts[reader.view]
        if text is not None:
            reader.take(text)
