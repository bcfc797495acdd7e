"""Kill and release: at once, durable, by a person only on the way back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.errors import LockedError, MatrixError
from tests.stack import DeskStack, desk_on, exchange_on, until


async def _rest_an_order(stack: DeskStack) -> str:
    """Leave one buy resting 2 % under the market; returns its venue id."""
    bid = stack.desk.parts.market.view("ethusd", 1).bid
    price = stack.desk.parts.market.instrument("ethusd").price_tick
    limit = (bid * Decimal("0.98")).quantize(price)
    card = await stack.propose(
        symbol="ethusd", side="buy", amount="0.005", price=str(limit), rationale="rest"
    )
    done = await stack.person.approve(card["id"], card["digest"])
    assert done["outcome"]["state"] == "resting", done["outcome"]
    return done["order"]["order_id"]


async def test_model_stop_cancels_halts_and_offers_to_flatten(stack: DeskStack) -> None:
    await stack.buy("25")
    resting = await _rest_an_order(stack)
    pending = await stack.propose(symbol="solusd", side="buy", notional_usd="10", rationale="waits")
    answer = await stack.client.propose(
        "/flatten-and-pause", {"request_id": "s/1", "reason": "STOP EVERYTHING"}
    )
    assert answer["kill_state"] == "halted"
    assert answer["cancelled"] == [resting]
    assert (await stack.client.read(f"/proposals/{pending['id']}"))["state"] == "voided"
    (card,) = answer["proposals"]
    assert card["is_flatten"]
    assert card["state"] == "pending", card["verdict"]["codes"]
    status = await stack.client.read("/status")
    assert status["kill_state"] == "halted"
    assert next(light for light in status["lights"] if light["name"] == "Trading")["state"] == "down"
    done = await stack.person.approve(card["id"], card["digest"])
    assert done["outcome"]["state"] == "filled", done["outcome"]
    assert stack.desk.parts.ledger.position("btc").amount < Decimal("0.00001")
    assert (await stack.client.read("/status"))["kill_state"] == "halted"


async def test_halted_desk_refuses_new_orders_until_a_person_releases(stack: DeskStack) -> None:
    card = await stack.propose(side="buy", notional_usd="25", rationale="before")
    await stack.person.kill(keep=True)
    assert (await stack.client.read(f"/proposals/{card['id']}"))["state"] == "voided"
    refused = await stack.propose(side="buy", notional_usd="25", rationale="after")
    assert refused["state"] == "refused"
    with pytest.raises(MatrixError):
        await stack.client.propose("/release", {})
    assert (await stack.person.release())["kill_state"] == "active"
    await stack.buy("25")


async def test_person_kill_cancels_and_flattens(stack: DeskStack) -> None:
    await stack.buy("25")
    resting = await _rest_an_order(stack)
    answer = await stack.person.kill()
    assert answer["kill_state"] == "halted"
    assert resting in answer["cancelled"]
    assert [o["state"] for o in answer["flattened"]] == ["filled"]
    assert await stack.running._assembly.wire.rest.open_orders() == []


async def test_kill_keep_sells_nothing(stack: DeskStack) -> None:
    await stack.buy("25")
    held = stack.desk.parts.ledger.position("btc").amount
    answer = await stack.person.kill(keep=True)
    assert answer["flattened"] == []
    assert stack.desk.parts.ledger.position("btc").amount == held


async def test_halt_survives_a_restart_and_does_not_fire_again(home) -> None:
    async with exchange_on(home) as exchange:
        async with desk_on(home, exchange) as first:
            await first.until_ready()
            await first.buy("25")
            await first.person.kill(keep=True)
        async with desk_on(home, exchange) as second:
            await second.until_ready()
            status = await second.client.read("/status")
            assert status["kill_state"] == "halted"
            assert second.desk.parts.ledger.position("btc").amount > 0
            await second.person.release()
            assert (await second.client.read("/status"))["kill_state"] == "active"


async def test_approving_an_order_while_halted_says_how_to_go_on(stack: DeskStack) -> None:
    await stack.person.kill(keep=True)
    await stack.person.release()
    card = await stack.propose(side="buy", notional_usd="25", rationale="x")
    stack.desk.parts.stopping.latch = stack.desk.parts.stopping.latch.halt(
        stack.desk.parts.stopping.latch.actor, "a test", stack.desk.parts.clock.now()
    )
    with pytest.raises(LockedError, match="elease"):
        await stack.person.approve(card["id"], card["digest"])
    await until(lambda: True, "nothing")
