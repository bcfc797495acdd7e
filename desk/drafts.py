"""From an intent to the exact order that would be sent, and back from storage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from desk.account import Account
from desk.market import Market
from domain.errors import BadInputError, MatrixError
from domain.fees import fee
from domain.ids import ClientOrderId, IdSource
from domain.instrument import Instrument, Side
from domain.money import CONTEXT, ZERO, parse_decimal, to_wire
from domain.order import ExecutionOption, OrderDraft, OrderIntent, OrderType, Origin, Purpose

MARKETABLE_PCT = Decimal("0.25")
"""How far past the touch an order without a price may go: half of the widest spread we trade in, and
enough for a quiet two minutes between the card and the yes. The fill is at the resting price or better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What valued the draft: dollars per quote unit and the worst-case fee rate."""

    usd_rate: Decimal
    fee_bps: Decimal


class Drafting:
    """Makes drafts; raises `BadInputError` for what cannot become one."""

    def __init__(self, market: Market, account: Account, ids: IdSource) -> None:
        self._market = market
        self._account = account
        self._ids = ids

    def rates(self, instrument: Instrument, option: ExecutionOption | None) -> Rates:
        """Return what values an order in `instrument`; raises when a price or the fee tier is not known."""
        rate = self._market.usd_rates().get(instrument.quote)
        fees = self._account.fees
        if rate is None or fees is None:
            raise MatrixError(
                "NOT_READY",
                f"no price or fee tier yet for {instrument.symbol}",
                "Wait for the lights to turn green and ask again.",
            )
        is_maker = option is ExecutionOption.MAKER_OR_CANCEL
        return Rates(usd_rate=rate, fee_bps=fees.maker_bps if is_maker else fees.taker_bps)

    def draft(self, intent: OrderIntent, origin: Origin) -> OrderDraft:
        """Return the order for `intent`: rounded in the safe direction, valued in USD, with its own id."""
        instrument = self._market.instrument(intent.symbol)
        option = intent.option
        price = intent.price
        if price is None:
            price = self._marketable(instrument, intent.side)
            option = option or ExecutionOption.IMMEDIATE_OR_CANCEL
        price = instrument.round_price(price, intent.side)
        rates = self.rates(instrument, option)
        amount = instrument.round_amount(self._amount(intent, price, rates))
        draft = OrderDraft(
            instrument=instrument,
            side=intent.side,
            amount=amount,
            price=price,
            order_type=intent.order_type,
            option=option,
            stop_price=intent.stop_price,
            purpose=intent.purpose or (Purpose.ENTRY if intent.side is Side.BUY else Purpose.REDUCE),
            expected_exit=intent.expected_exit,
            origin=origin,
            client_order_id=self._ids.client_order(),
            notional_usd=ZERO,
            fee_usd=ZERO,
            mandate_id=intent.mandate_id,
        )
        return self.revalue(draft, rates)

    def revalue(self, draft: OrderDraft, rates: Rates) -> OrderDraft:
        """Return the same order with its dollars counted anew at `rates`."""
        gross = CONTEXT.multiply(CONTEXT.multiply(draft.amount, draft.price), rates.usd_rate)
        return replace(draft, notional_usd=gross, fee_usd=fee(gross, rates.fee_bps))

    def new_order_id(self) -> ClientOrderId:
        """Return an id that no order has had."""
        return self._ids.client_order()

    def _marketable(self, instrument: Instrument, side: Side) -> Decimal:
        view = self._market.view(instrument.symbol, 1)
        touch = view.ask if side is Side.BUY else view.bid
        if touch is None:
            raise MatrixError(
                "NO_PRICE",
                f"there is no {'ask' if side is Side.BUY else 'bid'} for {instrument.symbol} now",
                "Name a limit price, or wait until the market light is green.",
            )
        away = 1 + MARKETABLE_PCT / 100 if side is Side.BUY else 1 - MARKETABLE_PCT / 100
        return CONTEXT.multiply(touch, away)

    @staticmethod
    def _amount(intent: OrderIntent, price: Decimal, rates: Rates) -> Decimal:
        if (intent.amount is None) == (intent.notional_usd is None):
            raise BadInputError(
                "AMOUNT_OR_NOTIONAL", "give exactly one of amount and notional_usd", "Leave the other out."
            )
        if intent.amount is not None:
            return intent.amount
        assert intent.notional_usd is not None
        if price <= ZERO:
            raise BadInputError("BAD_PRICE", "the price is zero", "Name a price above zero.")
        return CONTEXT.divide(intent.notional_usd, CONTEXT.multiply(price, rates.usd_rate))


def intent_from_json(body: dict[str, Any]) -> OrderIntent:
    """Read an intent of `docs/desk-api.md` whose keys were checked already.

    Raises `BadInputError` that names the field.
    """
    options = body.get("options") or []
    if len(options) > 1:
        raise BadInputError("CONFLICTING_OPTIONS", "at most one option is possible", "Keep one.")
    return OrderIntent(
        symbol=body["symbol"],
        side=Side(body["side"]),
        amount=_number(body, "amount"),
        notional_usd=_number(body, "notional_usd"),
        price=_number(body, "price"),
        order_type=OrderType(body.get("order_type") or OrderType.LIMIT),
        option=ExecutionOption(options[0]) if options else None,
        stop_price=_number(body, "stop_price"),
        purpose=Purpose(body["purpose"]) if body.get("purpose") else None,
        expected_exit=_number(body, "expected_exit"),
        rationale=body.get("rationale") or "",
        mandate_id=body.get("mandate_id"),
    )


def _number(body: dict[str, Any], name: str) -> Decimal | None:
    value = body.get(name)
    if value is None:
        return None
    number = parse_decimal(value, name)
    if number <= ZERO:
        raise BadInputError("NOT_POSITIVE", f"{name} must be above zero", f"Give a {name} above zero.")
    return number


def draft_json(draft: OrderDraft) -> dict[str, Any]:
    """Return what storage needs to make the same draft again."""
    return {
        "symbol": draft.symbol,
        "side": draft.side.value,
        "amount": to_wire(draft.amount),
        "price": to_wire(draft.price),
        "order_type": draft.order_type.value,
        "option": None if draft.option is None else draft.option.value,
        "stop_price": None if draft.stop_price is None else to_wire(draft.stop_price),
        "purpose": draft.purpose.value,
        "expected_exit": None if draft.expected_exit is None else to_wire(draft.expected_exit),
        "origin": draft.origin.value,
        "client_order_id": draft.client_order_id,
        "notional_usd": to_wire(draft.notional_usd),
        "fee_usd": to_wire(draft.fee_usd),
        "mandate_id": draft.mandate_id,
    }


def draft_from_json(values: dict[str, Any], instrument: Instrument) -> OrderDraft:
    """Return the draft that `draft_json` wrote."""
    option, stop, target = values["option"], values["stop_price"], values["expected_exit"]
    return OrderDraft(
        instrument=instrument,
        side=Side(values["side"]),
        amount=Decimal(values["amount"]),
        price=Decimal(values["price"]),
        order_type=OrderType(values["order_type"]),
        option=None if option is None else ExecutionOption(option),
        stop_price=None if stop is None else Decimal(stop),
        purpose=Purpose(values["purpose"]),
        expected_exit=None if target is None else Decimal(target),
        origin=Origin(values["origin"]),
        client_order_id=ClientOrderId(values["client_order_id"]),
        notional_usd=Decimal(values["notional_usd"]),
        fee_usd=Decimal(values["fee_usd"]),
        mandate_id=values["mandate_id"],
    )
