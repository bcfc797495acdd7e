"""The limits: every one required, positive and bounded, with no value that means "off".

`parse` judges a whole `limits.toml` and reports every fault at once. Pure: the desk reads the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, cast

from domain.errors import BadInputError
from domain.money import ZERO, parse_decimal, to_wire


class KillPositions(StrEnum):
    """What a person's kill does with positions."""

    FLATTEN = "flatten"
    KEEP_STOP = "keep_stop"
    KEEP = "keep"


LimitValue = Decimal | int | KillPositions


class LimitsError(BadInputError):
    """A limits file or one change is wrong; `faults` lists everything that is."""

    def __init__(self, faults: tuple[str, ...], cure: str = "") -> None:
        super().__init__(
            "BAD_LIMITS", "; ".join(faults), cure or "Nothing was changed; `matrix limits` lists all."
        )
        self.faults = faults


_MEND = "Correct limits.toml; nothing starts with a doubtful limit."


class _FaultError(Exception):
    """One limit's value is wrong; the text says how."""


class _Spec(NamedTuple):
    unit: str
    shipped: str
    ceiling: Decimal
    meaning: str
    is_tighter_when_higher: bool = False


_MONEY = Decimal(1_000_000_000)
_PERCENT = Decimal(100)
_COUNT = Decimal(100_000)
_DAY = Decimal(86_400)
_APPROVAL_TTL_MAX = Decimal(120)

_SPECS: Mapping[str, _Spec] = MappingProxyType(
    {
        "per_order_usd": _Spec("USD", "100", _MONEY, "one order, fee included"),
        "per_symbol_usd": _Spec("USD", "300", _MONEY, "one asset: position cost, live and unknown buys"),
        "global_open_plus_filled_day_usd": _Spec(
            "USD", "1000", _MONEY, "open, unknown and filled today, together"
        ),
        "turnover_day_usd": _Spec("USD", "2000", _MONEY, "bought plus sold in one UTC day"),
        "orders_per_rolling_60s": _Spec("orders", "6", _COUNT, "new orders in any 60 seconds"),
        "messages_per_rolling_60s": _Spec(
            "messages", "60", _COUNT, "any messages in any 60 seconds; cancels always pass"
        ),
        "max_open_orders": _Spec("orders", "10", _COUNT, "orders resting or unknown at once"),
        "max_pending_approvals": _Spec("proposals", "20", _COUNT, "cards waiting for a person at once"),
        "approval_ttl_s": _Spec("s", "120", _APPROVAL_TTL_MAX, "how long a yes may take and is good for"),
        "daily_loss_usd": _Spec("USD", "25", _MONEY, "loss of the UTC day at which only exits pass"),
        "drawdown_soft_pct": _Spec("%", "5", _PERCENT, "below the peak: only a person's own entries pass"),
        "drawdown_hard_pct": _Spec("%", "10", _PERCENT, "below the peak: only exits pass"),
        "price_collar_pct": _Spec("%", "5", _PERCENT, "how far a price may be from the mid, inclusive"),
        "market_max_age_s": _Spec("s", "10", Decimal(60), "since the last frame of a socket in sync"),
        "max_spread_pct": _Spec("%", "0.5", _PERCENT, "widest spread that is traded in"),
        "slippage_buffer_bps": _Spec(
            "bps", "5", Decimal(5_000), "kept for slippage in every profit check", True
        ),
        "cooldown_s": _Spec("s", "1", _DAY, "between two orders in one symbol", True),
        "duplicate_window_s": _Spec("s", "5", _DAY, "in which the very same order is refused", True),
        "rejects_in_a_row": _Spec("orders", "5", _COUNT, "refusals by the venue after which nothing is sent"),
        "repeated_execution_per_hour": _Spec("orders", "20", _COUNT, "automatic orders in any hour"),
        "profit_fee_multiple": _Spec(
            "x", "1", Decimal(1_000), "times the round-trip fees an exit must clear", True
        ),
        "widen_delay_s": _Spec("s", "600", Decimal(2_592_000), "wait before a wider limit holds", True),
        "kill_positions": _Spec("word", "flatten", ZERO, "on a person's kill: flatten, keep_stop or keep"),
    }
)

UNITS: Mapping[str, str] = MappingProxyType({name: spec.unit for name, spec in _SPECS.items()})
"""The unit of each limit, by name."""

MEANINGS: Mapping[str, str] = MappingProxyType({name: spec.meaning for name, spec in _SPECS.items()})
"""What each limit bounds, in a few words, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All limits of `limits.toml`, in the units of `UNITS`; what can only be whole is an `int`."""

    per_order_usd: Decimal
    per_symbol_usd: Decimal
    global_open_plus_filled_day_usd: Decimal
    turnover_day_usd: Decimal
    orders_per_rolling_60s: int
    messages_per_rolling_60s: int
    max_open_orders: int
    max_pending_approvals: int
    approval_ttl_s: int
    daily_loss_usd: Decimal
    drawdown_soft_pct: Decimal
    drawdown_hard_pct: Decimal
    price_collar_pct: Decimal
    market_max_age_s: Decimal
    max_spread_pct: Decimal
    slippage_buffer_bps: Decimal
    cooldown_s: Decimal
    duplicate_window_s: Decimal
    rejects_in_a_row: int
    repeated_execution_per_hour: int
    profit_fee_multiple: Decimal
    widen_delay_s: int
    kill_positions: KillPositions

    def value(self, name: str) -> LimitValue:
        """Return one limit by name. Raises `LimitsError` for a name that is none."""
        _check_name(name)
        return cast("LimitValue", getattr(self, name))

    def text(self, name: str) -> str:
        """Return one limit as plain text, `0.5` or `flatten`. Raises as `value` does."""
        return _write(self.value(name))

    def replace(self, name: str, value_text: str) -> Limits:
        """Return these limits with one changed to `value_text`: a plain decimal, or a word.

        Raises `LimitsError` for an unknown name, a bad value, or one that contradicts another limit.
        """
        _check_name(name)
        raw: object = value_text
        if name != "kill_positions":
            try:
                raw = parse_decimal(value_text, name)
            except BadInputError as error:
                raise LimitsError((error.message,)) from error
        try:
            value = _judge(name, raw)
        except _FaultError as error:
            raise LimitsError((str(error),)) from error
        changed = replace(self, **{name: value})  # type: ignore[arg-type]  # _judge gives the field's own type
        faults = _contradictions(changed)
        if faults:
            raise LimitsError(faults)
        return changed


_KINDS = {field.name: str(field.type) for field in fields(Limits)}


def parse(text: str) -> Limits:
    """Read the text of `limits.toml`. Raises `LimitsError` with every fault at once."""
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except ArithmeticError as error:
        raise LimitsError(("a number in the file is too large or too small to be read",), _MEND) from error
    except (ValueError, RecursionError) as error:
        raise LimitsError((f"the file is not valid TOML: {error}",), _MEND) from error
    faults = [_unknown(name) for name in table if name not in _SPECS]
    values: dict[str, LimitValue] = {}
    for name, spec in _SPECS.items():
        if name not in table:
            faults.append(f"{name} is missing (shipped: {spec.shipped})")
            continue
        try:
            values[name] = _judge(name, table[name])
        except _FaultError as error:
            faults.append(str(error))
    if faults:
        raise LimitsError(tuple(faults), _MEND)
    limits = Limits(**values)  # type: ignore[arg-type]  # _judge gives each field's own type
    faults.extend(_contradictions(limits))
    if faults:
        raise LimitsError(tuple(faults), _MEND)
    return limits


def to_toml(limits: Limits) -> str:
    """Write limits as the text of a `limits.toml`, each with its unit and meaning; `parse` reads it back."""
    return _render({name: limits.text(name) for name in _SPECS})


def is_tightening(name: str, old: LimitValue, new: LimitValue) -> bool:
    """Say whether `new` allows no more than `old`. Another word for `kill_positions` counts as widening.

    Raises `LimitsError` for a name that is none.
    """
    _check_name(name)
    if isinstance(old, KillPositions) or isinstance(new, KillPositions):
        return old == new
    return new >= old if _SPECS[name].is_tighter_when_higher else new <= old


def _judge(name: str, raw: object) -> LimitValue:
    """Return the value in its field's type, or raise `_FaultError`."""
    if name == "kill_positions":
        words = [word.value for word in KillPositions]
        if raw not in words:
            raise _FaultError(f"kill_positions must be one of {', '.join(words)}, not {raw!r:.40}")
        return KillPositions(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise _FaultError(f"{name} must be a number, written without quotes, not {raw!r:.40}")
    value, ceiling = Decimal(raw), _SPECS[name].ceiling
    if not value.is_finite() or value <= 0:
        raise _FaultError(f"{name} must be above zero, not {raw!s:.40}; a limit cannot be switched off")
    if value > ceiling:
        raise _FaultError(f"{name} must not be above {to_wire(ceiling)}, and {raw!s:.40} is")
    if value.as_tuple().exponent < -12:  # type: ignore[operator]  # finite, so the exponent is a number
        raise _FaultError(f"{name} must not have more than 12 digits after the point")
    if _KINDS[name] != "int":
        return value
    if value != value.to_integral_value():
        raise _FaultError(f"{name} must be a whole number, not {to_wire(value)}")
    return int(value)


def _contradictions(limits: Limits) -> tuple[str, ...]:
    if limits.drawdown_soft_pct > limits.drawdown_hard_pct:
        soft, hard = limits.text("drawdown_soft_pct"), limits.text("drawdown_hard_pct")
        return (f"drawdown_soft_pct ({soft}) must not be above drawdown_hard_pct ({hard})",)
    return ()


def _check_name(name: str) -> None:
    if name not in _SPECS:
        raise LimitsError((_unknown(name),))


def _unknown(name: str) -> str:
    close = get_close_matches(name, _SPECS, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{name!r:.80} is not a limit{hint}"


def _write(value: LimitValue) -> str:
    return value.value if isinstance(value, KillPositions) else to_wire(Decimal(value))


def _render(texts: Mapping[str, str]) -> str:
    lines = [
        "# The desk's limits. Every one is required and positive; none can be switched off.",
        "# A tighter value holds at once; a wider one after widen_delay_s.",
        "",
    ]
    for name, spec in _SPECS.items():
        value = f'"{texts[name]}"' if name == "kill_positions" else texts[name]
        lines.append(f"{f'{name} = {value}':<42} # {spec.unit}: {spec.meaning}")
    return "\n".join(lines) + "\n"


SHIPPED: str = _render({name: spec.shipped for name, spec in _SPECS.items()})
"""The text of the shipped `limits.toml`."""
