"""A person's own calls: everything of the catalogue but orders, seen first, sent once, in the journal."""

from __future__ import annotations

import json

import pytest

from desk.client import DeskConnection
from domain.errors import BadInputError, ConflictError, LockedError, MatrixError
from tests.stack import TOKENS, DeskStack
from venues.gemini.catalogue import TABLE, Host, Money


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


async def test_halted_desk_moves_no_money(stack: DeskStack) -> None:
    fields = {"amount": "10", "side": "buy"}
    waiting = await stack.person.prepare_call("wrap", path={"symbol": "gusdusd"}, fields=fields)
    await stack.person.kill(keep=True)
    with pytest.raises(LockedError, match="may move money"):
        await stack.person.send_call(waiting["id"])
    with pytest.raises(LockedError, match="may move money"):
        await stack.person.prepare_call("wrap", path={"symbol": "gusdusd"}, fields=fields)
    read = await stack.person.prepare_call("balances")
    assert (await stack.person.send_call(read["id"]))["status"] == 200


async def test_prepared_calls_do_not_pile_up(stack: DeskStack) -> None:
    for _ in range(20):
        await stack.person.prepare_call("balances")
    with pytest.raises(ConflictError, match="already wait"):
        await stack.person.prepare_call("balances")
