"""`matrix ask` and `matrix chat`: the conversation in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cli import command
from cli.command import Context, Subparsers
from cli.exits import Exit
from domain.errors import BadInputError

if TYPE_CHECKING:
    from agent_graph.turn import TurnResult
    from cli.talking import Talking

_MAX_FILE = 1_000_000
_ENDS_WITH_US = (
    "  The desk was started for this command and ends with it, and so does this card.\n"
    "  To trade, run `matrix up` first and ask again, or talk with `matrix chat`."
)


def register(commands: Subparsers) -> None:
    """Add `ask` and `chat`."""
    ask = command.add(commands, "ask", run_ask, "ask one question, or one a line of a file")
    ask.add_argument("question", nargs="?", metavar="TEXT")
    ask.add_argument(
        "--file", type=Path, metavar="FILE", help="a question a line, each in a fresh conversation"
    )
    command.add(commands, "chat", run_chat, "talk; goes on with the latest conversation, Ctrl-D ends")


def run_ask(context: Context) -> int:
    """Answer one question or a file of them; starts what is not running and stops what it started."""
    import asyncio

    return asyncio.run(_ask(context, _questions(context)))


def run_chat(context: Context) -> int:
    """Talk until Ctrl-D."""
    import asyncio

    from cli.chat_loop import ChatLoop
    from cli.talking import talking

    async def converse() -> int:
        async with talking(context) as opened:
            return await ChatLoop(context, opened.conversations, opened.desk).run()

    return asyncio.run(converse())


def _questions(context: Context) -> list[str]:
    text, file = context.options.question, context.options.file
    if (text is None) == (file is None):
        raise BadInputError(
            "USAGE", "give a question or --file, one of them", 'Such as: matrix ask "btc price".'
        )
    if file is None:
        return [_not_empty(text)]
    try:
        content = sys.stdin.read(_MAX_FILE) if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            "FILE_UNREADABLE", f"{file} cannot be read: {error}", "Give a UTF-8 text file."
        ) from error
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    if not lines:
        raise BadInputError("FILE_EMPTY", f"{file} holds no question", "Write one question a line.")
    return lines


def _not_empty(text: str) -> str:
    if not text.strip():
        raise BadInputError("EMPTY_MESSAGE", "the question is empty", 'Such as: matrix ask "btc price".')
    return text


async def _ask(context: Context, questions: list[str]) -> int:
    from cli.talking import talking

    worst = Exit.OK
    async with talking(context) as opened:
        for question in questions:
            conversation = await opened.conversations.create("ask")
            handle = await opened.conversations.send(conversation, question)
            result = await handle.result()
            worst = max(worst, await _exit_of(opened, result))
            await _print_answer(context, opened, result, several=len(questions) > 1)
    return worst


async def _exit_of(opened: Talking, result: TurnResult) -> Exit:
    """Return halted when an order was asked of a halted desk, refused when the desk refused it."""
    cards = [await opened.desk.read(f"/proposals/{name}") for name in result.proposals]
    refused = [card for card in cards if card["state"] == "refused"]
    status = await opened.desk.read("/status")
    has_stopped = any(tool["name"] == "flatten_and_pause" for tool in result.tools)
    was_told = result.answer.startswith("The desk is ") and "Then ask again" in result.answer
    if status["kill_state"] != "active" and (refused or was_told) and not has_stopped:
        return Exit.HALTED
    return Exit.REFUSED if refused and not has_stopped else Exit.OK


async def _print_answer(context: Context, opened: Talking, result: TurnResult, *, several: bool) -> None:
    from cli.cards import card_text, how_to_answer

    lines = [f"> {result.question}"] if several else []
    lines += [result.answer]
    if not context.terminal.as_json:
        for proposal_id in result.proposals:
            proposal = await opened.desk.read(f"/proposals/{proposal_id}")
            if proposal["state"] == "refused":
                continue  # the answer has named the rules and what to do
            lines += ["", card_text(proposal)]
            if proposal["state"] == "pending":
                lines += [_ENDS_WITH_US if opened.is_borrowed else how_to_answer(proposal)]
    context.terminal.data(result.as_json(), "\n".join(lines) + ("\n" if several else ""))
