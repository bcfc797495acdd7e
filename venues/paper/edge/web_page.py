"""The page that ccxt reads precisions and currencies from, as it stands on the exchange's web site."""

from __future__ import annotations

from collections.abc import Iterable

from domain.instrument import Instrument
from domain.money import to_wire
from venues.paper.feeds.encoding import dumps
from venues.paper.matching.listings import DOLLARS, FIAT, decimals
from venues.paper.services.chains import CHAINS

_NAMES = {"BTC": "Bitcoin", "ETH": "Ether", "SOL": "Solana", "USD": "US Dollar", "GUSD": "Gemini Dollar"}


def currency_page(instruments: Iterable[Instrument]) -> str:
    """Return the page: trading pairs with their decimals, currencies and networks as embedded JSON."""
    instruments = list(instruments)
    pairs = [
        [
            each.symbol.upper(),
            decimals(each.price_tick),
            decimals(each.amount_step),
            to_wire(each.min_amount),
            10,
            True,
        ]
        for each in instruments
    ]
    codes = sorted({code for each in instruments for code in (each.base, each.quote)})
    networks = sorted({name for code in codes if (name := _network(code)) is not None})
    data = {
        "tradingPairs": pairs,
        "currencies": [_currency(code) for code in codes],
        "networks": [[name, name[:3].upper(), name.capitalize()] for name in networks],
    }
    return (
        '<!doctype html><html lang="en"><head><title>Paper exchange</title></head><body>'
        "<p>An exchange for play money, on this machine only.</p>"
        f'<script type="application/json" id="currencyData">{dumps(data)}</script></body></html>'
    )


def _currency(code: str) -> list[object]:
    is_fiat = code in FIAT
    places = 2 if code in DOLLARS or is_fiat else 8
    symbol = "$" if code == "USD" else None
    name = _NAMES.get(code, code)
    return [code, name, 1, places, places, places, places, is_fiat, symbol, _network(code)]


def _network(code: str) -> str | None:
    """Return the main network of a currency, None for fiat and for what no network here carries."""
    return next((chain.name for chain in CHAINS.values() if code in chain.fees), None)
