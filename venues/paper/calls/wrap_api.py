"""Wrapping a token and unwrapping it: one for one, without a fee, whatever the market does."""

from __future__ import annotations

from decimal import Decimal

from domain.instrument import Side
from venues.paper.call import Call, market_or_invalid
from venues.paper.calls.conversions import Conversion, settle
from venues.paper.exchange import Exchange
from venues.paper.matching.listings import WRAPPED
from venues.paper.matching.order_checks import check_amount, client_order_id
from venues.paper.matching.refusals import RefusedError
from venues.paper.services.fields import checked
from venues.paper.services.funds import trading_account


def wrap(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/wrap/{symbol}`: a buy turns the quote currency into the token, a sell turns it back."""
    account = trading_account(call.owner)
    market = market_or_invalid(exchange, call.path["symbol"])
    if market.symbol not in WRAPPED:
        raise RefusedError(
            "InvalidSymbol", f"{market.symbol.upper()} does not wrap; use one of {', '.join(sorted(WRAPPED))}"
        )
    given = checked("wrap", call)
    wanted = Conversion(
        market=market,
        side=Side(given["side"]),
        quantity=check_amount(call.payload["amount"], market.instrument),
        price=Decimal(1),
    )
    order = settle(exchange, account, call.key, wanted, client_order_id(call.payload.get("client_order_id")))
    return {"orderId": str(order.id), **wanted.as_json()}


HANDLERS = {"wrap": wrap}
