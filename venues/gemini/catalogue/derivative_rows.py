"""Margin and perpetuals.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.rows import private

ROWS: Final = (
    private("margin_account", "/v1/margin/account", roles="T/FM/A", scope="balances:read", tier=2),
    private("margin_rates", "/v1/margin/rates", roles="T/FM/A", scope="balances:read", tier=2),
    private("margin_preview", "/v1/margin/order/preview", roles="T/A", scope="orders:read", tier=2),
    private("margin", "/v1/margin", roles="T/A", scope="orders:read", tier=2),
    private("positions", "/v1/positions", roles="T/A", scope="orders:read", tier=2),
    private("funding_payment", "/v1/perpetuals/fundingPayment", roles="T/A", scope="orders:read", tier=2),
    private(
        "funding_payment_report",
        "/v1/perpetuals/fundingpaymentreport/records.json",
        roles="T/A",
        scope="orders:read",
        tier=2,
    ),
)
