"""The person's own clicks: approve, edit, reject, cancel, kill and release.

The only file of the app that opens the person's channel. Nothing here is a Gradio event, nothing waits
in a queue, and a body carries no more than the desk's contract takes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from app.desk_link import fingerprint, is_stale
from app.live import Json
from desk.person_client import PersonClient
from domain.errors import MatrixError

Taken = Callable[[Json], None]
"""Called with each proposal that an answer brings, so that every page shows it at once."""

_Id = Field(min_length=1, max_length=64)
_Number = Field(default=None, min_length=1, max_length=26)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ApproveBody(_Body):
    """What was read and agreed to."""

    id: str = _Id
    digest: str = Field(min_length=64, max_length=64)


class RejectBody(_Body):
    """A no, with a reason if there is one."""

    id: str = _Id
    reason: str | None = Field(default=None, max_length=500)


class EditBody(_Body):
    """Another amount or price, as the person typed it; the desk judges it."""

    id: str = _Id
    amount: str | None = _Number
    price: str | None = _Number


class CancelBody(_Body):
    """One order, or all of this session without an id."""

    order_id: str | None = Field(default=None, min_length=1, max_length=64)


class KillBody(_Body):
    """`keep` cancels and halts but sells nothing."""

    keep: bool = False


class PersonLine:
    """A `PersonClient` that finds the desk again after it restarted."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._client: PersonClient | None = None
        self._seen: tuple[int, ...] = ()

    async def call(self, act: Callable[[PersonClient], Awaitable[Json]]) -> Json:
        """Carry out one act; a refused token or a dead address is tried once more on a fresh desk."""
        try:
            return await act(await self._current())
        except MatrixError as error:
            if not is_stale(error) or fingerprint(self._home, ("person",)) == self._seen:
                raise
        return await act(await self._current())

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _current(self) -> PersonClient:
        seen = fingerprint(self._home, ("person",))
        old = self._client
        if old is not None and seen == self._seen:
            return old
        fresh = PersonClient.from_home(self._home)
        self._client, self._seen = fresh, seen
        if old is not None:
            await old.close()
        return fresh


def person_router(line: PersonLine, taken: Taken) -> APIRouter:
    """Return the routes; errors of `domain.errors` become JSON in one handler of the app."""
    router = APIRouter(prefix="/api")

    async def _with_card(act: Callable[[PersonClient], Awaitable[Json]]) -> Json:
        proposal = await line.call(act)
        taken(proposal)
        return proposal

    @router.post("/approve")
    async def approve(body: ApproveBody) -> Json:
        """Say yes to exactly the shown bytes."""
        return await _with_card(lambda person: person.approve(body.id, body.digest))

    @router.post("/reject")
    async def reject(body: RejectBody) -> Json:
        """Say no."""
        return await _with_card(lambda person: person.reject(body.id, body.reason or None))

    @router.post("/edit")
    async def edit(body: EditBody) -> Json:
        """Make a new card; the old one is void."""
        return await _with_card(lambda person: person.edit(body.id, amount=body.amount, price=body.price))

    @router.post("/cancel")
    async def cancel(body: CancelBody) -> Json:
        """Cancel one order or the session's."""
        return await line.call(lambda person: person.cancel(body.order_id))

    @router.post("/kill")
    async def kill(body: KillBody) -> Json:
        """Flatten and pause, at once."""
        return await line.call(lambda person: person.kill(keep=body.keep))

    @router.post("/release")
    async def release(request: Request) -> Json:
        """Let the desk trade again."""
        await request.body()
        return await line.call(lambda person: person.release())

    return router
