"""The views of market data v1: what became of each level and why, or of the best ones only.

The engine tells what an operation left behind, so a level's story is put together again: what traded there,
and around it what was placed or cancelled in one net change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.instrument import Side
from domain.money import ZERO, to_wire
from venues.paper.feeds.encoding import dumps
from venues.paper.feeds.mailbox import Mailbox
from venues.paper.feeds.market_tap import Channel, Levels, MarketChange, MarketTap
from venues.paper.matching.orders import Print
from venues.paper.matching.render import price_text

_SIDES = {Side.BUY: "bid", Side.SELL: "ask"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelView:
    """What a v1 connection asked for. `names_symbol` is for those that carry many."""

    bids: bool = True
    offers: bool = True
    trades: bool = True
    top_of_book: bool = False
    names_symbol: bool = True


class LevelChannel(Channel):
    """One market as seen through a `LevelView`."""

    def __init__(self, tap: MarketTap, view: LevelView) -> None:
        super().__init__(tap)
        self._view = view
        self._shown: dict[Side, dict[Decimal, Decimal]] = {side: dict(self._levels(side)) for side in Side}

    def join(self, mailbox: Mailbox) -> None:
        """Send every level, or the best ones, as `initial`; none when only trades are asked for."""
        super().join(mailbox)
        events = [
            self._change(side, price, total, total, "initial")
            for side in self._wanted_sides()
            for price, total in self._levels(side)
        ]
        mailbox.put_numbered(*self._halves(self.tap.update_id, self.tap.intervals.now_ms(), events))

    def show(self, change: MarketChange) -> None:
        """Send trades and changed levels as one update."""
        trades = [self._trade(each) for each in change.prints] if self._view.trades else []
        events = trades
        for side, levels in ((Side.BUY, change.bids), (Side.SELL, change.asks)):
            if not levels or side not in self._wanted_sides():
                continue
            events += self._new_top(side) if self._view.top_of_book else self._story(side, levels, change)
        if events:
            halves = self._halves(change.update_id, change.at_ms, events)
            for mailbox in self.readers:
                mailbox.put_numbered(*halves)

    def _wanted_sides(self) -> tuple[Side, ...]:
        wanted = ((Side.BUY, self._view.bids), (Side.SELL, self._view.offers))
        return tuple(side for side, is_wanted in wanted if is_wanted)

    def _levels(self, side: Side) -> Levels:
        return self.market.book.side(side).depth(1 if self._view.top_of_book else 0)

    def _new_top(self, side: Side) -> list[dict[str, Any]]:
        before, after = self._shown[side], dict(self._levels(side))
        self._shown[side] = after
        gone = [
            self._change(side, price, ZERO, -total, "top-of-book")
            for price, total in before.items()
            if price not in after
        ]
        return gone + [
            self._change(side, price, total, total - before.get(price, ZERO), "top-of-book")
            for price, total in after.items()
            if before.get(price) != total
        ]

    def _story(self, side: Side, levels: Levels, change: MarketChange) -> Iterator[dict[str, Any]]:
        taken = _taken(side, change.prints)
        shown = self._shown[side]
        for price, total in levels:
            before, traded = shown.get(price, ZERO), taken.get(price, ZERO)
            others = total - before + traded
            # What was placed came before the trade if the trade took more than had been there.
            steps = [(others, "place" if others > 0 else "cancel"), (-traded, "trade")]
            if traded <= before:
                steps.reverse()
            for delta, reason in steps:
                if delta:
                    before += delta
                    yield self._change(side, price, before, delta, reason)
            if total:
                shown[price] = total
            else:
                shown.pop(price, None)

    def _trade(self, trade: Print) -> dict[str, Any]:
        maker = Side.SELL if trade.side is Side.BUY else Side.BUY
        return {
            "type": "trade",
            **self._symbol(),
            "tid": trade.tid,
            "price": price_text(trade.price, self.instrument),
            "amount": to_wire(trade.amount),
            "makerSide": _SIDES[maker],
        }

    def _change(
        self, side: Side, price: Decimal, remaining: Decimal, delta: Decimal, reason: str
    ) -> dict[str, Any]:
        return {
            "type": "change",
            **self._symbol(),
            "side": _SIDES[side],
            "price": price_text(price, self.instrument),
            "remaining": to_wire(remaining),
            "delta": to_wire(delta),
            "reason": reason,
        }

    def _symbol(self) -> Mapping[str, str]:
        return {"symbol": self.market.symbol.upper()} if self._view.names_symbol else {}

    @staticmethod
    def _halves(event_id: int, at_ms: int, events: list[dict[str, Any]]) -> tuple[str, str]:
        head = (
            f'{{"type":"update","eventId":{event_id},"timestamp":{at_ms // 1000},"timestampms":{at_ms},'
            '"socket_sequence":'
        )
        return head, f',"events":{dumps(events)}}}'


def _taken(side: Side, prints: Iterable[Print]) -> dict[Decimal, Decimal]:
    """Return how much the takers took from each level of `side`."""
    found: dict[Decimal, Decimal] = {}
    for trade in prints:
        if trade.side is not side:
            found[trade.price] = found.get(trade.price, ZERO) + trade.amount
    return found
