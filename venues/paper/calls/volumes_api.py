"""The signed calls about what was traded, and what trading costs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.money import ZERO
from venues.paper.call import Call, market_or_invalid
from venues.paper.exchange import DAY_MS, VOLUME_DAYS, Exchange
from venues.paper.matching.fees import tier_on
from venues.paper.matching.orders import Execution

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RATIO_PLACES = Decimal("1e-8")


def notional_volume(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/notionalvolume`: the fees until the next midnight UTC, on `symbol` if one is given."""
    account = call.owner
    tier = account.tier
    if call.payload.get("symbol") is not None:
        tier = tier_on(market_or_invalid(exchange, call.payload["symbol"]).listing, tier)
    maker, taker = int(tier.maker_bps), int(tier.taker_bps)
    days = exchange.daily_volumes(account)
    total = _rounded(sum((volume for _, volume in days), ZERO))
    midnight_ms = exchange.timeline.now_ms() // DAY_MS * DAY_MS
    answer: dict[str, Any] = {}
    for channel in ("web", "api", "fix"):
        answer |= {
            f"{channel}_maker_fee_bps": maker,
            f"{channel}_taker_fee_bps": taker,
            f"{channel}_auction_fee_bps": maker,
        }
    return {
        **answer,
        "block_maker_fee_bps": 0,
        "block_taker_fee_bps": 50,
        "notional_30d_volume": total,
        "api_notional_30d_volume": total,
        "last_updated_ms": midnight_ms,
        "date": _date(midnight_ms // DAY_MS),
        "notional_1d_volume": [
            {"date": _date(day), "notional_volume": _rounded(volume)} for day, volume in reversed(days)
        ],
        "fee_tier": {"tier": int(tier.volume), "api_maker_fee_bps": maker, "api_taker_fee_bps": taker},
    }


@dataclass(slots=True)
class _Part:
    """What was traded on one side of the book, in one direction."""

    base: Decimal = ZERO
    notional: Decimal = ZERO
    count: int = 0

    def add(self, execution: Execution) -> None:
        """Count one execution."""
        self.base += execution.amount
        self.notional += execution.amount * execution.price
        self.count += 1


@dataclass(slots=True)
class _Day:
    parts: dict[str, _Part] = field(
        default_factory=lambda: {
            name: _Part() for name in ("buy_maker", "sell_maker", "buy_taker", "sell_taker")
        }
    )

    def add(self, execution: Execution) -> None:
        """Count one execution."""
        self.parts[f"{execution.side}_{'maker' if execution.is_maker else 'taker'}"].add(execution)


def trade_volume(exchange: Exchange, call: Call) -> list[list[dict[str, Any]]]:
    """Answer `/v1/tradevolume`: one list with a row for each symbol and UTC day, newest day first.

    Our rule: the last 30 whole days and the present one. The ratio is the buys' share of what was made.
    """
    now_ms = exchange.timeline.now_ms()
    since_ms = now_ms // DAY_MS * DAY_MS - VOLUME_DAYS * DAY_MS
    days: dict[tuple[int, str], _Day] = defaultdict(_Day)
    for each in exchange.store.executions_between(call.owner, since_ms, now_ms + 1):
        days[each.at_ms // DAY_MS, each.symbol].add(each)
    ordered = sorted(days.items(), key=lambda found: (-found[0][0], found[0][1]))
    return [[_day_json(exchange, day, symbol, traded) for (day, symbol), traded in ordered]]


def _day_json(exchange: Exchange, day: int, symbol: str, traded: _Day) -> dict[str, Any]:
    instrument, parts = exchange.instrument(symbol), traded.parts
    made = parts["buy_maker"].base + parts["sell_maker"].base
    shown: dict[str, Any] = {
        "symbol": symbol,
        "base_currency": instrument.base,
        "notional_currency": instrument.quote,
        "data_date": _date(day),
        "total_volume_base": sum((part.base for part in parts.values()), ZERO),
        "maker_buy_sell_ratio": (parts["buy_maker"].base / made).quantize(_RATIO_PLACES) if made else ZERO,
    }
    for name, part in parts.items():
        shown |= {f"{name}_base": part.base, f"{name}_notional": part.notional, f"{name}_count": part.count}
    return shown


def _rounded(volume: Decimal) -> Decimal:
    return volume.quantize(Decimal("0.01"))


def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


HANDLERS = {"notional_volume": notional_volume, "trade_volume": trade_volume}
