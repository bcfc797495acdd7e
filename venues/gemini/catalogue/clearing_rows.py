"""Clearing: trades agreed elsewhere and settled by the venue.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.rows import private

_FILTER: Final = (
    "symbol: symbol, counterparty: text, side: buy/sell, expiration_start: time, expiration_end: time, "
    "submission_start: time, submission_end: time, funded: bool"
)

ROWS: Final = (
    private(
        "clearing_new",
        "/v1/clearing/new",
        roles="T",
        scope="clearing:create",
        money="$$",
        request="symbol*: symbol, amount*: decimal, price*: decimal, side*: buy/sell, counterparty_id: text, "
        "expires_in_hrs: number",
        answer="ClearingMade",
        tier=2,
        sim="Lives 24 hours unless it says otherwise, a week at most; without a counterparty "
        "whoever knows its id may confirm it.",
    ),
    private(
        "clearing_confirm",
        "/v1/clearing/confirm",
        roles="T",
        scope="clearing:create",
        money="$$",
        request="clearing_id*: text, symbol*: symbol, amount*: decimal, price*: decimal, side*: buy/sell",
        answer="ClearingConfirmed",
        tier=2,
        sim="Settlement is attempted a second later and then once a second until both sides "
        "have the funds; no fee is charged. A clearing id that the caller cannot confirm is OrderNotFound.",
    ),
    private(
        "clearing_cancel",
        "/v1/clearing/cancel",
        roles="T",
        scope="clearing:create",
        money="w",
        request="clearing_id*: text",
        answer="ClearingCancelled",
        tier=2,
        sim="Open to the source and the broker until the last confirmation.",
    ),
    private(
        "clearing_status",
        "/v1/clearing/status",
        roles="T/A",
        scope="clearing:read",
        request="clearing_id*: text",
        answer="ClearingState",
        tier=2,
        sim="What is not the caller's is Not Found.",
    ),
    private(
        "clearing_list",
        "/v1/clearing/list",
        roles="T",
        scope="clearing:read",
        request=_FILTER,
        answer="ClearingOrders",
        tier=2,
        sim="Newest first; funded leaves those that the account could settle now.",
    ),
    private(
        "broker_new",
        "/v1/clearing/broker/new",
        roles="T",
        scope="clearing:create",
        money="$$",
        request="source_counterparty_id*: text, target_counterparty_id*: text, symbol*: symbol, "
        "amount*: decimal, expires_in_hrs*: number, price*: decimal, side*: buy/sell",
        answer="ClearingMade",
        tier=2,
        sim="Lives a week at most; an unknown counterparty is NoAccountOfTypeRequired.",
    ),
    private(
        "broker_list",
        "/v1/clearing/broker/list",
        roles="T",
        scope="clearing:read",
        request=_FILTER,
        answer="BrokerOrders",
        tier=2,
        sim="Newest first; funded leaves those that both sides could settle now.",
    ),
    private(
        "clearing_trades",
        "/v1/clearing/trades",
        roles="T",
        scope="clearing:read",
        request="timestamp_nanos: int, limit_per_account: int",
        answer="ClearingTrades",
        tier=2,
        sim="Orders of every state; with a time the oldest changed since then, returned newest first.",
    ),
)
