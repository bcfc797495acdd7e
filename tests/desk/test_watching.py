"""The desk looks after its own senses: books against REST, the clock, the session's heartbeat."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

import pytest

from desk.book_watch import BookWatch
from domain.errors import NotFoundError, UnreachableError
from tests.stack import DeskStack, desk_on, exchange_on


def watch(stack: DeskStack) -> BookWatch:
    """A watch over the running desk's market."""
    parts = stack.desk.parts
    return BookWatch(parts.market, parts.wire.rest, parts.store)


async def test_true_book_stays(stack: DeskStack) -> None:
    found = await watch(stack).check("btcusd")
    assert found.is_good
    assert stack.desk.parts.market.view("btcusd").synced


async def test_book_with_a_level_that_is_not_there_is_dropped_and_written_down(stack: DeskStack) -> None:
    market = stack.desk.parts.market
    assert stack.exchange is not None
    stack.exchange.exchange.world = None  # nobody quotes any more, so that the ghost stays where it is
    await asyncio.sleep(0.7)
    ghost = market.view("btcusd", 1).bids[0].price - Decimal("0.01")
    feed = market._feed
    assert feed is not None
    phantom = {"type": "l2_updates", "symbol": "BTCUSD", "changes": [["buy", str(ghost), "3.3"]]}
    assert feed.take(json.dumps(phantom).encode()) == "btcusd"
    found = await watch(stack).check("btcusd")
    assert [(each.price, str(each.live), str(each.rest)) for each in found.differences] == [
        (ghost, "3.3", "0")
    ]
    assert not market.view("btcusd").synced
    rows = (await stack.client.read("/journal/search", kind="market.book_differs"))["records"]
    assert rows[0]["symbol"] == "btcusd"
    assert "3.3" in rows[0]["error_text"]
    with pytest.raises(UnreachableError, match="no ask"):
        await stack.propose(side="buy", notional_usd="20", rationale="a test")


async def test_unwatched_symbol_refused(stack: DeskStack) -> None:
    with pytest.raises(NotFoundError):
        stack.desk.parts.market.distrust("nothingusd", "a test")


async def test_clock_light_green_on_one_machine(stack: DeskStack) -> None:
    lights = {each["name"]: each for each in (await stack.client.read("/connections"))["lights"]}
    assert lights["Clock"]["state"] == "ok"
    assert "Heartbeat" not in lights


async def test_key_that_requires_heartbeats_has_a_light(home: Path) -> None:
    async with exchange_on(home, seed=7) as exchange:
        account = {**asdict(exchange.key("heartbeat")), "requires_heartbeat": True}
        (home / "state" / "paper-account.json").write_text(json.dumps(account), encoding="utf-8")
        async with desk_on(home, exchange) as stack:
            await stack.until_ready()
            lights = {each["name"]: each for each in (await stack.client.read("/connections"))["lights"]}
            assert lights["Heartbeat"]["state"] == "ok"
            assert lights["Heartbeat"]["detail"] == "the session is alive"
