"""Orders, fills and positions as the desk knows them, and what they use of the limits.

Amounts are in base, prices and `spent` in quote, `*_usd` in dollars. An order whose state is sending,
open or unknown counts as live in full: only the venue's word frees what it reserved.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from desk.orders import Order, fill_json, order_from
from desk.store import Store
from domain.clock import Clock, parse_rfc3339, rfc3339
from domain.instrument import Side
from domain.money import CONTEXT, ZERO, to_wire
from domain.order import Fill, OrderDraft, OrderState
from domain.position import Position

_LIVE = ("sending", "open", "unknown")


class Ledger:
    """Reads and writes the order tables; every write belongs inside `store.transaction()`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @property
    def _db(self) -> sqlite3.Connection:
        return self._store.connection

    # -- orders

    def reserve(
        self,
        draft: OrderDraft,
        *,
        usd_rate: Decimal,
        fee_bps: Decimal,
        proposal_id: str | None,
        record_id: str,
    ) -> None:
        """Insert the order as `sending`: from here on it counts in full."""
        now = rfc3339(self._clock.now())
        self._db.execute(
            "INSERT INTO orders VALUES (?,NULL,?,?,?,?,?,?,?,?,?,?,?,?,'0','0','0',?,?,?,NULL,?,?,?,?)",
            (
                draft.client_order_id,
                proposal_id,
                draft.symbol,
                draft.instrument.base,
                draft.instrument.quote,
                draft.side.value,
                draft.order_type.value,
                None if draft.option is None else draft.option.value,
                draft.purpose.value,
                draft.origin.value,
                to_wire(draft.price),
                None if draft.stop_price is None else to_wire(draft.stop_price),
                to_wire(draft.amount),
                to_wire(usd_rate),
                to_wire(fee_bps),
                OrderState.SENDING.value,
                now,
                now,
                record_id,
                record_id,
            ),
        )

    def adopt(self, values: dict[str, Any]) -> None:
        """Insert an order that stands at the venue without a row here (found by reconciliation)."""
        names = ",".join(values)
        marks = ",".join("?" for _ in values)
        self._db.execute(f"INSERT INTO orders ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 - names are ours

    def set_state(
        self,
        client_order_id: str,
        state: OrderState,
        *,
        reason: str | None = None,
        venue_order_id: str | None = None,
        cause_id: str | None = None,
    ) -> None:
        """Move an order; what is None stays as it was."""
        self._db.execute(
            "UPDATE orders SET state=?, reason=COALESCE(?, reason),"
            " venue_order_id=COALESCE(?, venue_order_id), cause_id=COALESCE(?, cause_id), updated_at=?"
            " WHERE client_order_id=?",
            (state.value, reason, venue_order_id, cause_id, rfc3339(self._clock.now()), client_order_id),
        )

    def get(self, client_order_id: str) -> Order | None:
        """Return one order by our id."""
        row = self._db.execute("SELECT * FROM orders WHERE client_order_id=?", (client_order_id,)).fetchone()
        return None if row is None else order_from(row)

    def find(self, *, client_order_id: str | None = None, venue_order_id: str | None = None) -> Order | None:
        """Return one order by either id, ours first."""
        if client_order_id and (found := self.get(client_order_id)):
            return found
        if not venue_order_id:
            return None
        row = self._db.execute("SELECT * FROM orders WHERE venue_order_id=?", (venue_order_id,)).fetchone()
        return None if row is None else order_from(row)

    def live(self) -> list[Order]:
        """Return every order that may still trade."""
        return [order_from(r) for r in self._db.execute("SELECT * FROM orders WHERE state IN (?,?,?)", _LIVE)]

    def orders(
        self,
        *,
        state: str = "all",
        symbol: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int = 200,
    ) -> list[Order]:
        """Return orders, newest first; `state` is open, closed or all."""
        where, values = ["1=1"], list[Any]()
        if state != "all":
            where.append(f"state {'IN' if state == 'open' else 'NOT IN'} (?,?,?)")
            values.extend(_LIVE)
        for text, value in (("symbol=?", symbol), ("created_at>=?", start), ("created_at<?", end)):
            if value is not None:
                where.append(text)
                values.append(rfc3339(value) if isinstance(value, datetime) else value)
        sql = f"SELECT * FROM orders WHERE {' AND '.join(where)} ORDER BY created_at DESC LIMIT ?"  # noqa: S608 - fixed text
        return [order_from(row) for row in self._db.execute(sql, (*values, limit))]

    # -- fills

    def has_fill(self, fill: Fill) -> bool:
        """Say whether this execution is booked already."""
        sql = "SELECT 1 FROM fills WHERE trade_id=? AND venue_order_id=?"
        return self._db.execute(sql, (fill.trade_id, fill.venue_order_id)).fetchone() is not None

    def book_fill(self, fill: Fill, order: Order, *, usd_rate: Decimal, record_id: str) -> None:
        """Book one execution: fill row, order totals, position and day, all in the caller's transaction."""
        notional = CONTEXT.multiply(fill.price, fill.amount)
        notional_usd = CONTEXT.multiply(notional, usd_rate)
        fee_usd = CONTEXT.multiply(fill.fee, usd_rate)
        self._db.execute(
            "INSERT INTO fills VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                fill.trade_id,
                fill.venue_order_id,
                order.client_order_id,
                fill.symbol,
                fill.side.value,
                to_wire(fill.price),
                to_wire(fill.amount),
                to_wire(fill.fee),
                fill.fee_currency,
                to_wire(notional_usd),
                to_wire(fee_usd),
                int(fill.is_maker),
                rfc3339(fill.at),
                record_id,
            ),
        )
        self._db.execute(
            "UPDATE orders SET filled=?, spent=?, fees_usd=?, updated_at=? WHERE client_order_id=?",
            (
                to_wire(order.filled + fill.amount),
                to_wire(order.spent + notional),
                to_wire(order.fees_usd + fee_usd),
                rfc3339(self._clock.now()),
                order.client_order_id,
            ),
        )
        realised = self._move_positions(fill, order, usd_rate, notional, fee_usd)
        entries = notional_usd + fee_usd if order.adds_to else ZERO
        self.add_to_day(realised=realised, fees=fee_usd, turnover=notional_usd, entries=entries)

    def _move_positions(
        self, fill: Fill, order: Order, usd_rate: Decimal, notional: Decimal, fee_usd: Decimal
    ) -> Decimal:
        before = self.position(order.base)
        after = before.apply(fill.side, fill.amount, CONTEXT.multiply(fill.price, usd_rate), fee_usd)
        self.save_position(after)
        realised = after.realised_usd - before.realised_usd
        if order.quote == "usd":
            return realised
        # The other leg of a cross pair is a position too: buying ETH for BTC sells the BTC.
        moved = notional + fill.fee if fill.side is Side.BUY else notional - fill.fee
        other_side = Side.SELL if fill.side is Side.BUY else Side.BUY
        quote_before = self.position(order.quote)
        quote_after = quote_before.apply(other_side, moved, usd_rate, ZERO)
        self.save_position(quote_after)
        return realised + quote_after.realised_usd - quote_before.realised_usd

    def fills(
        self,
        *,
        symbol: str | None = None,
        client_order_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int = 200,
    ) -> list[dict[str, Any]]:
        """Return fills, newest first, in the shape of `docs/desk-api.md`."""
        where, values = ["1=1"], list[Any]()
        for text, value in (
            ("symbol=?", symbol),
            ("client_order_id=?", client_order_id),
            ("at>=?", start),
            ("at<?", end),
        ):
            if value is not None:
                where.append(text)
                values.append(rfc3339(value) if isinstance(value, datetime) else value)
        sql = f"SELECT * FROM fills WHERE {' AND '.join(where)} ORDER BY at DESC, trade_id DESC LIMIT ?"  # noqa: S608 - fixed text
        return [fill_json(row) for row in self._db.execute(sql, (*values, limit))]

    def last_fill_at(self) -> datetime | None:
        """Return the time of the newest booked fill."""
        (at,) = self._db.execute("SELECT MAX(at) FROM fills").fetchone()
        return None if at is None else parse_rfc3339(at)

    # -- positions and days

    def position(self, asset: str) -> Position:
        """Return what is held of one asset, an empty position when nothing ever was."""
        row = self._db.execute("SELECT * FROM positions WHERE asset=?", (asset,)).fetchone()
        return Position(asset=asset) if row is None else _position(row)

    def positions(self) -> list[Position]:
        """Return every position that holds something or has a result."""
        return [_position(row) for row in self._db.execute("SELECT * FROM positions ORDER BY asset")]

    def save_position(self, position: Position) -> None:
        """Write one position."""
        self._db.execute(
            "INSERT OR REPLACE INTO positions VALUES (?,?,?,?,?)",
            (
                position.asset,
                to_wire(position.amount),
                to_wire(position.cost_usd),
                to_wire(position.realised_usd),
                to_wire(position.fees_usd),
            ),
        )

    def day(self) -> dict[str, Decimal]:
        """Return this UTC day's realised, fees, turnover and entries in USD."""
        row = self._db.execute("SELECT * FROM days WHERE day=?", (self._today(),)).fetchone()
        names = ("realised_usd", "fees_usd", "turnover_usd", "entries_usd")
        return {name: ZERO if row is None else Decimal(row[name]) for name in names}

    def add_to_day(
        self,
        *,
        realised: Decimal = ZERO,
        fees: Decimal = ZERO,
        turnover: Decimal = ZERO,
        entries: Decimal = ZERO,
    ) -> None:
        """Add to this UTC day's sums."""
        day = self.day()
        self._db.execute(
            "INSERT INTO days VALUES (?,?,?,?,?,NULL) ON CONFLICT(day) DO UPDATE SET"
            " realised_usd=excluded.realised_usd, fees_usd=excluded.fees_usd,"
            " turnover_usd=excluded.turnover_usd, entries_usd=excluded.entries_usd",
            (
                self._today(),
                to_wire(day["realised_usd"] + realised),
                to_wire(day["fees_usd"] + fees),
                to_wire(day["turnover_usd"] + turnover),
                to_wire(day["entries_usd"] + entries),
            ),
        )

    def start_unrealised(self, now_unrealised: Decimal) -> Decimal:
        """Return the unrealised result at this UTC day's first look, taking `now_unrealised` as that look."""
        with self._store.transaction():
            self.add_to_day()
            self._db.execute(
                "UPDATE days SET start_unrealised_usd=COALESCE(start_unrealised_usd, ?) WHERE day=?",
                (to_wire(now_unrealised), self._today()),
            )
        sql = "SELECT start_unrealised_usd FROM days WHERE day=?"
        (value,) = self._db.execute(sql, (self._today(),)).fetchone()
        return Decimal(value)

    def _today(self) -> str:
        return self._clock.now().date().isoformat()

    # -- what the limits measure

    def count_since(self, seconds: float, *, origin: str | None = None, symbol: str | None = None) -> int:
        """Return how many orders were sent in the last `seconds`."""
        since = rfc3339(self._clock.now() - timedelta(seconds=seconds))
        where, values = "created_at>?", [since]
        for name, value in (("origin", origin), ("symbol", symbol)):
            if value is not None:
                where += f" AND {name}=?"
                values.append(value)
        return int(self._db.execute(f"SELECT COUNT(*) FROM orders WHERE {where}", values).fetchone()[0])  # noqa: S608 - fixed text

    def seconds_since(self, symbol: str, same: OrderDraft | None = None) -> float | None:
        """Return seconds since the last order in `symbol`, or since one equal to `same`."""
        sql, values = "SELECT MAX(created_at) FROM orders WHERE symbol=?", [symbol]
        if same is not None:
            sql += " AND side=? AND amount=? AND price=?"
            values += [same.side.value, to_wire(same.amount), to_wire(same.price)]
        (at,) = self._db.execute(sql, values).fetchone()
        return None if at is None else (self._clock.now() - parse_rfc3339(at)).total_seconds()


def _position(row: sqlite3.Row) -> Position:
    return Position(
        asset=row["asset"],
        amount=Decimal(row["amount"]),
        cost_usd=Decimal(row["cost_usd"]),
        realised_usd=Decimal(row["realised_usd"]),
        fees_usd=Decimal(row["fees_usd"]),
    )
