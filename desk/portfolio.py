"""What is held, what it is worth, and how the day goes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from desk.account import Account
from desk.ledger import Ledger
from desk.market import Market
from desk.store import Store
from domain.clock import Clock, rfc3339
from domain.fees import break_even_price
from domain.money import CONTEXT, ZERO, to_wire
from domain.position import Position
from guardrails.limits import Limits

_EQUITY_PEAK = "equity_peak_usd"
_CENT = Decimal("0.01")


class Portfolio:
    """Values the ledger at the bid, after the taker fee: what selling now would bring."""

    def __init__(
        self,
        *,
        store: Store,
        ledger: Ledger,
        market: Market,
        account: Account,
        clock: Clock,
        limits: Callable[[], Limits],
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._market = market
        self._account = account
        self._clock = clock
        self._limits = limits

    def _bid_usd(self, asset: str) -> Decimal | None:
        view = self._market.view(f"{asset}usd", 1)
        return view.bid if view.bid is not None else self._market.usd_rates().get(asset)

    def unrealised_usd(self, position: Position) -> Decimal | None:
        """Return the result of selling all of it now, None without a price or fee tier."""
        if position.amount == 0:
            return ZERO
        bid, fees = self._bid_usd(position.asset), self._account.fees
        if bid is None or fees is None:
            return None
        return position.unrealised_usd(bid, fees.taker_bps)

    def _unrealised_all(self) -> Decimal | None:
        total = ZERO
        for position in self._ledger.positions():
            value = self.unrealised_usd(position)
            if value is None:
                return None
            total += value
        return total

    def day_pnl_usd(self) -> Decimal | None:
        """Return realised plus the change of unrealised since this UTC day's first look, after fees."""
        unrealised = self._unrealised_all()
        if unrealised is None:
            return None
        start = self._ledger.start_unrealised(unrealised)
        return self._ledger.day()["realised_usd"] + unrealised - start

    def equity_usd(self) -> Decimal | None:
        """Return all balances at mid, None when a balance or a rate is missing."""
        balances = self._account.balances
        if balances is None:
            return None
        rates = self._market.usd_rates()
        total = ZERO
        for currency, balance in balances.items():
            if balance.amount == 0:
                continue
            if currency not in rates:
                return None
            total += CONTEXT.multiply(balance.amount, rates[currency])
        return total

    def drawdown_pct(self) -> Decimal | None:
        """Return how far equity stands below its highest seen, in per cent."""
        equity = self.equity_usd()
        if equity is None:
            return None
        stored = self._store.get_meta(_EQUITY_PEAK)
        peak = ZERO if stored is None else Decimal(stored)
        if equity > peak:
            # Written only when it moved by a cent: marks wobble many times a second.
            if equity - peak >= _CENT:
                self._store.set_meta(_EQUITY_PEAK, to_wire(equity))
            return ZERO
        return (peak - equity) / peak * 100 if peak else ZERO

    def as_json(self) -> dict[str, Any]:
        """Return the answer of `/portfolio`."""
        equity, pnl, day = self.equity_usd(), self.day_pnl_usd(), self._ledger.day()
        unrealised = self._unrealised_all()
        return {
            "as_of": rfc3339(self._clock.now()),
            "equity_usd": cents(equity),
            "cash": [
                {"currency": c, "amount": to_wire(b.amount), "available": to_wire(b.available)}
                for c, b in sorted((self._account.balances or {}).items())
                if b.amount != 0
            ],
            "positions": [
                self._position_json(p) for p in self._ledger.positions() if p.amount or p.realised_usd
            ],
            "day": {
                "realised_usd": cents(day["realised_usd"]),
                "unrealised_usd": cents(unrealised),
                "fees_usd": cents(day["fees_usd"]),
                "pnl_usd": cents(pnl),
                "turnover_usd": cents(day["turnover_usd"]),
                "orders": self._ledger.count_since(self._seconds_today()),
            },
            "limits_used": self.limits_used(),
        }

    def _seconds_today(self) -> float:
        now = self._clock.now()
        return (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()

    def _position_json(self, position: Position) -> dict[str, Any]:
        bid = self._bid_usd(position.asset)
        average = position.average_cost_usd
        return {
            "asset": position.asset,
            "symbol": f"{position.asset}usd",
            "amount": to_wire(position.amount),
            "average_cost_usd": None if average is None else to_wire(average.quantize(Decimal("1E-8"))),
            "cost_usd": cents(position.cost_usd),
            "value_usd": None if bid is None else cents(CONTEXT.multiply(position.amount, bid)),
            "unrealised_usd": cents(self.unrealised_usd(position)),
            "realised_usd": cents(position.realised_usd),
            "fees_usd": to_wire(position.fees_usd),
            "break_even_price": self._break_even(position),
        }

    def _break_even(self, position: Position) -> str | None:
        average, fees = position.average_cost_usd, self._account.fees
        instrument = self._market.instruments.get(f"{position.asset}usd")
        if average is None or fees is None or instrument is None:
            return None
        price = break_even_price(
            cost_per_unit=average,
            exit_bps=fees.taker_bps,
            amount=position.amount,
            tick=instrument.price_tick,
        )
        return to_wire(price)

    def limits_used(self) -> dict[str, dict[str, str]]:
        """Return what is used of the limits that fill up over a day or by open orders."""
        limits, day, live = self._limits(), self._ledger.day(), self._ledger.live()
        entries = sum((o.reserved_usd for o in live if o.adds_to), ZERO)
        pnl = self.day_pnl_usd()
        return {
            "global_open_plus_filled_day_usd": {
                "used": cents(day["entries_usd"] + entries) or "0",
                "limit": to_wire(limits.global_open_plus_filled_day_usd),
            },
            "turnover_day_usd": {
                "used": cents(day["turnover_usd"] + sum((o.reserved_usd for o in live), ZERO)) or "0",
                "limit": to_wire(limits.turnover_day_usd),
            },
            "orders_per_rolling_60s": {
                "used": str(self._ledger.count_since(60)),
                "limit": str(limits.orders_per_rolling_60s),
            },
            "max_open_orders": {"used": str(len(live)), "limit": str(limits.max_open_orders)},
            "daily_loss_usd": {
                "used": "unknown" if pnl is None else (cents(max(ZERO, -pnl)) or "0"),
                "limit": to_wire(limits.daily_loss_usd),
            },
        }


def cents(value: Decimal | None) -> str | None:
    """Write dollars with two decimals for tables; None stays None."""
    return None if value is None else f"{value.quantize(_CENT, context=CONTEXT):f}"
