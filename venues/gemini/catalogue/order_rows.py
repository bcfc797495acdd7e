"""Orders, own trades, fees, and what is bought without an order book.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.rows import private

ROWS: Final = (
    private("heartbeat", "/v1/heartbeat", roles="T", money="w"),
    private("order_new", "/v1/order/new", roles="T", scope="orders:create", money="$", is_repeatable=False),
    private("order_cancel", "/v1/order/cancel", roles="T", scope="orders:create", money="$"),
    private("cancel_all", "/v1/order/cancel/all", roles="T", scope="orders:create", money="$"),
    private("cancel_session", "/v1/order/cancel/session", roles="T", scope="orders:create", money="$"),
    private("order_status", "/v1/order/status", roles="T/A", scope="orders:read"),
    private("orders", "/v1/orders", roles="T/A", scope="orders:read"),
    private("order_history", "/v1/orders/history", roles="T/A", scope="history:read"),
    private("my_trades", "/v1/mytrades", roles="T/A", scope="history:read"),
    private("trade_volume", "/v1/tradevolume", roles="T/A", scope="history:read"),
    private("notional_volume", "/v1/notionalvolume", roles="T/A", scope="history:read"),
    private("wrap", "/v1/wrap/{symbol}", roles="T", scope="orders:create", money="$$"),
    private("instant_quote", "/v1/instant/quote", roles="T", scope="orders:create"),
    private("instant_execute", "/v1/instant/execute", roles="T", scope="orders:create", money="$$"),
)
