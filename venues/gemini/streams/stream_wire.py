"""The JSON of the new WebSocket API as typed structs: numbers in the venue's text, unknown fields ignored."""

from __future__ import annotations

import msgspec

PriceSize = tuple[str, str]
"""`[price, size]`; decimals are zero-padded."""


class ErrorWire(msgspec.Struct):
    """Why a request was refused."""

    code: int = 0
    msg: str = ""


class HeadWire(msgspec.Struct):
    """What tells the kinds of frame apart: a reply has a status, an event its name, others their own keys."""

    e: str = ""
    id: str | int | None = None
    status: int | None = None
    error: ErrorWire | None = None
    last_update_id: int | None = msgspec.field(default=None, name="lastUpdateId")
    m: bool | None = None
    u: int | None = None


class TickerWire(msgspec.Struct):
    """`{symbol}@bookTicker`: best prices `b` and `a` with their sizes; empty or missing on an empty side."""

    s: str
    u: int
    b: str = ""
    B: str = ""
    a: str = ""
    A: str = ""


class PartialWire(msgspec.Struct):
    """`{symbol}@depth5|10|20`: the top of the book, whole every time. The symbol may be missing."""

    last_update_id: int = msgspec.field(name="lastUpdateId")
    bids: list[PriceSize]
    asks: list[PriceSize]
    symbol: str = ""


class DepthWire(msgspec.Struct, gc=False):
    """`{symbol}@depth`: the first frame is the book, `first` = `last`, the later ones are changes."""

    symbol: str = msgspec.field(name="s")
    first: int = msgspec.field(name="U")
    last: int = msgspec.field(name="u")
    bids: list[PriceSize] = msgspec.field(default_factory=list, name="b")
    asks: list[PriceSize] = msgspec.field(default_factory=list, name="a")


class TradeWire(msgspec.Struct):
    """`{symbol}@trade`: `m` says that the buyer was the maker; time `E` in ns."""

    s: str
    E: int
    t: str | int
    p: str
    q: str
    m: bool


class OrderWire(msgspec.Struct):
    """An order update. Only `s`, `i`, `X` and `T` are always there: empty and zero values may be left out.

    `Z` is the last fill's amount on fills and the executed amount otherwise; `z` is what remains.
    """

    s: str
    i: str | int
    X: str
    T: int
    c: str = ""
    S: str = ""
    o: str = ""
    p: str = ""
    P: str = ""
    q: str = ""
    z: str = ""
    Z: str = ""
    L: str = ""
    t: str | int = ""
    n: str = ""
    m: bool | None = None
    r: str = ""


class BalanceWire(msgspec.Struct):
    """One currency: `f` available, `c` confirmed."""

    a: str
    f: str
    c: str


class BalancesWire(msgspec.Struct):
    """A balance update: only the currencies that changed."""

    B: list[BalanceWire]
