"""What trades here: instruments, and how lively each of them is.

Increments and minimums: Gemini's symbols page, as read in 2026. The start prices belong to late 2026 and
only set the scene; the world moves on from them. Twelve markets are lively. The others are quiet: a few
levels, a trade now and then. Perpetual swaps are listed for those who read them; nobody here holds an
account of the kind that may trade them. `gusdusd` is closed and only wraps, one for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from domain.instrument import SYMBOL, Instrument, InstrumentStatus

PERP = "PERP"
WRAPPED = frozenset({"gusdusd"})
"""Pairs that wrap and unwrap a token one for one instead of trading it."""

FIAT_USD: Mapping[str, Decimal] = MappingProxyType(
    {"EUR": Decimal("1.16"), "GBP": Decimal("1.33"), "SGD": Decimal("0.77")}
)
"""Dollars per unit of the other fiat currencies; they stand still."""

FIAT = frozenset({"USD", *FIAT_USD, "CAD", "AUD", "HKD"})
"""Currencies that travel over banks, not over networks."""

DOLLARS = frozenset({"USD", "GUSD", "USDT", "USDC", "DAI", "RLUSD"})
"""Currencies that count as one US dollar in volumes."""

QUOTES = (
    "GUSD",
    "USDT",
    "USDC",
    "RLUSD",
    "USD",
    "BTC",
    "ETH",
    "EUR",
    "GBP",
    "SGD",
    "DAI",
    "BCH",
    "LTC",
    "FIL",
)
"""Quote currencies, so ordered that none is cut short by another that ends alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One instrument and its market's habits.

    `spread_bps` is the usual distance between best bid and ask, `level_usd` the usual worth of one quoted
    level, `trades_per_minute` how often takers come, `trade_usd` their usual size. A quiet market has few
    levels, and its people look at it rarely.
    """

    instrument: Instrument
    start_price: Decimal
    spread_bps: Decimal = Decimal(6)
    level_usd: Decimal = Decimal(2500)
    trades_per_minute: Decimal = Decimal(6)
    trade_usd: Decimal = Decimal(250)
    is_quiet: bool = False

    @property
    def is_stable(self) -> bool:
        """Say whether both sides are dollars of some kind, which have a fee schedule of their own."""
        return self.instrument.base in DOLLARS and self.instrument.quote in DOLLARS

    @property
    def symbol(self) -> str:
        """Return the symbol in lower case."""
        return self.instrument.symbol


# symbol: minimum amount, amount step, price tick
_STEPS = """
btcusd 0.00001 1e-8 0.01 | btcusdt 0.00001 1e-8 0.01 | btcgusd 0.00001 1e-8 0.01
btceur 0.00001 1e-8 0.01 | btcgbp 0.00001 1e-8 0.01 | btcsgd 0.00001 1e-8 0.01
ethusd 0.001 1e-6 0.01 | ethusdt 0.001 1e-6 0.01 | etheur 0.001 1e-6 0.01 | ethgusd 0.001 1e-6 0.01
ethbtc 0.001 1e-6 0.00001 | solusd 0.001 1e-6 0.001 | solbtc 0.001 1e-6 1e-7
xrpusd 0.1 1e-6 0.00001 | dogeusd 0.1 1e-6 0.00001 | ltcusd 0.01 1e-5 0.01 | ltcbtc 0.01 1e-5 1e-7
bchusd 0.001 1e-6 0.01 | linkusd 0.1 1e-6 0.00001 | linkbtc 0.1 1e-6 1e-8
avaxusd 0.00499999 1e-6 0.001 | dotusd 0.01 1e-6 0.0001 | uniusd 0.01 1e-6 0.0001
aaveusd 0.001 1e-6 0.0001 | atomusd 0.01 1e-6 0.001 | filusd 0.1 1e-6 0.0001
shibusd 1000 1e-6 1e-9 | pepeusd 1000 1e-6 1e-9 | zecusd 0.001 1e-6 0.01 | paxgusd 0.0001 1e-8 0.01
batusd 1 1e-6 0.00001 | compusd 0.001 1e-6 0.01 | crvusd 0.1 1e-6 0.0001 | injusd 0.01 1e-6 0.0001
usdcusd 0.1 1e-6 0.00001 | usdtusd 0.1 1e-6 0.00001 | daiusd 0.1 1e-6 0.00001
xtzusd 0.02 1e-6 0.0001 | yfiusd 0.00001 1e-6 0.01 | hypeusd 0.002 1e-6 0.0001
trxusd 0.3 1e-6 1e-6 | bnbusd 0.0002 1e-6 0.0001 | gusdusd 0.01 0.01 0.01
btcgusdperp 0.0001 0.0001 0.5 | ethgusdperp 0.001 0.001 0.05 | solgusdperp 0.1 0.1 0.005
xrpgusdperp 1 1 0.0001 | dogegusdperp 1 1 0.00001
"""

# symbol: start price, spread in bps, worth of a level, trades a minute, worth of a trade
_HABITS = """
btcusd 65240.50 1.0 9000 32 900 | ethusd 1912.35 1.6 6000 24 600 | solusd 77.460 2.6 4000 14 350
ltcusd 52.84 4.0 2500 7 250 | xrpusd 1.08420 2.4 4000 14 350 | dogeusd 0.08615 3.2 3000 9 260
linkusd 8.47350 4.5 2500 7 240 | bchusd 412.60 4.0 2500 6 260 | avaxusd 9.214 5.0 2000 6 220
ethbtc 0.02931 6.0 4000 6 400 | btcgusd 65240.50 2.4 4000 5 400 | ethgusd 1912.35 3.2 3000 4 300
"""


# symbol: start price
_QUIET = """
btcusdt 65240.50 | btceur 56241.81 | btcgbp 49053.01 | btcsgd 84727.92 | ethusdt 1912.35 | etheur 1648.58
solbtc 0.0011873 | ltcbtc 0.0008099 | linkbtc 0.00012988 | dotusd 1.6200 | uniusd 4.1250 | aaveusd 118.4000
atomusd 1.912 | filusd 1.0240 | shibusd 0.000006120 | pepeusd 0.000004085 | zecusd 391.20 | paxgusd 4108.50
batusd 0.16150 | compusd 19.55 | crvusd 0.2915 | injusd 3.4210 | usdcusd 1.00000 | usdtusd 1.00000
daiusd 1.00000 | xtzusd 0.4265 | yfiusd 2850.00 | hypeusd 31.2500 | trxusd 0.289500 | bnbusd 641.2000
gusdusd 1.00
btcgusdperp 65240.5 | ethgusdperp 1912.35 | solgusdperp 77.460 | xrpgusdperp 1.0842 | dogegusdperp 0.08615
"""


_GOLD = "PAXG"  # PAXG in dollars, which reads like PAX in GUSD


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and quote of a symbol. Raises `ValueError` for an unknown quote currency."""
    upper = symbol.upper().removesuffix(PERP)
    if upper.startswith(_GOLD) and upper.removeprefix(_GOLD) in QUOTES:
        return _GOLD, upper.removeprefix(_GOLD)
    for quote in QUOTES:
        if upper.endswith(quote) and len(upper) > len(quote):
            return upper[: -len(quote)], quote
    raise ValueError(f"no known quote currency in {symbol!r}")


def is_perp(symbol: str) -> bool:
    """Say whether a symbol names a perpetual swap."""
    return symbol.upper().endswith(PERP)


def _rows(table: str) -> list[list[str]]:
    return [row.split() for line in table.strip().splitlines() for row in line.split("|")]


def _known_instruments() -> Mapping[str, Instrument]:
    found = {}
    for symbol, minimum, step, tick in _rows(_STEPS):
        base, quote = split_symbol(symbol)
        found[symbol] = Instrument(
            symbol=symbol,
            base=base,
            quote=quote,
            price_tick=_plain(tick),
            amount_step=_plain(step),
            min_amount=Decimal(minimum),
            status=InstrumentStatus.CLOSED if symbol in WRAPPED else InstrumentStatus.OPEN,
            is_spot=not is_perp(symbol),
        )
    return MappingProxyType(found)


def _plain(text: str) -> Decimal:
    return Decimal(format(Decimal(text), "f"))


KNOWN_INSTRUMENTS = _known_instruments()
"""Gemini's instruments whose increments we hold, by symbol."""

LIVELY_LISTINGS: tuple[Listing, ...] = tuple(
    Listing(
        instrument=KNOWN_INSTRUMENTS[symbol],
        start_price=Decimal(price),
        spread_bps=Decimal(spread),
        level_usd=Decimal(level),
        trades_per_minute=Decimal(rate),
        trade_usd=Decimal(size),
    )
    for symbol, price, spread, level, rate, size in _rows(_HABITS)
)
"""The twelve markets where much happens."""

SEEDED_LISTINGS: tuple[Listing, ...] = LIVELY_LISTINGS + tuple(
    Listing(
        instrument=KNOWN_INSTRUMENTS[symbol],
        start_price=Decimal(price),
        spread_bps=Decimal(14),
        level_usd=Decimal(1200),
        trades_per_minute=Decimal("0.4"),
        trade_usd=Decimal(120),
        is_quiet=True,
    )
    for symbol, price in _rows(_QUIET)
)
"""All markets of the seeded world, the lively ones first."""


def instrument_for(symbol: str) -> Instrument:
    """Return the instrument of a symbol that may no longer be listed, with fine steps when we hold none."""
    known = KNOWN_INSTRUMENTS.get(symbol)
    if known is not None:
        return known
    base, quote = split_symbol(symbol)
    fine = _plain("1e-8")
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        price_tick=fine,
        amount_step=fine,
        min_amount=fine,
        is_spot=not is_perp(symbol),
    )


def is_symbol(text: object) -> bool:
    """Say whether `text` has the shape of a symbol in either case: ASCII letters and digits only."""
    return isinstance(text, str) and text.isascii() and SYMBOL.fullmatch(text.lower()) is not None


def decimals(step: Decimal) -> int:
    """Return how many digits after the point a multiple of `step` needs."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
