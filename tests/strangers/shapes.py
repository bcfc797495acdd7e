"""The shape of a JSON answer: which keys, of which JSON type, at which place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_TYPES = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}


def places(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield (place, JSON type) for every value inside; all elements of an array share the place `[]`."""
    if isinstance(value, dict):
        yield at, "object"
        for key, inner in value.items():
            yield from places(inner, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        yield at, "array"
        for inner in value:
            yield from places(inner, f"{at}[]")
    else:
        yield at, _TYPES[type(value)]


def differences(recorded: Any, ours: Any) -> set[str]:
    """Return what differs, in words: keys that only one side has, and places whose types do not agree.

    A place that only an empty array would show is not a difference.
    """
    theirs, mine = _by_place(recorded), _by_place(ours)
    found = set()
    for place in theirs.keys() | mine.keys():
        if _inside_an_array_that_is_empty(place, theirs, mine):
            continue
        if place not in mine:
            found.add(f"missing {place}")
        elif place not in theirs:
            found.add(f"extra {place}")
        elif theirs[place] != mine[place]:
            found.add(
                f"type {place}: {'/'.join(sorted(theirs[place]))}, ours {'/'.join(sorted(mine[place]))}"
            )
    return found


def _by_place(value: Any) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for place, kind in places(value):
        found.setdefault(place, set()).add(kind)
    return found


def _inside_an_array_that_is_empty(
    place: str, theirs: dict[str, set[str]], mine: dict[str, set[str]]
) -> bool:
    parts = place.split("[]")
    arrays = ["[]".join(parts[:end]) for end in range(1, len(parts))]
    return any(
        f"{array}[]" not in side and side.get(array) == {"array"}
        for array in arrays
        for side in (theirs, mine)
    )
