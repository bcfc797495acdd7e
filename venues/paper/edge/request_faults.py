"""Faults around one request: what happens before it is looked at, and what becomes of its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.responses import Response

from venues.gemini.catalogue.reasons import REASONS
from venues.paper.access.rate_limits import TooOftenError
from venues.paper.call import Call
from venues.paper.exchange import Exchange
from venues.paper.faults.fault_kinds import (
    CutAfter,
    CutBefore,
    EmptyBody,
    ErrorAfter,
    Latency,
    Maintenance,
    OtherBody,
    Refuse,
    Storm,
    TruncatedBody,
)
from venues.paper.faults.strikes import Strikes
from venues.paper.matching.refusals import RefusedError

_STATUS_TEXTS: Mapping[int, tuple[str, str]] = {
    500: ("System", "Unexpected server error occurred."),
    502: ("System", "Technical trouble; the outcome of the request is not known"),
    503: ("Maintenance", "The exchange is down for maintenance"),
    504: ("System", "The request took too long; its outcome is not known"),
}


class CutError(Exception):
    """The connection shall be closed without an answer."""


async def before(strikes: Strikes) -> None:
    """Delay, refuse or cut a request that has not been looked at yet.

    Raises `CutError` or `RefusedError`.
    """
    await _delay(strikes, "request")
    if strikes.find(CutBefore) is not None:
        raise CutError
    if strikes.find(Maintenance) is not None:
        raise RefusedError("Maintenance", _STATUS_TEXTS[503][1], 503)
    refused = strikes.find(Refuse)
    if refused is not None:
        reason = refused[0].reason
        raise RefusedError(reason, f"Refused on demand: {reason}", REASONS[reason][0])
    storm = strikes.find(Storm)
    if storm is not None:
        fault, armed = storm
        if armed.struck > fault.queued:
            raise TooOftenError(fault.retry_after_s)
        await asyncio.sleep(fault.queue_ms / 1000)


async def after(strikes: Strikes, response: Response) -> Response:
    """Delay, replace or mutilate the answer to a request that was carried out. Raises `CutError`."""
    await _delay(strikes, "answer")
    if strikes.find(CutAfter) is not None:
        raise CutError
    error = strikes.find(ErrorAfter)
    if error is not None:
        raise RefusedError(*_STATUS_TEXTS[error[0].status], error[0].status)
    part = strikes.find(TruncatedBody)
    if part is not None:
        kept = max(1, len(response.body) * part[0].keep_percent // 100)
        return Response(response.body[:kept], response.status_code, media_type="application/json")
    empty = strikes.find(EmptyBody)
    if empty is not None:
        return Response(b"", empty[0].status)
    page = strikes.find(OtherBody)
    if page is not None:
        return Response(page[0].text, page[0].status, media_type="text/html")
    return response


def judge_order(exchange: Exchange, call: Call) -> None:
    """Refuse a new order whose `client_order_id` was used before, where a fault says so.

    Raises `RefusedError("DuplicateOrder", ...)`, the reason that the venue's WebSocket API has for it.
    """
    given = call.payload.get("client_order_id")
    if not exchange.faults.is_open or not isinstance(given, str):
        return
    known = exchange.store.orders_by_client_id(call.owner, given)
    if known and exchange.faults.duplicate_policy() == "reject":
        raise RefusedError("DuplicateOrder", f"The client_order_id {given[:40]!r} was used before")


async def _delay(strikes: Strikes, side: str) -> None:
    for fault, armed in strikes.of(Latency):
        if fault.side == side:
            await asyncio.sleep(armed.random.randint(fault.low_ms, fault.high_ms) / 1000)
