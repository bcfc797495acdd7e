"""Limits that change over time, cards in numbers, and secrets typed where they do not belong."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from desk.limit_file import LimitFile
from domain.clock import ManualClock
from domain.errors import BadInputError, ConflictError
from tests.stack import DeskStack


async def _change(stack: DeskStack, name: str, value: str, request: str):
    card = await stack.client.propose("/limit-changes", {"request_id": request, "name": name, "value": value})
    return await stack.person.approve(card["id"], card["digest"])


async def test_tightening_overtakes_a_widening_that_waits(stack: DeskStack) -> None:
    await _change(stack, "per_order_usd", "500", "a")
    await _change(stack, "per_order_usd", "10", "b")
    assert stack.desk.parts.limit_file.waiting() == {}
    assert stack.desk.parts.limit_file.limits.per_order_usd == 10


async def test_widening_needs_time_that_no_clock_jump_gives(stack: DeskStack, tmp_path) -> None:
    clock = ManualClock(datetime(2026, 11, 20, 12, tzinfo=UTC))
    limits = LimitFile(tmp_path, stack.desk.parts.store, clock)
    limits.apply("per_order_usd", "500", cause="R-00000000000000000000000000")
    clock._now += timedelta(hours=2)
    limits.apply_due()
    assert limits.limits.per_order_usd == 100
    clock.advance(601)
    limits.apply_due()
    assert limits.limits.per_order_usd == 500


async def test_limit_cards_are_bounded_one_a_limit(stack: DeskStack) -> None:
    for value in range(50, 60):
        await stack.client.propose(
            "/limit-changes", {"request_id": f"n{value}", "name": "per_order_usd", "value": str(value)}
        )
    pending = (await stack.client.read("/proposals"))["proposals"]
    assert [c["card"]["fields"][2]["value"] for c in pending] == ["59 USD"]
    stack.desk.parts.limit_file.limits = stack.desk.parts.limit_file.limits.replace(
        "max_pending_approvals", "1"
    )
    with pytest.raises(ConflictError, match="waiting"):
        await stack.client.propose(
            "/limit-changes", {"request_id": "more", "name": "daily_loss_usd", "value": "5"}
        )


async def test_edit_that_the_rules_refuse_leaves_the_card_and_says_why(stack: DeskStack) -> None:
    card = await stack.propose(side="buy", notional_usd="25", rationale="x")
    with pytest.raises(BadInputError, match="100"):
        await stack.person.edit(card["id"], amount="9")
    assert (await stack.client.read(f"/proposals/{card['id']}"))["state"] == "pending"
    done = await stack.person.approve(card["id"], card["digest"])
    assert done["outcome"]["state"] == "filled"


async def test_secret_in_a_rationale_is_written_and_shown_nowhere(stack: DeskStack) -> None:
    secret = json.loads((stack.home / "state" / "paper-account.json").read_text())["api_secret"]
    card = await stack.propose(side="buy", notional_usd="25", rationale=f"my key is {secret}")
    assert secret not in json.dumps(card)
    await stack.client.propose("/flatten-and-pause", {"request_id": "s", "reason": secret})
    assert secret not in json.dumps(await stack.client.read("/status"))
    for path in stack.home.rglob("*"):
        if path.is_file() and not path.name.startswith(("paper-account", "exchange.")):
            assert secret.encode() not in path.read_bytes(), path


async def test_sale_into_a_coin_counts_as_buying_that_coin(stack: DeskStack) -> None:
    await stack.buy("90", "ethusd")
    for usd in ("95", "90"):
        await asyncio.sleep(1.1)
        await stack.buy(usd)
    held = stack.desk.parts.ledger.position("eth").amount
    sale = await stack.propose(
        symbol="ethbtc", side="sell", amount=str(held), purpose="reduce", rationale="x"
    )
    check = next(c for c in sale["verdict"]["checks"] if c["rule"] == "per_symbol_usd")
    assert float(check["numbers"]["used_usd"]) > 180
    assert float(check["numbers"]["order_usd"]) > 80


async def test_times_beyond_the_calendar_and_half_characters_are_bad_input(stack: DeskStack) -> None:
    for time in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        with pytest.raises(BadInputError):
            await stack.client.read("/explain", time=time)
    reply = await stack.http.post(
        "/journal",
        headers={"Authorization": "Bearer propose-token"},
        content=b'{"request_id":"x","kind":"chat.message","result":{"\\ud800":1}}',
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BAD_JSON")
