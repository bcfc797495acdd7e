"""Two processes on one store: each works on its own turns, and on those of a process that is gone."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent_graph.owner import owning
from domain.errors import ConflictError
from loopback.serve import serving
from tests.agent_graph.chat import approve, say, settled, talking
from tests.agent_graph.test_killed import talk_in_a_process
from tests.stack import DeskStack


@asynccontextmanager
async def other_process(
    stack: DeskStack, text: str, how: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A process that holds a conversation open, and the first line it printed; ended with the block."""
    async with serving(stack.app) as url:
        process = await talk_in_a_process(url, stack, text, how)
        assert process.stdout is not None
        try:
            said = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
            yield process, said
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()


def _turns(home: Path) -> list[str]:
    with sqlite3.connect(home / "state" / "app.sqlite") as connection:
        return [row[0] for row in connection.execute("SELECT state FROM turns ORDER BY rowid")]


async def test_a_turn_that_another_process_answers_is_left_alone(stack: DeskStack):
    async with other_process(stack, "think", "slow") as (process, said):
        assert said == "thinking"
        async with talking(stack.client, stack.home) as chat:
            first = await chat.latest()
            assert [m.role for m in await chat.transcript(first)] == ["person"]
            await chat.settle_waiting()
            assert "BTC/USD" in (await say(chat, "btc price", await chat.create("ask"))).answer
            assert _turns(stack.home) == ["running", "done"]
            process.send_signal(signal.SIGUSR1)
            assert process.stdout is not None
            assert (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip() == "answered"
            assert [m.role for m in await chat.transcript(first)] == ["person", "assistant"]


async def test_a_turn_is_taken_up_as_soon_as_its_process_is_gone(stack: DeskStack):
    async with talking(stack.client, stack.home) as chat:
        async with other_process(stack, "think", "slow") as (process, _):
            await chat.settle_waiting()
            assert _turns(stack.home) == ["running"]
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await chat.settle_waiting()
        assert _turns(stack.home) == ["interrupted"]
        assert "The app stopped" in (await chat.transcript(await chat.latest()))[-1].text


async def test_a_card_of_a_living_process_is_settled_by_it_alone(stack: DeskStack):
    async with (
        other_process(stack, "buy $25 of btc", "hold") as (process, proposal),
        talking(stack.client, stack.home) as chat,
    ):
        await approve(stack, proposal)
        assert await chat.settle(proposal) is False
        assert _turns(stack.home) == ["waiting"]
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert await chat.settle(proposal) is True
        assert "is filled" in (await chat.transcript(await chat.latest()))[-1].text


async def test_a_card_left_by_a_process_that_ended_well_is_settled_by_the_one_that_stays(stack: DeskStack):
    async with talking(stack.client, stack.home) as app:
        async with talking(stack.client, stack.home) as ask:
            (proposal,) = (await say(ask, "buy $25 of btc", await ask.create("ask"))).proposals
            await approve(stack, proposal)
            assert await app.settle(proposal) is False
        await settled(app, proposal)
        assert _turns(stack.home) == ["done"]


async def test_what_another_process_found_out_counts_as_evidence(stack: DeskStack):
    async with talking(stack.client, stack.home) as app, talking(stack.client, stack.home) as chat:
        conversation = await app.latest()
        await say(app, "hi", conversation)
        await say(chat, "my lucky number is 987654, btc price", conversation)
        evidence = await app._runner._evidence.of(conversation)
        assert {"987654"} <= {str(number) for number in evidence.numbers}
        assert len(evidence.numbers) > 5


def test_an_owner_is_alone_seen_by_others_and_leaves_nothing(tmp_path: Path):
    with owning(tmp_path / "owners", "a") as first:
        with owning(tmp_path / "owners", "b") as second:
            assert first.is_alive("b")
            assert second.is_alive("a")
            with pytest.raises(ConflictError), owning(tmp_path / "owners", "a"):
                pass
        assert not first.is_alive("b")
    assert list((tmp_path / "owners").iterdir()) == []


async def test_a_store_of_the_first_release_is_migrated(stack: DeskStack):
    path = stack.home / "state" / "app.sqlite"
    async with talking(stack.client, stack.home) as chat:
        await say(chat, "hi")
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE turns DROP COLUMN owner")
        connection.execute("UPDATE turns SET state = 'running'")
        connection.execute("PRAGMA user_version = 1")
    async with talking(stack.client, stack.home) as chat:
        assert [m.role for m in await chat.transcript(await chat.latest())] == [
            "person",
            "assistant",
            "notice",
        ]
        await say(chat, "hi")
    assert _turns(stack.home) == ["interrupted", "done"]
