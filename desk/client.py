"""The desk's API from outside: what the conversation, the web app and the commands call.

Shapes are in `docs/desk-api.md`. `DeskClient` opens the read and propose tokens only; the person's
channel is `desk.person_client`, which the conversation cannot reach.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from domain.errors import (
    BadInputError,
    ConflictError,
    ExpiredError,
    LockedError,
    MatrixError,
    NotFoundError,
    UnreachableError,
    VenueError,
)

Json = dict[str, Any]

_BY_STATUS: dict[int, type[MatrixError]] = {
    400: BadInputError,
    404: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
    401: UnreachableError,
    423: LockedError,
    502: VenueError,
    503: UnreachableError,
}
_NOT_RUNNING = ("DESK_UNREACHABLE", "the desk does not answer", "Start it with `make run` or `matrix up`.")


@dataclass(frozen=True, slots=True)
class DeskEvent:
    """One server-sent event."""

    name: str
    data: Json


class DeskConnection:
    """One kept-alive connection with one bearer token. Raises the tree of `domain.errors`."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, params: Mapping[str, object | None] | None = None) -> Json:
        """Read; parameters that are None are left out."""
        query = {k: str(v) for k, v in (params or {}).items() if v is not None}
        return await self._send("GET", path, params=query)

    async def post(self, path: str, body: Json) -> Json:
        """Write; keys whose value is None are left out."""
        return await self._send("POST", path, json={k: v for k, v in body.items() if v is not None})

    async def _send(self, method: str, path: str, **more: Any) -> Json:
        try:
            reply = await self._http.request(method, path, headers=self._headers, **more)
        except httpx.HTTPError as error:
            raise UnreachableError(*_NOT_RUNNING) from error
        return _judge(reply)

    async def events(self) -> AsyncIterator[DeskEvent]:
        """Yield events until the connection ends; raises `UnreachableError` when it cannot be made."""
        timeout = httpx.Timeout(5.0, read=30.0)
        try:
            async with self._http.stream("GET", "/events", headers=self._headers, timeout=timeout) as reply:
                if reply.status_code != 200:
                    await reply.aread()
                    _judge(reply)
                name = ""
                async for line in reply.aiter_lines():
                    if line.startswith("event: "):
                        name = line[7:]
                    elif line.startswith("data: "):
                        yield DeskEvent(name, json.loads(line[6:]))
        except httpx.HTTPError as error:
            raise UnreachableError(*_NOT_RUNNING) from error


def _judge(reply: httpx.Response) -> Json:
    try:
        body = reply.json()
    except ValueError:
        body = {}
    if reply.status_code < 300:
        return dict(body)
    error = body.get("error", {}) if isinstance(body, dict) else {}
    kind = _BY_STATUS.get(reply.status_code, MatrixError)
    raise kind(
        str(error.get("code", f"HTTP_{reply.status_code}")),
        str(error.get("message", f"the desk answered {reply.status_code}")),
        str(error.get("cure", "")),
    )


def open_http(url: str, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return an HTTP client for the desk: loopback only, no proxies, no redirects."""
    return httpx.AsyncClient(
        base_url=url, timeout=httpx.Timeout(20.0, connect=3.0), trust_env=False, transport=transport
    )


def desk_url(home: Path) -> str:
    """Return the running desk's address from `run/desk.json`; raises `UnreachableError`."""
    try:
        return str(json.loads((home / "run" / "desk.json").read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError) as error:
        raise UnreachableError(*_NOT_RUNNING) from error


def read_token(home: Path, scope: str) -> str:
    """Return the token of `scope`; raises `UnreachableError`."""
    try:
        return (home / "run" / "tokens" / scope).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UnreachableError(*_NOT_RUNNING) from error


class DeskClient:
    """Read and propose. One method a tool needs; each returns the JSON of `docs/desk-api.md`."""

    def __init__(self, http: httpx.AsyncClient, *, read: str, propose: str) -> None:
        self._http = http
        self._read = DeskConnection(http, read)
        self._propose = DeskConnection(http, propose)

    @classmethod
    def from_home(cls, home: Path) -> Self:
        """Connect to the desk running on `home`."""
        http = open_http(desk_url(home))
        return cls(http, read=read_token(home, "read"), propose=read_token(home, "propose"))

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def read(self, path: str, **params: object | None) -> Json:
        """Call a read route, such as `read("/prices", symbol="btcusd")`."""
        return await self._read.get(path, params)

    async def propose(self, path: str, body: Json) -> Json:
        """Call a propose route, such as `propose("/proposals", {...})`."""
        return await self._propose.post(path, body)

    def events(self) -> AsyncIterator[DeskEvent]:
        """Yield the desk's events until the connection ends."""
        return self._read.events()
