"""Conversation records for the desk's journal; what the desk cannot take now is kept and sent later."""

from __future__ import annotations

import logging
from typing import Any

from agent_graph.store import ConversationStore
from desk.client import DeskClient
from domain.errors import MatrixError, UnreachableError

_log = logging.getLogger("matrix.conversation")


class Recorder:
    """Posts records of kinds `chat.*`, `model.*` and `tool.*`. The same request id is recorded once."""

    def __init__(self, desk: DeskClient, store: ConversationStore) -> None:
        self._desk = desk
        self._store = store
        self._has_unsent = True

    async def post(self, body: dict[str, Any]) -> str | None:
        """Record one entry; returns its record id, or None when the desk could not take it now."""
        # A body that is sent again must be the very same one, or the desk takes it for another.
        body = {key: value for key, value in body.items() if value is not None}
        try:
            reply = await self._desk.propose("/journal", body)
        except UnreachableError:
            self._has_unsent = True
            await self._store.keep_unsent(body["request_id"], body)
            return None
        except MatrixError as refused:
            _log.warning("the desk refused a %s record: %s", body["kind"], refused)
            return None
        return str(reply["record_id"])

    async def send_kept(self) -> None:
        """Send what was kept while the desk was away; stops at the first that does not get through."""
        if not self._has_unsent:
            return
        for body in await self._store.unsent():
            try:
                await self._desk.propose("/journal", body)
            except UnreachableError:
                return
            except MatrixError as refused:
                _log.warning("the desk refused a kept %s record: %s", body["kind"], refused)
            await self._store.drop_unsent(body["request_id"])
        self._has_unsent = False
