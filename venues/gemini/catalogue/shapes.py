"""The named shapes of answers: which fields, of which kind, and which of them are always there."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from venues.gemini.catalogue.kinds import Field, fields

SHAPES: Final[Mapping[str, tuple[Field, ...]]] = MappingProxyType(
    {
        "SymbolDetails": fields(
            "symbol*: symbol, base_currency*: currency, quote_currency*: currency, tick_size*: number, "
            "quote_increment*: number, min_order_size*: decimal, "
            "status*: open/closed/cancel_only/post_only/limit_only, wrap_enabled*: bool, product_type*: spot/swap, contract_type*: vanilla/linear/inverse, "
            "contract_price_currency: currency"
        ),
    }
)
"""Fields by shape name."""
