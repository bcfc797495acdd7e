"""The strict decoder of what a model puts into a tool call: closed schema, exact money, ASCII only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from domain.errors import BadInputError
from tools.registry import DECIMAL_PATTERN, ToolSpec

MAX_RAW = 20_000
_FIX = "Read the tool's schema and call it again."


class _ExactNumber(str):
    """A JSON number kept as the text that stood there, so that no digit bends."""

    __slots__ = ()


def decode(tool: ToolSpec, given: object) -> dict[str, object]:
    """Return the arguments as they may travel; money as text. Raises `BadInputError` that says what is wrong.

    `given` is a mapping, or the raw JSON text of one. Unknown keys, duplicate keys, NaN, booleans in the
    place of numbers and money as a binary float are refused; an integer or the exact text of a JSON number
    is exact and becomes text.
    """
    arguments = _parse(given) if isinstance(given, str) else given
    if not isinstance(arguments, Mapping):
        raise BadInputError("BAD_ARGUMENTS", f"{tool.name} takes an object of arguments", _FIX)
    unknown = [str(key)[:40] for key in arguments if key not in tool.properties]
    if unknown:
        known = ", ".join(tool.properties) or "none"
        raise BadInputError(
            "UNKNOWN_FIELD", f"{tool.name} has no argument {', '.join(unknown)}", f"Its arguments: {known}."
        )
    decoded = {
        name: _value(value, tool.properties[name], f"{tool.name}.{name}")
        for name, value in arguments.items()
        if value is not None
    }
    _check_presence(tool, decoded)
    return decoded


def _parse(raw: str) -> Any:
    if len(raw) > MAX_RAW:
        raise BadInputError("BAD_ARGUMENTS", "the arguments are too long", _FIX)
    try:
        return json.loads(
            raw,
            object_pairs_hook=_closed_object,
            parse_constant=_refuse_constant,
            parse_float=_ExactNumber,
            parse_int=_ExactNumber,
        )
    except (ValueError, RecursionError) as error:
        raise BadInputError("BAD_ARGUMENTS", "the arguments are not one plain JSON object", _FIX) from error


def _closed_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise BadInputError("DUPLICATE_KEY", "a key stands twice in the arguments", _FIX)
    return result


def _refuse_constant(name: str) -> object:
    raise BadInputError("BAD_NUMBER", f"{name} is not a number here", _FIX)


def _check_presence(tool: ToolSpec, given: Mapping[str, object]) -> None:
    for name in tool.required:
        if name not in given:
            raise BadInputError("MISSING_FIELD", f"{tool.name} needs {name}", _FIX)
    for group in tool.exactly_one:
        if sum(name in given for name in group) != 1:
            raise BadInputError("ONE_OF", f"{tool.name} takes exactly one of {' and '.join(group)}", _FIX)
    for group in tool.at_most_one:
        if sum(name in given for name in group) > 1:
            raise BadInputError("ONE_OF", f"{tool.name} takes at most one of {' and '.join(group)}", _FIX)
    for name, other in tool.depends.items():
        if name in given and other not in given:
            raise BadInputError("MISSING_FIELD", f"{tool.name}.{name} needs {other}", _FIX)


def _value(value: object, rule: Mapping[str, Any], where: str) -> object:
    kind = rule["type"]
    if kind == "integer":
        return _integer(value, rule, where)
    if kind == "array":
        return _array(value, rule, where)
    return _string(value, rule, where)


def _integer(value: object, rule: Mapping[str, Any], where: str) -> int:
    if isinstance(value, _ExactNumber) and re.fullmatch(r"[0-9]{1,9}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInputError("BAD_NUMBER", f"{where} must be a whole number", _FIX)
    if not rule["minimum"] <= value <= rule["maximum"]:
        raise BadInputError(
            "OUT_OF_RANGE", f"{where} must be from {rule['minimum']} to {rule['maximum']}", _FIX
        )
    return value


def _array(value: object, rule: Mapping[str, Any], where: str) -> list[object]:
    if not isinstance(value, list):
        raise BadInputError("BAD_ARGUMENTS", f"{where} must be a list", _FIX)
    if not rule.get("minItems", 0) <= len(value) <= rule["maxItems"]:
        raise BadInputError("OUT_OF_RANGE", f"{where} takes at most {rule['maxItems']} items", _FIX)
    return [_value(item, rule["items"], where) for item in value]


def _string(value: object, rule: Mapping[str, Any], where: str) -> str:
    is_money = rule.get("pattern") == DECIMAL_PATTERN
    text = _money_text(value, where) if is_money else value
    if not isinstance(text, str) or (isinstance(text, _ExactNumber) and not is_money):
        raise BadInputError("BAD_ARGUMENTS", f"{where} must be text", _FIX)
    text = str(text)
    if "enum" in rule and text not in rule["enum"]:
        raise BadInputError("NOT_ALLOWED", f"{where} must be one of {', '.join(rule['enum'])}", _FIX)
    if "pattern" in rule and not re.fullmatch(rule["pattern"].strip("^$"), text, re.ASCII):
        code = "BAD_NUMBER" if is_money else "BAD_ARGUMENTS"
        raise BadInputError(code, f"{where} {text[:40]!r} is not written as {rule['description']}", _FIX)
    if not rule.get("minLength", 0) <= len(text) <= rule.get("maxLength", MAX_RAW):
        raise BadInputError("OUT_OF_RANGE", f"{where} must have 1 to {rule['maxLength']} characters", _FIX)
    return text


def _money_text(value: object, where: str) -> object:
    if isinstance(value, bool | float):
        raise BadInputError(
            "BAD_NUMBER", f"{where} must be decimal text", 'Write money in quotes, such as "0.0015".'
        )
    return str(value) if isinstance(value, int) else value
