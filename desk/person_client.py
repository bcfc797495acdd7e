"""The person's channel to the desk: approvals, edits, kill and release.

Only web routes that serve a person's own click and the person's commands import this;
an import contract and a test keep the conversation out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import httpx

from desk.client import DeskConnection, Json, desk_url, open_http, read_token


class PersonClient:
    """What only a person may do. Each method returns the JSON of `docs/desk-api.md`."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self._http = http
        self._connection = DeskConnection(http, token)

    @classmethod
    def from_home(cls, home: Path) -> Self:
        """Connect to the desk running on `home`."""
        return cls(open_http(desk_url(home)), read_token(home, "person"))

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def approve(self, proposal_id: str, digest: str) -> Json:
        """Say yes to exactly the bytes with this digest."""
        return await self._connection.post("/approve", {"id": proposal_id, "digest": digest})

    async def reject(self, proposal_id: str, reason: str | None = None) -> Json:
        """Say no."""
        return await self._connection.post("/reject", {"id": proposal_id, "reason": reason})

    async def edit(self, proposal_id: str, *, amount: str | None = None, price: str | None = None) -> Json:
        """Make a new card with another amount or price; the old one is void."""
        return await self._connection.post("/edit", {"id": proposal_id, "amount": amount, "price": price})

    async def kill(self, *, keep: bool = False) -> Json:
        """Cancel everything, then flatten (unless `keep`), then halt."""
        return await self._connection.post("/kill", {"keep": keep})

    async def release(self) -> Json:
        """Let the desk trade again."""
        return await self._connection.post("/release", {})

    async def cancel(self, order_id: str | None = None) -> Json:
        """Cancel one order, or all of this session when no id is given."""
        body: Json = {"order_id": order_id} if order_id else {"scope": "session"}
        return await self._connection.post("/person/cancel", body)

    async def prepare_call(
        self,
        name: str,
        *,
        path: Json | None = None,
        query: Json | None = None,
        fields: Json | None = None,
        account: str | None = None,
    ) -> Json:
        """Build a call of the catalogue and see what would leave."""
        body = {"name": name, "path": path or {}, "query": query or {}, "fields": fields or {}}
        return await self._connection.post("/venue-calls/prepare", {**body, "account": account})

    async def send_call(self, call_id: str) -> Json:
        """Send a prepared call, once."""
        return await self._connection.post("/venue-calls/send", {"id": call_id})
