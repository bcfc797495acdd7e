"""Conversations on the real desk, and scripts for hostile models."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agent_graph.conversations import Conversations
from agent_graph.framing import unframe
from agent_graph.models.offline.planner import OfflinePlanner
from agent_graph.models.scripted import ScriptedModel
from agent_graph.turn import TurnResult
from desk.client import DeskClient
from domain.clock import SystemClock
from domain.ids import IdSource
from loopback.serve import serving
from tests.stack import DeskStack

_numbers = itertools.count(1)


@asynccontextmanager
async def talking(
    desk: DeskClient, home: Path, model: BaseChatModel | None = None
) -> AsyncIterator[Conversations]:
    """Conversations on `home`; closed at the end."""
    clock = SystemClock()
    opened = await Conversations.open(
        db_path=home / "state" / "app.sqlite",
        desk=desk,
        model=model or OfflinePlanner(),
        clock=clock,
        ids=IdSource(clock, Random(next(_numbers))),
    )
    try:
        yield opened
    finally:
        await opened.close()


async def say(chat: Conversations, text: str, conversation: str | None = None) -> TurnResult:
    """Send one message and wait for its answer."""
    handle = await chat.send(conversation or await chat.latest(), text)
    return await handle.result()


def call(name: str, text: str = "", **args: object) -> AIMessage:
    """A model's message with one tool call."""
    return calls((name, args), text=text)


def calls(*made: tuple[str, dict[str, object]], text: str = "") -> AIMessage:
    """A model's message with several tool calls."""
    listed = [
        {"id": f"c{next(_numbers)}", "name": name, "args": args, "type": "tool_call"} for name, args in made
    ]
    return AIMessage(text, tool_calls=listed)


def results(messages: Sequence[BaseMessage]) -> list[Any]:
    """What the tools of this turn answered."""
    return [unframe(str(message.text)) for message in messages if isinstance(message, ToolMessage)]


def scripted(*steps: AIMessage) -> ScriptedModel:
    """A model that says these things by the number of tool results it sees, and repeats the last."""

    def script(messages: Sequence[BaseMessage]) -> AIMessage:
        seen = sum(isinstance(m, AIMessage) and bool(m.tool_calls) for m in messages)
        return steps[min(seen, len(steps) - 1)].model_copy(deep=True)

    return ScriptedModel(script)


async def approve(stack: DeskStack, proposal_id: str) -> dict[str, Any]:
    """The person's click; returns the settled proposal."""
    card = await stack.client.read(f"/proposals/{proposal_id}")
    return await stack.person.approve(proposal_id, card["digest"])


async def settled(chat: Conversations, proposal_id: str) -> None:
    """Call `settle` until the turn went on."""
    gone: list[bool] = []

    async def once() -> None:
        gone.append(await chat.settle(proposal_id))

    for _ in range(200):
        await once()
        if gone[-1]:
            return
        await until_a_moment_later()
    raise AssertionError(f"{proposal_id} was never settled")


async def until_a_moment_later() -> None:
    """Give the desk time."""
    await asyncio.sleep(0.05)


@asynccontextmanager
async def other_process(
    stack: DeskStack, home: Path, text: str, how: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A process that holds a conversation open, and the first line it printed; ended with the block."""
    async with serving(stack.app) as url:
        process = await talk_in_a_process(url, home, text, how)
        assert process.stdout is not None
        try:
            yield process, (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()


async def talk_in_a_process(url: str, home: Path, text: str, how: str) -> asyncio.subprocess.Process:
    """Start `talking_process` on `home`."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.agent_graph.talking_process",
        url,
        str(home),
        text,
        how,
        stdout=asyncio.subprocess.PIPE,
    )


def turns(home: Path) -> list[str]:
    """The states of all turns in a home's store, in the order they began."""
    with sqlite3.connect(home / "state" / "app.sqlite") as connection:
        return [row[0] for row in connection.execute("SELECT state FROM turns ORDER BY rowid")]
