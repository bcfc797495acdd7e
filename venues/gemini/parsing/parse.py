"""From the venue's words to the house's: public data, balances and fees become domain types.

Each function takes the body's bytes and raises one of `reading.UNREADABLE` for anything that does not fit; a
number that is not finite or absurdly long does not fit. Lists come back oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from domain.clock import from_epoch_ms
from domain.fees import FeeTier
from domain.instrument import Instrument, InstrumentStatus, Side
from domain.market import BookView, Candle, Level, PublicTrade
from domain.money import parse_venue_decimal
from domain.order import Balance
from venues.gemini.parsing import wire
from venues.gemini.parsing.reading import exact, list_of, maybe, positive, symbol_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceQuote:
    """The venue's last price of a pair; `change_24h` as the venue gives it, None when it does not."""

    symbol: str
    price: Decimal
    change_24h: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """A day in one line. `hourly_closes` has up to 24, oldest first; bid and ask None on an empty side."""

    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    hourly_closes: tuple[Decimal, ...]
    bid: Decimal | None
    ask: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PubTicker:
    """Best and last prices and what was traded in 24 hours up to `at`; None where the venue tells nothing."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    base_volume: Decimal | None
    quote_volume: Decimal | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSchedule:
    """The account's own API rates and the 30-day volume they rest on; `as_of` None when not told."""

    tier: FeeTier
    volume_30d_usd: Decimal
    as_of: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRoles:
    """What the key may do."""

    is_trader: bool
    is_fund_manager: bool
    is_auditor: bool
    is_account_admin: bool


_symbols = list_of(str)
_details = msgspec.json.Decoder(wire.DetailsWire).decode
_all_details = list_of(wire.DetailsWire)
_book = msgspec.json.Decoder(wire.BookWire).decode
_trades = list_of(wire.PublicTradeWire)
_prices = list_of(wire.PriceWire)
_ticker = msgspec.json.Decoder(wire.TickerWire).decode
_pub_ticker = msgspec.json.Decoder(wire.PubTickerWire).decode
_candles = list_of(wire.CandleWire)
_balances = list_of(wire.BalanceWire)
_volume = msgspec.json.Decoder(wire.VolumeWire).decode
_roles = msgspec.json.Decoder(wire.RolesWire).decode


def symbols(body: bytes) -> list[str]:
    """Read `/v1/symbols` as lower-case symbols."""
    return [symbol_of(text) for text in _symbols(body)]


def instrument(body: bytes) -> Instrument:
    """Read one `/v1/symbols/details/{symbol}`."""
    return _instrument(_details(body))


def instruments(body: bytes) -> list[Instrument]:
    """Read `/v1/symbols/details/all`."""
    return [_instrument(found) for found in _all_details(body)]


def book(body: bytes, symbol: str) -> BookView:
    """Read `/v1/book`; it is as old as the reply, so its age is 0."""
    found = _book(body)
    bids, asks = _levels(found.bids), _levels(found.asks)
    return BookView(
        symbol=symbol,
        bids=tuple(sorted(bids, reverse=True)),
        asks=tuple(sorted(asks)),
        age_s=0.0,
        synced=True,
    )


def trades(body: bytes, symbol: str) -> list[PublicTrade]:
    """Read `/v1/trades`, without broken ones and without auctions and blocks, which have no taker."""
    read = [
        PublicTrade(
            symbol=symbol,
            price=exact(t.price),
            amount=exact(t.amount),
            side=Side(t.type),
            at=from_epoch_ms(t.timestampms),
            trade_id=str(t.tid),
        )
        for t in _trades(body)
        if not t.broken and t.type in {"buy", "sell"}
    ]
    return sorted(read, key=lambda t: (t.at, int(t.trade_id)))


def price_feed(body: bytes) -> list[PriceQuote]:
    """Read `/v1/pricefeed`."""
    return [
        PriceQuote(symbol=symbol_of(p.pair), price=exact(p.price), change_24h=maybe(p.percentChange24h))
        for p in _prices(body)
    ]


def ticker(body: bytes) -> Ticker:
    """Read `/v2/ticker`."""
    t = _ticker(body)
    return Ticker(
        symbol=symbol_of(t.symbol),
        open=exact(t.open),
        high=exact(t.high),
        low=exact(t.low),
        close=exact(t.close),
        hourly_closes=tuple(exact(c) for c in reversed(t.changes)),
        bid=maybe(t.bid),
        ask=maybe(t.ask),
    )


def pub_ticker(body: bytes, symbol: str) -> PubTicker:
    """Read `/v1/pubticker`; `symbol` is the one asked for, which tells the two volumes apart."""
    t = _pub_ticker(body)
    stamp = t.volume.pop("timestamp", None)
    volumes = {currency.lower(): exact(amount) for currency, amount in t.volume.items()}
    base = next((c for c in volumes for other in volumes if c + other == symbol.lower()), None)
    quote = None if base is None else symbol.lower().removeprefix(base)
    return PubTicker(
        symbol=symbol.lower(),
        bid=maybe(t.bid),
        ask=maybe(t.ask),
        last=maybe(t.last),
        base_volume=None if base is None else volumes[base],
        quote_volume=None if quote is None else volumes[quote],
        at=None if stamp is None else from_epoch_ms(int(stamp)),
    )


def candles(body: bytes) -> list[Candle]:
    """Read `/v2/candles`."""
    return sorted((candle(found) for found in _candles(body)), key=lambda c: c.start)


def candle(found: wire.CandleWire) -> Candle:
    """Read one candle of either wire."""
    return Candle(
        start=from_epoch_ms(found.start_ms),
        open=exact(found.open),
        high=exact(found.high),
        low=exact(found.low),
        close=exact(found.close),
        volume=exact(found.volume),
    )


def balances(body: bytes) -> list[Balance]:
    """Read `/v1/balances`; currencies in lower case, as in instruments."""
    return [
        Balance(currency=b.currency.lower(), amount=exact(b.amount), available=exact(b.available))
        for b in _balances(body)
        if b.type == "exchange"
    ]


def fee_schedule(body: bytes) -> FeeSchedule:
    """Read `/v1/notionalvolume`."""
    v = _volume(body)
    return FeeSchedule(
        tier=FeeTier(maker_bps=exact(v.api_maker_fee_bps), taker_bps=exact(v.api_taker_fee_bps)),
        volume_30d_usd=exact(v.notional_30d_volume),
        as_of=None if v.last_updated_ms is None else from_epoch_ms(v.last_updated_ms),
    )


def roles(body: bytes) -> KeyRoles:
    """Read `/v1/roles`."""
    r = _roles(body)
    return KeyRoles(
        is_trader=r.isTrader,
        is_fund_manager=r.isFundManager,
        is_auditor=r.isAuditor,
        is_account_admin=r.isAccountAdmin,
    )


def socket_trade(found: wire.SocketTradeWire) -> PublicTrade:
    """Read a trade of `/v2/marketdata`."""
    return PublicTrade(
        symbol=found.symbol.lower(),
        price=parse_venue_decimal(found.price),
        amount=parse_venue_decimal(found.quantity),
        side=Side(found.side),
        at=from_epoch_ms(found.timestamp),
        trade_id=str(found.event_id if found.tid is None else found.tid),
    )


def _instrument(d: wire.DetailsWire) -> Instrument:
    tick, step, least = (exact(n) for n in (d.quote_increment, d.tick_size, d.min_order_size))
    if tick <= 0 or step <= 0 or least < 0:
        raise ValueError("increments must be above zero")
    symbol = symbol_of(d.symbol)
    is_swap = d.product_type not in {"", "spot"} or symbol.endswith("perp")
    return Instrument(
        symbol=symbol,
        base=d.base_currency.lower(),
        quote=d.quote_currency.lower(),
        price_tick=tick,
        amount_step=step,
        min_amount=least,
        # A word that we do not know is no permission to trade.
        status=InstrumentStatus(d.status) if d.status in _STATUSES else InstrumentStatus.CLOSED,
        is_spot=not is_swap,
    )


_STATUSES: Final = frozenset(InstrumentStatus)


def _levels(found: Iterable[wire.LevelWire]) -> list[Level]:
    return [Level(positive(row.price), positive(row.amount)) for row in found if row.amount]
