"""One order put before the rules: the four arguments of the gate and what several rules derive from them.

Everything here is total. What cannot be derived is None, and a rule that needs it refuses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_CEILING, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import NamedTuple

from domain.instrument import Side
from domain.money import ZERO, to_wire
from domain.order import ExecutionOption, OrderDraft, Origin, Purpose
from guardrails.limits import Limits
from guardrails.snapshot import ConsentKind, KillState, Snapshot
from guardrails.verdict import Check

EXACT = Context(prec=100, rounding=ROUND_CEILING, traps=[InvalidOperation, DivisionByZero, Overflow])
"""Wide enough for every product here; if one ever is wider, it rounds up, against the order."""

_SHOWN = Context(prec=12)
_SHOWN_RANGE = 30
_SENTENCE_LIMIT = Decimal(10) ** 15

CASH = frozenset({"USD", "GUSD", "RLUSD", "USDC", "USDT", "DAI", "EUR", "GBP", "SGD"})
"""Selling into one of these reduces risk; selling into a coin only changes it."""

_SEEN_BY_A_PERSON = frozenset({Origin.PERSON, Origin.MODEL, Origin.KILL})
_GIVEN_BY_A_PERSON = frozenset({ConsentKind.NONE, ConsentKind.PERSON, ConsentKind.KILL})


def acquired(side: Side, base: str, quote: str) -> str | None:
    """Return the asset an order adds to: the base of a buy, the quote of a sale into a coin, else None."""
    if side is Side.BUY:
        return base
    return None if quote.upper() in CASH else quote


EXIT_PURPOSES = frozenset({Purpose.TAKE_PROFIT, Purpose.REDUCE, Purpose.STOP})


class Share(NamedTuple):
    """A part of a whole, shown in per cent; divided only when somebody reads it."""

    part: Decimal
    whole: Decimal


Number = Decimal | int | float | Share | None
"""What a check shows. A float is seconds, nothing else."""


class Numbers(Mapping[str, str]):
    """A rule's numbers as text, written out only when somebody reads them."""

    __slots__ = ("_names", "_values")

    def __init__(self, names: tuple[str, ...], values: tuple[Number, ...]) -> None:
        self._names = names
        self._values = values

    def __getitem__(self, name: str) -> str:
        for known, value in zip(self._names, self._values, strict=True):
            if known == name:
                return plain(value)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))


class Case:
    """The draft, the snapshot, the limits and the time, with the figures that more than one rule needs.

    `bid`, `ask`: best prices. `mid_doubled`: their sum, so that no half is rounded. `rate`: USD for one
    unit of the quote currency. `notional_usd`: at the limit price. `cost_usd`: the same with the worst-case
    fee, never less than what the draft claims.
    `is_exit`: a sale that reduces a position of ours. `is_kill`: such a sale by a person's kill.
    `is_automatic`: no person looks at this very order.
    """

    __slots__ = (
        "ask",
        "bid",
        "cost_usd",
        "draft",
        "is_automatic",
        "is_exit",
        "is_kill",
        "limits",
        "mid_doubled",
        "notional_usd",
        "now",
        "rate",
        "snapshot",
        "taker_bps",
    )

    def __init__(self, draft: OrderDraft, snapshot: Snapshot, limits: Limits, now: datetime) -> None:
        self.draft = draft
        self.snapshot = snapshot
        self.limits = limits
        self.now = now
        self.bid: Decimal | None = None
        self.ask: Decimal | None = None
        self.mid_doubled: Decimal | None = None
        self.rate: Decimal | None = None
        self.taker_bps: Decimal | None = None
        self.notional_usd: Decimal | None = None
        self.cost_usd: Decimal | None = None
        self.is_exit = False
        self.is_kill = False
        # Whatever cannot be read as harmless counts as automatic.
        self.is_automatic = True
        for derive in (self._read_book, self._read_value, self._read_kind):
            try:
                derive()
            except Exception:  # noqa: BLE001 - what was not set stays None, and each rule that needs it refuses
                self.is_automatic = True

    def _read_book(self) -> None:
        book = self.snapshot.book
        if book is not None and book.bids and book.asks:
            self.bid = positive(book.bids[0].price)
            self.ask = positive(book.asks[0].price)
            if self.bid is not None and self.ask is not None:
                self.mid_doubled = self.bid + self.ask

    def _read_value(self) -> None:
        draft, snapshot = self.draft, self.snapshot
        quote = draft.instrument.quote
        rate = snapshot.usd_rates.get(quote)
        if quote.upper() == "USD":
            # A dollar is worth a dollar; a table that says otherwise is broken.
            rate = Decimal(1) if rate is None or rate == 1 else None
        self.rate = positive(rate)
        if snapshot.fees is not None:
            self.taker_bps = measure(max(snapshot.fees.taker_bps, snapshot.fees.maker_bps))
        amount, price = positive(draft.amount), positive(draft.price)
        if self.rate is not None and amount is not None and price is not None:
            self.notional_usd = amount * price * self.rate
        if self.notional_usd is not None and self.taker_bps is not None:
            worst = max(self.notional_usd, draft.notional_usd)
            self.cost_usd = measure(worst + max(worst * self.taker_bps / 10_000, draft.fee_usd))

    def _read_kind(self) -> None:
        draft, snapshot = self.draft, self.snapshot
        consent = snapshot.consent.kind
        held = measure(snapshot.held)
        is_ours = positive(snapshot.average_cost_usd) is not None or draft.origin is Origin.KILL
        self.is_exit = (
            draft.side is Side.SELL
            and draft.purpose in EXIT_PURPOSES
            and draft.instrument.quote.upper() in CASH
            and held is not None
            and ZERO < draft.amount <= held
            and is_ours
        )
        self.is_kill = (
            self.is_exit
            and draft.origin is Origin.KILL
            and consent is ConsentKind.KILL
            and snapshot.kill_state is KillState.REDUCING
        )
        self.is_automatic = (
            draft.origin not in _SEEN_BY_A_PERSON
            or draft.mandate_id is not None
            or consent not in _GIVEN_BY_A_PERSON
        )

    @property
    def exit_bps(self) -> Decimal | None:
        """Return the fee of this order itself: the maker's if it can only be a maker, else the worst."""
        fees = self.snapshot.fees
        if fees is not None and self.draft.option is ExecutionOption.MAKER_OR_CANCEL:
            return measure(fees.maker_bps)
        return self.taker_bps


_MET: dict[tuple[str, str], Check] = {}
_new_check = object.__new__
_SLOTS = vars(Check)
_set_rule = _SLOTS["rule"].__set__
_set_ok = _SLOTS["ok"].__set__
_set_code = _SLOTS["code"].__set__
_set_text = _SLOTS["text"].__set__
_set_numbers = _SLOTS["numbers"].__set__


def passed(rule: str, text: str, names: tuple[str, ...], values: tuple[Number, ...]) -> Check:
    """Return the check of a rule that passed, with its numbers."""
    # Filling the slots directly is `Check(...)` at a third of its cost, and most of what the gate does.
    check = _new_check(Check)
    _set_rule(check, rule)
    _set_ok(check, True)
    _set_code(check, "")
    _set_text(check, text)
    _set_numbers(check, Numbers(names, values))
    return check


def met(rule: str, text: str) -> Check:
    """Return the check of a rule without numbers that passed; `text` is one of a fixed few."""
    check = _MET.get((rule, text))
    if check is None:
        # The same words always make the same check, so each is made once.
        check = Check(rule=rule, ok=True, code="", text=text, numbers=Numbers((), ()))
        _MET[rule, text] = check
    return check


def refused(
    rule: str, code: str, text: str, names: tuple[str, ...] = (), values: tuple[Number, ...] = ()
) -> Check:
    """Return the check of a rule that refuses."""
    check = passed(rule, text, names, values)
    _set_ok(check, False)
    _set_code(check, code)
    return check


def measure(value: object) -> Decimal | None:
    """Return `value` if it is a finite decimal of zero or more, else None."""
    return value if isinstance(value, Decimal) and value.is_finite() and value >= 0 else None


def positive(value: object) -> Decimal | None:
    """Return `value` if it is a finite decimal above zero, else None."""
    return value if isinstance(value, Decimal) and value.is_finite() and value > 0 else None


def count(value: object) -> int | None:
    """Return `value` if it is a whole number of zero or more, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def seconds(value: object) -> float | None:
    """Return `value` if it is a finite number of seconds of zero or more, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) and value >= 0 else None


def plain(value: object) -> str:
    """Write a number as plain text without exponent; what is missing or absurd is said in a word."""
    if isinstance(value, Share):
        return plain(percent(value.part, value.whole))
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".") if math.isfinite(value) else "unknown"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**_SHOWN_RANGE else "out of range"
    if not isinstance(value, Decimal) or not value.is_finite():
        return "unknown"
    if value and not -_SHOWN_RANGE < value.adjusted() < _SHOWN_RANGE:
        return "out of range"
    return to_wire(value if len(value.as_tuple().digits) <= _SHOWN_RANGE else _SHOWN.plus(value))


def dollars(value: Decimal) -> str:
    """Write dollars for a sentence, rounded up to the cent by the gate's context; absurd ones as `plain`."""
    return f"{value:.2f}" if abs(value) < _SENTENCE_LIMIT else plain(value)


def percent(part: Decimal, whole: Decimal) -> Decimal:
    """Return `part` in per cent of `whole`, to 12 digits, for showing."""
    return _SHOWN.divide(part * 100, whole)
