"""The JSON of the account's reads as typed structs; unknown fields are ignored, numbers stay exact."""

# ruff: noqa: N815 - the names are the venue's own spelling

from __future__ import annotations

from decimal import Decimal

import msgspec


class NotionalBalanceWire(msgspec.Struct):
    """One of `/v1/notionalbalances`."""

    currency: str
    amount: Decimal
    amountNotional: Decimal
    available: Decimal
    availableNotional: Decimal
    availableForWithdrawal: Decimal = Decimal(0)


class DayVolumeWire(msgspec.Struct):
    """One of `/v1/tradevolume`: what was made and taken in a symbol on a day."""

    symbol: str
    data_date: str
    total_volume_base: Decimal
    buy_maker_base: Decimal = Decimal(0)
    buy_maker_notional: Decimal = Decimal(0)
    buy_maker_count: int = 0
    sell_maker_base: Decimal = Decimal(0)
    sell_maker_notional: Decimal = Decimal(0)
    sell_maker_count: int = 0
    buy_taker_base: Decimal = Decimal(0)
    buy_taker_notional: Decimal = Decimal(0)
    buy_taker_count: int = 0
    sell_taker_base: Decimal = Decimal(0)
    sell_taker_notional: Decimal = Decimal(0)
    sell_taker_count: int = 0


class TransferWire(msgspec.Struct):
    """One of `/v2/transfers`."""

    type: str
    status: str
    timestampms: int
    eid: int
    currency: str
    amount: Decimal
    network: str | None = None
    feeAmount: Decimal | None = None
    feeCurrency: str | None = None
    txHash: str | None = None
    destination: str | None = None
    withdrawalId: str | None = None


class FxRateWire(msgspec.Struct):
    """`/v2/fxrate`."""

    fxPair: str
    rate: Decimal
    asOf: int
    provider: str = ""


class AccountInfoWire(msgspec.Struct):
    """The account of `/v1/account`."""

    accountName: str
    shortName: str
    type: str
    created: int | str


class AccountUserWire(msgspec.Struct):
    """A person who may act on the account."""

    name: str


class AccountWire(msgspec.Struct):
    """`/v1/account`."""

    account: AccountInfoWire
    users: list[AccountUserWire] = []


class MemberWire(msgspec.Struct):
    """One of `/v1/account/list`; a custody account has no counterparty id."""

    name: str
    account: str
    type: str
    created: int | str
    counterparty_id: str | None = None
    status: str = ""


class FundingWire(msgspec.Struct):
    """`/v1/fundingamount`."""

    symbol: str
    fundingTimestampMilliSecs: int
    nextFundingTimestamp: int
    fundingAmount: Decimal
    estimatedFundingAmount: Decimal


class RiskStatsWire(msgspec.Struct):
    """`/v1/riskstats`."""

    mark_price: Decimal
    index_price: Decimal
    open_interest: Decimal
    open_interest_notional: Decimal
