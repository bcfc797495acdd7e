"""Small durable JSON documents: what the exchange must remember beside orders, trades and balances.

A document has a kind, a key that is unique in its kind, the account it belongs to, and a body. All are held
in memory, read when the exchange opens, and written in the transaction of the operation that changed them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document as it is stored. `number` says when it was first put; `text` is the body as JSON."""

    kind: str
    key: str
    account: str
    number: int
    text: str


class Documents:
    """All documents, in the order in which they were first put."""

    def __init__(self, stored: Iterable[Document] = ()) -> None:
        self._kinds: dict[str, dict[str, Document]] = {}
        self._pending: dict[tuple[str, str], Document | None] = {}
        self._number = 0
        for document in sorted(stored, key=lambda each: each.number):
            self._kinds.setdefault(document.kind, {})[document.key] = document
            self._number = document.number

    def put(self, kind: str, key: str, account_name: str, body: dict[str, Any]) -> None:
        """Write a document, or replace the one with this kind and key in its place.

        `body` is kept as JSON: money in it is text. Raises `TypeError` for what JSON cannot hold.
        """
        known = self._kinds.setdefault(kind, {})
        before = known.get(key)
        if before is None:
            self._number += 1
        document = Document(
            kind=kind,
            key=key,
            account=account_name,
            number=self._number if before is None else before.number,
            text=json.dumps(body, separators=(",", ":"), allow_nan=False),
        )
        known[key] = self._pending[kind, key] = document

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """Return a copy of one body, None when there is no such document."""
        found = self._kinds.get(kind, {}).get(key)
        return None if found is None else _body(found)

    def owner(self, kind: str, key: str) -> str | None:
        """Return the name of the account that a document belongs to, None when there is no such document."""
        found = self._kinds.get(kind, {}).get(key)
        return None if found is None else found.account

    def of(self, kind: str, account: str | None = None) -> list[dict[str, Any]]:
        """Return copies of the bodies of one kind, of one account or of all, in the order first put."""
        found = self._kinds.get(kind, {}).values()
        return [_body(each) for each in found if account is None or each.account == account]

    def items(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """Return keys and copies of the bodies of one kind, in the order first put."""
        return [(key, _body(each)) for key, each in self._kinds.get(kind, {}).items()]

    def remove(self, kind: str, key: str) -> None:
        """Forget a document; one that is not there is no error."""
        if self._kinds.get(kind, {}).pop(key, None) is not None:
            self._pending[kind, key] = None

    @property
    def pending(self) -> dict[tuple[str, str], Document | None]:
        """What has changed and is not on disk yet, by kind and key; None for a removed one."""
        return self._pending

    def settled(self) -> None:
        """Note that everything pending is on disk."""
        self._pending = {}


def _body(document: Document) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(document.text)
    return body
