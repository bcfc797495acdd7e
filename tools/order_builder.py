"""From an approved draft to signed bytes, checked against the draft once more on the bytes that will leave.

The fields come from `guardrails.consent.wire_fields`, the same that the person saw and the digest binds.
The last look is an allow-list on the final payload: a key that is not on it, `margin_order` for one, cannot
leave.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from typing import Final

import msgspec

from domain.errors import BadInputError
from domain.ids import CLIENT_ORDER_ID
from domain.instrument import SYMBOL, Side
from domain.money import parse_decimal
from domain.order import ExecutionOption, OrderDraft, OrderType
from guardrails.consent import wire_fields
from venues.gemini.catalogue import TABLE
from venues.gemini.signing import Credentials, SignedOrder, SignedRequest, sign

_PATH: Final = TABLE["order_new"].path


class _Payload(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The final payload in the order in which it is written; anything else does not decode."""

    request: str
    symbol: str
    amount: str
    price: str
    side: Side
    type: OrderType
    client_order_id: str
    options: list[ExecutionOption] | msgspec.UnsetType = msgspec.UNSET
    stop_price: str | msgspec.UnsetType = msgspec.UNSET
    nonce: int = 0


_decode = msgspec.json.Decoder(_Payload).decode
_encode = msgspec.json.Encoder().encode


def build(draft: OrderDraft, credentials: Credentials, nonce: int) -> SignedOrder:
    """Return the draft as a signed order.

    Raises `BadInputError("ORDER_PAYLOAD", ...)` when the final bytes say anything but the draft.
    """
    fields = wire_fields(draft)
    request = sign(credentials, _PATH, nonce, fields)
    check(request, draft)
    return SignedOrder(request=request, client_order_id=draft.client_order_id, fields=fields)


def check(request: SignedRequest, draft: OrderDraft) -> None:
    """Read the payload back from the headers and compare every field with the draft.

    Raises `BadInputError("ORDER_PAYLOAD", ...)`, which names the field and not its value.
    """
    raw = a2b_base64(request.headers["X-GEMINI-PAYLOAD"])
    try:
        payload = _decode(raw)
    except msgspec.MsgspecError as error:
        raise _refused("a field that orders may not carry, or one that is missing or malformed") from error
    # Written again it must be the same bytes, or a key stands twice and the venue may read the other one.
    if _encode(payload) != raw:
        raise _refused("fields that are not written in the one permitted way")
    wrong = [name for name, is_right in _comparisons(payload, request, draft).items() if not is_right]
    if wrong:
        raise _refused(f"another {', '.join(wrong)} than the draft")


def _comparisons(payload: _Payload, request: SignedRequest, draft: OrderDraft) -> Mapping[str, bool]:
    options = [] if payload.options is msgspec.UNSET else payload.options
    is_stop = draft.order_type is OrderType.STOP_LIMIT
    return {
        "path": payload.request == request.path == _PATH,
        "nonce": payload.nonce == request.nonce > 0,
        "symbol": payload.symbol == draft.symbol and SYMBOL.fullmatch(payload.symbol) is not None,
        "amount": parse_decimal(payload.amount, "amount") == draft.amount > 0,
        "price": parse_decimal(payload.price, "price") == draft.price > 0,
        "side": payload.side is draft.side,
        "type": payload.type is draft.order_type,
        "client order id": payload.client_order_id == draft.client_order_id
        and CLIENT_ORDER_ID.fullmatch(payload.client_order_id) is not None,
        "option": options == ([] if draft.option is None else [draft.option]) and not (options and is_stop),
        "stop price": _same_stop(payload, draft) and is_stop == (draft.stop_price is not None),
    }


def _same_stop(payload: _Payload, draft: OrderDraft) -> bool:
    if payload.stop_price is msgspec.UNSET or draft.stop_price is None:
        return payload.stop_price is msgspec.UNSET and draft.stop_price is None
    return parse_decimal(payload.stop_price, "stop price") == draft.stop_price > 0


def _refused(what: str) -> BadInputError:
    return BadInputError(
        "ORDER_PAYLOAD",
        f"the signed order has {what}; it was not sent",
        "This is a fault of ours: keep the journal and report it.",
    )
