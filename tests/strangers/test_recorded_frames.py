"""The embedded exchange's frames have the keys and types of the recorded ones."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.strangers.shapes import differences
from tests.venues_gemini import recordings
from tests.venues_paper.signed import Client, signed_headers
from venues.paper.server import RunningExchange, running_exchange

ALLOWED = tomllib.loads((Path(__file__).parent / "allowed_differences.toml").read_text("utf-8"))["frames"]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningExchange]:
    async with running_exchange(home=tmp_path / "home", seed=41) as running:
        yield running


def kinds(frames: list[Any]) -> dict[str, list[Any]]:
    """Frames by kind; a snapshot of a book is a kind of its own."""
    found: dict[str, list[Any]] = {}
    for frame in frames:
        kind = "l2_snapshot" if "auction_events" in frame else frame["type"]
        found.setdefault(kind, []).append(frame)
    return found


def compare(theirs: dict[str, list[Any]], ours: dict[str, list[Any]], source: str) -> None:
    """Hold kind against kind; every allowed difference must be needed."""
    allowed = {(e["kind"], e["difference"]) for e in ALLOWED if e["source"] == source}
    used = {
        (kind, difference)
        for kind, frames in theirs.items()
        for difference in differences(frames, ours[kind])
    }
    assert used == allowed


async def frames_until(
    socket: ClientConnection, wanted: set[str], step: Callable[[], None]
) -> dict[str, list[Any]]:
    """Read frames, letting the world go on, until every wanted kind was seen."""
    seen: list[Any] = []
    async with asyncio.timeout(20):
        while not wanted <= set(kinds(seen)):
            step()
            with suppress(TimeoutError):
                found = json.loads(await asyncio.wait_for(socket.recv(), 0.05))
                seen += found if isinstance(found, list) else [found]
    return kinds(seen)


async def test_market_frames_have_the_keys_of_2026(running: RunningExchange) -> None:
    theirs = kinds([json.loads(frame) for frame in recordings.frames_2026()])
    assert set(theirs) == {"l2_snapshot", "l2_updates", "trade", "heartbeat"}
    async with connect(f"{running.ws_url}/v2/marketdata", proxy=None) as socket:
        await socket.send(
            json.dumps(
                {"type": "subscribe", "subscriptions": [{"name": "l2", "symbols": ["BTCUSD", "ETHUSD"]}]}
            )
        )
        await socket.recv()  # the world moves only now, so that the snapshot has trades
        for _ in range(40):
            running.exchange.step()
        ours = await frames_until(socket, set(theirs) - {"l2_snapshot"}, running.exchange.step)
    async with connect(f"{running.ws_url}/v2/marketdata", proxy=None) as socket:
        await socket.send(
            json.dumps({"type": "subscribe", "subscriptions": [{"name": "l2", "symbols": ["BTCUSD"]}]})
        )
        ours["l2_snapshot"] = [json.loads(await socket.recv())]
    compare(theirs, ours, "ws 2026")


async def test_order_events_have_the_keys_of_2023(running: RunningExchange) -> None:
    rows = [
        json.loads(row) for row in recordings.text("rest/gemini_order_events_ws_20230510.jsonl").splitlines()
    ]
    theirs = kinds([event for row in rows for event in (row if isinstance(row, list) else [row])])
    assert set(theirs) == {"initial", "heartbeat", "accepted", "booked", "cancelled", "closed"}
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        client = Client(running.url, running.stranger.api_key, running.stranger.api_secret, http)
        await client.order(price="50000.00", client_order_id="initial-1")
        await client.order(price="50001.00")
        headers = signed_headers(client.key, client.secret, "/v1/order/events")
        async with connect(
            f"{running.ws_url}/v1/order/events", additional_headers=headers, proxy=None
        ) as socket:
            assert json.loads(await socket.recv())["type"] == "subscription_ack"
            made = await client.order(price="50002.00", client_order_id="life-1")
            await client.post("/v1/order/cancel", order_id=int(made["order_id"]))
            ours = await frames_until(socket, set(theirs), running.exchange.step)
    compare(theirs, ours, "order events 2023")
