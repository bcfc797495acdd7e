"""What the gate looks at besides the draft: one immutable picture with the age of each part.

The desk fills it in. A value it does not know is None, and a rule that needs it refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.fees import FeeTier
from domain.market import BookView


class Mode(StrEnum):
    """Where orders go."""

    PAPER = "paper"
    SANDBOX = "sandbox"
    LIVE = "live"


class KillState(StrEnum):
    """The latch. Only a person moves it back towards `ACTIVE`."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class ConsentKind(StrEnum):
    """Who said yes."""

    NONE = "none"
    PERSON = "person"
    MANDATE = "mandate"
    KILL = "kill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A yes to exact bytes. `digest` is what was approved, `draft_digest` what would be sent now."""

    kind: ConsentKind
    digest: str = ""
    draft_digest: str = ""
    is_expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All numbers are USD, per cent or counts as named; `*_usd` measures never include the draft itself.

    asset_exposure_usd: cost of the position in the asset the draft adds to (the base of a buy, the quote
    of a sale into a coin) plus live and unknown orders that add to it, summed over pairs.
    global_day_usd: the same over all assets, open + unknown + filled since 00:00 UTC.
    available: free balance by currency. usd_rates: USD for one unit of a currency.
    held: units of the base asset free to sell; average_cost_usd: per unit with entry fees.
    own_bid, own_ask: best prices of our own resting orders in this symbol.
    seconds_since_*: None when it never happened.
    """

    mode: Mode
    venue: str
    account: str
    permitted_symbols: frozenset[str]
    kill_state: KillState | None
    book: BookView | None
    previous_mid: Decimal | None
    fees: FeeTier | None
    available: Mapping[str, Decimal] | None
    usd_rates: Mapping[str, Decimal]
    held: Decimal | None
    average_cost_usd: Decimal | None
    asset_exposure_usd: Decimal | None
    global_day_usd: Decimal | None
    turnover_day_usd: Decimal | None
    orders_last_60s: int | None
    messages_last_60s: int | None
    open_orders: int | None
    pending_approvals: int | None
    day_pnl_usd: Decimal | None
    drawdown_pct: Decimal | None
    rejects_in_a_row: int | None
    executions_last_hour: int | None
    own_bid: Decimal | None
    own_ask: Decimal | None
    seconds_since_order_in_symbol: float | None
    seconds_since_same_order: float | None
    clock_skew_s: float | None
    is_journal_ok: bool
    is_order_events_ok: bool
    is_reconciled: bool
    consent: Consent
