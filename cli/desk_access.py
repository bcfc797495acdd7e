"""Short-lived connections to the running desk: one to read and propose, one that speaks for the person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from desk.client import DeskClient
    from desk.person_client import PersonClient

Result = TypeVar("Result")


@asynccontextmanager
async def reader(home: Path) -> AsyncIterator[DeskClient]:
    """Yield a client that may read and propose; raises `UnreachableError` when no desk runs."""
    from desk.client import DeskClient

    client = DeskClient.from_home(home)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def person(home: Path) -> AsyncIterator[PersonClient]:
    """Yield the person's channel; raises `UnreachableError` when no desk runs."""
    from desk.person_client import PersonClient

    client = PersonClient.from_home(home)
    try:
        yield client
    finally:
        await client.close()


def as_reader(home: Path, work: Callable[[DeskClient], Coroutine[Any, Any, Result]]) -> Result:
    """Run `work` with a reading client and return its result."""

    async def call() -> Result:
        async with reader(home) as client:
            return await work(client)

    return asyncio.run(call())


def as_person(home: Path, work: Callable[[PersonClient], Coroutine[Any, Any, Result]]) -> Result:
    """Run `work` with the person's channel and return its result."""

    async def call() -> Result:
        async with person(home) as client:
            return await work(client)

    return asyncio.run(call())
