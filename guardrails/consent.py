"""What a person says yes to: the exact payload fields, their canonical bytes and the digest of these.

Pure. The card is drawn from `wire_fields`, the signer signs `wire_fields`, and the digest binds them to
the mode, venue and account they were shown for and to the moment at which the yes ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from domain.errors import BadInputError
from domain.money import to_wire
from domain.order import OrderDraft, OrderType

WIRE_KEYS = frozenset(
    {"symbol", "amount", "price", "side", "type", "client_order_id", "options", "stop_price", "account"}
)
"""Every payload key an order of ours may carry, besides `request` and `nonce`. Nothing else is ever signed:
one extra boolean, such as `margin_order`, would borrow money."""


def wire_fields(draft: OrderDraft) -> dict[str, object]:
    """Return exactly the payload fields that reach the exchange, without `request` and `nonce`.

    All are text, except `options`, a list of one word. `options` is there only when one is set,
    `stop_price` only on stop orders.
    """
    fields: dict[str, object] = {
        "symbol": draft.symbol,
        "amount": to_wire(draft.amount),
        "price": to_wire(draft.price),
        "side": draft.side.value,
        "type": draft.order_type.value,
        "client_order_id": str(draft.client_order_id),
    }
    if draft.option is not None:
        fields["options"] = [draft.option.value]
    if draft.order_type is OrderType.STOP_LIMIT and draft.stop_price is not None:
        fields["stop_price"] = to_wire(draft.stop_price)
    return fields


def check_keys(fields: Mapping[str, object]) -> None:
    """Raise `BadInputError("PAYLOAD_KEY", ...)` when a field is not one that an order may carry."""
    spare = sorted(set(fields) - WIRE_KEYS)
    if spare:
        raise BadInputError(
            "PAYLOAD_KEY",
            f"an order may not carry {', '.join(spare)}",
            f"Allowed are {', '.join(sorted(WIRE_KEYS))}.",
        )


def canonical_bytes(
    fields: Mapping[str, object], *, mode: str, venue: str, account: str, expires_at: str
) -> bytes:
    """Return UTF-8 JSON of `{"account","expires_at","fields","mode","venue"}`: sorted keys, no spaces.

    Raises `BadInputError("PAYLOAD_KEY", ...)` for a field that an order may not carry.
    """
    check_keys(fields)
    whole = {
        "account": account,
        "expires_at": expires_at,
        "fields": dict(fields),
        "mode": str(mode),
        "venue": venue,
    }
    text = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def digest(fields: Mapping[str, object], *, mode: str, venue: str, account: str, expires_at: str) -> str:
    """Return the SHA-256 of `canonical_bytes` as 64 lower-case hex digits."""
    whole = canonical_bytes(fields, mode=mode, venue=venue, account=account, expires_at=expires_at)
    return hashlib.sha256(whole).hexdigest()
