"""The one decoder of JSON bodies: no duplicate keys, no NaN, no trailing text, no floats, bounded."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from domain.errors import BadInputError

MAX_BYTES = 65_536
MAX_DEPTH = 12
_SURROGATE = re.compile("[\ud800-\udfff]")


def decode(body: bytes) -> dict[str, Any]:
    """Return the object in `body`; raises `BadInputError` that says what is wrong with it."""
    if len(body) > MAX_BYTES:
        raise BadInputError("BODY_TOO_LARGE", f"the body is over {MAX_BYTES} bytes", "Send less.")
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_refuse_float,
        )
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadInputError("BAD_JSON", f"the body is not JSON: {error}", "Send one JSON object.") from error
    if not isinstance(value, dict):
        raise BadInputError("BAD_JSON", "the body is not a JSON object", "Send one JSON object.")
    if _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise BadInputError("BAD_JSON", "the body holds half of a character", "Send whole characters.")
    if _depth(value) > MAX_DEPTH:
        raise BadInputError("BAD_JSON", "the body is nested too deeply", "Send a flat object.")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key!r:.40} appears twice")
        result[key] = value
    return result


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _refuse_float(text: str) -> NoReturn:
    raise ValueError(f"the number {text:.40} must be written as text, in quotes")


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            return depth
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below
    return depth
