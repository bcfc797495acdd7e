"""The read routes of the desk's API."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI

from desk.market import candle_json
from desk.periods import parse_period
from desk.service import Desk
from domain.clock import rfc3339
from domain.errors import BadInputError, MatrixError, NotFoundError
from domain.instrument import Side
from domain.money import parse_decimal
from memory import chain, journal_read
from memory.record import RECORD_ID, Record
from tools import fee_math, recall, selector

_RANK_ASKS = 20
"""Candles that the socket has not sent cost a public request each; the venue allows 120 a minute."""
_MOST_ROWS = 500


def add_read_routes(app: FastAPI, desk: Desk) -> None:
    """Add every route that only looks."""
    _add_market(app, desk)
    _add_maths(app, desk)
    _add_account(app, desk)
    _add_orders(app, desk)
    _add_journal(app, desk)


def _next_midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _bounded(value: int, most: int, what: str) -> int:
    if not 1 <= value <= most:
        raise BadInputError(
            "BAD_FIELD", f"{what} must be from 1 to {most}, not {value}", f"Ask for up to {most}."
        )
    return value


def _add_market(app: FastAPI, desk: Desk) -> None:
    p = desk.parts

    @app.get("/prices")
    async def prices(symbol: str | None = None) -> dict[str, Any]:
        return p.market.prices_json(symbol)

    @app.get("/book/{symbol}")
    async def book(symbol: str, depth: int = 10) -> dict[str, Any]:
        return p.market.book_json(symbol, _bounded(depth, 100, "depth"))

    @app.get("/candles/{symbol}")
    async def candles(symbol: str, interval: str = "1m", limit: int = 60) -> dict[str, Any]:
        found = await p.market.candles(symbol, interval)
        rows = [candle_json(c) for c in found[-_bounded(limit, _MOST_ROWS, "limit") :]]
        return {"symbol": symbol, "interval": interval, "candles": rows}

    @app.get("/pairs/rank")
    async def rank(top: int = 5) -> dict[str, Any]:
        if p.account.fees is None:
            raise MatrixError("NOT_READY", "the fee tier is not known yet", "Ask again in a moment.")
        inputs = [
            selector.PairInput(instrument=i, book=p.market.view(i.symbol, 20), candles=tuple(candles))
            for i, candles in await p.market.histories(_RANK_ASKS)
        ]
        return selector.rank(
            inputs,
            fees=p.account.fees,
            usd_rates=p.market.usd_rates(),
            limits=p.limit_file.limits,
            top=_bounded(top, 50, "top"),
            now=p.clock.now(),
        )


def _add_maths(app: FastAPI, desk: Desk) -> None:
    p = desk.parts

    @app.get("/fees")
    async def fees() -> dict[str, Any]:
        return p.account.fees_json()

    @app.get("/break-even")
    async def break_even(
        *,
        symbol: str,
        side: str = "sell",
        amount: str | None = None,
        notional_usd: str | None = None,
        price: str | None = None,
        profit_usd: str | None = None,
    ) -> dict[str, Any]:
        if side not in {"buy", "sell"}:
            raise BadInputError("BAD_SIDE", f"{side!r:.20} is no side", "Say buy or sell.")
        instrument = p.market.instrument(symbol)
        if p.account.fees is None:
            raise MatrixError("NOT_READY", "the fee tier is not known yet", "Ask again in a moment.")
        return fee_math.break_even(
            instrument=instrument,
            side=Side(side),
            book=p.market.view(symbol, 5),
            fees=p.account.fees,
            position=p.ledger.position(instrument.base),
            usd_rates=p.market.usd_rates(),
            slippage_buffer_bps=p.limit_file.limits.slippage_buffer_bps,
            amount=_number(amount, "amount"),
            notional_usd=_number(notional_usd, "notional_usd"),
            price=_number(price, "price"),
            profit_usd=_number(profit_usd, "profit_usd"),
        )


def _number(text: str | None, what: str) -> Decimal | None:
    return None if text is None else parse_decimal(text, what)


def _add_account(app: FastAPI, desk: Desk) -> None:
    p = desk.parts

    @app.get("/status")
    async def status() -> dict[str, Any]:
        return desk.status()

    @app.get("/connections")
    async def connections() -> dict[str, Any]:
        return {"lights": p.lights.as_json()}

    @app.get("/portfolio")
    async def portfolio(period: str | None = None) -> dict[str, Any]:
        if period not in {None, "today"}:
            raise BadInputError(
                "NO_HISTORY",
                "results are kept for the current UTC day only",
                "Leave period out, or read the fills of that time from /fills and the journal.",
            )
        return p.portfolio.as_json()

    @app.get("/limits")
    async def limits(name: str | None = None) -> dict[str, Any]:
        return {
            "limits": p.limit_file.as_json(name, p.portfolio.limits_used()),
            "day_ends_at": rfc3339(_next_midnight(p.clock.now())),
        }


def _add_orders(app: FastAPI, desk: Desk) -> None:
    p = desk.parts

    @app.get("/orders")
    async def orders(
        state: str = "all", symbol: str | None = None, period: str | None = None
    ) -> dict[str, Any]:
        if state not in {"open", "closed", "all"}:
            raise BadInputError("BAD_STATE", f"{state!r:.20} is no state", "Use open, closed or all.")
        start, end = parse_period(period, p.clock.now(), p.settings.timezone)
        found = p.ledger.orders(state=state, symbol=symbol, start=start, end=end)
        return {"orders": [o.as_json() for o in found]}

    @app.get("/fills")
    async def fills(symbol: str | None = None, limit: int = 100) -> dict[str, Any]:
        return {"fills": p.ledger.fills(symbol=symbol, limit=_bounded(limit, _MOST_ROWS, "limit"))}

    @app.get("/proposals")
    async def proposals(state: str = "pending") -> dict[str, Any]:
        if state not in {"pending", "all"}:
            raise BadInputError("BAD_STATE", f"{state!r:.20} is no state", "Use pending or all.")
        found = p.proposals.select(pending_only=state == "pending")
        return {"proposals": [desk.proposal_json(each) for each in found]}

    @app.get("/proposals/{proposal_id}")
    async def proposal(proposal_id: str) -> dict[str, Any]:
        return desk.proposal_json(p.proposals.get(proposal_id))


def _verify_whole(path: Path, key: Ed25519PublicKey) -> dict[str, Any]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return chain.verify_all(connection, key).as_json()


def _shown(record: Record) -> dict[str, Any]:
    """Return a record with its one-sentence summary, which is made of its own fields and not part of it."""
    fields = record.as_json()
    return {**fields, "summary": recall.sentence(fields)}


def _add_journal(app: FastAPI, desk: Desk) -> None:
    p = desk.parts
    database = p.store.connection
    verifying = asyncio.Lock()

    @app.get("/explain")
    async def explain(
        time: str | None = None,
        symbol: str | None = None,
        side: str | None = None,
        order_id: str | None = None,
    ) -> dict[str, Any]:
        return p.explaining.explain(time=time, symbol=symbol, side=side, order_id=order_id)

    @app.get("/journal/search")
    async def search(
        *,
        text: str | None = None,
        kind: str | None = None,
        symbol: str | None = None,
        order_id: str | None = None,
        period: str | None = None,
        limit: int = 20,
    ) -> dict[str, Any]:
        if text is not None and RECORD_ID.fullmatch(text.strip()):
            one = journal_read.get(database, text.strip())
            return {"records": [_shown(one)] if one else [], "total": 1 if one else 0}
        start, end = parse_period(period, p.clock.now(), p.settings.timezone)
        wanted: journal_read.Filters = {
            "text": text,
            "kind": kind,
            "symbol": symbol,
            "order_id": order_id,
            "start": start,
            "end": end,
        }
        found = journal_read.search(database, limit=_bounded(limit, _MOST_ROWS, "limit"), **wanted)
        return {"records": [_shown(r) for r in found], "total": journal_read.count(database, **wanted)}

    @app.get("/journal/tail")
    async def tail(after_seq: int = 0, limit: int = 50) -> dict[str, Any]:
        found = journal_read.tail(database, max(0, after_seq), _bounded(limit, _MOST_ROWS, "limit"))
        return {"records": [_shown(r) for r in found]}

    @app.get("/journal/records/{record_id}")
    async def record(record_id: str) -> dict[str, Any]:
        found = journal_read.get(database, record_id)
        if found is None:
            raise NotFoundError("NO_SUCH_RECORD", f"there is no record {record_id!r:.40}", "Search for it.")
        return _shown(found)

    @app.get("/journal/verify")
    async def verify() -> dict[str, Any]:
        # Long on a long journal: in a thread with a connection of its own, one at a time.
        async with verifying:
            return await asyncio.to_thread(_verify_whole, p.store.path, p.journal_key)
