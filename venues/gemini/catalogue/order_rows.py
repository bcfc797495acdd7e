"""Orders, own trades, fees, and what is bought without an order book.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.rows import private

_PAGED: Final = "With a timestamp the oldest records from it are returned, newest first."
_ORDER_SHAPE: Final = "Symbols are lower-case and remaining_amount is always there, stop orders included."

ROWS: Final = (
    private("heartbeat", "/v1/heartbeat", roles="T", money="w", answer="Done"),
    private(
        "order_new",
        "/v1/order/new",
        roles="T",
        scope="orders:create",
        money="$",
        is_repeatable=False,
        request="symbol*: symbol, amount*: decimal, price*: decimal, side*: buy/sell, "
        "type*: exchange limit/exchange stop limit, client_order_id: text, "
        "options: [maker-or-cancel/immediate-or-cancel/fill-or-kill], stop_price: decimal, "
        "margin_order: bool",
        answer="Order",
        sim="Market orders are refused with InvalidOrderType; a stop price equal to the price is refused; "
        "the collar is 5% around the best opposite price. " + _ORDER_SHAPE,
    ),
    private(
        "order_cancel",
        "/v1/order/cancel",
        roles="T",
        scope="orders:create",
        money="$",
        request="order_id*: id",
        answer="Order",
        sim=_ORDER_SHAPE,
    ),
    private(
        "cancel_all", "/v1/order/cancel/all", roles="T", scope="orders:create", money="$", answer="Cancelled"
    ),
    private(
        "cancel_session",
        "/v1/order/cancel/session",
        roles="T",
        scope="orders:create",
        money="$",
        answer="Cancelled",
        sim="A session is what one key placed.",
    ),
    private(
        "order_status",
        "/v1/order/status",
        roles="T/A",
        scope="orders:read",
        request="order_id: id, client_order_id: text, include_trades: bool",
        answer="Order | [Order]",
        sim="Several orders of one client_order_id come as an array. " + _ORDER_SHAPE,
    ),
    private("orders", "/v1/orders", roles="T/A", scope="orders:read", answer="[Order]", sim=_ORDER_SHAPE),
    private(
        "order_history",
        "/v1/orders/history",
        roles="T/A",
        scope="history:read",
        request="symbol: symbol, limit_orders: int, timestamp: time",
        answer="[Order]",
        sim=_PAGED,
    ),
    private(
        "my_trades",
        "/v1/mytrades",
        roles="T/A",
        scope="history:read",
        request="symbol: symbol, limit_trades: int, timestamp: time",
        answer="[OwnTrade]",
        sim=_PAGED,
    ),
    private("trade_volume", "/v1/tradevolume", roles="T/A", scope="history:read", answer="[[DayOfTrading]]"),
    private(
        "notional_volume",
        "/v1/notionalvolume",
        roles="T/A",
        scope="history:read",
        request="symbol: symbol",
        answer="FeeSchedule",
        sim="The first tier is 20/40 basis points unless set otherwise.",
    ),
    private(
        "wrap",
        "/v1/wrap/{symbol}",
        roles="T",
        scope="orders:create",
        money="$$",
        request="amount*: decimal, side*: buy/sell, client_order_id: text",
        answer="Conversion",
        sim="The symbol stands in the path; samples of the venue disagree.",
    ),
    private(
        "instant_quote",
        "/v1/instant/quote",
        roles="T",
        scope="orders:create",
        request="symbol*: symbol, side*: buy/sell, totalSpend*: decimal, paymentMethodUuid: uuid, "
        "paymentMethodType: AccountBalancePaymentType/BankAccountType/CardAccountType",
        answer="InstantQuote",
    ),
    private(
        "instant_execute",
        "/v1/instant/execute",
        roles="T",
        scope="orders:create",
        money="$$",
        request="quoteId*: id, symbol*: symbol, side*: buy/sell, quantity*: decimal, price*: decimal, "
        "fee*: decimal",
        answer="Conversion",
    ),
)
