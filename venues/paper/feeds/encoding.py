"""JSON text of the sockets: compact, and numbers as the wire writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from domain.instrument import Instrument
from domain.money import to_wire
from venues.paper.matching.render import price_text

NS_PER_MS = 1_000_000

_ENCODER = msgspec.json.Encoder()


def dumps(message: object) -> str:
    """Return compact JSON."""
    try:
        return _ENCODER.encode(message).decode()
    except UnicodeEncodeError:  # half a surrogate pair, sent in an escape; it goes back as one
        return json.dumps(message, separators=(",", ":"))


def amount_text(amount: Decimal, instrument: Instrument) -> str:
    """Write an amount with all the decimals of the step, `0.25000000`; more only where it has more."""
    padded = amount.quantize(instrument.amount_step)
    return format(padded, "f") if padded == amount else to_wire(amount)


def asked_price(price: Decimal, instrument: Instrument) -> str:
    """Write a price as `price_text` does where it is on the tick, as it is where it is not."""
    padded = price_text(price, instrument)
    return padded if Decimal(padded) == price else to_wire(price)


def padded_levels(levels: Iterable[tuple[Decimal, Decimal]], instrument: Instrument) -> list[tuple[str, str]]:
    """Return (price, amount) as zero-padded text, in the order given."""
    return [(price_text(price, instrument), amount_text(amount, instrument)) for price, amount in levels]
