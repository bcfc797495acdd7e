"""What trades here: instruments, and how lively each of them is.

Increments and minimums: Gemini's symbols page, as read in 2026. The start prices belong to late 2026 and
only set the scene; the world moves on from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from domain.instrument import SYMBOL, Instrument

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
    level, `trades_per_minute` how often takers come, `trade_usd` their usual size.
    """

    instrument: Instrument
    start_price: Decimal
    spread_bps: Decimal = Decimal(6)
    level_usd: Decimal = Decimal(2500)
    trades_per_minute: Decimal = Decimal(6)
    trade_usd: Decimal = Decimal(250)

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
trxusd 0.3 1e-6 1e-6 | bnbusd 0.0002 1e-6 0.0001
"""

# symbol: start price, spread in bps, worth of a level, trades a minute, worth of a trade
_HABITS = """
btcusd 65240.50 1.0 9000 32 900 | ethusd 1912.35 1.6 6000 24 600 | solusd 77.460 2.6 4000 14 350
ltcusd 52.84 4.0 2500 7 250 | xrpusd 1.08420 2.4 4000 14 350 | dogeusd 0.08615 3.2 3000 9 260
linkusd 8.47350 4.5 2500 7 240 | bchusd 412.60 4.0 2500 6 260 | avaxusd 9.214 5.0 2000 6 220
ethbtc 0.02931 6.0 4000 6 400 | btcgusd 65240.50 2.4 4000 5 400 | ethgusd 1912.35 3.2 3000 4 300
"""


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and quote of a spot symbol. Raises `ValueError` for an unknown quote currency."""
    upper = symbol.upper()
    for quote in QUOTES:
        if upper.endswith(quote) and len(upper) > len(quote):
            return upper[: -len(quote)], quote
    raise ValueError(f"no known quote currency in {symbol!r}")


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
        )
    return MappingProxyType(found)


def _plain(text: str) -> Decimal:
    return Decimal(format(Decimal(text), "f"))


KNOWN_INSTRUMENTS = _known_instruments()
"""Gemini's spot instruments whose increments we hold, by symbol."""

SEEDED_LISTINGS: tuple[Listing, ...] = tuple(
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
"""The twelve markets of the seeded world."""


def instrument_for(symbol: str) -> Instrument:
    """Return the instrument of a symbol that may no longer be listed, with fine steps when we hold none."""
    known = KNOWN_INSTRUMENTS.get(symbol)
    if known is not None:
        return known
    base, quote = split_symbol(symbol)
    fine = _plain("1e-8")
    return Instrument(
        symbol=symbol, base=base, quote=quote, price_tick=fine, amount_step=fine, min_amount=fine
    )


def is_symbol(text: object) -> bool:
    """Say whether `text` has the shape of a symbol in either case: ASCII letters and digits only."""
    return isinstance(text, str) and text.isascii() and SYMBOL.fullmatch(text.lower()) is not None


def decimals(step: Decimal) -> int:
    """Return how many digits after the point a multiple of `step` needs."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
