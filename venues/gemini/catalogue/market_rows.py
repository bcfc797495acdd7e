"""Market data: the public reads, and the signed ones of fixings and networks.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.rows import private, public

ROWS: Final = (
    public("symbols", "/v1/symbols", answer="[symbol]"),
    # Before the row with a placeholder: the first match wins.
    public("all_symbol_details", "/v1/symbols/details/all", answer="[SymbolDetails]"),
    public("symbol_details", "/v1/symbols/details/{symbol}", answer="SymbolDetails"),
    public("network_v1", "/v1/network/{token}", tier=2),
    public("pub_ticker", "/v1/pubticker/{symbol}"),
    public("ticker", "/v2/ticker/{symbol}"),
    public("candles", "/v2/candles/{symbol}/{interval}"),
    public("derivative_candles", "/v2/derivatives/candles/{symbol}/{interval}"),
    public("fee_promos", "/v1/feepromos"),
    public("book", "/v1/book/{symbol}"),
    public("trades", "/v1/trades/{symbol}"),
    public("price_feed", "/v1/pricefeed"),
    public("funding_amount", "/v1/fundingamount/{symbol}"),
    public("next_funding_timestamp", "/v1/nextfundingtimestamp/{symbol}"),
    public("funding_amount_report", "/v1/fundingamountreport/records.xlsx", tier=2),
    public("risk_stats", "/v1/riskstats/{symbol}"),
    public("staking_rates", "/v1/staking/rates", tier=2),
    public("auction", "/v1/auction/{symbol}", tier=2),
    public("auction_history", "/v1/auction/{symbol}/history", tier=2),
    private("fx_rate", "/v2/fxrate/{pair}/{timestamp}", method="GET", roles="A"),
    private("network", "/v2/network/{token}", method="GET", roles="FM/A", tier=2),
    private("network_assets", "/v2/networks/{network}/assets", method="GET", roles="FM/A", tier=2),
    private(
        "funding_payment_report_xlsx",
        "/v1/perpetuals/fundingpaymentreport/records.xlsx",
        method="GET",
        roles="T/A",
        scope="orders:read",
        tier=2,
    ),
)
