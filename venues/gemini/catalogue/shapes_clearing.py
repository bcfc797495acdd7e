"""Shapes of clearing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_STATES: Final = (
    "AwaitConfirm/AwaitSourceTargetConfirm/AwaitTargetConfirm/AwaitSourceConfirm/Confirmed/"
    "AttemptSettlement/Settled/Expired/Canceled/Not Found"
)

SHAPES: Final[Mapping[str, str]] = {
    "ClearingMade": "result*: AwaitConfirm/AwaitSourceTargetConfirm, clearing_id*: text",
    "ClearingConfirmed": "result*: 'confirmed'",
    "ClearingCancelled": "result*: ok/failed, details*: text",
    "ClearingState": f"result*: 'ok', status*: {_STATES}",
    "ClearingOrders": "result*: 'success', orders*: [ClearingOrder]",
    "ClearingOrder": "clearing_id*: text, order_id: text, counterparty_id: text, counterparty_alias: text, "
    f"broker_id: text, symbol*: symbol, side*: buy/sell, price*: number, quantity*: number, "
    f"status*: {_STATES}, submission*: int, expiration*: int",
    "BrokerOrders": "result*: 'success', orders*: [BrokerOrder]",
    "BrokerOrder": "clearing_id*: text, source_counterparty_id*: text, source_order_id: text, "
    "target_counterparty_id: text, target_order_id: text, symbol*: symbol, source_side*: buy/sell, "
    f"price*: number, quantity*: number, status*: {_STATES}, submission*: int, expiration*: int",
    "ClearingTrades": "results*: [ClearingTrade]",
    "ClearingTrade": "sourceAccount*: text, targetAccount*: text, pair*: symbol, sourceSide*: buy/sell, "
    f"price*: decimal, quantity*: decimal, clearingId*: text, status*: {_STATES}, expirationTimeMs*: int, "
    "createdMs*: int, lastUpdatedMs*: int, hasBroker*: bool, wasNotified*: bool",
}
"""Field lists by shape name."""
