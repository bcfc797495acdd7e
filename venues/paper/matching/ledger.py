"""Accounts: balances with holds, and the fee tier that the last 30 days of volume earned."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from domain.money import ZERO

PRIMARY = "primary"
"""The short name of a group's main account."""


class Role(StrEnum):
    """What a key may do."""

    TRADER = "Trader"
    AUDITOR = "Auditor"
    FUND_MANAGER = "FundManager"
    ADMINISTRATOR = "Administrator"


class AccountType(StrEnum):
    """What an account of a group is for; only an exchange account trades."""

    EXCHANGE = "exchange"
    CUSTODY = "custody"


class Tier(NamedTuple):
    """Fee rates in basis points from a 30-day volume in USD on."""

    volume: Decimal
    maker_bps: Decimal
    taker_bps: Decimal


# Gemini's API fee schedule, page last marked 2022-06-30.
TIERS: tuple[Tier, ...] = tuple(
    Tier(Decimal(volume), Decimal(maker), Decimal(taker))
    for volume, maker, taker in (
        (0, 20, 40),
        (10_000, 10, 30),
        (50_000, 10, 25),
        (100_000, 8, 20),
        (1_000_000, 5, 15),
        (5_000_000, 3, 10),
        (10_000_000, 2, 8),
        (50_000_000, 0, 5),
        (100_000_000, 0, 4),
        (500_000_000, 0, 3),
    )
)


def tier_for(volume_usd: Decimal) -> Tier:
    """Return the tier that a 30-day volume in USD earns."""
    return max((tier for tier in TIERS if tier.volume <= volume_usd), key=lambda tier: tier.volume)


@dataclass(slots=True)
class Funds:
    """One currency of one account: `held` is the part that open orders have claimed."""

    amount: Decimal = ZERO
    held: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        """Return what a new order may claim."""
        return self.amount - self.held


@dataclass(slots=True, kw_only=True, eq=False)
class Account:
    """One account. House accounts (makers, takers, a recording) trade without limit or fee.

    `name` is unique on the exchange; within its `group` an account is called by its `short_name`, and
    `title` is what its owner calls it. `day` is the UTC day (days since 1970) for which `tier` was computed;
    tiers move at midnight UTC.
    """

    name: str
    group: str = ""
    short_name: str = PRIMARY
    title: str = "Primary"
    type: AccountType = AccountType.EXCHANGE
    created_ms: int = 0
    is_closed: bool = False
    is_house: bool = False
    funds: dict[str, Funds] = field(default_factory=dict)
    tier: Tier = TIERS[0]
    day: int = -1
    account_id: int = 0

    def available(self, currency: str) -> Decimal:
        """Return what a new order may claim of `currency`; asking changes nothing."""
        found = self.funds.get(currency)
        return ZERO if found is None else found.available

    def fund(self, currency: str) -> Funds:
        """Return the funds in `currency`, an empty one if there were none."""
        found = self.funds.get(currency)
        if found is None:
            found = self.funds[currency] = Funds()
        return found
