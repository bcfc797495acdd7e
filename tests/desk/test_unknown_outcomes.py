"""Lost requests, lost replies, a restart: every order is settled once and none is re-sent."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal

from desk import reconciliation
from tests.app.site import free_port
from tests.fault_proxy import fault_proxy
from tests.stack import desk_on, exchange_on, until


def _point_desk_at(home, port: int) -> None:
    path = home / "run" / "exchange.json"
    where = json.loads(path.read_text())
    where["url"] = f"http://127.0.0.1:{port}"
    path.write_text(json.dumps(where))


def _port(exchange) -> int:
    return int(exchange.url.rsplit(":", 1)[1])


async def test_lost_reply_is_settled_from_the_venue_and_never_resent(home) -> None:
    async with exchange_on(home) as exchange, fault_proxy(_port(exchange)) as proxy:
        _point_desk_at(home, proxy.port)
        async with desk_on(home, exchange) as stack:
            await stack.until_ready()
            card = await stack.propose(side="buy", notional_usd="25", rationale="lost reply")
            proxy.fault = "lose_reply"
            await stack.person.approve(card["id"], card["digest"])
            orders = stack.desk.parts.ledger
            await until(lambda: orders.get(_client_id(card)).state.value == "filled", "the order is settled")
            done = await stack.client.read(f"/proposals/{card['id']}")
            assert done["outcome"]["state"] == "filled"
            assert proxy.orders_seen == 1
            balances = {
                b.currency.lower(): b.amount for b in await stack.running._assembly.wire.rest.balances()
            }
            assert balances["btc"] == orders.position("btc").amount


async def test_lost_request_counts_as_live_and_then_never_arrived(home, monkeypatch) -> None:
    monkeypatch.setattr(reconciliation, "HORIZON_S", 6.0)
    async with exchange_on(home) as exchange, fault_proxy(_port(exchange)) as proxy:
        _point_desk_at(home, proxy.port)
        async with desk_on(home, exchange) as stack:
            await stack.until_ready()
            card = await stack.propose(side="buy", notional_usd="25", rationale="lost request")
            proxy.fault = "lose_request"
            done = await stack.person.approve(card["id"], card["digest"])
            assert done["outcome"]["state"] == "unknown"
            used = (await stack.client.read("/portfolio"))["limits_used"]
            assert Decimal(used["global_open_plus_filled_day_usd"]["used"]) >= 24
            orders = stack.desk.parts.ledger
            await until(lambda: orders.get(_client_id(card)).state.value == "never_arrived", "it is given up")
            used = (await stack.client.read("/portfolio"))["limits_used"]
            assert Decimal(used["global_open_plus_filled_day_usd"]["used"]) == 0
            assert proxy.orders_seen == 1


async def test_desk_restarted_with_an_order_in_doubt_settles_it_before_it_trades(home) -> None:
    async with exchange_on(home) as exchange, fault_proxy(_port(exchange)) as proxy:
        _point_desk_at(home, proxy.port)
        async with desk_on(home, exchange) as stack:
            await stack.until_ready()
            card = await stack.propose(symbol="ethusd", side="buy", notional_usd="25", rationale="cut")
            proxy.fault = "lose_reply"
            done = await stack.person.approve(card["id"], card["digest"])
            assert done["outcome"]["state"] in {"unknown", "filled"}
        async with desk_on(home, exchange) as again:
            await again.until_ready()
            order = again.desk.parts.ledger.get(_client_id(card))
            assert order.state.value == "filled"
            held = {b.currency.lower(): b.amount for b in await again.running._assembly.wire.rest.balances()}
            assert held["eth"] == again.desk.parts.ledger.position("eth").amount


@asynccontextmanager
async def exchange_process(home, port: int = 0):
    """The embedded exchange in a process of its own, so that it can be killed."""
    announcement = home / "run" / "exchange.json"
    announcement.unlink(missing_ok=True)
    words = ["-m", "cli", "--home", str(home), "exchange", "--seed", "7", "--port", str(port or free_port())]
    process = await asyncio.create_subprocess_exec(sys.executable, *words)
    try:
        await until(announcement.exists, "the exchange announces itself", 30)
        yield process, int(json.loads(announcement.read_text())["url"].rsplit(":", 1)[1])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_exchange_killed_in_the_middle_of_an_order(home, monkeypatch) -> None:
    monkeypatch.setattr(reconciliation, "HORIZON_S", 6.0)
    async with AsyncExitStack() as lives:
        process, port = await lives.enter_async_context(exchange_process(home))
        proxy = await lives.enter_async_context(fault_proxy(port))
        _point_desk_at(home, proxy.port)
        stack = await lives.enter_async_context(desk_on(home, None))
        await stack.until_ready()
        card = await stack.propose(side="buy", notional_usd="25", rationale="the exchange dies")
        proxy.on_order = process.kill
        done = await stack.person.approve(card["id"], card["digest"])
        assert done["outcome"]["state"] in {"unknown", "filled"}, done["outcome"]
        await process.wait()
        proxy.on_order = None
        light = (await stack.client.read("/connections"))["lights"]
        assert any(row["state"] == "down" for row in light)
        await lives.enter_async_context(exchange_process(home, port))
        ledger = stack.desk.parts.ledger
        await until(lambda: not ledger.get(_client_id(card)).state.is_live, "the order is settled", 60)
        await until(lambda: stack.desk.parts.health.is_reconciled, "the desk is reconciled again", 30)
        balances = {b.currency.lower(): b.amount for b in await stack.running._assembly.wire.rest.balances()}
        assert balances.get("btc", Decimal(0)) == ledger.position("btc").amount
        assert proxy.orders_seen == 1


async def test_restart_keeps_positions_and_journals_the_reconciliation(home) -> None:
    async with exchange_on(home) as exchange:
        async with desk_on(home, exchange) as first:
            await first.until_ready()
            await first.buy("25")
            before = first.desk.parts.ledger.position("btc")
            card = await first.propose(symbol="ethusd", side="buy", notional_usd="10", rationale="waits")
        async with desk_on(home, exchange) as second:
            await second.until_ready()
            assert second.desk.parts.ledger.position("btc") == before
            assert (await second.client.read(f"/proposals/{card['id']}"))["state"] == "expired"
            found = await second.client.read("/journal/search", kind="reconcile", limit=20)
            assert [r["result_json"] for r in found["records"] if r["result_json"]["differences"]] == []


async def test_orders_and_fills_made_behind_the_desk_are_found(home) -> None:
    async with exchange_on(home) as exchange:
        async with desk_on(home, exchange) as first:
            await first.until_ready()
            await first.buy("25")
        # The same key is used by hand while the desk is down: one order rests, another trades.
        async with desk_on(home, exchange) as hand:
            await hand.until_ready()
            bid = hand.desk.parts.market.view("ethusd", 1).bid
            price = (bid * Decimal("0.97")).quantize(Decimal("0.01"))
            card = await hand.propose(
                symbol="ethusd", side="buy", amount="0.005", price=str(price), rationale="rests"
            )
            done = await hand.person.approve(card["id"], card["digest"])
            connection = hand.desk.parts.store.connection
            connection.execute("DELETE FROM orders WHERE client_order_id=?", (_client_id(card),))
        async with desk_on(home, exchange) as second:
            await second.until_ready()
            adopted = second.desk.parts.ledger.find(venue_order_id=done["order"]["order_id"])
            assert adopted is not None
            assert adopted.state.value == "open"
            found = await second.client.read("/journal/search", kind="reconcile", limit=20)
            kinds = [d["kind"] for r in found["records"] for d in r["result_json"]["differences"]]
            assert kinds == ["extra order"]


def _client_id(card) -> str:
    return card["card"]["wire"]["client_order_id"]
