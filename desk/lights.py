"""One light a connection: its state, its age, and the last thing that went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from desk.account import BALANCES_FRESH_S, Account
from desk.reconciliation import Reconciliation
from desk.snapshots import Health
from desk.store import Store
from guardrails.rules_state import MAX_CLOCK_SKEW_S
from guardrails.snapshot import KillState
from venues.gemini.market_feed import MarketFeed
from venues.gemini.order_feed import OrderFeed
from venues.gemini.session.heartbeats import Heartbeats

_SLOW_MS = 1000
_SLOW_AGE_S = 7.0


class Lights:
    """Measured, never assumed: a light is green only for what was seen to work."""

    def __init__(
        self,
        *,
        store: Store,
        account: Account,
        reconciliation: Reconciliation,
        health: Health,
        kill_state: Callable[[], KillState],
    ) -> None:
        self._store = store
        self._account = account
        self._reconciliation = reconciliation
        self._health = health
        self._kill_state = kill_state
        self._feeds: dict[str, MarketFeed | OrderFeed] = {}
        self._heartbeats: Heartbeats | None = None

    def attach(self, market: MarketFeed, orders: OrderFeed) -> None:
        """Take the feeds once they exist."""
        self._feeds = {"Market WS": market, "Order WS": orders}

    def attach_heartbeats(self, heartbeats: Heartbeats) -> None:
        """Take the heartbeats of a key that needs them; without, there is no such light."""
        self._heartbeats = heartbeats

    def as_json(self) -> list[dict[str, Any]]:
        """Return the rows of `/connections`."""
        return [
            self._rest(),
            *(self._feed(name) for name in ("Market WS", "Order WS")),
            self._clock(),
            *self._heartbeat(),
            self._flag("Journal", is_ok=self._store.is_journal_ok, ok="durable", bad="writing failed"),
            self._flag(
                "Reconciled",
                is_ok=self._health.is_reconciled,
                ok="desk and exchange agree",
                bad="not reconciled yet",
                error=self._reconciliation.last_error,
            ),
            self._latch(),
        ]

    def _rest(self) -> dict[str, Any]:
        age, error = self._account.age_s, self._account.last_error
        if age is None or age > BALANCES_FRESH_S:
            state, detail = "down", error or "no answer yet"
        elif error is not None:
            state, detail = "slow", error
        else:
            latency = self._account.latency_ms or 0
            state, detail = ("slow" if latency > _SLOW_MS else "ok"), f"{latency} ms"
        return row("REST", state, detail, age, error)

    def _feed(self, name: str) -> dict[str, Any]:
        feed = self._feeds.get(name)
        if feed is None:
            return row(name, "down", "not started", None, None)
        status = feed.status()
        if not status.connected or not status.synced:
            return row(name, "down", "not connected", status.age_s, status.last_error)
        is_slow = status.age_s is not None and status.age_s > _SLOW_AGE_S
        detail = "silent" if is_slow else f"in sync, {status.reconnects} reconnects"
        return row(name, "slow" if is_slow else "ok", detail, status.age_s, status.last_error)

    def _clock(self) -> dict[str, Any]:
        skew = self._health.clock_skew_s()
        if skew is None:
            return row("Clock", "slow", "not compared with the exchange's yet", None, None)
        detail = f"{abs(skew):.0f} s from the exchange's"
        if abs(skew) > MAX_CLOCK_SKEW_S:
            return row("Clock", "down", detail, None, f"{detail}: set this machine's time")
        return row("Clock", "ok", detail, None, None)

    def _heartbeat(self) -> list[dict[str, Any]]:
        if self._heartbeats is None:
            return []
        status = self._heartbeats.status()
        state = "ok" if not status.missed else "slow" if status.is_ok else "down"
        detail = f"{status.missed} missed" if status.missed else "the session is alive"
        return [row("Heartbeat", state, detail, status.age_s, status.last_error or None)]

    def _latch(self) -> dict[str, Any]:
        state = self._kill_state()
        light = {KillState.ACTIVE: "ok", KillState.REDUCING: "slow", KillState.HALTED: "down"}[state]
        return row("Trading", light, state.value, None, None)

    @staticmethod
    def _flag(name: str, *, is_ok: bool, ok: str, bad: str, error: str | None = None) -> dict[str, Any]:
        return row(name, "ok" if is_ok else "down", ok if is_ok else bad, None, error)


def row(name: str, state: str, detail: str, age_s: float | None, last_error: str | None) -> dict[str, Any]:
    """Return one light."""
    return {
        "name": name,
        "state": state,
        "detail": detail,
        "age_s": None if age_s is None else round(age_s, 1),
        "last_error": last_error,
    }
