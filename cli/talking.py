"""Opens what a conversation in this process needs: a desk, the store of the home, a model."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING

from cli.command import Context
from cli.desk_access import reader
from cli.home import check_limits, prepare
from cli.log_file import logging_to
from cli.model_key import gemini_key
from cli.running_desk import desk_for
from desk import settings
from domain.clock import SystemClock
from domain.ids import IdSource

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from agent_graph.conversations import Conversations
    from desk.client import DeskClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Talking:
    """The conversations, a reading client, and whether the desk ends with this command."""

    conversations: Conversations
    desk: DeskClient
    is_borrowed: bool


def _load() -> tuple[type[Conversations], Callable[..., BaseChatModel]]:
    """Import the conversation's libraries, which takes a while: best done while a desk starts."""
    from agent_graph.conversations import Conversations
    from agent_graph.models import make_model

    return Conversations, make_model


@asynccontextmanager
async def talking(context: Context) -> AsyncIterator[Talking]:
    """Open a conversation's needs on the home; ends what was started for it."""
    home = context.home
    prepare(home)
    configured = settings.load(home)
    check_limits(home)
    async with AsyncExitStack() as stack:
        stack.enter_context(logging_to(home / "logs" / "cli.log"))
        loading = asyncio.create_task(asyncio.to_thread(_load))
        is_borrowed = await stack.enter_async_context(desk_for(home, configured, context.terminal.talk))
        conversations_class, make_model = await loading
        desk = await stack.enter_async_context(reader(home))
        clock = SystemClock()
        conversations = await conversations_class.open(
            db_path=home / "state" / "app.sqlite",
            desk=desk,
            model=make_model(configured.model, gemini_key=gemini_key(os.environ)),
            clock=clock,
            ids=IdSource(clock, SystemRandom()),
        )
        stack.push_async_callback(conversations.close)
        yield Talking(conversations=conversations, desk=desk, is_borrowed=is_borrowed)
