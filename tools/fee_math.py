"""Break-even and target prices for people and models: the arithmetic that no model may do itself.

The same formula as the gate's profit rule (`domain.fees.break_even_price`), so that a price named here
passes there: both fees at the account's own taker rate, half the spread, and the slippage buffer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

from domain.errors import BadInputError
from domain.fees import FeeTier, break_even_price, fee
from domain.instrument import Instrument, Side
from domain.market import BookView
from domain.money import BPS, CONTEXT, ONE, ZERO, to_wire
from domain.position import Position

_FINE = Decimal("1E-8")
_PERCENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is asked, with the market it is asked in; prices in quote per unit, `rate` USD per quote."""

    instrument: Instrument
    side: Side
    bid: Decimal
    ask: Decimal
    fees: FeeTier
    position: Position
    rate: Decimal
    slippage_bps: Decimal
    amount: Decimal | None
    notional_usd: Decimal | None
    price: Decimal | None
    profit_usd: Decimal | None

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    @property
    def is_about_held(self) -> bool:
        return self.side is Side.SELL and self.price is None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """Where the position begins, in quote per unit; `cost` has the entry fee in it, `fee` is per unit."""

    price: Decimal
    cost: Decimal
    fee: Decimal
    source: str


def break_even(
    *,
    instrument: Instrument,
    side: Side,
    book: BookView,
    fees: FeeTier,
    position: Position,
    usd_rates: Mapping[str, Decimal],
    slippage_buffer_bps: Decimal,
    amount: Decimal | None = None,
    notional_usd: Decimal | None = None,
    price: Decimal | None = None,
    profit_usd: Decimal | None = None,
) -> dict[str, object]:
    """Return the JSON of `GET /break-even` (docs/desk-api.md): decimals as text, prices in the quote.

    With `side` sell and no `price` the entry is the held position and `amount` defaults to all of it;
    with a `price` the entry is a purchase at it; with `side` buy and no `price` it is the ask.
    Raises `BadInputError` that names what is missing or too much.
    """
    bid, ask = _touch(book)
    question = _Question(
        instrument=instrument,
        side=side,
        bid=bid,
        ask=ask,
        fees=fees,
        position=position,
        rate=_rate(instrument, usd_rates),
        slippage_bps=slippage_buffer_bps,
        amount=amount,
        notional_usd=notional_usd,
        price=price,
        profit_usd=profit_usd,
    )
    entry = _entry(question)
    units = _units(question, entry)
    even = _exit_price(question, entry, units, ZERO)
    target = None if profit_usd is None else _exit_price(question, entry, units, profit_usd)
    return _as_json(question, entry, units, even, target)


def _as_json(
    asked: _Question, entry: _Entry, units: Decimal, even: Decimal, target: Decimal | None
) -> dict[str, object]:
    exit_price = even if target is None else target
    move = CONTEXT.divide((exit_price - asked.mid) * 100, asked.mid)
    return {
        "symbol": asked.instrument.symbol,
        "side": asked.side.value,
        "amount": to_wire(units),
        "entry_price": to_wire(_fine(entry.price)),
        "entry_source": entry.source,
        "cost_per_unit": to_wire(_fine(entry.cost)),
        "entry_fee": to_wire(_fine(CONTEXT.multiply(entry.fee, units))),
        "exit_fee_bps": to_wire(asked.fees.taker_bps),
        "exit_fee": to_wire(_fine(fee(CONTEXT.multiply(exit_price, units), asked.fees.taker_bps))),
        "spread": to_wire(asked.ask - asked.bid),
        "slippage_buffer_bps": to_wire(asked.slippage_bps),
        "profit_usd": None if asked.profit_usd is None else to_wire(asked.profit_usd),
        "break_even_price": to_wire(even),
        "target_price": None if target is None else to_wire(target),
        "mid": to_wire(asked.mid),
        "move_needed_pct": to_wire(move.quantize(_PERCENT, rounding=ROUND_CEILING, context=CONTEXT)),
        "formula": _formula(asked, entry, units, exit_price),
    }


def _touch(book: BookView) -> tuple[Decimal, Decimal]:
    bid, ask = book.bid, book.ask
    if bid is None or ask is None or not ZERO < bid <= ask:
        raise BadInputError(
            "NO_PRICE",
            f"there is no bid and ask for {book.symbol} now",
            "Ask again when the market light is green.",
        )
    return bid, ask


def _rate(instrument: Instrument, usd_rates: Mapping[str, Decimal]) -> Decimal:
    rate = usd_rates.get(instrument.quote)
    if rate is None or rate <= ZERO:
        raise BadInputError(
            "NO_USD_RATE",
            f"what one {instrument.quote.upper()} is worth in dollars is not known yet",
            "Ask again in a moment, or ask about a pair in USD.",
        )
    return rate


def _entry(asked: _Question) -> _Entry:
    if asked.is_about_held:
        average = asked.position.average_cost_usd
        if average is None:
            raise BadInputError(
                "NOTHING_HELD",
                f"the desk holds no {asked.instrument.base.upper()} that it bought",
                "Give the price that was paid, or ask about a buy.",
            )
        cost = CONTEXT.divide(average, asked.rate)
        source = "held position at average cost, entry fees inside"
        return _Entry(price=cost, cost=cost, fee=ZERO, source=source)
    at, source = (asked.ask, "ask") if asked.price is None else (asked.price, "given price")
    if at <= ZERO:
        raise BadInputError("BAD_PRICE", "the price must be above zero", "Name a price above zero.")
    per_unit = fee(at, asked.fees.taker_bps)
    return _Entry(price=at, cost=at + per_unit, fee=per_unit, source=source)


def _units(asked: _Question, entry: _Entry) -> Decimal:
    """Return the amount asked about. Without a size it is all that is held, or one unit."""
    held, base = asked.position.amount, asked.instrument.base.upper()
    amount = asked.amount
    if amount is not None and asked.notional_usd is not None:
        raise BadInputError("AMOUNT_OR_NOTIONAL", "amount and notional_usd are both given", "Leave one out.")
    if asked.notional_usd is not None:
        per_unit = asked.mid if asked.is_about_held else entry.price
        amount = CONTEXT.divide(asked.notional_usd, CONTEXT.multiply(per_unit, asked.rate))
    if amount is None:
        return held if asked.is_about_held else ONE
    units = asked.instrument.round_amount(amount)
    if units < asked.instrument.min_amount:
        raise BadInputError(
            "BELOW_MINIMUM",
            f"{to_wire(_fine(amount))} {base} is less than can be traded",
            f"The smallest order is {to_wire(asked.instrument.min_amount)} {base}.",
        )
    if asked.is_about_held and units > held:
        raise BadInputError(
            "MORE_THAN_HELD",
            f"{to_wire(units)} {base} is more than the {to_wire(held)} {base} held",
            "Name at most what is held, or leave the amount out.",
        )
    return units


def _exit_price(asked: _Question, entry: _Entry, units: Decimal, profit_usd: Decimal) -> Decimal:
    try:
        return break_even_price(
            cost_per_unit=entry.cost,
            exit_bps=asked.fees.taker_bps,
            amount=units,
            profit=CONTEXT.divide(profit_usd, asked.rate),
            half_spread=(asked.ask - asked.bid) / 2,
            slippage_bps=asked.slippage_bps,
            tick=asked.instrument.price_tick,
        )
    except ValueError as error:
        raise BadInputError(
            "NO_BREAK_EVEN", "fees and slippage eat the whole price", "Check the fee rates: matrix doctor."
        ) from error


def _formula(asked: _Question, entry: _Entry, units: Decimal, exit_price: Decimal) -> str:
    exit_bps, slippage_bps, tick = asked.fees.taker_bps, asked.slippage_bps, asked.instrument.price_tick
    keep = ONE - (exit_bps + slippage_bps) / BPS
    profit = CONTEXT.divide(asked.profit_usd or ZERO, asked.rate)
    gain = "" if profit == ZERO else f" + {to_wire(_fine(profit))} profit / {to_wire(units)}"
    return (
        f"({to_wire(_fine(entry.cost))} cost per unit with entry fee"
        f" + {to_wire((asked.ask - asked.bid) / 2)} half spread{gain})"
        f" / {to_wire(keep)} (1 - {to_wire(exit_bps)} bps exit fee - {to_wire(slippage_bps)} bps slippage)"
        f" = {to_wire(exit_price)} {asked.instrument.quote.upper()}, rounded up to the tick {to_wire(tick)}"
    )


def _fine(value: Decimal) -> Decimal:
    return value.quantize(_FINE, rounding=ROUND_HALF_EVEN, context=CONTEXT)
