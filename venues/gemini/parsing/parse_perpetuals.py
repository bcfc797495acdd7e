"""What the venue says of perpetuals over REST: funding and open interest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec

from domain.clock import from_epoch_ms
from venues.gemini.parsing import wire_account
from venues.gemini.parsing.reading import exact, symbol_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidFunding:
    """What a contract paid at `at`, and what it is expected to pay at `next_at`, in its quote currency."""

    symbol: str
    amount: Decimal
    at: datetime
    estimate: Decimal
    next_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskStats:
    """Prices that positions are valued at, and how much stands open: in contracts and in quote."""

    mark_price: Decimal
    index_price: Decimal
    open_interest: Decimal
    open_interest_notional: Decimal


_funding = msgspec.json.Decoder(wire_account.FundingWire).decode
_risk = msgspec.json.Decoder(wire_account.RiskStatsWire).decode
_whole = msgspec.json.Decoder(int).decode


def funding(body: bytes) -> PaidFunding:
    """Read `/v1/fundingamount`."""
    found = _funding(body)
    return PaidFunding(
        symbol=symbol_of(found.symbol),
        amount=exact(found.fundingAmount),
        at=from_epoch_ms(found.fundingTimestampMilliSecs),
        estimate=exact(found.estimatedFundingAmount),
        next_at=from_epoch_ms(found.nextFundingTimestamp),
    )


def next_funding(body: bytes) -> datetime:
    """Read `/v1/nextfundingtimestamp`, a bare number of milliseconds."""
    return from_epoch_ms(_whole(body))


def risk_stats(body: bytes) -> RiskStats:
    """Read `/v1/riskstats`."""
    found = _risk(body)
    return RiskStats(
        mark_price=exact(found.mark_price),
        index_price=exact(found.index_price),
        open_interest=exact(found.open_interest),
        open_interest_notional=exact(found.open_interest_notional),
    )
