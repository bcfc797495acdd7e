"""The matching engine: price-time priority, holds, fees, stops, and the reasons for every cancel.

Everything here is synchronous and exact. Work runs inside `decimal.localcontext(CONTEXT)` (see
`exchange.Exchange.operation`), is collected in a `Batch`, and leaves the process only after the batch is
stored. Choices where the venue is silent: the collar is 5 % of the best opposite price at arrival; self-cross
cancels the incoming order; a stop reads the last trade and fires at once if it is already reached.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from decimal import Decimal

from domain.instrument import InstrumentStatus, Side
from domain.money import BPS, ZERO, to_wire
from domain.order import ExecutionOption, OrderEventType, OrderType
from venues.paper.matching.book import BookSide
from venues.paper.matching.crossing import COLLAR, can_fill, collared, crosses, is_within, meets_own
from venues.paper.matching.fees import tier_on
from venues.paper.matching.ledger import Account
from venues.paper.matching.listings import DOLLARS, FIAT_USD, Listing
from venues.paper.matching.market import PERMITS, Batch, Market, Notice
from venues.paper.matching.orders import CancelReason, Execution, Order, OrderRequest, Print
from venues.paper.matching.refusals import RefusedError

__all__ = ["ALL", "Batch", "Engine", "Market", "Notice"]

ALL = "*"
"""Stands for every market where a trading status is set."""

FEE_PLACES = Decimal("1e-19")
_AT_ONCE = frozenset({ExecutionOption.IMMEDIATE_OR_CANCEL, ExecutionOption.FILL_OR_KILL})


class Engine:
    """All markets and the rules of trading on them."""

    def __init__(self, *, next_id: Callable[[], int], now_ms: Callable[[], int]) -> None:
        self.markets: dict[str, Market] = {}
        self.live: dict[int, Order] = {}
        self.batch = Batch()
        self._next_id = next_id
        self._now_ms = now_ms

    def list_market(self, listing: Listing) -> Market:
        """Open a market for `listing` and return it."""
        market = self.markets[listing.symbol] = Market(listing)
        return market

    def take_batch(self) -> Batch:
        """Return what changed since the last call and begin anew."""
        batch, self.batch = self.batch, Batch()
        return batch

    def place(self, account: Account, request: OrderRequest, session: str = "") -> Order:
        """Accept an order, match it, and return it in its final or resting state.

        A market order takes what there is within the collar: its `price` becomes the worst it may trade at,
        and a buy needs the money for that price. Raises `RefusedError`, after a `rejected` notice:
        `InsufficientFunds` (406), `MarketNotOpen`, `InsufficientLiquidity`. The house is never refused: in a
        market that does not trade its order is dead at birth.
        """
        market = self.markets[request.symbol]
        order = self._new_order(market, account, request, session)
        if account.is_house:
            if not PERMITS[market.status].takes:
                order.is_live = False
                return order
        else:
            self._admit(market, order)
            self._claim_funds(market, order)
            self.live[order.id] = order
            self._notify(OrderEventType.ACCEPTED, order)
        if order.is_waiting and not _is_reached(order, market):
            market.stops[order.id] = order
            return order
        order.is_triggered = order.type is OrderType.STOP_LIMIT
        self._enter(market, order)
        self._fire_stops(market)
        return order

    def cancel(self, order: Order, reason: CancelReason = CancelReason.REQUESTED) -> None:
        """Take a live order away. A closed one is left as it is."""
        if not order.is_live:
            return
        market = self.markets[order.symbol]
        if order.is_waiting:
            del market.stops[order.id]
        else:
            market.book.side(order.side).remove(order)
        self._cancelled(order, reason)

    def set_status(
        self, symbol: str, status: InstrumentStatus, reason: CancelReason = CancelReason.MARKET_CLOSED
    ) -> None:
        """Open, restrict or close a market; what may not rest any more is cancelled for `reason`."""
        market = self.markets[symbol]
        market.status = status
        if not PERMITS[status].keeps:
            for order in [*market.book.orders(), *market.stops.values()]:
                self.cancel(order, reason)
        elif PERMITS[status].takes:
            self._fire_stops(market)

    def set_trading(self, status: InstrumentStatus) -> None:
        """Set the status of every market that ever opens; what goes is cancelled as `TradingClosed`."""
        for symbol, market in self.markets.items():
            if market.instrument.status is InstrumentStatus.OPEN:
                self.set_status(symbol, status, CancelReason.TRADING_CLOSED)

    def reject(self, order: Order, reason: str, message: str, status: int = 400) -> RefusedError:
        """Tell the owner's sockets that a new order is refused, and return the refusal to raise."""
        order.is_live = False
        order.reason = reason
        self._notify(OrderEventType.REJECTED, order)
        self.batch.orders.pop(order.id, None)
        return RefusedError(reason, message, status)

    def restore(self, order: Order) -> None:
        """Put a stored live order back where it was; call in the order of ids.

        One that the market has passed meanwhile, as a recording may have, trades with what is there.
        """
        market = self.markets[order.symbol]
        self._hold(market, order, order.needed_hold())
        self.live[order.id] = order
        if order.is_waiting:
            market.stops[order.id] = order
        elif crosses(order, market.book.against(order.side).best):
            self._enter(market, order)
        else:
            market.book.side(order.side).add(order)

    def withdraw(self, order: Order) -> None:
        """Close a stored live order whose market is not open any more; it holds nothing."""
        order.is_live = False
        order.reason = CancelReason.MARKET_CLOSED
        self.batch.orders[order.id] = order

    def live_orders(self, account: Account) -> list[Order]:
        """Return the account's live orders, newest first."""
        return sorted((o for o in self.live.values() if o.account is account), key=lambda o: -o.id)

    def shrink(self, order: Order, amount: Decimal) -> None:
        """Lower a house order that rests by `amount`; it keeps its place, or leaves at zero."""
        self.markets[order.symbol].book.side(order.side).reduce(order, amount)
        order.is_live = order.remaining > 0

    def new_id(self) -> int:
        """Return an id that nothing else has."""
        return self._next_id()

    def record_print(self, market: Market, price: Decimal, amount: Decimal, side: Side) -> None:
        """Note a trade of others that did not pass through our book; stops follow its price as well."""
        self._print(market, price, amount, side)
        self._fire_stops(market)

    def usd_rate(self, currency: str) -> Decimal:
        """Return dollars per unit of `currency`; 1 when no market of ours tells."""
        if currency in DOLLARS:
            return Decimal(1)
        if currency in FIAT_USD:
            return FIAT_USD[currency]
        market = self.markets.get(f"{currency.lower()}usd")
        return market.last if market is not None else Decimal(1)

    def _new_order(self, market: Market, account: Account, request: OrderRequest, session: str) -> Order:
        tier = tier_on(market.listing, account.tier)
        return Order(
            id=self._next_id(),
            account=account,
            symbol=request.symbol,
            side=request.side,
            type=request.type,
            price=request.price,
            amount=request.amount,
            remaining=request.amount,
            created_ms=self._now_ms(),
            option=request.option,
            stop_price=request.stop_price,
            client_order_id=request.client_order_id,
            api_session=session,
            maker_bps=tier.maker_bps,
            taker_bps=tier.taker_bps,
        )

    def _admit(self, market: Market, order: Order) -> None:
        """Raise the refusal of an order that the market's status or its empty book turns away."""
        permits = PERMITS[market.status]
        may_enter = permits.enters and (permits.takes or order.option not in _AT_ONCE)
        if not may_enter or (order.is_market and not permits.has_market_orders):
            raise self.reject(
                order,
                "MarketNotOpen",
                f"The market {market.symbol.upper()} does not take this order: its status is {market.status}",
            )
        if order.is_market:
            best = market.book.against(order.side).best
            if best is None:
                raise self.reject(
                    order, "InsufficientLiquidity", f"Nobody quotes on {market.symbol.upper()} to trade with"
                )
            reach = best * (1 + COLLAR) if order.is_buy else best * (1 - COLLAR)
            order.price = market.instrument.round_price(reach, order.side)

    def _claim_funds(self, market: Market, order: Order) -> None:
        needed = order.needed_hold()
        instrument = market.instrument
        currency = instrument.quote if order.is_buy else instrument.base
        available = order.account.fund(currency).available
        if needed > available:
            raise self.reject(
                order,
                "InsufficientFunds",
                f"Failed to place {order.side} order on symbol '{market.symbol.upper()}' for price "
                f"{to_wire(order.price)} and quantity {to_wire(order.amount)} {instrument.base} due to "
                f"insufficient funds: {to_wire(needed)} {currency} needed, {to_wire(available)} available",
                406,
            )
        self._hold(market, order, needed)

    def _hold(self, market: Market, order: Order, needed: Decimal) -> None:
        account = order.account
        if account.is_house:
            return
        instrument = market.instrument
        funds = account.fund(instrument.quote if order.is_buy else instrument.base)
        funds.held += needed - order.held
        order.held = needed
        self.batch.accounts.add(account)

    def _enter(self, market: Market, order: Order) -> None:
        against = market.book.against(order.side)
        limit = collared(order, against.best)
        refusal = self._refusal(market, order, limit)
        if refusal is not None:
            self._cancelled(order, refusal)
            return
        self._match(market, order, against, limit)
        if not order.remaining:
            return
        is_collared = order.is_market or limit != order.price
        if is_collared and against.best is not None and (order.is_market or crosses(order, against.best)):
            self._cancelled(order, CancelReason.PRICE_LIMITS)
        elif order.is_market or order.option is ExecutionOption.IMMEDIATE_OR_CANCEL:
            self._cancelled(order, CancelReason.IMMEDIATE_WOULD_POST)
        else:
            market.book.side(order.side).add(order)
            self._notify(OrderEventType.BOOKED, order)

    def _refusal(self, market: Market, order: Order, limit: Decimal) -> CancelReason | None:
        against = market.book.against(order.side)
        if not crosses(order, against.best):
            return CancelReason.FILL_OR_KILL if order.option is ExecutionOption.FILL_OR_KILL else None
        if not order.account.is_house and meets_own(order, against):
            return CancelReason.SELF_CROSS
        if order.option is ExecutionOption.MAKER_OR_CANCEL or not PERMITS[market.status].takes:
            return CancelReason.MAKER_WOULD_TAKE
        if order.option is ExecutionOption.FILL_OR_KILL and not can_fill(order, against, limit):
            return CancelReason.FILL_OR_KILL
        return None

    def _match(self, market: Market, order: Order, against: BookSide, limit: Decimal) -> None:
        while order.remaining:
            best = against.best
            if best is None or not is_within(order.side, limit, best):
                return
            resting = next(iter(against.levels[best].orders.values()))
            amount = min(order.remaining, resting.remaining)
            against.reduce(resting, amount)
            order.remaining -= amount
            trade = self._print(market, best, amount, order.side)
            # The resting side first: its owner has waited, and its events never depend on the taker's.
            self._settle(market, resting, trade, is_maker=True)
            self._settle(market, order, trade, is_maker=False)

    def _print(self, market: Market, price: Decimal, amount: Decimal, side: Side) -> Print:
        trade = Print(self._next_id(), self._now_ms(), price, amount, side)
        market.last = price
        market.prints.append(trade)
        market.candles.add(trade.at_ms, price, amount)
        self.batch.prints.append((market.symbol, trade))
        return trade

    def _settle(self, market: Market, order: Order, trade: Print, *, is_maker: bool) -> None:
        order.is_live = order.remaining > 0
        if order.account.is_house:
            return
        instrument, account = market.instrument, order.account
        worth = trade.price * trade.amount
        fee = (worth * (order.maker_bps if is_maker else order.taker_bps) / BPS).quantize(FEE_PLACES)
        base, quote = account.fund(instrument.base), account.fund(instrument.quote)
        sign = 1 if order.is_buy else -1
        base.amount += sign * trade.amount
        quote.amount -= sign * worth + fee
        order.notional += worth
        self._hold(market, order, order.needed_hold())
        execution = Execution(
            tid=trade.tid,
            order_id=order.id,
            account=account.name,
            symbol=order.symbol,
            side=order.side,
            price=trade.price,
            amount=trade.amount,
            fee=fee,
            fee_currency=instrument.quote,
            is_maker=is_maker,
            at_ms=trade.at_ms,
            notional_usd=worth * self.usd_rate(instrument.quote),
            client_order_id=order.client_order_id,
        )
        self.batch.executions.append(execution)
        self._notify(OrderEventType.FILL, order, execution=execution)
        if not order.is_live:
            self.live.pop(order.id, None)
            self._notify(OrderEventType.CLOSED, order)

    def _cancelled(self, order: Order, reason: CancelReason) -> None:
        order.is_live = False
        order.reason = reason
        if order.account.is_house:
            return
        self._hold(self.markets[order.symbol], order, ZERO)
        self.live.pop(order.id, None)
        self._notify(OrderEventType.CANCELLED, order, command_id=self._next_id())
        self._notify(OrderEventType.CLOSED, order)

    def _fire_stops(self, market: Market) -> None:
        while market.stops:
            reached = [order for order in market.stops.values() if _is_reached(order, market)]
            if not reached:
                return
            order = min(reached, key=lambda o: o.id)
            del market.stops[order.id]
            order.is_triggered = True
            self.batch.orders[order.id] = order
            self._enter(market, order)

    def _notify(
        self,
        kind: OrderEventType,
        order: Order,
        *,
        execution: Execution | None = None,
        command_id: int | None = None,
    ) -> None:
        if order.account.is_house:
            return
        self.batch.orders[order.id] = order
        # A closing follows the fill or cancel that caused it; the order stands as it did then.
        cause = self.batch.notices[-1] if kind is OrderEventType.CLOSED else None
        self.batch.notices.append(
            Notice(
                kind=kind,
                order=copy(order) if cause is None else cause.order,
                event_id=self._next_id(),
                at_ms=self._now_ms() if execution is None else execution.at_ms,
                execution=execution,
                command_id=command_id,
            )
        )


def _is_reached(order: Order, market: Market) -> bool:
    """Say whether a stop fires now; where nothing may trade it waits, whatever the last price."""
    stop = order.stop_price
    if stop is None or not PERMITS[market.status].takes:
        return False
    return market.last >= stop if order.is_buy else market.last <= stop
