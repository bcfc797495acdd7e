"""Shapes of orders, own trades, fees and conversions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_CONVERTED: Final = (
    "pair*: symbol, price*: decimal, priceCurrency*: currency, side*: buy/sell, quantity*: decimal, "
    "quantityCurrency*: currency, fee*: decimal, feeCurrency*: currency, depositFee*: decimal, "
    "depositFeeCurrency*: currency, totalSpend*: decimal, totalSpendCurrency*: currency"
)

SHAPES: Final[Mapping[str, str]] = {
    # timestamp is in seconds, as text. Ids have up to 18 digits.
    "Order": "order_id*: digits, id*: digits, symbol*: symbol, exchange*: 'gemini', "
    "avg_execution_price*: decimal, side*: buy/sell, "
    "type*: exchange limit/exchange stop limit/stop-limit/exchange market/market buy/market sell, "
    "timestamp*: digits, timestampms*: int, is_live*: bool, is_cancelled*: bool, is_hidden*: bool, "
    "was_forced*: bool, executed_amount*: decimal, remaining_amount*: decimal, client_order_id: text, "
    "options*: [text], price*: decimal, original_amount*: decimal, stop_price: decimal, reason: text, "
    "trades: [OwnTrade]",
    "OwnTrade": "price*: decimal, amount*: decimal, timestamp*: int, timestampms*: int, type*: Buy/Sell, "
    "aggressor*: bool, fee_currency*: currency, fee_amount*: decimal, tid*: int, order_id*: digits, "
    "client_order_id: text, exchange*: 'gemini', is_auction_fill*: bool, is_clearing_fill: bool, "
    "symbol: symbol, break: text",
    "Cancelled": "result*: 'ok', details*: CancelledIds",
    "CancelledIds": "cancelledOrders*: [int], cancelRejects*: [int]",
    "DayOfTrading": "symbol*: symbol, base_currency*: currency, notional_currency*: currency, "
    "quote_currency: currency, data_date*: date, total_volume_base*: number | decimal, "
    "maker_buy_sell_ratio*: number | decimal, "
    "buy_maker_base*: number | decimal, buy_maker_notional*: number | decimal, buy_maker_count*: int, "
    "sell_maker_base*: number | decimal, sell_maker_notional*: number | decimal, sell_maker_count*: int, "
    "buy_taker_base*: number | decimal, buy_taker_notional*: number | decimal, buy_taker_count*: int, "
    "sell_taker_base*: number | decimal, sell_taker_notional*: number | decimal, sell_taker_count*: int",
    # All fees are whole basis points; what is optional was not there in 2019.
    "FeeSchedule": "web_maker_fee_bps*: int, web_taker_fee_bps*: int, web_auction_fee_bps*: int, "
    "api_maker_fee_bps*: int, api_taker_fee_bps*: int, api_auction_fee_bps*: int, "
    "fix_maker_fee_bps*: int, fix_taker_fee_bps*: int, fix_auction_fee_bps*: int, "
    "block_maker_fee_bps: int, block_taker_fee_bps: int, notional_30d_volume*: number | decimal, "
    "api_notional_30d_volume: number | decimal, last_updated_ms*: int, date*: date, "
    "notional_1d_volume*: [DayOfVolume], fee_tier: FeeTier",
    "DayOfVolume": "date*: date, notional_volume*: number | decimal",
    "FeeTier": "tier*: int | text, api_maker_fee_bps*: int, api_taker_fee_bps*: int",
    "Conversion": f"orderId*: int | digits, quoteId: int, maxAgeMs: int, {_CONVERTED}",
    "InstantQuote": f"quoteId*: int, maxAgeMs*: int, {_CONVERTED}",
}
"""Field lists by shape name."""
