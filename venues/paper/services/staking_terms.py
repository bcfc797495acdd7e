"""What can be staked, with whom and at which rate."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from domain.clock import from_epoch_ms
from domain.money import to_wire
from venues.paper.call import Call
from venues.paper.exchange import Exchange

PROVIDER: Final = "6f1d2c1e-8b1a-4b52-9d0e-3a8f5c7e2b41"
"""The one provider of the play exchange."""

RATES_BPS: Final[Mapping[str, Decimal]] = MappingProxyType(
    {"ETH": Decimal("228.0197"), "SOL": Decimal("321.5282")}
)
"""Simple yearly rates in basis points, as the venue's own sample has them."""

DEPOSIT_LIMIT_USD: Final = 500_000

_DAYS: Final = 365


def daily_rate(currency: str) -> Decimal:
    """Return the interest of one day on one unit."""
    return RATES_BPS[currency] / 10_000 / _DAYS


def apy_pct(currency: str) -> Decimal:
    """Return the yearly yield in percent, compounded daily, rounded to two decimals."""
    return (((1 + daily_rate(currency)) ** _DAYS - 1) * 100).quantize(Decimal("0.01"))


def rate_pct(currency: str) -> Decimal:
    """Return the simple yearly rate in percent."""
    return number(RATES_BPS[currency] / 100)


def number(value: Decimal) -> Decimal:
    """Return a value as it is to stand in JSON: no exponent, no trailing zeros."""
    return Decimal(to_wire(value))


def iso(at_ms: int) -> str:
    """Write a time as the staking calls do."""
    return from_epoch_ms(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def staking_rates(_: Exchange, __: Call) -> dict[str, dict[str, Any]]:
    """Answer `/v1/staking/rates`."""
    return {
        PROVIDER: {
            currency: {
                "providerId": PROVIDER,
                "rate": rate,
                "apyPct": apy_pct(currency),
                "ratePct": rate_pct(currency),
                "depositUsdLimit": DEPOSIT_LIMIT_USD,
            }
            for currency, rate in RATES_BPS.items()
        }
    }
