"""Shapes of margin and perpetuals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_RISK: Final = (
    "marginAssetValue*: Money, availableCollateral*: Money, notionalValue*: Money, totalBorrowed*: Money, "
    "leverage*: decimal, buyingPower*: Money, sellingPower*: Money, liquidationRisk: LiquidationRisk, "
    "reservedBuyOrders*: Money, reservedSellOrders*: Money"
)

SHAPES: Final[Mapping[str, str]] = {
    "Money": "currency*: currency, value*: decimal",
    "MarginAccount": f"{_RISK}, interestRate: InterestRate",
    "LiquidationRisk": "lossPercentage*: decimal, liquidationPrice: Money",
    "InterestRate": "rate*: decimal, interval*: 'hour'",
    "MarginRates": "rates*: [BorrowRate]",
    # borrowRate is for an hour.
    "BorrowRate": "currency*: currency, borrowRate*: decimal, borrowRateDaily*: decimal, "
    "borrowRateAnnual*: decimal, lastUpdated*: int",
    "MarginPreview": "preorder*: MarginRisk, postorder*: MarginRisk",
    "MarginRisk": _RISK,
    "PerpetualMargin": "margin_assets_value*: decimal, initial_margin*: decimal, available_margin*: decimal, "
    "margin_maintenance_limit*: decimal, leverage*: decimal, notional_value*: decimal, "
    "estimated_liquidation_price: decimal, initial_margin_positions*: decimal, reserved_margin*: decimal, "
    "reserved_margin_buys*: decimal, reserved_margin_sells*: decimal, buying_power*: decimal, "
    "selling_power*: decimal",
    "Positions": "openPositions*: [Position]",
    # A negative quantity is a short position.
    "Position": "symbol*: symbol, instrument_type*: spot/perp, quantity*: decimal, notional_value*: decimal, "
    "realised_pnl*: decimal, unrealised_pnl*: decimal, average_cost*: decimal, mark_price*: decimal",
    "FundingPayment": "eventType*: 'Hourly Funding Transfer', hourlyFundingTransfer*: FundingTransfer",
    "FundingTransfer": "eventType*: 'Hourly Funding Transfer', timestamp*: int, assetCode*: currency, "
    "action*: Credit/Debit, quantity*: Money, instrumentSymbol: symbol",
}
"""Field lists by shape name."""
