"""The interactive chat.

What the model says comes from the conversation; what the person decides goes straight to the desk over
the person's own channel.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from cli.cards import DIGEST_SHOWN, Json, card_text
from cli.command import Context
from cli.decide import check_digest, proposal_id
from cli.desk_access import person
from cli.exits import Exit
from cli.output import Terminal
from domain.errors import MatrixError, UnreachableError

if TYPE_CHECKING:
    from agent_graph.conversations import Conversations
    from agent_graph.turn import TurnEvent
    from desk.client import DeskClient

SHOWN_MESSAGES = 6
_RETRY_S = 1.0
HELP = """\
/approve ID DIGEST   approve a card; DIGEST is its first eight characters or more
/reject ID [REASON]  reject a card
/stop                cancel every order, sell positions, halt the desk
/new                 begin a new conversation
/quit                end (Ctrl-D does too)"""


class Keyboard:
    """Lines that a person types, read by a thread: a blocked read must not hold up the events or the end."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="keyboard", daemon=True).start()

    async def line(self) -> str | None:
        """Return the next line, None at the end of input."""
        return await self._lines.get()

    def _read(self) -> None:
        # The bare descriptor: a thread inside a buffered reader would hold its lock when the process ends.
        pending = b""
        while data := os.read(0, 4096):
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                self._put(line.decode("utf-8", errors="replace"))
        if pending:
            self._put(pending.decode("utf-8", errors="replace"))
        self._put(None)

    def _put(self, line: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._lines.put_nowait, line)


class ChatLoop:
    """One sitting at the terminal. All that is printed of a turn comes through one subscription."""

    def __init__(self, context: Context, conversations: Conversations, desk: DeskClient) -> None:
        self._home = context.home
        self._terminal: Terminal = context.terminal
        self._conversations = conversations
        self._desk = desk
        self._conversation = ""
        self._listener: asyncio.Task[None] | None = None
        self._ended: dict[str, asyncio.Event] = {}
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "/approve": self._approve,
            "/reject": self._reject,
            "/stop": self._stop,
            "/new": self._new,
            "/help": self._help,
        }

    async def run(self) -> int:
        """Show the last messages, then read, answer and listen until the input ends."""
        latest = await self._conversations.latest("terminal", among=("web", "terminal"))
        await self._enter(latest or await self._conversations.create("terminal"))
        status = await self._desk.read("/status")
        self._terminal.talk(f"{status['mode_line']} - {status['kill_state']}. /help shows what you can type.")
        follower = asyncio.create_task(self._follow_desk(), name="follow the desk")
        keyboard = Keyboard()
        try:
            while (line := await self._next_line(keyboard)) not in {None, "/quit"}:
                if line:
                    await self._take(line)
        finally:
            tasks = [task for task in (follower, self._listener) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return Exit.OK

    async def _next_line(self, keyboard: Keyboard) -> str | None:
        if sys.stdin.isatty():
            sys.stderr.write("> ")
            sys.stderr.flush()
        line = await keyboard.line()
        return None if line is None else line.strip()

    async def _enter(self, conversation: str) -> None:
        """Show the end of a conversation and listen to it from now on."""
        self._conversation = conversation
        if self._listener is not None:
            self._listener.cancel()
        self._listener = asyncio.create_task(self._listen(conversation), name="listen")
        for message in (await self._conversations.transcript(conversation))[-SHOWN_MESSAGES:]:
            self._show(message.role, message.text)

    async def _take(self, line: str) -> None:
        """Do what one line asks; a fault is told and the sitting goes on."""
        word, _, rest = line.partition(" ")
        try:
            if word in self._commands:
                await self._commands[word](rest.strip())
            elif word.startswith("/"):
                self._terminal.talk(f"unknown command {word}\n{HELP}")
            else:
                await self._say(line)
        except MatrixError as error:
            self._terminal.failure(error)

    async def _say(self, text: str) -> None:
        handle = await self._conversations.send(self._conversation, text)
        ended = self._ended.setdefault(handle.turn_id, asyncio.Event())
        await handle.result()
        waiting = asyncio.create_task(ended.wait())
        assert self._listener is not None, "entered before anything is said"
        await asyncio.wait({waiting, self._listener}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._listener.done():
            self._listener.result()  # a fault in it ends the sitting; a feed that was cut is taken up again
            self._listener = asyncio.create_task(self._listen(self._conversation), name="listen")

    async def _listen(self, conversation: str) -> None:
        async for event in self._conversations.subscribe(conversation):
            self._print(event)
            if event.kind in {"done", "error"}:
                self._ended.setdefault(str(event.data.get("turn")), asyncio.Event()).set()

    def _print(self, event: TurnEvent) -> None:
        if self._terminal.as_json:
            shown = {"kind": str(event.kind), "text": event.text, "data": dict(event.data)}
            self._terminal.data(shown, "")
        elif event.kind == "proposal":
            self._show_proposal(event.data["proposal"], event.text)
        elif event.kind == "sentence":
            # A sentence brings its own line end along; the terminal adds one.
            self._terminal.data(None, event.text.rstrip())
        elif event.kind in {"notice", "error"}:
            self._terminal.talk(event.text)

    def _show_proposal(self, proposal: Json, outcome: str) -> None:
        if proposal["state"] == "pending":
            answer = f"{proposal['id']} {str(proposal['digest'])[:DIGEST_SHOWN]}"
            hint = f"  /approve {answer}    or    /reject {proposal['id']}"
            self._terminal.data(proposal, f"{card_text(proposal)}\n{hint}")
        elif proposal["state"] != "refused":  # the answer that follows names the rules of a refusal
            self._terminal.talk(f"* {outcome}")

    def _show(self, role: str, text: str) -> None:
        mark = {"person": "> ", "assistant": ""}.get(role, "* ")
        self._terminal.data({"role": role, "text": text}, f"{mark}{text}")

    async def _follow_desk(self) -> None:
        """Wake the conversation when its card was answered, here or on the page."""
        while True:
            with contextlib.suppress(UnreachableError):
                async for event in self._desk.events():
                    if event.name == "proposal" and event.data.get("state") != "pending":
                        await self._conversations.settle(str(event.data["id"]))
            await asyncio.sleep(_RETRY_S)

    async def _approve(self, rest: str) -> None:
        wanted, _, typed = rest.partition(" ")
        proposal = await self._desk.read(f"/proposals/{proposal_id(wanted)}")
        check_digest(proposal, typed)
        async with person(self._home) as speaking:
            await speaking.approve(wanted, proposal["digest"])

    async def _reject(self, rest: str) -> None:
        wanted, _, reason = rest.partition(" ")
        async with person(self._home) as speaking:
            await speaking.reject(proposal_id(wanted), reason.strip() or None)

    async def _stop(self, _: str) -> None:
        async with person(self._home) as speaking:
            done = await speaking.kill()
        self._terminal.talk(f"{done['kill_state']}: {len(done['cancelled'])} orders cancelled")

    async def _new(self, _: str) -> None:
        await self._enter(await self._conversations.create("terminal"))

    async def _help(self, _: str) -> None:
        self._terminal.talk(HELP)
