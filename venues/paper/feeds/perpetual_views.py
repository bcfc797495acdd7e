"""Mark price and funding of perpetual swaps, as the market data socket v2 and as the new API's streams.

The venue sends mark prices every few seconds and the funding amount on each minute. Its new API multiplies
the index by a power of ten that differs from swap to swap and is published nowhere; the factors were read off
its frames in September 2026. Where it is silent: the minute after a payment also tells the amount paid.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from domain.money import to_wire
from venues.paper.feeds.encoding import NS_PER_MS, dumps
from venues.paper.feeds.mailbox import Mailbox
from venues.paper.feeds.market_tap import Channel, MarketChange, MarketTap
from venues.paper.matching import perpetuals
from venues.paper.matching.engine import Engine
from venues.paper.matching.render import price_text

MARK_EVERY_MS: Final = 5_000
MINUTE_MS: Final = 60_000
INDEX_FACTORS: Final[Mapping[str, int]] = MappingProxyType(
    {"btcgusdperp": 100, "ethgusdperp": 10, "solgusdperp": 100, "xrpgusdperp": 1000}
)

_AMOUNT = Decimal("0.00001")
_INDEX = Decimal("0.00001")


class _SwapChannel(Channel):
    """A view that does not follow the book."""

    def __init__(self, tap: MarketTap, engine: Engine) -> None:
        super().__init__(tap)
        self._engine = engine

    def show(self, change: MarketChange) -> None:
        """Send nothing: the beat does."""

    @property
    def _now_ms(self) -> int:
        return self.tap.intervals.now_ms()

    def _mark(self) -> str:
        mark = perpetuals.mark_price(self._engine, self.market.symbol, self._now_ms)
        return price_text(mark, self.instrument)

    def _index(self) -> Decimal:
        return perpetuals.index_price(self._engine, self.market.symbol)


class _MarkChannel(_SwapChannel):
    """A frame every five seconds, the first one at once."""

    def __init__(self, tap: MarketTap, engine: Engine) -> None:
        super().__init__(tap, engine)
        self.interval = tap.intervals.every(MARK_EVERY_MS, lambda: self.send(self.frame()))

    def join(self, mailbox: Mailbox) -> None:
        """Send the mark price as it is."""
        super().join(mailbox)
        mailbox.put(self.frame())

    @abstractmethod
    def frame(self) -> str:
        """Write the mark price as it is."""


class MarkPriceUpdates(_MarkChannel):
    """`mark_price` of the market data socket v2."""

    def frame(self) -> str:
        """Write the mark price as it is."""
        change = {
            "mark_price": self._mark(),
            "spot_index": to_wire(self._index().quantize(_INDEX)),
            "timestamp": self._now_ms * NS_PER_MS,
        }
        symbol = self.market.symbol.upper()
        return dumps({"type": "mark_price_updates", "symbol": symbol, "changes": [change]})


class MarkPriceStream(_MarkChannel):
    """`@markPrice`."""

    def frame(self) -> str:
        """Write the mark price as it is."""
        index = self._index() * INDEX_FACTORS.get(self.market.symbol, 1)
        return dumps(
            {
                "e": "markPrice",
                "E": self._now_ms * NS_PER_MS,
                "s": self.market.symbol,
                "p": self._mark(),
                "i": format(index.quantize(_INDEX), "f"),
            }
        )


class _FundingChannel(_SwapChannel):
    """Frames on each minute."""

    def __init__(self, tap: MarketTap, engine: Engine) -> None:
        super().__init__(tap, engine)
        self.interval = tap.intervals.every(MINUTE_MS, self._beat, on_grid=True)

    def _beat(self) -> None:
        for frame in self.frames(is_after_payment=self._now_ms % perpetuals.HOUR_MS < MINUTE_MS):
            self.send(frame)

    @abstractmethod
    def frames(self, *, is_after_payment: bool) -> list[str]:
        """Write what the next payment will be, and what the last one was if it has just been made."""

    def _stand(self) -> perpetuals.Funding:
        return perpetuals.funding(self._engine, self.market.symbol, self._now_ms)


class FundingUpdates(_FundingChannel):
    """`funding_amount` of the market data socket v2; the first frame comes at once."""

    def join(self, mailbox: Mailbox) -> None:
        """Send where the funding stands."""
        super().join(mailbox)
        for frame in self.frames(is_after_payment=False):
            mailbox.put(frame)

    def frames(self, *, is_after_payment: bool) -> list[str]:
        """Write what the next payment will be, and what the last one was if it has just been made."""
        stand = self._stand()
        changes = [self._change(stand, stand.next_at_ms, stand.estimate, is_realized=False)]
        if is_after_payment:
            changes.insert(0, self._change(stand, stand.paid_at_ms, stand.paid, is_realized=True))
        symbol = self.market.symbol.upper()
        return [dumps({"type": "funding_amount_updates", "symbol": symbol, "changes": changes})]

    def _change(
        self, stand: perpetuals.Funding, at_ms: int, amount: Decimal, *, is_realized: bool
    ) -> dict[str, Any]:
        return {
            "timestamp": self._now_ms * NS_PER_MS,
            "funding_amount": to_wire(amount.quantize(_AMOUNT)),
            "funding_date_time": at_ms * NS_PER_MS,
            "funding_interval_in_minutes": perpetuals.FUNDING_MINUTES,
            "funding_rate": format((amount / stand.mark * 100).quantize(Decimal("0.001")), "f"),
            "mark_price": price_text(stand.mark, self.instrument),
            "is_realized": is_realized,
        }


class FundingStream(_FundingChannel):
    """`@fundingAmount`: nothing before the next minute."""

    def frames(self, *, is_after_payment: bool) -> list[str]:
        """Write what the next payment will be, and what the last one was if it has just been made."""
        stand = self._stand()
        found = (
            [self._frame(stand, stand.paid_at_ms, stand.paid, is_realized=True)] if is_after_payment else []
        )
        return [*found, self._frame(stand, stand.next_at_ms, stand.estimate, is_realized=False)]

    def _frame(self, stand: perpetuals.Funding, at_ms: int, amount: Decimal, *, is_realized: bool) -> str:
        return dumps(
            {
                "e": "fundingAmount",
                "E": at_ms * NS_PER_MS,
                "s": self.market.symbol,
                "T": at_ms * NS_PER_MS,
                "i": perpetuals.FUNDING_MINUTES,
                "f": format(amount.quantize(_AMOUNT), "f"),
                "r": format((amount / stand.mark * 100).quantize(_AMOUNT), "f"),
                "p": price_text(stand.mark, self.instrument),
                "R": is_realized,
            }
        )
