"""The account's reads: worth, volumes, transfers, fixings and names become types of the house.

Each function takes the body's bytes and raises one of `reading.UNREADABLE` for anything that does not fit.
Lists come back oldest first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import msgspec

from domain.clock import from_epoch_ms
from venues.gemini.parsing import wire_account
from venues.gemini.parsing.reading import exact, list_of, maybe, moment, symbol_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NotionalBalance:
    """What there is of a currency, and its worth in `notional_currency`; currencies in lower case."""

    currency: str
    amount: Decimal
    available: Decimal
    for_withdrawal: Decimal
    notional_currency: str
    amount_notional: Decimal
    available_notional: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """What one side did as maker or taker: in base, in quote, and how many times."""

    base: Decimal
    notional: Decimal
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayVolume:
    """The account's own trading in a symbol on a UTC day; `total_base` in base."""

    symbol: str
    day: date
    total_base: Decimal
    bought_making: Traded
    sold_making: Traded
    bought_taking: Traded
    sold_taking: Traded


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money in or out; `kind` and `status` in the venue's words, `amount` without the fee."""

    transfer_id: str
    kind: str
    status: str
    currency: str
    amount: Decimal
    at: datetime
    network: str | None
    fee: Decimal | None
    fee_currency: str | None
    transaction_hash: str | None
    destination: str | None
    withdrawal_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FxRate:
    """A fixing of a fiat pair: units of the second currency for one of the first."""

    pair: str
    rate: Decimal
    at: datetime
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDetail:
    """What the account is called; `short_name` is what requests use."""

    name: str
    short_name: str
    kind: str
    created: datetime
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One account of a group."""

    name: str
    short_name: str
    kind: str
    status: str
    counterparty_id: str | None
    created: datetime


_balances = list_of(wire_account.NotionalBalanceWire)
_volumes = list_of(list[wire_account.DayVolumeWire] | None)  # type: ignore[arg-type]  # a run-time type
_transfers = list_of(wire_account.TransferWire)
_rate = msgspec.json.Decoder(wire_account.FxRateWire).decode
_account = msgspec.json.Decoder(wire_account.AccountWire).decode
_members = list_of(wire_account.MemberWire)


def notional_balances(body: bytes, notional: str) -> list[NotionalBalance]:
    """Read `/v1/notionalbalances/{notional}`."""
    return [
        NotionalBalance(
            currency=b.currency.lower(),
            amount=exact(b.amount),
            available=exact(b.available),
            for_withdrawal=exact(b.availableForWithdrawal),
            notional_currency=notional.lower(),
            amount_notional=exact(b.amountNotional),
            available_notional=exact(b.availableNotional),
        )
        for b in _balances(body)
    ]


def trade_volume(body: bytes) -> list[DayVolume]:
    """Read `/v1/tradevolume`, an array of arrays; nothing traded is one empty array, or null in it."""
    found = [_day_volume(row) for rows in _volumes(body) for row in rows or ()]
    return sorted(found, key=lambda volume: (volume.day, volume.symbol))


def _day_volume(v: wire_account.DayVolumeWire) -> DayVolume:
    return DayVolume(
        symbol=symbol_of(v.symbol),
        day=date.fromisoformat(v.data_date),
        total_base=exact(v.total_volume_base),
        bought_making=_traded(v.buy_maker_base, v.buy_maker_notional, v.buy_maker_count),
        sold_making=_traded(v.sell_maker_base, v.sell_maker_notional, v.sell_maker_count),
        bought_taking=_traded(v.buy_taker_base, v.buy_taker_notional, v.buy_taker_count),
        sold_taking=_traded(v.sell_taker_base, v.sell_taker_notional, v.sell_taker_count),
    )


def _traded(base: Decimal, notional: Decimal, count: int) -> Traded:
    return Traded(base=exact(base), notional=exact(notional), count=count)


def transfers(body: bytes) -> list[Transfer]:
    """Read `/v2/transfers` or its first version."""
    read = [
        Transfer(
            transfer_id=str(t.eid),
            kind=t.type,
            status=t.status,
            currency=t.currency.lower(),
            amount=exact(t.amount),
            at=from_epoch_ms(t.timestampms),
            network=t.network,
            fee=maybe(t.feeAmount),
            fee_currency=None if t.feeCurrency is None else t.feeCurrency.lower(),
            transaction_hash=t.txHash,
            destination=t.destination,
            withdrawal_id=t.withdrawalId,
        )
        for t in _transfers(body)
    ]
    return sorted(read, key=lambda transfer: (transfer.at, int(transfer.transfer_id)))


def fx_rate(body: bytes) -> FxRate:
    """Read `/v2/fxrate`."""
    found = _rate(body)
    return FxRate(
        pair=found.fxPair.upper(), rate=exact(found.rate), at=moment(found.asOf), provider=found.provider
    )


def account(body: bytes) -> AccountDetail:
    """Read `/v1/account`."""
    found = _account(body)
    return AccountDetail(
        name=found.account.accountName,
        short_name=found.account.shortName,
        kind=found.account.type,
        created=moment(int(found.account.created)),
        users=tuple(user.name for user in found.users),
    )


def accounts(body: bytes) -> list[Member]:
    """Read `/v1/account/list`."""
    read = [
        Member(
            name=m.name,
            short_name=m.account,
            kind=m.type,
            status=m.status,
            counterparty_id=m.counterparty_id,
            created=moment(int(m.created)),
        )
        for m in _members(body)
    ]
    return sorted(read, key=lambda member: (member.created, member.short_name))
