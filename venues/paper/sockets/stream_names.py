"""The names of the new WebSocket API's streams, and how a connection joins what they stand for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from venues.paper.exchange import Exchange
from venues.paper.feeds.account_views import UpdateReader, position_report
from venues.paper.feeds.mailbox import Mailbox
from venues.paper.feeds.market_tap import Channel, MarketTap
from venues.paper.feeds.perpetual_views import FundingStream, MarkPriceStream
from venues.paper.feeds.stream_views import DepthChannel, PartialDepthChannel, TickerChannel, TradeChannel
from venues.paper.matching.ledger import Account, Role
from venues.paper.state.keys import ApiKey

SLOW_MS: Final = 1_000
FAST_MS: Final = 100

_MARKET = re.compile(
    r"(?P<symbol>[A-Za-z0-9]{4,20})@"
    r"(?:(?P<plain>bookTicker|trade|markPrice|fundingAmount)|depth(?P<levels>5|10|20)?(?P<fast>@100ms)?)",
    re.ASCII,
)
_SWAP_NAMES = frozenset({"markPrice", "fundingAmount"})
_READ_ORDERS = frozenset({Role.TRADER, Role.AUDITOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketStream:
    """A public stream. `plain` is empty for books, `levels` 0 for whole ones."""

    symbol: str
    plain: str
    levels: int
    period_ms: int

    @property
    def name(self) -> str:
        """Return the name as `list_subscriptions` shows it."""
        if self.plain:
            return f"{self.symbol}@{self.plain}"
        levels, interval = self.levels or "", "@100ms" if self.period_ms == FAST_MS else ""
        return f"{self.symbol}@depth{levels}{interval}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStream:
    """A stream of the connection's own account: who may read it, by role or by the scope of a token."""

    name: str
    roles: frozenset[Role]
    scope: str


ACCOUNT_STREAMS: Final = {
    stream.name: stream
    for stream in (
        AccountStream(name="orders@account", roles=_READ_ORDERS, scope="orders:read"),
        AccountStream(name="orders@session", roles=_READ_ORDERS, scope="orders:read"),
        AccountStream(name="balances@account", roles=frozenset(Role), scope="balances:read"),
        AccountStream(name="balances@account@1s", roles=frozenset(Role), scope="balances:read"),
        AccountStream(name="positions@account", roles=_READ_ORDERS, scope="orders:read"),
        AccountStream(name="positions@account@1s", roles=_READ_ORDERS, scope="orders:read"),
    )
}

Leave = Callable[[], None]


def read_name(exchange: Exchange, name: object) -> MarketStream | AccountStream | None:
    """Return the stream of a name; None when there is no such stream or no such market."""
    if not isinstance(name, str):
        return None
    if name in ACCOUNT_STREAMS:
        return ACCOUNT_STREAMS[name]
    found = _MARKET.fullmatch(name)
    market = None if found is None else exchange.engine.markets.get(found["symbol"].lower())
    if found is None or market is None or (found["plain"] in _SWAP_NAMES and market.instrument.is_spot):
        return None
    return MarketStream(
        symbol=market.symbol,
        plain=found["plain"] or "",
        levels=int(found["levels"] or 0),
        period_ms=FAST_MS if found["fast"] else SLOW_MS,
    )


def join_market(
    exchange: Exchange, stream: MarketStream, mailbox: Mailbox, snapshot_levels: int | None
) -> Leave:
    """Join a public stream and return the way out. `snapshot_levels` 0 is a whole book, None no book."""
    feeds, key = exchange.feeds, ("stream", stream)

    def make(tap: MarketTap) -> Channel:
        if stream.plain in _SWAP_NAMES:
            kind = MarkPriceStream if stream.plain == "markPrice" else FundingStream
            return kind(tap, exchange.engine)
        if stream.plain:
            return TickerChannel(tap) if stream.plain == "bookTicker" else TradeChannel(tap)
        if stream.levels:
            return PartialDepthChannel(tap, stream.levels, stream.period_ms)
        return DepthChannel(tap, stream.period_ms)

    channel = feeds.channel(stream.symbol, key, make)
    if isinstance(channel, DepthChannel) and snapshot_levels is not None:
        channel.join_with_book(mailbox, snapshot_levels)
    else:
        channel.join(mailbox)
    return lambda: feeds.leave(stream.symbol, key, mailbox)


def join_account(
    exchange: Exchange, stream: AccountStream, mailbox: Mailbox, key: ApiKey, account: Account
) -> Leave:
    """Join a stream of `account` and return the way out."""
    feeds = exchange.feeds
    kind, _, rest = stream.name.partition("@")
    if kind == "orders":
        reader = UpdateReader(mailbox, key, account, own_session=rest == "session")
        feeds.orders.add(reader)
        return lambda: feeds.orders.remove(reader)
    if kind == "balances":
        period_ms = SLOW_MS if rest.endswith("@1s") else 0
        feeds.balances(account, period_ms).join(mailbox)
        return lambda: feeds.leave_balances(account, period_ms, mailbox)
    mailbox.put(position_report(account, exchange.timeline.now_ms()))
    return _nothing_to_leave


def _nothing_to_leave() -> None:
    return
