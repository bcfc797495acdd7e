"""One immutable picture of everything the gate looks at, taken without awaiting anything."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal

from desk.account import Account
from desk.ledger import Ledger
from desk.market import Market
from desk.orders import Order
from desk.portfolio import Portfolio
from desk.store import Store
from domain.clock import Clock
from domain.instrument import Side
from domain.money import ZERO
from domain.order import OrderDraft
from guardrails.case import acquired
from guardrails.snapshot import Consent, ConsentKind, KillState, Snapshot

MINUTE_S = 60.0


class MessageCount:
    """Messages in the last 60 s by monotonic time, so that a changed clock refills nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: deque[float] = deque()

    def hit(self) -> None:
        """Count one message."""
        self._times.append(self._clock.monotonic())

    def last_minute(self) -> int:
        """Return the count of the last 60 s."""
        while self._times and self._times[0] < self._clock.monotonic() - MINUTE_S:
            self._times.popleft()
        return len(self._times)


_REJECTS = "rejects_in_a_row"


class Health:
    """Flags that other parts keep true or false; everything starts as not known to be well."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._base = (clock.now(), clock.monotonic())
        self.is_reconciled = False
        self.doubts = 0
        self.order_events_ok: Callable[[], bool] = lambda: False
        self.venue_skew_s: Callable[[], float | None] = lambda: None

    def doubt(self) -> None:
        """Take the books as not reconciled; only a pass that begins after this may say otherwise."""
        self.is_reconciled = False
        self.doubts += 1

    @property
    def rejects_in_a_row(self) -> int:
        """Return how many orders in a row the venue refused; a restart does not clear it."""
        return int(self._store.get_meta(_REJECTS) or 0)

    def count_reject(self) -> None:
        """Count one refusal by the venue."""
        self._store.set_meta(_REJECTS, str(self.rejects_in_a_row + 1))

    def clear_rejects(self) -> None:
        """Start counting anew: an order was accepted, or a person released the desk."""
        if self.rejects_in_a_row:
            self._store.set_meta(_REJECTS, "0")

    def rebase_clock(self) -> None:
        """Take now as the moment at which the venue's clock was compared with ours."""
        self._base = (self._clock.now(), self._clock.monotonic())

    def clock_skew_s(self) -> float | None:
        """Return by how much our clock is off: the venue's last word, plus any jump since then."""
        known = self.venue_skew_s()
        if known is None:
            return None
        wall, monotonic = self._base
        jump = (self._clock.now() - wall).total_seconds() - (self._clock.monotonic() - monotonic)
        return known + jump


class Snapshots:
    """Takes snapshots; what is not known stays None, and the gate refuses on it."""

    def __init__(
        self,
        *,
        store: Store,
        ledger: Ledger,
        market: Market,
        account: Account,
        portfolio: Portfolio,
        messages: MessageCount,
        orders: MessageCount,
        health: Health,
        account_name: str,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._market = market
        self._account = account
        self._portfolio = portfolio
        self._messages = messages
        self._orders = orders
        self._health = health
        self._account_name = account_name

    def take(
        self, draft: OrderDraft, *, kill_state: KillState, consent: Consent, pending_approvals: int
    ) -> Snapshot:
        """Return the picture for `draft` as of now."""
        live = self._ledger.live()
        mine = [o for o in live if o.symbol == draft.symbol]
        bids = [o.price for o in mine if o.side is Side.BUY]
        asks = [o.price for o in mine if o.side is Side.SELL]
        position = self._ledger.position(draft.instrument.base)
        adds_to = acquired(draft.side, draft.instrument.base, draft.instrument.quote)
        held_cost = self._ledger.position(adds_to).cost_usd if adds_to else position.cost_usd
        live_all = sum((o.reserved_usd for o in live), ZERO)
        live_entries = sum((o.reserved_usd for o in live if o.adds_to), ZERO)
        asset_entries = sum((o.reserved_usd for o in live if o.adds_to and o.adds_to == adds_to), ZERO)
        day = self._ledger.day()
        available = self._account.available()
        if available is None and consent.kind is ConsentKind.KILL:
            # A stop must not wait for balances that a struggling venue does not give: what the ledger
            # holds and no live order is selling can be sold, and the venue judges it anyway.
            available = {draft.instrument.base: self._unsold(draft.instrument.base, live)}
        return Snapshot(
            mode=self._store.mode,
            venue=self._store.venue,
            account=self._account_name,
            permitted_symbols=frozenset(self._market.instruments),
            kill_state=kill_state,
            book=self._market.view(draft.symbol, 5),
            previous_mid=self._market.previous_mid(draft.symbol),
            fees=self._account.fees,
            available=available,
            usd_rates=self._market.usd_rates(),
            held=None if available is None else available.get(draft.instrument.base, ZERO),
            average_cost_usd=position.average_cost_usd,
            asset_exposure_usd=held_cost + asset_entries,
            global_day_usd=day["entries_usd"] + live_entries,
            turnover_day_usd=day["turnover_usd"] + live_all,
            orders_last_60s=max(self._ledger.count_since(MINUTE_S), self._orders.last_minute()),
            messages_last_60s=self._messages.last_minute(),
            open_orders=len(live),
            pending_approvals=pending_approvals,
            day_pnl_usd=self._portfolio.day_pnl_usd(),
            drawdown_pct=self._portfolio.drawdown_pct(),
            rejects_in_a_row=self._health.rejects_in_a_row,
            executions_last_hour=self._ledger.count_since(3600, origin="agent", symbol=draft.symbol),
            own_bid=max(bids, default=None),
            own_ask=min(asks, default=None),
            seconds_since_order_in_symbol=self._ledger.seconds_since(draft.symbol),
            seconds_since_same_order=self._ledger.seconds_since(draft.symbol, draft),
            clock_skew_s=self._health.clock_skew_s(),
            is_journal_ok=self._store.is_journal_ok,
            is_order_events_ok=self._health.order_events_ok(),
            is_reconciled=self._health.is_reconciled,
            consent=consent,
        )

    def _unsold(self, asset: str, live: list[Order]) -> Decimal:
        selling = sum((o.remaining for o in live if o.side is Side.SELL and o.base == asset), ZERO)
        return max(ZERO, self._ledger.position(asset).amount - selling)
