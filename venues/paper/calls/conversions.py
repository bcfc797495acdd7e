"""Trades with the exchange itself, past every order book: what instant orders and wrapping have in common.

Our rules: such a trade is the account's own, so its order and its execution are kept and shown like any
other. It earns no volume for the fee tier, prints no public trade and sends no order event.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.instrument import Side
from domain.money import ZERO, to_wire
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account
from venues.paper.matching.market import Market
from venues.paper.matching.orders import Execution, MarketType, Order
from venues.paper.services import funds
from venues.paper.state.keys import ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """One trade at a fixed price: `quantity` in base, `fee` and worth in quote."""

    market: Market
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal = ZERO

    @property
    def is_buy(self) -> bool:
        """Say whether the account gets the base currency."""
        return self.side is Side.BUY

    @property
    def total_spend(self) -> Decimal:
        """Return what leaves the account: the quote currency with the fee for a buy, the base for a sell."""
        return self.quantity * self.price + self.fee if self.is_buy else self.quantity

    @property
    def spent_currency(self) -> str:
        """Return the currency that leaves the account."""
        instrument = self.market.instrument
        return instrument.quote if self.is_buy else instrument.base

    def as_json(self) -> dict[str, str]:
        """Return the fields that quotes and executions share."""
        instrument = self.market.instrument
        return {
            "pair": instrument.symbol.upper(),
            "price": to_wire(self.price),
            "priceCurrency": instrument.quote,
            "side": self.side,
            "quantity": to_wire(self.quantity),
            "quantityCurrency": instrument.base,
            "fee": to_wire(self.fee),
            "feeCurrency": instrument.quote,
            "depositFee": "0",
            "depositFeeCurrency": instrument.quote,
            "totalSpend": to_wire(self.total_spend),
            "totalSpendCurrency": self.spent_currency,
        }


def settle(
    exchange: Exchange, account: Account, key: ApiKey, wanted: Conversion, client_order_id: str | None = None
) -> Order:
    """Carry a conversion out and return its order, closed and filled. Raises `InsufficientFunds` (406)."""
    funds.require(account, wanted.spent_currency, wanted.total_spend)
    instrument, engine = wanted.market.instrument, exchange.engine
    worth, sign = wanted.quantity * wanted.price, 1 if wanted.is_buy else -1
    funds.add(exchange, account, instrument.base, sign * wanted.quantity)
    funds.add(exchange, account, instrument.quote, -sign * worth - wanted.fee)
    now_ms = exchange.timeline.now_ms()
    order = Order(
        id=engine.new_id(),
        account=account,
        symbol=instrument.symbol,
        side=wanted.side,
        type=MarketType.BUY if wanted.is_buy else MarketType.SELL,
        price=wanted.price,
        amount=wanted.quantity,
        remaining=ZERO,
        created_ms=now_ms,
        client_order_id=client_order_id,
        api_session=key.api_key,
        notional=worth,
        is_live=False,
    )
    execution = Execution(
        tid=engine.new_id(),
        order_id=order.id,
        account=account.name,
        symbol=instrument.symbol,
        side=wanted.side,
        price=wanted.price,
        amount=wanted.quantity,
        fee=wanted.fee,
        fee_currency=instrument.quote,
        is_maker=False,
        at_ms=now_ms,
        notional_usd=ZERO,
        client_order_id=client_order_id,
    )
    engine.batch.orders[order.id] = order
    engine.batch.executions.append(execution)
    return order
