"""Rules about the order itself: where it goes, what it trades, and whether its figures are whole."""

from __future__ import annotations

from decimal import Decimal

from domain.ids import CLIENT_ORDER_ID
from domain.instrument import SYMBOL, InstrumentStatus, Side
from domain.money import ZERO, is_multiple
from domain.order import ExecutionOption, OrderType, Purpose
from guardrails.case import EXIT_PURPOSES, Case, dollars, measure, met, passed, plain, positive, refused
from guardrails.snapshot import Mode
from guardrails.verdict import Check

_LARGEST = Decimal(10) ** 12
_OPEN_MODES = frozenset({Mode.PAPER, Mode.SANDBOX})
_TAKES_LIMIT_ORDERS = frozenset({InstrumentStatus.OPEN, InstrumentStatus.LIMIT_ONLY})
_TYPES = frozenset(OrderType)
_SIDES = frozenset(Side)
_OPTIONAL = frozenset({"stop_price", "expected_exit"})
_FINEST = Decimal("1E-12")
_TOLERANCE_USD = Decimal("0.01")
_TOLERANCE_RATE = Decimal("0.01")


def mode(case: Case) -> Check:
    """Require paper or sandbox, a named venue and a named account."""
    where = case.snapshot
    if where.mode is Mode.LIVE:
        return refused("mode", "LIVE_LOCKED", "Live trading is locked in this version.")
    if where.mode not in _OPEN_MODES:
        return refused("mode", "MODE_UNKNOWN", "The desk does not know which mode it is in.")
    if not where.venue or not where.account:
        return refused("mode", "VENUE_UNKNOWN", "The desk does not know which venue or account this is for.")
    return met("mode", f"Orders go to the {where.mode.value} venue.")


def symbol(case: Case) -> Check:
    """Require plain ASCII that is base and quote."""
    pair = case.draft.instrument
    is_whole = SYMBOL.fullmatch(pair.symbol) and pair.symbol == f"{pair.base}{pair.quote}".lower()
    if not is_whole:
        return refused(
            "symbol",
            "BAD_SYMBOL",
            f"{pair.symbol!r:.40} is not a pair of {pair.base!r:.12} and {pair.quote!r:.12}.",
        )
    return met("symbol", "The symbol is a known pair's.")


def permitted(case: Case) -> Check:
    """Require a symbol on the list that may be traded."""
    if case.draft.symbol not in case.snapshot.permitted_symbols:
        return refused(
            "permitted", "SYMBOL_NOT_PERMITTED", f"{case.draft.symbol!r:.40} is not a permitted symbol."
        )
    return met("permitted", "The symbol is permitted.")


def instrument_open(case: Case) -> Check:
    """Require that the venue takes this kind of order in this instrument now."""
    status = case.draft.instrument.status
    is_maker = case.draft.option is ExecutionOption.MAKER_OR_CANCEL
    if status in _TAKES_LIMIT_ORDERS:
        return met("instrument_open", "The instrument is open.")
    if status is InstrumentStatus.POST_ONLY and is_maker:
        return met("instrument_open", "The instrument takes maker orders, and this is one.")
    return refused(
        "instrument_open",
        "INSTRUMENT_CLOSED",
        f"{case.draft.symbol} does not take this order now ({status!s:.20}).",
    )


def spot(case: Case) -> Check:
    """Require a spot pair: nothing is borrowed."""
    if case.draft.instrument.is_spot is not True:
        return refused("spot", "NOT_SPOT", f"{case.draft.symbol} is not a spot pair; nothing else is traded.")
    return met("spot", "It is a spot pair.")


def numbers(case: Case) -> Check:
    """Require figures above zero with at most 12 digits before and 12 after the point."""
    draft = case.draft
    figures: tuple[tuple[str, Decimal | None], ...] = (
        ("amount", draft.amount),
        ("price", draft.price),
        ("stop_price", draft.stop_price),
        ("expected_exit", draft.expected_exit),
    )
    for name, value in figures:
        if value is None and name in _OPTIONAL:
            continue
        if not _is_plain(value):
            text = f"{name} must be above zero with at most 12 digits before and 12 after the point."
            return refused("numbers", "BAD_NUMBER", text, (name,), (value,))
    return passed(
        "numbers", "Amount and price are plain numbers.", ("amount", "price"), (draft.amount, draft.price)
    )


def _is_plain(value: object) -> bool:
    figure = positive(value)
    return figure is not None and figure < _LARGEST and is_multiple(figure, _FINEST)


def price_tick(case: Case) -> Check:
    """Require whole ticks of limit and stop price."""
    tick = case.draft.instrument.price_tick
    for name, value in (("price", case.draft.price), ("stop_price", case.draft.stop_price)):
        if value is not None and not is_multiple(value, tick):
            return refused(
                "price_tick",
                "OFF_TICK",
                f"{name} {plain(value)} is not a multiple of {plain(tick)}.",
                (name, "tick"),
                (value, tick),
            )
    return passed("price_tick", "Prices are whole ticks.", ("tick",), (tick,))


def amount_step(case: Case) -> Check:
    """Require a whole number of lots."""
    step, amount = case.draft.instrument.amount_step, case.draft.amount
    names, values = ("amount", "step"), (amount, step)
    if not is_multiple(amount, step):
        text = f"The amount {plain(amount)} is not a multiple of {plain(step)}."
        return refused("amount_step", "OFF_STEP", text, names, values)
    return passed("amount_step", "The amount is a whole number of lots.", names, values)


def minimum(case: Case) -> Check:
    """Require the venue's minimum."""
    least, amount = case.draft.instrument.min_amount, case.draft.amount
    names, values = ("amount", "minimum"), (amount, least)
    if measure(least) is not None and amount >= least:
        return passed("minimum", "The amount is at least the minimum.", names, values)
    text = f"The amount {plain(amount)} is below the minimum of {plain(least)}; the smallest order is that."
    return refused("minimum", "BELOW_MINIMUM", text, names, values)


def order_shape(case: Case) -> Check:
    """Require that type, stop price, option, purpose and id fit each other."""
    draft = case.draft
    is_stop = draft.order_type is OrderType.STOP_LIMIT
    wrong = ""
    if draft.order_type not in _TYPES or draft.side not in _SIDES:
        wrong = "the type or the side is unknown"
    elif is_stop != (draft.stop_price is not None):
        wrong = "a stop order needs a stop price, and no other order may have one"
    elif is_stop and draft.option is not None:
        wrong = "a stop order takes no option"
    elif draft.stop_price is not None and not _stop_leads(case):
        wrong = "the stop price must come before the limit price: below it to buy, above it to sell"
    elif (draft.side is Side.BUY) != (draft.purpose is Purpose.ENTRY):
        wrong = "a buy is an entry; a sell is to take profit, to reduce, or a stop"
    elif draft.purpose is not Purpose.ENTRY and draft.purpose not in EXIT_PURPOSES:
        wrong = "the purpose is unknown"
    elif not CLIENT_ORDER_ID.fullmatch(draft.client_order_id):
        wrong = "the client order id is not one that the venue takes"
    if wrong:
        return refused("order_shape", "BAD_ORDER_SHAPE", f"The order does not fit together: {wrong}.")
    return met("order_shape", "Type, option, stop price and purpose fit together.")


def valuation(case: Case) -> Check:
    """Require that the draft's dollars are the ones we compute ourselves."""
    draft, notional = case.draft, case.notional_usd
    if case.rate is None:
        text = f"What one {draft.instrument.quote!s:.12} is worth in USD is not known."
        return refused("valuation", "NO_USD_RATE", text)
    if case.taker_bps is None or case.snapshot.fees is None:
        return refused("valuation", "FEES_UNKNOWN", "The account's fee rates are not known.")
    if notional is None:
        return refused("valuation", "NOTIONAL_UNKNOWN", "The order's value in USD cannot be computed.")
    names, values = ("notional_usd", "stated_usd", "fee_usd"), (notional, draft.notional_usd, draft.fee_usd)
    # A rate moves between card and send, a dollar does not.
    slack = _TOLERANCE_USD if case.rate == 1 else _TOLERANCE_USD + notional * _TOLERANCE_RATE
    most = notional * case.taker_bps / 10_000
    least = notional * min(case.snapshot.fees.maker_bps, case.taker_bps) / 10_000
    is_fee_ok = least - slack <= draft.fee_usd <= most + slack
    if abs(draft.notional_usd - notional) <= slack and is_fee_ok and draft.fee_usd >= ZERO:
        return passed("valuation", "Value and fee in USD agree with our own figures.", names, values)
    text = (
        f"The order is stated at {dollars(draft.notional_usd)} USD, and we compute {dollars(notional)} USD."
    )
    return refused("valuation", "NOTIONAL_MISMATCH", text, names, values)


def _stop_leads(case: Case) -> bool:
    stop, price = case.draft.stop_price, case.draft.price
    if stop is None:
        return False
    return stop < price if case.draft.side is Side.BUY else stop > price
