"""The person's routes: what no model may do."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request

from desk.bodies import (
    Approve,
    CancelByPerson,
    Edit,
    Kill,
    Nothing,
    PrepareCall,
    Reject,
    SendCall,
    one_target,
    read_body,
)
from desk.service import Desk
from desk.venue_calls import VenueCalls


def add_person_routes(app: FastAPI, desk: Desk) -> None:
    """Add approvals, edits, kill, release and the person's own cancel."""

    @app.post("/approve")
    async def approve(request: Request) -> dict[str, Any]:
        body = await read_body(request, Approve)
        return desk.proposal_json(await desk.approve(body.id, body.digest))

    @app.post("/reject")
    async def reject(request: Request) -> dict[str, Any]:
        body = await read_body(request, Reject)
        return desk.proposal_json(desk.reject(body.id, body.reason))

    @app.post("/edit")
    async def edit(request: Request) -> dict[str, Any]:
        body = await read_body(request, Edit)
        return desk.proposal_json(desk.edit(body.id, amount=body.amount, price=body.price))

    @app.post("/kill")
    async def kill(request: Request) -> dict[str, Any]:
        body = await read_body(request, Kill)
        return await desk.kill(keep=body.keep)

    @app.post("/release")
    async def release(request: Request) -> dict[str, Any]:
        await read_body(request, Nothing)
        return desk.release()

    @app.post("/person/cancel")
    async def cancel(request: Request) -> dict[str, Any]:
        body = await read_body(request, CancelByPerson)
        one_target(body.order_id, body.scope)
        return await desk.cancel(body.order_id, cause=None, source="person")

    calls = VenueCalls(desk)

    @app.get("/venue-calls")
    async def venue_calls() -> dict[str, Any]:
        return calls.catalogue()

    @app.post("/venue-calls/prepare")
    async def prepare_venue_call(request: Request) -> dict[str, Any]:
        body = await read_body(request, PrepareCall)
        return calls.prepare(
            body.name, path=body.path, query=body.query, fields=body.fields, account=body.account
        )

    @app.post("/venue-calls/send")
    async def send_venue_call(request: Request) -> dict[str, Any]:
        body = await read_body(request, SendCall)
        return await calls.send(body.id)
