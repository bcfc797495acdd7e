"""Opens what a conversation in this process needs: a desk, the store of the home, a model."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import SystemRandom
from typing import TYPE_CHECKING

from cli.command import Context
from cli.desk_access import reader
from cli.home import check_limits, prepare
from cli.model_key import gemini_key
from cli.running_desk import desk_for
from desk import settings
from domain.clock import SystemClock
from domain.ids import IdSource

if TYPE_CHECKING:
    from agent_graph.conversations import Conversations
    from desk.client import DeskClient


@asynccontextmanager
async def talking(context: Context) -> AsyncIterator[tuple[Conversations, DeskClient]]:
    """Yield the conversations of the home and a reading client; ends what was started for it."""
    from agent_graph.conversations import Conversations
    from agent_graph.models import make_model

    home = context.home
    prepare(home)
    configured = settings.load(home)
    check_limits(home)
    async with desk_for(home, configured, context.terminal.talk), reader(home) as desk:
        clock = SystemClock()
        conversations = await Conversations.open(
            db_path=home / "state" / "app.sqlite",
            desk=desk,
            model=make_model(configured.model, gemini_key=gemini_key(os.environ)),
            clock=clock,
            ids=IdSource(clock, SystemRandom()),
        )
        try:
            yield conversations, desk
        finally:
            await conversations.close()
