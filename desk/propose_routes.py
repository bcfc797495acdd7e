"""The propose routes: everything the conversation may do. Each carries a request id."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from desk.bodies import (
    Body,
    CancelByModel,
    Flatten,
    JournalEntry,
    LimitChangeBody,
    Propose,
    one_target,
    read_body,
)
from desk.service import Desk
from desk.store import Store
from domain.clock import Clock, rfc3339
from domain.errors import ConflictError
from domain.order import Origin


class Replies:
    """The same request id with the same body gets the stored reply; with another body it is refused."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def once(
        self, route: str, request_id: str, body: Body, act: Callable[[], Awaitable[dict[str, Any]]]
    ) -> JSONResponse:
        """Return the stored reply, or do `act` once and store what it says."""
        canonical = json.dumps([route, body.model_dump(mode="json")], sort_keys=True)
        wanted = hashlib.sha256(canonical.encode()).hexdigest()
        lock = self._locks[request_id]
        try:
            async with lock:
                stored = self._store.connection.execute(
                    "SELECT * FROM replies WHERE request_id=?", (request_id,)
                ).fetchone()
                if stored is None:
                    reply = await act()
                    with self._store.transaction() as connection:
                        connection.execute(
                            "INSERT INTO replies VALUES (?,?,?,?)",
                            (request_id, wanted, json.dumps(reply), rfc3339(self._clock.now())),
                        )
                    return JSONResponse(reply)
        finally:
            if not lock.locked():
                self._locks.pop(request_id, None)
        if stored["body_hash"] != wanted:
            raise ConflictError(
                "REQUEST_REUSED", "this request id was used with another body", "Use a new request id."
            )
        return JSONResponse(json.loads(stored["reply"]))


def add_propose_routes(app: FastAPI, desk: Desk) -> None:
    """Add every route that may propose, stop, or record the conversation."""
    replies = Replies(desk.parts.store, desk.parts.clock)

    @app.post("/proposals")
    async def propose(request: Request) -> JSONResponse:
        body = await read_body(request, Propose)

        async def act() -> dict[str, Any]:
            intent = body.intent.model_dump(exclude_none=True)
            intent["rationale"] = desk.parts.store.redact(body.intent.rationale)
            proposal = desk.propose(
                intent, origin=Origin.MODEL, cause=body.cause, conversation=body.conversation
            )
            return desk.proposal_json(proposal)

        return await replies.once("proposals", body.request_id, body, act)

    @app.post("/cancel")
    async def cancel(request: Request) -> JSONResponse:
        body = await read_body(request, CancelByModel)
        one_target(body.order_id, body.scope)

        async def act() -> dict[str, Any]:
            return await desk.cancel(body.order_id, cause=body.cause, source="model")

        return await replies.once("cancel", body.request_id, body, act)

    @app.post("/flatten-and-pause")
    async def flatten(request: Request) -> JSONResponse:
        body = await read_body(request, Flatten)

        async def act() -> dict[str, Any]:
            reason = desk.parts.store.redact(body.reason)
            return await desk.flatten_and_pause(reason, cause=body.cause, conversation=body.conversation)

        return await replies.once("flatten-and-pause", body.request_id, body, act)

    @app.post("/limit-changes")
    async def limit_change(request: Request) -> JSONResponse:
        body = await read_body(request, LimitChangeBody)

        async def act() -> dict[str, Any]:
            proposal = desk.propose_limit(
                body.name,
                body.value,
                origin=Origin.MODEL,
                cause=body.cause,
                conversation=body.conversation,
            )
            return desk.proposal_json(proposal)

        return await replies.once("limit-changes", body.request_id, body, act)

    _add_journal_route(app, desk, replies)


def _add_journal_route(app: FastAPI, desk: Desk, replies: Replies) -> None:
    @app.post("/journal")
    async def journal(request: Request) -> JSONResponse:
        body = await read_body(request, JournalEntry)

        async def act() -> dict[str, Any]:
            record = desk.parts.store.record(
                body.kind,
                source="app",
                symbol=body.symbol,
                cause=body.cause,
                payload_text=body.payload_text,
                decision_text=body.decision_text,
                result=body.result,
                error_text=body.error_text,
                latency_ms=body.latency_ms,
            )
            return {"record_id": record.id, "seq": record.seq}

        return await replies.once("journal", body.request_id, body, act)
