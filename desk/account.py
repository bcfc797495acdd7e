"""The account at the venue as last read: balances and fee tier, with their ages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from domain.clock import Clock, rfc3339
from domain.errors import UnreachableError, VenueError
from domain.fees import FeeTier, round_trip_pct
from domain.money import to_wire
from domain.order import Balance
from venues.gemini.catalogue import TABLE
from venues.gemini.client import GeminiRest

BALANCES_FRESH_S = 30.0
"""Older balances count as unknown: the gate then refuses."""


class Account:
    """Balances are re-read after every order and on a timer; None means unknown."""

    def __init__(self, rest: GeminiRest, clock: Clock, *, on_answer: Callable[[], None]) -> None:
        self._rest = rest
        self._clock = clock
        self._on_answer = on_answer
        self._balances: dict[str, Balance] | None = None
        self._balances_at = 0.0
        self._volume = Decimal(0)
        self._fees_read_at = ""
        self.fees: FeeTier | None = None
        self.last_error: str | None = None
        self.latency_ms: int | None = None

    async def refresh(self) -> None:
        """Read balances; a failure keeps the old ones, which age out."""
        started = self._clock.monotonic()
        try:
            rows = await self._rest.balances()
        except (VenueError, UnreachableError) as error:
            self.last_error = error.message
            return
        self._on_answer()
        self._balances = {row.currency.lower(): row for row in rows}
        self._balances_at = self._clock.monotonic()
        self.latency_ms = round((self._balances_at - started) * 1000)
        self.last_error = None

    async def refresh_fees(self) -> None:
        """Read the account's own fee tier."""
        try:
            schedule = await self._rest.fee_schedule()
        except (VenueError, UnreachableError) as error:
            self.last_error = error.message
            return
        self.fees = schedule.tier
        self._volume = schedule.volume_30d_usd
        self._fees_read_at = rfc3339(self._clock.now())

    @property
    def age_s(self) -> float | None:
        """Return the balances' age."""
        return None if self._balances is None else self._clock.monotonic() - self._balances_at

    @property
    def balances(self) -> Mapping[str, Balance] | None:
        """Return fresh balances by lower-case currency, None when unknown or too old."""
        if self._balances is None or self._clock.monotonic() - self._balances_at > BALANCES_FRESH_S:
            return None
        return self._balances

    def available(self) -> dict[str, Decimal] | None:
        """Return what is free to trade by currency."""
        balances = self.balances
        return None if balances is None else {c: b.available for c, b in balances.items()}

    def fees_json(self) -> dict[str, Any]:
        """Return the answer of `/fees`."""
        if self.fees is None:
            return {"maker_bps": None, "taker_bps": None, "source": "not read yet"}
        trip = round_trip_pct(entry_bps=self.fees.taker_bps, exit_bps=self.fees.taker_bps)
        return {
            "maker_bps": to_wire(self.fees.maker_bps),
            "taker_bps": to_wire(self.fees.taker_bps),
            "volume_30d_usd": to_wire(self._volume),
            "round_trip_pct": f"{trip:.4f}",
            "as_of": self._fees_read_at,
            "source": f"{TABLE['notional_volume'].path} of this account",
        }
