"""The desk's process: `matrix desk`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
from contextlib import suppress
from dataclasses import replace
from logging.handlers import RotatingFileHandler
from pathlib import Path
from random import SystemRandom

from desk.api import SCOPES, build_api
from desk.limit_file import read_limits
from desk.running import Running
from desk.settings import Settings, load
from desk.wiring import assemble, venue_of
from domain.clock import Clock, SystemClock, rfc3339
from domain.errors import BadInputError
from guardrails import redactor
from guardrails.snapshot import Mode
from loopback import serve
from loopback.files import only_one, private_dir, write_private
from loopback.guard import RequestGuard

_RANK = {Mode.PAPER: 0, Mode.SANDBOX: 1, Mode.LIVE: 2}


def settings_for(home: Path, mode: str | None) -> Settings:
    """Return the settings with `mode` lowered if asked; raising it here is refused."""
    settings = load(home)
    if mode is None:
        return settings
    wanted = Mode(mode)
    if _RANK[wanted] > _RANK[settings.mode]:
        raise BadInputError(
            "MODE_RAISED",
            f"--mode {wanted.value} is above the configured mode {settings.mode.value}",
            "A command may only lower the mode; raise it in matrix.toml.",
        )
    return replace(settings, mode=wanted)


def write_tokens(home: Path) -> dict[str, str]:
    """Make the tokens of this start, one file a scope, 0600."""
    folder = private_dir(home / "run" / "tokens")
    tokens = {scope: secrets.token_urlsafe(32) for scope in SCOPES}
    for scope, token in tokens.items():
        write_private(folder / scope, token + "\n")
    return tokens


def main(*, home: Path, mode: str | None = None, port: int = 0) -> int:
    """Run the desk on `home` until SIGTERM or SIGINT; returns the exit code."""
    os.umask(0o077)
    private_dir(home)
    for name in ("run", "state", "journal", "logs"):
        private_dir(home / name)
    settings = settings_for(home, mode)
    read_limits(home)
    with only_one(home / "run" / "desk.lock", "a desk"):
        asyncio.run(_run(home, settings, port))
    return 0


async def _run(home: Path, settings: Settings, port: int) -> None:
    clock = SystemClock()
    venue = venue_of(home, settings.mode)
    tokens = write_tokens(home)
    known = [venue.secret, *tokens.values()]
    _log_to(home / "logs" / "desk.log", known, clock)
    assembly = assemble(
        home, settings, venue, clock=clock, random=SystemRandom(), secrets=list(tokens.values())
    )
    running = Running(assembly)
    sock = serve.bind(port)
    chosen = sock.getsockname()[1]
    hosts = frozenset({f"127.0.0.1:{chosen}", f"localhost:{chosen}"})
    app = RequestGuard(build_api(assembly.desk, tokens), lambda: hosts)
    where = home / "run" / "desk.json"
    await running.start()
    try:
        address = {"url": f"http://127.0.0.1:{chosen}", "pid": os.getpid()}
        await serve.serve(app, sock, on_ready=lambda: write_private(where, json.dumps(address) + "\n"))
    finally:
        with suppress(FileNotFoundError):
            where.unlink()
        await running.stop()


class _JsonLines(logging.Formatter):
    """One redacted JSON object a line."""

    def __init__(self, known: list[str], clock: Clock) -> None:
        super().__init__()
        self._known = known
        self._clock = clock

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return json.dumps(
            {
                "ts": rfc3339(self._clock.now()),
                "level": record.levelname.lower(),
                "logger": record.name,
                "text": redactor.redact(text, self._known),
            }
        )


def _log_to(path: Path, known: list[str], clock: Clock) -> None:
    handler = RotatingFileHandler(path, maxBytes=2_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(_JsonLines(known, clock))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
