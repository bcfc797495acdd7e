"""The named shapes: which fields, of which kind, and which of them are always there."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from venues.gemini.catalogue import (
    shapes_account,
    shapes_clearing,
    shapes_derivatives,
    shapes_funds,
    shapes_market,
    shapes_orders,
    shapes_sockets,
)
from venues.gemini.catalogue.kinds import Field, fields

_SHARED: Final[Mapping[str, str]] = {
    "Refusal": "result*: 'error', reason*: text, message: text",
    # Of some calls about networks.
    "PlainRefusal": "errorMessage*: text",
    "Done": "result*: 'ok'",
    "Message": "message*: text, result: text",
}
_TEXTS: Final = (
    _SHARED,
    shapes_market.SHAPES,
    shapes_orders.SHAPES,
    shapes_funds.SHAPES,
    shapes_account.SHAPES,
    shapes_clearing.SHAPES,
    shapes_derivatives.SHAPES,
    shapes_sockets.SHAPES,
)

SHAPES: Final[Mapping[str, tuple[Field, ...]]] = MappingProxyType(
    {name: fields(text) for texts in _TEXTS for name, text in texts.items()}
)
"""Fields by shape name. `Refusal` is the body of every error."""

assert len(SHAPES) == sum(map(len, _TEXTS)), "two shapes share a name"
