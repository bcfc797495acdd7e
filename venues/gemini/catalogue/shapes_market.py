"""Shapes of market data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SHAPES: Final[Mapping[str, str]] = {
    # tick_size is the step of amounts, quote_increment the step of prices.
    "SymbolDetails": "symbol*: symbol, base_currency*: currency, quote_currency*: currency, "
    "tick_size*: number, quote_increment*: number, min_order_size*: decimal, "
    "status*: open/closed/cancel_only/post_only/limit_only, wrap_enabled*: bool, product_type*: spot/swap, "
    "contract_type*: vanilla/linear/inverse, contract_price_currency: currency",
    "TokenNetworks": "token*: currency, network*: [network]",
    "NetworkAssets": "network*: network, assets*: [currency]",
    # volume: both currencies with their amounts, and the end of the 24 hours in ms.
    "PubTicker": "bid*: decimal, ask*: decimal, last*: decimal, volume*: map(decimal | int)",
    "Ticker": "symbol*: symbol, open*: decimal, high*: decimal, low*: decimal, close*: decimal, "
    "changes*: [decimal], bid*: decimal, ask*: decimal",
    "FeePromos": "symbols*: [symbol]",
    "RestBook": "bids*: [RestLevel], asks*: [RestLevel]",
    "RestLevel": "price*: decimal, amount*: decimal, timestamp*: digits",
    # auction and block are of old records.
    "PublicTrade": "timestamp*: int, timestampms*: int, tid*: int, price*: decimal, amount*: decimal, "
    "exchange*: 'gemini', type*: buy/sell/auction/block, broken: bool",
    "PricePoint": "pair*: symbol, price*: decimal, percentChange24h*: decimal",
    "FundingAmount": "symbol*: symbol, fundingDateTime*: instant, fundingTimestampMilliSecs*: int, "
    "nextFundingTimestamp*: int, fundingAmount*: number, estimatedFundingAmount*: number",
    "RiskStats": "product_type*: 'PerpetualSwapContract', mark_price*: decimal, index_price*: decimal, "
    "open_interest*: decimal, open_interest_notional*: decimal",
    # rate is in basis points.
    "StakingRate": "providerId*: uuid, rate*: number, apyPct*: number, ratePct*: number, "
    "depositUsdLimit*: int",
    "Auction": "last_auction_eid*: int, next_auction_ms*: int, next_update_ms*: int",
    "AuctionEvent": "auction_id*: int, auction_result*: success/failure, eid*: int, "
    "event_type*: indicative/auction, timestamp*: int, timestampms*: int, highest_bid_price*: decimal, "
    "lowest_ask_price*: decimal, collar_price*: decimal, unmatched_collar_quantity: decimal, "
    "auction_price: decimal, auction_quantity: decimal",
    "FxRate": "fxPair*: symbol, rate*: number | decimal, asOf*: int, provider*: 'bcb', benchmark*: 'Spot'",
}
"""Field lists by shape name."""
