"""The product as a person starts it: `matrix up` in processes of its own, and the command beside it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.app.site import free_port

START_S = 60.0


def _command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "cli", "--home", str(home), *words]


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("MATRIX_HOME", "GEMINI_", "GOOGLE_"))}


@dataclass(frozen=True, slots=True)
class House:
    """A running house on `home`; `door` is the one-time address it printed."""

    home: Path
    port: int
    door: str

    async def matrix(self, *words: str, expect: int = 0, typed: str = "") -> str:
        """Run one command to its end; return its standard output."""
        process = await asyncio.create_subprocess_exec(
            *_command(self.home, *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
        out, err = await asyncio.wait_for(process.communicate(typed.encode()), 60)
        text = out.decode()
        assert process.returncode == expect, f"{words} ended with {process.returncode}: {text}{err.decode()}"
        return text

    async def ask(self, question: str, expect: int = 0) -> dict[str, Any]:
        """Ask one question on the terminal; return its JSON."""
        return dict(json.loads(await self.matrix("--json", "ask", question, expect=expect)))

    async def pending(self) -> dict[str, Any]:
        """Return the one card that waits."""
        answer = json.loads(await self.matrix("--json", "proposals"))
        rows = answer["proposals"] if isinstance(answer, dict) else answer
        (card,) = rows
        return dict(card)

    async def approve(self) -> dict[str, Any]:
        """Approve the one card that waits; return the settled proposal."""
        card = await self.pending()
        text = await self.matrix("--json", "approve", card["id"], "--digest", card["digest"])
        return dict(json.loads(text))

    async def url(self) -> str:
        """Return a fresh one-time address."""
        return (await self.matrix("url")).strip()


@asynccontextmanager
async def house_up(home: Path, *options: str) -> AsyncIterator[House]:
    """Start everything with one command, and stop it as Ctrl-C would."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *_command(home, "up", "--port", str(port), *options),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(),
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        assert line, "the house did not start"
        yield House(home, port, line.decode().strip())
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
