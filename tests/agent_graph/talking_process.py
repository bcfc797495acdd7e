"""A process of its own that holds a conversation: `DESK_URL HOME TEXT HOW`.

HOW is `hold` (say TEXT, print the cards, stay), `die` (killed while thinking) or `slow` (thinks until
SIGUSR1).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from langchain_core.messages import AIMessage, BaseMessage

from agent_graph.models.scripted import ScriptedModel
from desk.client import DeskClient, open_http
from tests.agent_graph.chat import say, talking
from tests.stack import TOKENS


def _dies(_messages: Sequence[BaseMessage]) -> AIMessage:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def _thinks(_messages: Sequence[BaseMessage]) -> AIMessage:
    sys.stdout.write("thinking\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGUSR1})
    return AIMessage("That took a while.")


_SCRIPTS = {"die": _dies, "slow": _thinks}


async def _main(url: str, home: Path, text: str, how: str) -> None:
    desk = DeskClient(open_http(url), read=TOKENS["read"], propose=TOKENS["propose"])
    model = ScriptedModel(_SCRIPTS[how]) if how in _SCRIPTS else None
    async with talking(desk, home, model) as chat:
        result = await say(chat, text)
        sys.stdout.write(f"{' '.join(result.proposals) or 'answered'}\n")
        sys.stdout.flush()
        await asyncio.sleep(60)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4]))
