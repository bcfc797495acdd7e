"""The venue's JSON as typed structs, decoded once; numbers become `Decimal` from their text, never floats.

Every field that some answer leaves out has a default; unknown fields are ignored.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec


class DetailsWire(msgspec.Struct):
    """`/v1/symbols/details`: `tick_size` is the amount step, `quote_increment` the price tick."""

    symbol: str
    base_currency: str
    quote_currency: str
    tick_size: Decimal
    quote_increment: Decimal
    min_order_size: Decimal
    status: str = ""
    product_type: str = ""


class LevelWire(msgspec.Struct):
    """One level of `/v1/book`."""

    price: Decimal
    amount: Decimal


class BookWire(msgspec.Struct):
    """`/v1/book`."""

    bids: list[LevelWire]
    asks: list[LevelWire]


class PublicTradeWire(msgspec.Struct):
    """One of `/v1/trades`; `type` is the taker's side, or `auction` and `block` in old data."""

    tid: int
    price: Decimal
    amount: Decimal
    type: str
    timestampms: int
    broken: bool = False


class PriceWire(msgspec.Struct):
    """One of `/v1/pricefeed`."""

    pair: str
    price: Decimal
    percentChange24h: Decimal | None = None  # noqa: N815 - the venue's own spelling


class TickerWire(msgspec.Struct):
    """`/v2/ticker`; `changes` are 24 hourly closes, newest first."""

    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    changes: list[Decimal] = []
    bid: Decimal | None = None
    ask: Decimal | None = None


class PubTickerWire(msgspec.Struct):
    """`/v1/pubticker`; `volume` has both currencies, and `timestamp` in milliseconds."""

    volume: dict[str, Decimal] = {}
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None


class CandleWire(msgspec.Struct, array_like=True):
    """`[ms, open, high, low, close, volume]`."""

    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class BalanceWire(msgspec.Struct):
    """One of `/v1/balances`."""

    currency: str
    amount: Decimal
    available: Decimal
    type: str = "exchange"


class VolumeWire(msgspec.Struct):
    """`/v1/notionalvolume`; fees in basis points."""

    api_maker_fee_bps: Decimal
    api_taker_fee_bps: Decimal
    notional_30d_volume: Decimal = Decimal(0)
    last_updated_ms: int | None = None


class RolesWire(msgspec.Struct):
    """`/v1/roles`; `isAccountAdmin` only for master keys."""

    isTrader: bool  # noqa: N815 - the venue's own spelling
    isFundManager: bool  # noqa: N815 - the venue's own spelling
    isAuditor: bool  # noqa: N815 - the venue's own spelling
    isAccountAdmin: bool = False  # noqa: N815 - the venue's own spelling


class ResultWire(msgspec.Struct):
    """`{"result": "ok"}`."""

    result: str


class CancelDetailsWire(msgspec.Struct):
    """What became of the orders; ids have 17 digits and more."""

    cancelledOrders: list[int | str] = []  # noqa: N815 - the venue's own spelling
    cancelRejects: list[int | str] = []  # noqa: N815 - the venue's own spelling


class CancelReportWire(msgspec.Struct):
    """`/v1/order/cancel/session` and `/v1/order/cancel/all`."""

    result: str
    details: CancelDetailsWire = msgspec.field(default_factory=CancelDetailsWire)


class OwnTradeWire(msgspec.Struct):
    """One of `/v1/mytrades`, or of an order's `trades`, which lack the symbol."""

    tid: int
    order_id: str | int
    price: Decimal
    amount: Decimal
    type: str
    aggressor: bool
    fee_amount: Decimal
    fee_currency: str
    timestampms: int
    symbol: str | None = None
    client_order_id: str | None = None


class OrderCommon(msgspec.Struct, kw_only=True):
    """What an order answer and an order event share. Market orders from elsewhere have no price."""

    order_id: str | int
    symbol: str
    side: str
    is_live: bool
    is_cancelled: bool = False
    timestampms: int | None = None
    timestamp: str | int | None = None
    client_order_id: str | None = None
    avg_execution_price: Decimal | None = None
    executed_amount: Decimal | None = None
    remaining_amount: Decimal | None = None
    original_amount: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    reason: str | None = None


class OrderWire(OrderCommon, kw_only=True):
    """An order as REST answers it."""

    type: str
    options: list[str] | None = None
    trades: list[OwnTradeWire] = []


class FillWire(msgspec.Struct):
    """The `fill` of a fill event."""

    trade_id: str | int
    liquidity: str
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str


class EventWire(OrderCommon, kw_only=True):
    """One event of the order-events socket."""

    type: str
    order_type: str = ""
    event_id: str | int | None = None
    behavior: str | None = None
    fill: FillWire | None = None
    socket_sequence: int | None = None


class NoticeWire(msgspec.Struct):
    """An object on the order-events socket: acknowledgement, heartbeat, error, or the head of one event."""

    type: str = ""
    socket_sequence: int | None = None
    result: str = ""
    reason: str = ""


class SocketTradeWire(msgspec.Struct):
    """A trade on `/v2/marketdata`. `tid` came with 2026; several trades may share one `event_id`."""

    symbol: str
    event_id: int
    timestamp: int
    price: str
    quantity: str
    side: str
    tid: int | None = None


Change = tuple[Literal["buy", "sell"], str, str]
"""`(side, price, size)`: `buy` is the bid side, the size is the new total, zero removes the level."""


class FrameWire(msgspec.Struct, gc=False):
    """A frame of `/v2/marketdata`, with the fields of a book frame; other kinds are decoded again.

    One small struct and not a tagged union: the venue may put `type` last, and a union would scan twice.
    """

    type: str = ""
    symbol: str = ""
    changes: list[Change] = []
    trades: list[SocketTradeWire] | msgspec.UnsetType = msgspec.UNSET
    auction_events: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

    @property
    def is_snapshot(self) -> bool:
        """Say whether this is the full book: only a snapshot has these keys, even when they are empty."""
        return self.trades is not msgspec.UNSET and self.auction_events is not msgspec.UNSET


class CandlesWire(msgspec.Struct):
    """A candles frame: the whole history first, then what changed, newest first."""

    type: str
    symbol: str
    changes: list[CandleWire]


class MarkPriceWire(msgspec.Struct):
    """One change of a mark price; `timestamp` in nanoseconds."""

    timestamp: int
    mark_price: Decimal
    spot_index: Decimal | None = None


class MarkPricesWire(msgspec.Struct):
    """A mark price frame."""

    symbol: str
    changes: list[MarkPriceWire]


class FundingWire(msgspec.Struct):
    """One change of a funding amount; times in nanoseconds. Rate and mark price came with newer text."""

    timestamp: int
    funding_amount: Decimal
    funding_date_time: int
    funding_interval_in_minutes: int | None = None
    is_realized: bool = False
    funding_rate: Decimal | None = None
    mark_price: Decimal | None = None


class FundingsWire(msgspec.Struct):
    """A funding frame."""

    symbol: str
    changes: list[FundingWire]


class KindWire(msgspec.Struct):
    """Only the kind of a frame and what it is about, or the venue's refusal."""

    type: str = ""
    symbol: str = ""
    result: str = ""
    reason: str = ""
