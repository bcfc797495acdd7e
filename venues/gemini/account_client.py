"""The account's reads: balances, fees, volumes, transfers, history, roles, the accounts of a group."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final

from domain.clock import epoch_ms
from domain.errors import BadInputError
from domain.order import Balance, Fill
from venues.gemini.caller import Caller
from venues.gemini.catalogue import TABLE
from venues.gemini.own_trades import OwnTrades, TradeWalk
from venues.gemini.parsing import parse, parse_account, parse_orders

_PAGE: Final = 500
_TRANSFERS: Final = 50


class AccountReads:
    """What the account's own key may ask. Raises the errors of `domain.errors`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._walk = TradeWalk(self._trade_page)

    async def balances(self) -> list[Balance]:
        """Return what the account has in each currency."""
        return await self._caller.call(TABLE["balances"], parse.balances)

    async def notional_balances(self, currency: str = "usd") -> list[parse_account.NotionalBalance]:
        """Return what the account has, with its worth in a fiat `currency`."""
        read = partial(parse_account.notional_balances, notional=currency)
        call = TABLE["notional_balances"]
        return await self._caller.call(call, read, parts={"currency": currency.lower()})

    async def fee_schedule(self) -> parse.FeeSchedule:
        """Return the account's own fee rates."""
        return await self._caller.call(TABLE["notional_volume"], parse.fee_schedule)

    async def trade_volume(self) -> list[parse_account.DayVolume]:
        """Return what the account traded by symbol and day, oldest day first."""
        return await self._caller.call(TABLE["trade_volume"], parse_account.trade_volume)

    async def transfers(
        self, currency: str | None = None, since_ms: int | None = None, limit: int = _TRANSFERS
    ) -> list[parse_account.Transfer]:
        """Return deposits and withdrawals, oldest first; `limit` at most 50."""
        _check_limit(limit, _TRANSFERS, "transfers")
        fields = _given(limit_transfers=limit, currency=currency, timestamp=since_ms)
        return await self._caller.call(TABLE["transfers"], parse_account.transfers, fields=fields)

    async def fx_rate(self, pair: str, at: datetime) -> parse_account.FxRate:
        """Return the venue's fixing of a fiat pair such as `EURUSD` at a moment; takes an Auditor's key."""
        parts = {"pair": pair.upper(), "timestamp": str(epoch_ms(at))}
        return await self._caller.call(TABLE["fx_rate"], parse_account.fx_rate, parts=parts)

    async def my_trades(
        self, symbol: str | None = None, since_ms: int | None = None, limit: int = _PAGE
    ) -> list[Fill]:
        """Return own fills, oldest first.

        Without `since_ms` the newest `limit` (at most 500). With it, what `own_trades` finds, gap or not.
        """
        _check_limit(limit, _PAGE, "trades")
        if since_ms is None:
            return await self._trade_page(symbol, None, limit)
        return list((await self.own_trades(symbol, since_ms, limit)).fills)

    async def own_trades(self, symbol: str | None, since_ms: int, limit: int = _PAGE) -> OwnTrades:
        """Return own fills at or after `since_ms`, oldest first, in pages of `limit`, each trade once.

        `gap` says between which moments some may be missing, because the venue would not give them.
        """
        _check_limit(limit, _PAGE, "trades")
        return await self._walk.since(symbol, since_ms, limit)

    async def order_history(
        self, symbol: str | None = None, since_ms: int | None = None, limit: int = _PAGE
    ) -> list[parse_orders.ClosedOrder]:
        """Return closed orders with their fills, oldest first: one page of at most 500."""
        _check_limit(limit, _PAGE, "orders")
        fields = _given(limit_orders=limit, symbol=symbol, timestamp=since_ms)
        return await self._caller.call(TABLE["order_history"], parse_orders.history, fields=fields)

    async def roles(self) -> parse.KeyRoles:
        """Return what the key may do."""
        return await self._caller.call(TABLE["roles"], parse.roles)

    async def account(self) -> parse_account.AccountDetail:
        """Return the account's names and users."""
        return await self._caller.call(TABLE["account"], parse_account.account)

    async def account_list(
        self, since_ms: int | None = None, limit: int = _PAGE
    ) -> list[parse_account.Member]:
        """Return the accounts of the group; takes a master key."""
        _check_limit(limit, _PAGE, "accounts")
        fields = _given(limit_accounts=limit, timestamp=since_ms)
        return await self._caller.call(TABLE["account_list"], parse_account.accounts, fields=fields)

    async def _trade_page(self, symbol: str | None, since_ms: int | None, limit: int) -> list[Fill]:
        fields = _given(limit_trades=limit, symbol=symbol, timestamp=since_ms)
        read = partial(parse_orders.fills, symbol=symbol)
        return await self._caller.call(TABLE["my_trades"], read, fields=fields)


def _given(**fields: object) -> Mapping[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _check_limit(limit: int, most: int, what: str) -> None:
    if not 1 <= limit <= most:
        raise BadInputError("BAD_LIMIT", f"cannot ask for {limit} {what}", f"Ask for 1 to {most}.")
