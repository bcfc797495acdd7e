"""Margin and perpetuals.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.rows import private

ROWS: Final = (
    private(
        "margin_account",
        "/v1/margin/account",
        roles="T/FM/A",
        scope="balances:read",
        answer="MarginAccount",
        tier=2,
        sim="Nothing is lent: nothing is borrowed, powers are the free collateral, every balance counts "
        "at the last price.",
    ),
    private(
        "margin_rates",
        "/v1/margin/rates",
        roles="T/FM/A",
        scope="balances:read",
        answer="MarginRates",
        tier=2,
        sim="Nothing is lent; the rates are those of the sample of the venue.",
    ),
    private(
        "margin_preview",
        "/v1/margin/order/preview",
        roles="T/A",
        scope="orders:read",
        request="symbol*: symbol, side*: buy/sell, type*: market/limit, amount: decimal, price: decimal, "
        "totalSpend: decimal",
        answer="MarginPreview",
        tier=2,
        sim="The order is treated as filled at its price; one beyond the funds is InsufficientFunds.",
    ),
    private(
        "margin",
        "/v1/margin",
        roles="T/A",
        scope="orders:read",
        request="symbol*: symbol",
        answer="PerpetualMargin",
        tier=2,
        sim="There are no positions; the powers are 20 times the free collateral at the mark price.",
    ),
    private(
        "positions",
        "/v1/positions",
        roles="T/A",
        scope="orders:read",
        answer="Positions | [Position]",
        tier=2,
        sim="Answers an object with openPositions; the venue's own sample is a bare array. There are none.",
    ),
    private(
        "funding_payment",
        "/v1/perpetuals/fundingPayment",
        roles="T/A",
        scope="orders:read",
        query="since: time, to: time",
        answer="[FundingPayment]",
        tier=2,
        sim="There are no positions, so there are no payments.",
    ),
    private(
        "funding_payment_report",
        "/v1/perpetuals/fundingpaymentreport/records.json",
        roles="T/A",
        scope="orders:read",
        query="fromDate: date, toDate: date, numRows: int",
        answer="[FundingPayment | FundingTransfer]",
        tier=2,
        sim="The pages show the rows nested, the venue's OpenAPI file flat."
        " There are no positions, so there are no payments.",
    ),
)
