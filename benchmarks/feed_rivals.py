"""What our books are measured against: a slow book in `Decimal`, and ccxt's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from decimal import Decimal

import ccxt.pro

Tops = tuple[Decimal | None, Decimal | None]


class DecimalBook:
    """The plainest book there can be: right, and slow."""

    def __init__(self) -> None:
        self._sides: dict[tuple[str, str], dict[Decimal, Decimal]] = {}

    @staticmethod
    def exact(tops: tuple[str | None, str | None]) -> Tops:
        """Return best prices in the same form."""
        bid, ask = tops
        return (None if bid is None else Decimal(bid)), (None if ask is None else Decimal(ask))

    def feed(self, raw: bytes) -> Tops:
        """Take an `l2_updates` frame and return the best prices of its book."""
        message = json.loads(raw)
        symbol = message["symbol"]
        bids, asks = (self._sides.setdefault((symbol, side), {}) for side in ("buy", "sell"))
        for side, price, size in message["changes"]:
            levels = bids if side == "buy" else asks
            if Decimal(size):
                levels[Decimal(price)] = Decimal(size)
            else:
                levels.pop(Decimal(price), None)
        return max(bids, default=None), min(asks, default=None)


class CcxtBook:
    """ccxt.pro's own message handler, driven as its connection drives it, without a connection."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._loop = asyncio.new_event_loop()
        self._exchange = ccxt.pro.gemini({"asyncio_loop": self._loop})
        self._names = {name: f"{name[:-3]}/{name[-3:]}" for name in symbols}
        self._exchange.set_markets([_market(name, shown) for name, shown in self._names.items()])
        self._client = self._loop.run_until_complete(self._opened())
        self._handle = self._client.handle_text_or_binary_message
        self._books = self._exchange.orderbooks

    def feed(self, text: str) -> tuple[float | None, float | None]:
        """Take an `l2_updates` frame and return the best prices of its book."""
        self._handle(text)
        at = text.find('"symbol":"') + 10
        book = self._books[self._names[text[at : text.index('"', at)]]]
        bids, asks = book["bids"], book["asks"]
        return (bids[0][0] if bids else None), (asks[0][0] if asks else None)

    def close(self) -> None:
        """Let go of what ccxt holds."""
        self._loop.run_until_complete(self._exchange.close())
        self._loop.close()

    async def _opened(self) -> ccxt.async_support.base.ws.client.Client:
        return self._exchange.client("wss://api.gemini.com/v2/marketdata")


def _market(name: str, shown: str) -> dict[str, object]:
    base, quote = shown.split("/")
    return {
        "id": name.lower(),
        "symbol": shown,
        "base": base,
        "quote": quote,
        "type": "spot",
        "spot": True,
        "precision": {"amount": 1e-8, "price": 1e-8},
        "limits": {},
    }
