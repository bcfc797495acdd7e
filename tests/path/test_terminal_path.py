"""A new user's whole path on the terminal, over real processes."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.path.processes import House, house_up

pytestmark = pytest.mark.timeout(240)


async def walk(house: House) -> None:
    hello = await house.ask("hi")
    assert "offline planner" in hello["answer"]
    assert hello["mode"] == "paper"
    assert hello["latency_ms"] >= 0
    price = await house.ask("btc price")
    assert price["tools"][0]["name"] == "prices"
    asked = await house.ask("buy $25 of btc")
    (proposal,) = asked["proposals"]
    assert (await house.pending())["id"] == proposal
    bought = await house.approve()
    assert bought["outcome"]["state"] == "filled"
    assert Decimal(bought["outcome"]["fee"]) > 0
    sale = await house.ask("sell it all at a profit of 25 cents")
    assert [t["name"] for t in sale["tools"]][-1] == "propose_order"
    assert "break_even" in [t["name"] for t in sale["tools"]]
    resting = await house.approve()
    assert resting["outcome"]["state"] == "resting"
    cancelled = await house.ask("cancel all my orders")
    assert resting["order"]["order_id"] in cancelled["answer"]
    why = await house.ask("why did we buy?")
    for field in ("order_id", "fee"):
        assert bought["outcome"][field] in why["answer"].replace(",", "")
    assert why["citations"]
    for record in why["citations"]:
        assert record in await house.matrix("journal", "show", record)


async def test_path_on_the_seeded_market(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with house_up(home, "--seed", "9") as house:
        await walk(house)
        await house.matrix("doctor")
    async with house_up(home) as house:
        owned = await house.ask("what do I own?")
        assert "BTC" in owned["answer"]
        stopped = await house.ask("STOP EVERYTHING")
        assert stopped["proposals"]
        status = await house.matrix("doctor", expect=4)
        assert "halted" in status
        refused = await house.ask("buy $10 of eth", expect=4)
        assert "halted" in refused["answer"].lower()
        flat = await house.approve()
        assert flat["outcome"]["state"] == "filled", flat["outcome"]
        assert (await house.matrix("release")).startswith("active")
        verified = await house.matrix("journal", "verify")
        assert re.search("chain whole", verified)


async def test_ask_starts_what_is_missing_and_stops_it_again(tmp_path: Path) -> None:
    house = House(tmp_path / "home", 0, "")
    answer = await house.ask("btc price")
    assert "bid" in answer["answer"]
    assert not (house.home / "run" / "desk.json").exists()
    assert not (house.home / "run" / "exchange.json").exists()
