"""The evidence of recent conversations, kept in memory and brought up to date from the store."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from agent_graph.evidence import Evidence
from agent_graph.store import ConversationStore

ROWS = 300
KEPT = 64


@dataclass(slots=True)
class _Page:
    evidence: Evidence = field(default_factory=Evidence)
    last_message: int = 0
    last_result: int = 0


class EvidenceBook:
    """One `Evidence` a conversation. What another process added to the store counts from its next turn on."""

    def __init__(self, store: ConversationStore) -> None:
        self._store = store
        self._pages: OrderedDict[str, _Page] = OrderedDict()

    async def of(self, conversation_id: str) -> Evidence:
        """Return the conversation's evidence with all that the store holds of it."""
        page = self._pages.setdefault(conversation_id, _Page())
        self._pages.move_to_end(conversation_id)
        while len(self._pages) > KEPT:
            self._pages.popitem(last=False)
        for seq, text in await self._store.person_texts(conversation_id, page.last_message):
            page.evidence.add_person(text)
            page.last_message = max(page.last_message, seq)
        for row in await self._store.evidence(conversation_id, ROWS, after=page.last_result):
            page.evidence.add_result(row["result"], row["args"], is_write=row["is_write"])
            page.last_result = max(page.last_result, row["seq"])
        return page.evidence
