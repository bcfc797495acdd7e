"""A person's own calls: everything of the catalogue but orders, seen first, sent once, in the journal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from desk.client import DeskConnection
from domain.clock import SystemClock
from domain.errors import BadInputError, ConflictError, LockedError, MatrixError
from tests.stack import TOKENS, DeskStack, until
from tests.venues_gemini.fault_server import CUT, Act, Request, error, ok, running
from venues.gemini.catalogue import TABLE, Host, Money
from venues.gemini.session.turnstile import Urgency
from venues.gemini.transport import Transport

WRAP = {"amount": "10", "side": "buy"}


async def test_catalogue_has_every_rest_call_but_orders(stack: DeskStack) -> None:
    answer = (
        await stack.http.get("/venue-calls", headers={"Authorization": f"Bearer {TOKENS['person']}"})
    ).json()
    expected = {
        name
        for name, call in TABLE.items()
        if call.host is Host.REST and call.method in {"GET", "POST"} and call.money is not Money.TRADES
    }
    assert {call["name"] for call in answer["calls"]} == expected
    quote = next(call for call in answer["calls"] if call["name"] == "instant_quote")
    assert {"name": "symbol", "kind": "symbol", "required": True} in quote["fields"]


@pytest.mark.parametrize("scope", ["read", "propose"])
@pytest.mark.parametrize("path", ["/venue-calls/prepare", "/venue-calls/send"])
async def test_lower_scopes_refused(stack: DeskStack, scope: str, path: str) -> None:
    with pytest.raises(MatrixError, match="scope"):
        await DeskConnection(stack.http, TOKENS[scope]).post(path, {"name": "balances"})


async def test_money_moves_once_and_is_in_the_journal_before_and_after(stack: DeskStack) -> None:
    quoted = await stack.person.send_call(
        (
            await stack.person.prepare_call(
                "instant_quote", fields={"symbol": "btcusd", "side": "buy", "totalSpend": "50"}
            )
        )["id"]
    )
    quote = json.loads(quoted["text"])
    fields = {"quoteId": quote["quoteId"], "symbol": "btcusd", "side": "buy"}
    fields |= {key: quote[key] for key in ("quantity", "price", "fee")}
    prepared = await stack.person.prepare_call("instant_execute", fields=fields)
    assert prepared["money"] == "$$"
    shown = json.loads(prepared["preview"]["json"])
    assert shown == {"request": "/v1/instant/execute", **fields, "nonce": 0}
    assert stack.exchange is not None
    assert stack.exchange.desk.api_key not in json.dumps(prepared)
    done = await stack.person.send_call(prepared["id"])
    assert (done["status"], done["misfits"]) == (200, [])
    sending, answered = [await stack.client.read(f"/journal/records/{each}") for each in done["record_ids"]]
    assert (sending["kind"], answered["kind"]) == ("venue_call.sending", "venue_call.answered")
    assert answered["cause"] == sending["id"]
    assert json.loads(sending["payload_text"])["call"] == "instant_execute"
    with pytest.raises(ConflictError, match="no prepared call"):
        await stack.person.send_call(prepared["id"])


async def test_order_refused(stack: DeskStack) -> None:
    for name in ("order_new", "order_cancel", "cancel_all"):
        with pytest.raises(LockedError, match="not sent from here"):
            await stack.person.prepare_call(name, fields={})


async def test_call_outside_the_catalogue_refused(stack: DeskStack) -> None:
    with pytest.raises(BadInputError, match="no REST call"):
        await stack.person.prepare_call("order_events")
    with pytest.raises(BadInputError, match="surprise"):
        await stack.person.prepare_call("balances", fields={"surprise": "1"})
    with pytest.raises(BadInputError, match="path"):
        await stack.person.prepare_call("balances", path={"self": "1"})


async def test_halted_desk_moves_no_money(stack: DeskStack) -> None:
    waiting = await stack.person.prepare_call("wrap", path={"symbol": "gusdusd"}, fields=WRAP)
    await stack.person.kill(keep=True)
    with pytest.raises(LockedError, match="may move money"):
        await stack.person.send_call(waiting["id"])
    with pytest.raises(LockedError, match="may move money"):
        await stack.person.prepare_call("wrap", path={"symbol": "gusdusd"}, fields=WRAP)
    read = await stack.person.prepare_call("balances")
    assert (await stack.person.send_call(read["id"]))["status"] == 200


async def test_prepared_calls_do_not_pile_up(stack: DeskStack) -> None:
    for _ in range(20):
        await stack.person.prepare_call("balances")
    with pytest.raises(ConflictError, match="already wait"):
        await stack.person.prepare_call("balances")


async def test_stop_while_the_call_waits_for_its_turn_nothing_leaves(stack: DeskStack) -> None:
    waiting = await stack.person.prepare_call("wrap", path={"symbol": "gusdusd"}, fields=WRAP)
    turnstile = stack.desk.parts.wire.nonces.turnstile
    async with turnstile.turn(Urgency.ORDER):
        sending = asyncio.create_task(stack.person.send_call(waiting["id"]))
        await asyncio.sleep(0.3)  # it stands in the turnstile, behind us
        killing = asyncio.create_task(stack.person.kill(keep=True))
        await until(lambda: stack.desk.parts.stopping.state().value != "active", "the desk is stopped")
    with pytest.raises(LockedError, match="may move money"):
        await sending
    await killing
    kinds = [row["kind"] for row in (await stack.client.read("/journal/search"))["records"]]
    assert "venue_call.failed" in kinds
    assert "venue_call.sending" not in kinds


@asynccontextmanager
async def _venue_that(stack: DeskStack, answer: Callable[[Request], Act]) -> AsyncIterator[None]:
    """Let another venue answer for the length of the block."""
    caller = stack.desk.parts.wire.rest.caller
    async with running(answer=lambda _, request: answer(request)) as server:
        transport = Transport(server.endpoint, SystemClock())
        real, caller._transport = caller._transport, transport
        try:
            yield
        finally:
            caller._transport = real
            await transport.close()


async def test_unclear_outcome_of_moved_money_books_compared_before_anything_trades(stack: DeskStack) -> None:
    prepared = await stack.person.prepare_call("wrap", path={"symbol": "gusdusd"}, fields=WRAP)
    before = stack.desk.parts.health.doubts
    async with _venue_that(stack, lambda _: CUT):
        with pytest.raises(MatrixError, match="cut the connection"):
            await stack.person.send_call(prepared["id"])
    assert stack.desk.parts.health.doubts > before


async def test_plain_no_to_moving_money_stops_nothing(stack: DeskStack) -> None:
    prepared = await stack.person.prepare_call("wrap", path={"symbol": "gusdusd"}, fields=WRAP)
    before = stack.desk.parts.health.doubts
    async with _venue_that(stack, lambda _: error(406, "InsufficientFunds")):
        with pytest.raises(MatrixError, match="InsufficientFunds"):
            await stack.person.send_call(prepared["id"])
    assert stack.desk.parts.health.doubts == before


async def test_journal_that_breaks_once_it_left_answer_told_all_the_same(stack: DeskStack) -> None:
    """Else the person would move the money once more."""
    one, two = [
        await stack.person.prepare_call("wrap", path={"symbol": "gusdusd"}, fields=WRAP) for _ in range(2)
    ]
    connection = stack.desk.parts.store.connection

    def dying(request: Request) -> Act:
        if request.target == "/v1/wrap/gusdusd":
            connection.execute("PRAGMA query_only=ON")
        return ok({})

    async with _venue_that(stack, dying):
        answer = await stack.person.send_call(one["id"])
    assert (answer["status"], len(answer["record_ids"])) == (200, 1)
    with pytest.raises(LockedError, match="journal"):
        await stack.person.send_call(two["id"])
    connection.execute("PRAGMA query_only=OFF")
