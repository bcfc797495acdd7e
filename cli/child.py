"""One child process: started, watched until ready, its output captured, stopped in bounded time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.capture import RotatingLog
from cli.model_key import without_keys
from domain.errors import BadInputError, ConflictError, MatrixError, UnreachableError

READY_S = 60.0
STOP_S = 10.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPlan:
    """How to start a process: `arguments` stand behind `python -m cli`, `is_ready` may block briefly."""

    name: str
    arguments: Callable[[], Sequence[str]]
    is_ready: Callable[[int], bool]
    """Gets the child's process id: an address file left behind by another process is not ours."""
    after: tuple[str, ...] = ()
    """Names of the children that must be ready before this one is started."""
    holds_model_key: bool = False


class Child:
    """A running child. Its standard input is a pipe that only we hold: when we die, it reads its end."""

    def __init__(self, plan: ChildPlan, logs: Path) -> None:
        self.plan = plan
        self._log = RotatingLog(logs / f"{plan.name}.out.log")
        self._process: asyncio.subprocess.Process | None = None
        self._copying: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Return the process id, None while it does not run."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    async def start(self) -> None:
        """Start and wait until ready; raises what the child itself reported, or `UnreachableError`."""
        # -P: a folder named `cli` where the person happens to stand must not be imported instead.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "cli",
            *self.plan.arguments(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(os.environ) if self.plan.holds_model_key else without_keys(os.environ),
            start_new_session=True,  # Ctrl-C reaches only the supervisor, which stops all in order
        )
        self._copying = asyncio.create_task(self._copy(self._process))
        deadline = time.monotonic() + READY_S
        while self._process.returncode is None:
            if await asyncio.to_thread(self.plan.is_ready, self._process.pid):
                return
            if time.monotonic() > deadline:
                await self.stop()
                raise self._failure(f"the {self.plan.name} was not ready within {READY_S:.0f} s")
            await asyncio.sleep(_POLL_S)
        await self._copying
        raise self._failure(f"the {self.plan.name} ended at its start (exit code {self._process.returncode})")

    async def wait(self) -> int:
        """Return the exit code when the process has ended."""
        assert self._process is not None, "wait() before start()"
        return await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end, and end it after `STOP_S` if it does not."""
        process = self._process
        if process is not None:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
                try:
                    await asyncio.wait_for(process.wait(), STOP_S)
                except TimeoutError:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
            if process.stdin is not None:
                process.stdin.close()
        if self._copying is not None:
            await self._copying
            self._copying = None

    def close(self) -> None:
        """Close the log; the child must have been stopped."""
        self._log.close()

    async def _copy(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None, "started with a pipe"
        while data := await process.stdout.read(65_536):
            self._log.write(data)

    def _failure(self, what: str) -> MatrixError:
        lines = [line for line in self._log.last_lines(12) if line.strip()]
        for line in reversed(lines):
            reported = _reported(line, self._process.returncode if self._process else None)
            if reported is not None:
                return reported
        said = f"; it said: {' | '.join(lines[-6:])}" if lines else ""
        return UnreachableError(
            "CHILD_FAILED", f"{what}{said}", "Run `matrix doctor`, and look into the home's logs/."
        )


def _reported(line: str, code: int | None) -> MatrixError | None:
    """Read the `{"error": ...}` line that a command prints with `--json`; the exit code tells its kind."""
    if not line.startswith('{"error":'):
        return None
    try:
        error = json.loads(line)["error"]
        texts = [str(error[key]) for key in ("code", "message", "cure")]
    except (ValueError, KeyError, TypeError):
        return None
    kind = {2: BadInputError, 3: UnreachableError}.get(code or 0, ConflictError)
    return kind(*texts)
