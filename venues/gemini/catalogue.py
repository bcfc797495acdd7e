"""The endpoints we call, as one frozen table: the client reaches the venue only through it.

Columns follow the venue's reference (developer.gemini.com REST pages, read 2026-09): method, path, how it is
authorised, which key roles may call it, its OAuth scope, what it can do to money, and which rate budget it
draws on. A new endpoint is a new row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.errors import BadInputError
from domain.instrument import SYMBOL


class Auth(StrEnum):
    """How a call proves who asks."""

    NONE = "none"
    SIGNED = "signed"


class Role(StrEnum):
    """What a key may be allowed to do."""

    TRADER = "Trader"
    FUND_MANAGER = "FundManager"
    AUDITOR = "Auditor"
    ADMINISTRATOR = "Administrator"


class Money(StrEnum):
    """What a call can do to money."""

    READS = "-"
    WRITES = "w"
    TRADES = "$"
    MOVES = "$$"


class RateClass(StrEnum):
    """Which of the venue's rate budgets a call draws on."""

    PUBLIC = "public"
    PRIVATE = "private"
    SOCKET = "socket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One row. `roles` empty: any role will do. `is_repeatable` is False only where twice is not once."""

    name: str
    method: str
    path: str
    auth: Auth
    roles: frozenset[Role]
    scope: str
    money: Money
    rate: RateClass
    is_repeatable: bool = True

    def at(self, **parts: str) -> str:
        """Return the path with its `{parts}` filled in.

        Raises `BadInputError` for a part that could change the path's meaning.
        """
        for name, part in parts.items():
            if not SYMBOL.fullmatch(part) and part not in INTERVALS.values():
                raise BadInputError(
                    "BAD_SYMBOL",
                    f"{name} {part!r:.40} is not a symbol",
                    "Write it in lower case without separators, such as btcusd.",
                )
        return self.path.format(**parts)


INTERVALS: Final[Mapping[str, str]] = MappingProxyType(
    {"1m": "1m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1hr", "6h": "6hr", "1d": "1day"}
)
"""Our candle widths and the spelling that the venue's own tools send."""

_T, _FM, _A = Role.TRADER, Role.FUND_MANAGER, Role.AUDITOR
_PUBLIC, _PRIVATE, _SOCKET = RateClass.PUBLIC, RateClass.PRIVATE, RateClass.SOCKET
_NONE, _SIGNED = Auth.NONE, Auth.SIGNED

_ROWS: Final = (
    # name, method, path, auth, roles, scope, money, rate
    ("symbols", "GET", "/v1/symbols", _NONE, (), "", "-", _PUBLIC),
    ("symbol_details", "GET", "/v1/symbols/details/{symbol}", _NONE, (), "", "-", _PUBLIC),
    ("all_symbol_details", "GET", "/v1/symbols/details/all", _NONE, (), "", "-", _PUBLIC),
    ("book", "GET", "/v1/book/{symbol}", _NONE, (), "", "-", _PUBLIC),
    ("trades", "GET", "/v1/trades/{symbol}", _NONE, (), "", "-", _PUBLIC),
    ("price_feed", "GET", "/v1/pricefeed", _NONE, (), "", "-", _PUBLIC),
    ("ticker", "GET", "/v2/ticker/{symbol}", _NONE, (), "", "-", _PUBLIC),
    ("candles", "GET", "/v2/candles/{symbol}/{interval}", _NONE, (), "", "-", _PUBLIC),
    ("balances", "POST", "/v1/balances", _SIGNED, (_T, _FM, _A), "balances:read", "-", _PRIVATE),
    ("notional_volume", "POST", "/v1/notionalvolume", _SIGNED, (_T, _A), "history:read", "-", _PRIVATE),
    ("order_new", "POST", "/v1/order/new", _SIGNED, (_T,), "orders:create", "$", _PRIVATE),
    ("order_cancel", "POST", "/v1/order/cancel", _SIGNED, (_T,), "orders:create", "$", _PRIVATE),
    ("cancel_session", "POST", "/v1/order/cancel/session", _SIGNED, (_T,), "orders:create", "$", _PRIVATE),
    ("order_status", "POST", "/v1/order/status", _SIGNED, (_T, _A), "orders:read", "-", _PRIVATE),
    ("orders", "POST", "/v1/orders", _SIGNED, (_T, _A), "orders:read", "-", _PRIVATE),
    ("my_trades", "POST", "/v1/mytrades", _SIGNED, (_T, _A), "history:read", "-", _PRIVATE),
    ("heartbeat", "POST", "/v1/heartbeat", _SIGNED, (_T,), "", "w", _PRIVATE),
    ("roles", "POST", "/v1/roles", _SIGNED, (), "", "-", _PRIVATE),
    ("market_data", "WS", "/v2/marketdata", _NONE, (), "", "-", _SOCKET),
    ("order_events", "WS", "/v1/order/events", _SIGNED, (_T, _A), "orders:read", "-", _SOCKET),
)

TABLE: Final[Mapping[str, Call]] = MappingProxyType(
    {
        name: Call(
            name=name,
            method=method,
            path=path,
            auth=auth,
            roles=frozenset(roles),
            scope=scope,
            money=Money(money),
            rate=rate,
            is_repeatable=name != "order_new",
        )
        for name, method, path, auth, roles, scope, money, rate in _ROWS
    }
)
"""Every endpoint by name."""
