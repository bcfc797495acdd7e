"""Processes that end or are killed with -9 at the worst moments: nothing is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

from loopback.serve import serving
from tests.agent_graph.chat import approve, other_process, say, settled, talk_in_a_process, talking, turns
from tests.stack import DeskStack


async def test_killed_while_a_card_waits_the_approval_still_gets_its_answer(stack: DeskStack):
    async with serving(stack.app) as url:
        process = await talk_in_a_process(url, stack.home, "buy $25 of btc", "hold")
        assert process.stdout is not None
        proposal = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await approve(stack, proposal)
    async with talking(stack.client, stack.home) as chat:
        transcript = await chat.transcript(await chat.latest())
        assert "is filled" in transcript[-1].text
        assert transcript[-1].role == "assistant"
        assert await chat.settle(proposal) is False
    assert len((await stack.client.read("/orders", state="all"))["orders"]) == 1


async def test_killed_while_thinking_the_turn_is_closed_with_a_notice(stack: DeskStack):
    async with serving(stack.app) as url:
        process = await talk_in_a_process(url, stack.home, "hi there", "die")
        assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
    async with talking(stack.client, stack.home) as chat:
        transcript = await chat.transcript(await chat.latest())
        assert [m.role for m in transcript] == ["person", "notice"]
        assert "The app stopped while I was answering" in transcript[-1].text
    async with talking(stack.client, stack.home) as chat:
        assert len(await chat.transcript(await chat.latest())) == 2


async def test_killed_right_after_the_desk_took_the_proposal_the_card_is_found_again(stack: DeskStack):
    victim: list[int] = []
    async with serving(_kill_after_proposal(stack.app, victim.pop)) as url:
        process = await talk_in_a_process(url, stack.home, "buy $25 of btc", "hold")
        victim.append(process.pid)
        assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
    async with talking(stack.client, stack.home) as chat:
        notice = (await chat.transcript(await chat.latest()))[-1]
        assert "still there" in notice.text
        (proposal,) = notice.proposals
        await approve(stack, proposal)
        assert await chat.settle(proposal) is True
        assert "is filled" in (await chat.transcript(await chat.latest()))[-1].text
    assert len((await stack.client.read("/orders", state="all"))["orders"]) == 1


async def test_a_card_of_a_living_process_is_settled_by_it_alone(stack: DeskStack):
    async with (
        other_process(stack, stack.home, "buy $25 of btc", "hold") as (process, proposal),
        talking(stack.client, stack.home) as chat,
    ):
        await approve(stack, proposal)
        assert await chat.settle(proposal) is False
        assert turns(stack.home) == ["waiting"]
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
        assert turns(stack.home) == ["done"]


def _kill_after_proposal(app: Any, victim: Callable[[], int]) -> Any:
    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        async def quiet(message: Any) -> None:
            if scope["path"] == "/proposals" and message["type"] == "http.response.start":
                os.kill(victim(), signal.SIGKILL)
            await send(message)

        await app(scope, receive, quiet if scope["method"] == "POST" else send)

    return wrapped
