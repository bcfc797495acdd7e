"""The app's line to the desk, which finds the desk again after either of them restarted.

A restarted desk has another port and new tokens. Both stand in files, so a call that cannot be made, or
is refused for its token, is made once more when those files changed. That repeats no effect: a refused
call did nothing, and proposing carries a `request_id` that the desk answers from its record.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from desk.client import DeskClient, DeskEvent, Json
from domain.errors import MatrixError, UnreachableError

T = TypeVar("T")


def fingerprint(home: Path, scopes: tuple[str, ...]) -> tuple[int, ...]:
    """Return a value that changes when the desk of `home` started again."""
    files = [home / "run" / "desk.json", *(home / "run" / "tokens" / scope for scope in scopes)]
    try:
        return tuple(path.stat().st_mtime_ns for path in files)
    except OSError:
        return ()


def is_stale(error: MatrixError) -> bool:
    """Say whether an error may only mean that the desk started again."""
    return isinstance(error, UnreachableError) or error.code in {
        "HTTP_401",
        "NO_TOKEN",
        "BAD_TOKEN",
        "UNAUTHORIZED",
    }


class DeskLink(DeskClient):
    """A `DeskClient` that outlives the desk."""

    def __init__(self, home: Path) -> None:
        # The parent's connections are made on first use, by `_current`.
        self._home = home
        self._inner: DeskClient | None = None
        self._seen: tuple[int, ...] = ()

    async def close(self) -> None:
        """Close the connection."""
        if self._inner is not None:
            await self._inner.close()
            self._inner = None

    async def read(self, path: str, **params: object | None) -> Json:
        """Call a read route."""
        return await self._with_retry(lambda desk: desk.read(path, **params))

    async def propose(self, path: str, body: Json) -> Json:
        """Call a propose route."""
        return await self._with_retry(lambda desk: desk.propose(path, body))

    async def events(self) -> AsyncIterator[DeskEvent]:
        """Yield the desk's events until the connection ends."""
        desk = await self._current()
        async for event in desk.events():
            yield event

    async def _current(self) -> DeskClient:
        seen = fingerprint(self._home, ("read", "propose"))
        old = self._inner
        if old is not None and seen == self._seen:
            return old
        fresh = DeskClient.from_home(self._home)
        self._inner, self._seen = fresh, seen
        if old is not None:
            await old.close()
        return fresh

    async def _with_retry(self, call: Callable[[DeskClient], Awaitable[T]]) -> T:
        try:
            return await call(await self._current())
        except MatrixError as error:
            if not is_stale(error) or fingerprint(self._home, ("read", "propose")) == self._seen:
                raise
        return await call(await self._current())
