"""Starts the processes of the house in order, restarts what dies, and stops all in reverse order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.child import Child, ChildPlan
from domain.errors import MatrixError, UnreachableError
from loopback.files import write_private

BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Waits before the restarts of a child that keeps dying; after the last one we give up."""
STEADY_S = 60.0
"""A child that lived this long counts as healthy again."""

Say = Callable[[str], None]


class Supervisor:
    """Keeps the children of one home alive. `say` gets remarks for the person."""

    def __init__(self, plans: Sequence[ChildPlan], home: Path, say: Say) -> None:
        self._home = home
        self._say = say
        self._children = [Child(plan, home / "logs") for plan in plans]
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Start the children, each after those it needs; when one fails, stop all and raise its error."""
        ready = {child.plan.name: asyncio.Event() for child in self._children}
        starts = [asyncio.create_task(self._start_one(child, ready)) for child in self._children]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)
            await self.stop()
            raise

    async def _start_one(self, child: Child, ready: Mapping[str, asyncio.Event]) -> None:
        for name in child.plan.after:
            if name in ready:
                await ready[name].wait()
        await child.start()
        ready[child.plan.name].set()
        self._note()

    async def stop(self) -> None:
        """Stop the children, last started first."""
        self._stopping.set()
        while self._children:
            child = self._children[-1]
            await child.stop()
            child.close()
            self._children.pop()
        (self._home / "run" / "up.json").unlink(missing_ok=True)

    async def keep(self) -> None:
        """Restart what dies until `request_stop`; raises `UnreachableError` for a child that keeps dying."""
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(self._stopping.wait())]
        tasks += [asyncio.create_task(self._watch(child)) for child in self._children]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def request_stop(self) -> None:
        """Let `keep` return; safe from a signal handler of the loop."""
        self._stopping.set()

    async def _watch(self, child: Child) -> None:
        deaths = 0
        started = time.monotonic()
        while True:
            code = await child.wait()
            lived = time.monotonic() - started
            deaths = 1 if lived > STEADY_S else deaths + 1
            if deaths > len(BACKOFF_S):
                raise UnreachableError(
                    "CHILD_KEEPS_DYING",
                    f"the {child.plan.name} ended {deaths} times in a row (last exit code {code})",
                    f"Look into {self._home / 'logs'}, then run `matrix doctor`.",
                )
            pause = BACKOFF_S[deaths - 1]
            self._say(f"the {child.plan.name} ended (exit code {code}); starting it again in {pause} s")
            await asyncio.sleep(pause)
            started = time.monotonic()
            try:
                await child.start()
            except MatrixError as error:
                self._say(f"the {child.plan.name} did not start: {error}")
            else:
                self._say(f"the {child.plan.name} is back")
            self._note()

    def _note(self) -> None:
        children = {child.plan.name: child.pid for child in self._children}
        text = json.dumps({"pid": os.getpid(), "children": children})
        write_private(self._home / "run" / "up.json", text)


async def supervise(supervisor: Supervisor, on_ready: Callable[[], Awaitable[None]]) -> bool:
    """Start, call `on_ready`, and run until SIGINT, SIGTERM or SIGHUP; always stops the children.

    Returns False when a signal came before all were ready. Raises the error of a child that cannot run.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None, "runs as a task"
    _handle(loop, task.cancel)  # a start that is under way is given up too
    try:
        await supervisor.start()
        _handle(loop, supervisor.request_stop)
        await on_ready()
        await supervisor.keep()
    except asyncio.CancelledError:
        return False
    finally:
        _handle(loop, _already_stopping)
        await supervisor.stop()
    return True


def _handle(loop: asyncio.AbstractEventLoop, action: Callable[[], object]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, action)


def _already_stopping() -> None:
    """Ignore further signals: the stop has its own time limits."""
