"""The stop against races, holds, crashes, a dead disk, and orders the desk does not know."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from tests.desk.test_stop import _rest_an_order
from tests.desk.test_unknown_outcomes import _point_desk_at, _port
from tests.fault_proxy import fault_proxy
from tests.stack import DeskStack, desk_on, exchange_on, until


async def _rest_a_sale_of_everything(stack: DeskStack) -> str:
    """Leave one take-profit resting that holds the whole BTC position; returns its venue id."""
    maths = await stack.client.read("/break-even", symbol="btcusd", side="sell", profit_usd="0.25")
    card = await stack.propose(
        side="sell", amount=maths["amount"], price=maths["target_price"], purpose="take_profit", rationale="x"
    )
    done = await stack.person.approve(card["id"], card["digest"])
    assert done["outcome"]["state"] == "resting"
    return done["order"]["order_id"]


async def _venue(stack: DeskStack) -> tuple[list[str], Decimal]:
    """What the venue itself says: ids of open orders, and the BTC balance."""
    rest = stack.running._assembly.wire.rest
    orders = [o.venue_order_id for o in await rest.open_orders()]
    balances = {b.currency.lower(): b.amount for b in await rest.balances()}
    return orders, balances.get("btc", Decimal(0))


async def test_kill_sells_a_position_that_a_resting_sale_held(stack: DeskStack) -> None:
    await stack.buy("25")
    resting = await _rest_a_sale_of_everything(stack)
    answer = await stack.person.kill()
    assert answer["cancelled"] == [resting]
    assert answer["failed"] == []
    assert [o["state"] for o in answer["flattened"]] == ["filled"]
    assert await _venue(stack) == ([], Decimal(0))


async def test_model_stop_offers_a_flatten_card_that_can_be_approved(stack: DeskStack) -> None:
    await stack.buy("25")
    await _rest_a_sale_of_everything(stack)
    answer = await stack.client.propose("/flatten-and-pause", {"request_id": "s", "reason": "stop"})
    (card,) = answer["proposals"]
    assert card["state"] == "pending", card["verdict"]["codes"]
    done = await stack.person.approve(card["id"], card["digest"])
    assert done["outcome"]["state"] == "filled"
    assert await _venue(stack) == ([], Decimal(0))


async def test_nothing_leaves_after_the_stop_even_from_the_queue_for_the_wire(home) -> None:
    async with exchange_on(home) as exchange, fault_proxy(_port(exchange)) as proxy:
        _point_desk_at(home, proxy.port)
        async with desk_on(home, exchange) as stack:
            await stack.until_ready()
            first = await stack.propose(side="buy", notional_usd="20", rationale="on the wire")
            second = await stack.propose(symbol="ethusd", side="buy", notional_usd="20", rationale="queued")
            proxy.hold_replies = asyncio.Event()
            sends = [asyncio.create_task(stack.person.approve(c["id"], c["digest"])) for c in (first, second)]
            await until(lambda: proxy.orders_seen == 1, "the first order is on the wire")
            stop = asyncio.create_task(stack.person.kill(keep=True))
            await until(lambda: stack.desk.parts.stopping.state().value != "active", "the latch has moved")
            proxy.hold_replies.set()
            done = await asyncio.gather(*sends)
            await stop
            assert proxy.orders_seen == 1
            states = sorted(d["outcome"]["state"] for d in done)
            assert "rejected" in states, states
            assert "eth" not in {p.asset for p in stack.desk.parts.ledger.positions() if p.amount}


async def test_kill_while_an_order_is_on_the_wire_ends_flat(home) -> None:
    async with exchange_on(home) as exchange, fault_proxy(_port(exchange)) as proxy:
        _point_desk_at(home, proxy.port)
        async with desk_on(home, exchange) as stack:
            await stack.until_ready()
            card = await stack.propose(side="buy", notional_usd="20", rationale="in flight")
            proxy.hold_replies = asyncio.Event()
            send = asyncio.create_task(stack.person.approve(card["id"], card["digest"]))
            await until(lambda: proxy.orders_seen == 1, "the order is on the wire")
            stop = asyncio.create_task(stack.person.kill())
            await asyncio.sleep(0.3)
            proxy.hold_replies.set()
            await send
            await stop
            await until(lambda: stack.desk.parts.stopping.state().value == "halted", "the desk is halted")
            assert (await _venue(stack))[1] == 0


async def test_entry_left_open_by_a_crash_after_the_latch_is_cancelled(home) -> None:
    async with exchange_on(home) as exchange:
        async with desk_on(home, exchange) as first:
            await first.until_ready()
            await _rest_an_order(first)
            stopping = first.desk.parts.stopping
            latch = stopping.latch.halt(stopping.latch.actor, "cut short", first.desk.parts.clock.now())
            stopping._move(latch, "kill", cause=None)
        async with desk_on(home, exchange) as second:
            await until(lambda: second.desk.parts.health.is_reconciled, "the desk is reconciled")
            await until(lambda: not second.desk.parts.ledger.live(), "the order is swept")
            assert (await _venue(second))[0] == []
            assert second.desk.parts.stopping.state().value == "halted"


async def test_kill_on_a_disk_that_takes_nothing_still_cancels_and_halts(stack: DeskStack) -> None:
    await _rest_an_order(stack)
    connection = stack.desk.parts.store.connection
    connection.execute("PRAGMA query_only=ON")
    answer = await stack.person.kill()
    connection.execute("PRAGMA query_only=OFF")
    assert answer["kill_state"] == "halted"
    assert (await _venue(stack))[0] == []
    assert not stack.desk.parts.store.is_journal_ok


async def test_kill_cancels_orders_that_the_desk_does_not_know(stack: DeskStack) -> None:
    await _rest_an_order(stack)
    stack.desk.parts.store.connection.execute("DELETE FROM orders")
    answer = await stack.person.kill()
    assert len(answer["cancelled"]) == 1
    assert (await _venue(stack))[0] == []


async def test_routine_check_adopts_an_order_it_does_not_know(stack: DeskStack) -> None:
    order_id = await _rest_an_order(stack)
    stack.desk.parts.store.connection.execute("DELETE FROM orders")
    await stack.desk.parts.reconciliation.check()
    assert stack.desk.parts.ledger.find(venue_order_id=order_id).state.value == "open"


async def test_order_given_up_too_early_counts_again_when_the_venue_has_it(stack: DeskStack) -> None:
    order_id = await _rest_an_order(stack)
    order = stack.desk.parts.ledger.find(venue_order_id=order_id)
    stack.desk.parts.settlement.never_arrived(order, 60.0)
    assert stack.desk.parts.ledger.live() == []
    await stack.desk.parts.reconciliation.check()
    assert stack.desk.parts.ledger.find(venue_order_id=order_id).state.value == "open"


async def test_kill_during_an_approved_flatten_sells_the_rest_too(stack: DeskStack) -> None:
    await stack.buy("25")
    await stack.buy("25", "ethusd")
    stopped = await stack.client.propose("/flatten-and-pause", {"request_id": "s", "reason": "stop"})
    card = next(c for c in stopped["proposals"] if c["card"]["wire"]["symbol"] == "btcusd")
    sale = asyncio.create_task(stack.person.approve(card["id"], card["digest"]))
    await asyncio.sleep(0)
    await stack.person.kill()
    await sale
    await until(lambda: stack.desk.parts.stopping.state().value == "halted", "the desk is halted")
    assert [p for p in stack.desk.parts.ledger.positions() if p.amount > Decimal("0.0001")] == []


async def test_release_clears_the_breaker_of_refused_orders(stack: DeskStack) -> None:
    for _ in range(5):
        stack.desk.parts.health.count_reject()
    refused = await stack.propose(side="buy", notional_usd="20", rationale="x")
    assert any("REJECTS" in code for code in refused["verdict"]["codes"])
    await stack.person.release()
    assert stack.desk.parts.health.rejects_in_a_row == 0


async def test_card_approved_before_a_crash_gets_its_outcome_after_it(home) -> None:
    async with exchange_on(home) as exchange:
        async with desk_on(home, exchange) as first:
            await first.until_ready()
            done = await first.buy("25")
            first.desk.parts.store.connection.execute("UPDATE proposals SET outcome=NULL")
        async with desk_on(home, exchange) as second:
            again = await second.client.read(f"/proposals/{done['id']}")
            assert again["outcome"]["state"] == "filled"


async def test_flatten_is_offered_and_sold_when_the_pace_is_used_up(stack: DeskStack) -> None:
    await stack.buy("25")
    for _ in range(8):
        stack.desk.parts.sending._orders.hit()
    answer = await stack.client.propose("/flatten-and-pause", {"request_id": "s", "reason": "stop"})
    (card,) = answer["proposals"]
    assert card["state"] == "pending", card["verdict"]["codes"]
    done = await stack.person.approve(card["id"], card["digest"])
    assert done["outcome"]["state"] == "filled", done["outcome"]


async def test_kill_cancels_and_sells_behind_an_order_whose_fate_was_unknown(stack: DeskStack) -> None:
    await stack.buy("25")
    resting = await _rest_a_sale_of_everything(stack)
    stack.desk.parts.store.connection.execute(
        "UPDATE orders SET state='unknown', venue_order_id=NULL WHERE venue_order_id=?", (resting,)
    )
    answer = await stack.person.kill()
    assert resting in answer["cancelled"]
    assert answer["failed"] == []
    assert await _venue(stack) == ([], Decimal(0))


async def test_doubt_raised_during_a_check_outlives_it(stack: DeskStack) -> None:
    health, reconciliation = stack.desk.parts.health, stack.desk.parts.reconciliation
    check = asyncio.create_task(reconciliation.check())
    await asyncio.sleep(0)
    health.doubt()
    await check
    assert not health.is_reconciled
    await until(lambda: health.is_reconciled, "a pass that began after the doubt has cleared it")


async def test_late_fill_after_a_stop_is_offered_for_sale(home) -> None:
    async with exchange_on(home) as exchange, fault_proxy(_port(exchange)) as proxy:
        _point_desk_at(home, proxy.port)
        async with desk_on(home, exchange) as stack:
            await stack.until_ready()
            card = await stack.propose(side="buy", notional_usd="20", rationale="in flight")
            proxy.hold_replies = asyncio.Event()
            send = asyncio.create_task(stack.person.approve(card["id"], card["digest"]))
            await until(lambda: proxy.orders_seen == 1, "the order is on the wire")
            stop = stack.client.propose("/flatten-and-pause", {"request_id": "s", "reason": "stop"})
            stopped = asyncio.create_task(stop)
            await asyncio.sleep(0.3)
            proxy.hold_replies.set()
            await send
            await stopped

            def offered() -> bool:
                return any(p.is_flatten for p in stack.desk.parts.proposals.select(pending_only=True))

            held = (await _venue(stack))[1]
            if held:
                await until(offered, "a card offers to sell what came in")
            assert stack.desk.parts.stopping.state().value == "halted"
