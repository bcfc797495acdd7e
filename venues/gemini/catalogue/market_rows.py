"""Market data: the public reads, and the signed ones of fixings and networks.

Source: developer.gemini.com REST pages and the venue's own OpenAPI file, read 2026-09.
"""

from __future__ import annotations

from typing import Final

from venues.gemini.catalogue.rows import private, public

_CANDLES: Final = "[<int number number number number number>]"
_REPORT: Final = "fromDate: date, toDate: date, numRows: int"

ROWS: Final = (
    public("symbols", "/v1/symbols", answer="[symbol]"),
    # Before the row with a placeholder: the first match wins.
    public(
        "all_symbol_details",
        "/v1/symbols/details/all",
        answer="[SymbolDetails]",
        sim="Recorded from the venue, though its pages do not name it.",
    ),
    public(
        "symbol_details",
        "/v1/symbols/details/{symbol}",
        answer="SymbolDetails",
        sim="contract_price_currency is left out for spot, as other clients take its presence for a swap.",
    ),
    public(
        "network_v1",
        "/v1/network/{token}",
        answer="TokenNetworks",
        tier=2,
        sim="Networks of the currencies of this exchange.",
    ),
    public("pub_ticker", "/v1/pubticker/{symbol}", answer="PubTicker"),
    public("ticker", "/v2/ticker/{symbol}", answer="Ticker"),
    public(
        "candles",
        "/v2/candles/{symbol}/{interval}",
        answer=_CANDLES,
        sim="Both spellings of a width are accepted, 1h and 1hr; start, end and limit are ignored.",
    ),
    public(
        "derivative_candles",
        "/v2/derivatives/candles/{symbol}/{interval}",
        answer=_CANDLES,
        sim="Perpetuals and one-minute candles only.",
    ),
    public(
        "fee_promos",
        "/v1/feepromos",
        answer="FeePromos",
        sim="Answers 404 EndpointNotFound unless switched on, as the venue has since 2026-09.",
    ),
    public("book", "/v1/book/{symbol}", query="limit_bids: int, limit_asks: int", answer="RestBook"),
    public(
        "trades",
        "/v1/trades/{symbol}",
        query="timestamp: time, since: time, since_tid: int, limit_trades: int, include_breaks: bool",
        answer="[PublicTrade]",
        sim="Reaches back 7 days; with a start the oldest records from it are returned, newest first.",
    ),
    public("price_feed", "/v1/pricefeed", answer="[PricePoint]"),
    public("funding_amount", "/v1/fundingamount/{symbol}", answer="FundingAmount"),
    public("next_funding_timestamp", "/v1/nextfundingtimestamp/{symbol}", answer="int"),
    public(
        "funding_amount_report",
        "/v1/fundingamountreport/records.xlsx",
        query=f"symbol*: symbol, {_REPORT}",
        answer="file",
        tier=2,
        sim="Public, as the venue's OpenAPI file has it; an older text calls it private."
        " At most 20,000 rows, none in the future; columns are our own.",
    ),
    public("risk_stats", "/v1/riskstats/{symbol}", answer="RiskStats"),
    public(
        "staking_rates",
        "/v1/staking/rates",
        answer="map(map(StakingRate))",
        tier=2,
        sim="One provider; the rates are those of the sample of the venue and stand still.",
    ),
    public(
        "auction",
        "/v1/auction/{symbol}",
        answer="Auction",
        tier=2,
        sim="Auctions are gone at the venue; the fields are those of a recording of 2019. All are zero.",
    ),
    public(
        "auction_history",
        "/v1/auction/{symbol}/history",
        query="since: time, limit_auction_results: int, include_indicative: bool",
        answer="[AuctionEvent]",
        tier=2,
        sim="Auctions are gone at the venue; the fields are those of a recording of 2019. It is empty.",
    ),
    private("fx_rate", "/v2/fxrate/{pair}/{timestamp}", method="GET", roles="A", answer="FxRate"),
    private(
        "network",
        "/v2/network/{token}",
        method="GET",
        roles="FM/A",
        answer="TokenNetworks",
        tier=2,
        sim="Networks of the currencies of this exchange, whatever the account.",
    ),
    private(
        "network_assets",
        "/v2/networks/{network}/assets",
        method="GET",
        roles="FM/A",
        answer="NetworkAssets",
        tier=2,
        sim="An unknown network is 400 with an errorMessage, as in the OpenAPI file of the venue.",
    ),
    private(
        "funding_payment_report_xlsx",
        "/v1/perpetuals/fundingpaymentreport/records.xlsx",
        method="GET",
        roles="T/A",
        scope="orders:read",
        query=_REPORT,
        answer="file",
        tier=2,
        sim="The signed request may be the path alone or the path with its query."
        " There are no positions, so there are no payments; columns are our own.",
    ),
)
