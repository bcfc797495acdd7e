"""Cut an answer into sentences without breaking decimals, times, ids or list items."""

from __future__ import annotations

import re

_BREAK = re.compile(r"(?<=[.!?…])[\"')\]*_]*[ \t]+(?=[^\s])|\n+")
_ABBREVIATIONS = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|no|mr|ms|dr|a\.m|p\.m|incl|max|min|resp)\.|(?:^|\n)\s*[0-9]{1,3}\.)$",
    re.IGNORECASE,
)


def split(text: str) -> list[str]:
    """Return the sentences in order; joined they are `text` again, white space included."""
    pieces: list[str] = []
    start = 0
    for found in _BREAK.finditer(text):
        head = text[start : found.end()]
        if "\n" not in found.group() and _ABBREVIATIONS.search(text[start : found.start()].rstrip()):
            continue
        if head.strip():
            pieces.append(head)
            start = found.end()
    if text[start:]:
        pieces.append(text[start:])
    return pieces
