"""What a command prints: data on stdout, talk on stderr, and never a control character from outside."""

from __future__ import annotations

import json
import sys
import unicodedata
from dataclasses import dataclass
from typing import Any

from domain.errors import MatrixError

_KEPT = frozenset("\n\t")


def clean(text: str) -> str:
    """Return `text` without control, format (bidi, zero width), surrogate and private characters.

    What a model, a venue or a record says must not move the cursor, recolour or reorder a terminal.
    """
    return "".join(c for c in text if c in _KEPT or unicodedata.category(c)[0] != "C")


@dataclass(frozen=True, slots=True)
class Terminal:
    """The two streams. With `as_json`, data is one JSON object a line."""

    as_json: bool = False

    def data(self, value: Any, text: str) -> None:
        """Print `value` as one JSON line, or `text` for a person."""
        line = json.dumps(value, ensure_ascii=True) if self.as_json else clean(text)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def talk(self, text: str) -> None:
        """Print a remark that is not data."""
        sys.stderr.write(f"{clean(text)}\n")
        sys.stderr.flush()

    def failure(self, error: MatrixError) -> None:
        """Print what went wrong and what to do next; with `as_json` also as data."""
        if self.as_json:
            sys.stdout.write(json.dumps({"error": error.as_json()}) + "\n")
            sys.stdout.flush()
            return
        self.talk(f"error: {error.message}")
        if error.cure:
            self.talk(f"  {error.cure}")
