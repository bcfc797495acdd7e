"""Two processes on one store: each works on its own turns, and on those of a process that is gone."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from pathlib import Path

import pytest

from agent_graph.owner import owning
from domain.errors import ConflictError
from tests.agent_graph.chat import other_process, say, talking, turns
from tests.stack import DeskStack

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_turn_that_another_process_answers_is_left_alone(quiet_desk: DeskStack, tmp_path: Path):
    async with other_process(quiet_desk, tmp_path, "think", "slow") as (process, said):
        assert said == "thinking"
        async with talking(quiet_desk.client, tmp_path) as chat:
            first = await chat.latest()
            assert [m.role for m in await chat.transcript(first)] == ["person"]
            await chat.settle_waiting()
            assert "BTC/USD" in (await say(chat, "btc price", await chat.create("ask"))).answer
            assert turns(tmp_path) == ["running", "done"]
            process.send_signal(signal.SIGUSR1)
            assert process.stdout is not None
            assert (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip() == "answered"
            assert [m.role for m in await chat.transcript(first)] == ["person", "assistant"]


async def test_a_turn_is_taken_up_as_soon_as_its_process_is_gone(quiet_desk: DeskStack, tmp_path: Path):
    async with talking(quiet_desk.client, tmp_path) as chat:
        async with other_process(quiet_desk, tmp_path, "think", "slow") as (process, _):
            await chat.settle_waiting()
            assert turns(tmp_path) == ["running"]
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await chat.settle_waiting()
        assert turns(tmp_path) == ["interrupted"]
        assert "The app stopped" in (await chat.transcript(await chat.latest()))[-1].text


async def test_what_another_process_found_out_counts_as_evidence(quiet_desk: DeskStack, tmp_path: Path):
    async with talking(quiet_desk.client, tmp_path) as app, talking(quiet_desk.client, tmp_path) as chat:
        conversation = await app.latest()
        await say(app, "hi", conversation)
        await say(chat, "my lucky number is 987654, btc price", conversation)
        evidence = await app._runner._evidence.of(conversation)
        assert {"987654"} <= {str(number) for number in evidence.numbers}
        assert len(evidence.numbers) > 5


async def test_an_owner_is_alone_seen_by_others_and_leaves_nothing(tmp_path: Path):
    with owning(tmp_path / "owners", "a") as first:
        with owning(tmp_path / "owners", "b") as second:
            assert first.is_alive("b")
            assert second.is_alive("a")
            with pytest.raises(ConflictError), owning(tmp_path / "owners", "a"):
                pass
        assert not first.is_alive("b")
    assert list((tmp_path / "owners").iterdir()) == []


async def test_a_store_of_the_first_release_is_migrated(quiet_desk: DeskStack, tmp_path: Path):
    path = tmp_path / "state" / "app.sqlite"
    async with talking(quiet_desk.client, tmp_path) as chat:
        await say(chat, "hi")
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE turns DROP COLUMN owner")
        connection.execute("UPDATE turns SET state = 'running'")
        connection.execute("PRAGMA user_version = 1")
    async with talking(quiet_desk.client, tmp_path) as chat:
        assert [m.role for m in await chat.transcript(await chat.latest())] == [
            "person",
            "assistant",
            "notice",
        ]
        await say(chat, "hi")
    assert turns(tmp_path) == ["interrupted", "done"]
