"""Killed with -9 at the worst moments: nothing is lost, nothing happens twice, the person is told."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from loopback.serve import serving
from tests.agent_graph.chat import approve, talking
from tests.stack import DeskStack


async def talk_in_a_process(url: str, stack: DeskStack, text: str, how: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.agent_graph.talking_process",
        url,
        str(stack.home),
        text,
        how,
        stdout=asyncio.subprocess.PIPE,
    )


async def test_killed_while_a_card_waits_the_approval_still_gets_its_answer(stack: DeskStack):
    async with serving(stack.app) as url:
        process = await talk_in_a_process(url, stack, "buy $25 of btc", "hold")
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
        process = await talk_in_a_process(url, stack, "hi there", "die")
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
        process = await talk_in_a_process(url, stack, "buy $25 of btc", "hold")
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


def _kill_after_proposal(app: Any, victim: Callable[[], int]) -> Any:
    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        async def quiet(message: Any) -> None:
            if scope["path"] == "/proposals" and message["type"] == "http.response.start":
                os.kill(victim(), signal.SIGKILL)
            await send(message)

        await app(scope, receive, quiet if scope["method"] == "POST" else send)

    return wrapped
