"""The picture that every page sees, and its fan-out."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from app.live import KEPT_FILLS, KEPT_SETTLED, MAX_WAITING, Live
from domain.clock import ManualClock


def make_live() -> Live:
    return Live(ManualClock(datetime(2026, 11, 20, 9, tzinfo=UTC)))


def card(name: str, state: str) -> dict[str, object]:
    return {"id": name, "state": state}


async def test_a_page_gets_the_whole_picture_and_then_each_change() -> None:
    live = make_live()
    live.set_prices([{"symbol": "btcusd", "bid": "1"}])
    viewer = live.join()
    live.set_prices([{"symbol": "ethusd", "bid": "2"}])
    first = json.loads(await viewer.next_message() or "")
    second = json.loads(await viewer.next_message() or "")
    assert first["topic"] == "all"
    assert first["data"]["prices"] == [{"symbol": "btcusd", "bid": "1"}]
    assert first["data"]["now"] == "2026-11-20T09:00:00.000000Z"
    assert second == {"topic": "prices", "data": [{"symbol": "ethusd", "bid": "2"}]}
    assert [price["symbol"] for price in live.prices] == ["btcusd", "ethusd"]


async def test_a_change_is_encoded_once_for_all_pages() -> None:
    live = make_live()
    viewers = [live.join() for _ in range(3)]
    for viewer in viewers:
        await viewer.next_message()
    live.set_portfolio({"equity_usd": "1"})
    messages = [await viewer.next_message() for viewer in viewers]
    assert messages[0] is messages[1] is messages[2]


async def test_a_page_that_reads_too_slowly_is_cut_and_holds_nobody_up() -> None:
    live = make_live()
    slow, quick = live.join(), live.join()
    await quick.next_message()
    for count in range(MAX_WAITING + 10):
        live.set_portfolio({"count": count})
        await quick.next_message()
    received = [await slow.next_message() for _ in range(MAX_WAITING + 1)]
    assert received[-1] is None
    assert None not in received[:-1]


def test_settled_cards_are_forgotten_and_pending_ones_never() -> None:
    live = make_live()
    live.put_proposal(card("first", "pending"))
    for count in range(KEPT_SETTLED + 5):
        live.put_proposal(card(f"old-{count}", "rejected"))
    kept = [item["id"] for item in live.picture()["proposals"]]
    assert "first" in kept
    assert len(kept) == KEPT_SETTLED + 1
    assert kept[-1] == f"old-{KEPT_SETTLED + 4}"


def test_fills_are_newest_first_and_bounded() -> None:
    live = make_live()
    for count in range(KEPT_FILLS + 3):
        live.put_fills([{"record_id": str(count)}, {"record_id": str(count)}])
    fills = live.picture()["fills"]
    assert len(fills) == KEPT_FILLS
    assert fills[0]["record_id"] == str(KEPT_FILLS + 2)


def test_a_stop_shows_the_desks_reason() -> None:
    live = make_live()
    live.set_status({"kill_state": "active", "kill_reason": None, "mode": "paper"})
    live.set_kill({"kill_state": "halted", "reason": "too much lost"})
    assert live.status == {"kill_state": "halted", "kill_reason": "too much lost", "mode": "paper"}


def test_an_order_says_when_more_of_it_is_filled() -> None:
    live = make_live()
    assert not live.put_order({"client_order_id": "m-1", "filled": "0"})
    assert live.put_order({"client_order_id": "m-1", "filled": "0.5"})
    assert not live.put_order({"client_order_id": "m-1", "filled": "0.50"})
    assert live.put_order({"client_order_id": "m-2", "filled": "1"})
