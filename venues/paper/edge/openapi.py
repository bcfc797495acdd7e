"""The exchange described in OpenAPI 3.1, written out of the catalogue.

A signed call carries its parameters in a header, which OpenAPI cannot say; so they stand as the JSON body of
the operation, marked `x-payload`, and whoever reads the document signs them into the header instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from venues.gemini.catalogue import SHAPES, TABLE, Auth, Call, Host
from venues.gemini.catalogue.kinds import PATH_PARTS, Field, Kind, Word
from venues.gemini.catalogue.reasons import REASONS

Json = dict[str, Any]

SPREADSHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SIGNED_IN_HEADERS: Final = (
    "Parameters of the call. They are sent as base64 of JSON in X-GEMINI-PAYLOAD, together with `request` "
    "(the path) and `nonce`, and `account` for a group's key; a body is ignored."
)
_ERRORS: Final[Mapping[int, str]] = {
    400: "The request, a header or a parameter is wrong.",
    401: "The key is missing, or the token is none.",
    403: "The key may not do this, or not from here.",
    404: "There is no such endpoint, order or network.",
    406: "There are not enough funds.",
    408: "The body took too long to arrive.",
    413: "The body is too large.",
    429: "Too many requests.",
    500: "The exchange failed.",
    502: "Technical trouble between the exchange and its client.",
    503: "Maintenance.",
}
_SILENT_404: Final = frozenset({"funding_amount", "next_funding_timestamp"})
"""Calls that answer an unknown symbol with a status and nothing else."""
_SIGNED_ERRORS: Final = frozenset({401, 403, 406})
_DIGITS: Final = {"type": "string", "pattern": "^[0-9]{1,19}$"}
_COUNT: Final[Json] = {"anyOf": [{"type": "integer", "minimum": 0}, _DIGITS]}
_PLAIN: Final[Mapping[Word, Json]] = {
    Word.SYMBOL: {"type": "string", "pattern": "^[A-Za-z0-9]{2,24}$"},
    Word.CURRENCY: {"type": "string", "pattern": "^[A-Za-z0-9]{1,16}$"},
    Word.NETWORK: {"type": "string", "pattern": "^[A-Za-z0-9-]{2,24}$"},
    Word.INTERVAL: {"type": "string", "pattern": f"^({PATH_PARTS['interval'].pattern})$"},
    Word.DECIMAL: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    Word.NUMBER: {"type": "number"},
    Word.INT: {"type": "integer"},
    Word.ID: _COUNT,
    Word.DIGITS: _DIGITS,
    Word.TIME: _COUNT,
    Word.DATE: {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    Word.INSTANT: {"type": "string", "format": "date-time"},
    Word.BOOL: {"type": "boolean"},
    Word.TEXT: {"type": "string"},
    Word.UUID: {"type": "string", "format": "uuid"},
    Word.FILE: {"type": "string", "format": "binary"},
    Word.NULL: {"type": "null"},
    Word.JSON: {},
}
_UNSIGNED: Final = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}


def document(url: str) -> Json:
    """Return the OpenAPI document of the exchange that listens at `url`: its REST calls, in table order."""
    rows = [row for row in TABLE.values() if row.host is Host.REST and row.method != "WS"]
    paths: dict[str, Json] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row)
    named = _shapes_in(row.answer for row in rows) | {"Refusal", "PlainRefusal"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Paper exchange", "version": "1", "description": "Play money on this machine."},
        "servers": [{"url": url}],
        "paths": paths,
        "components": {
            "schemas": {name: _object(SHAPES[name]) for name in sorted(named)},
            "responses": {f"Error{status}": _error(status) for status in _ERRORS},
            "securitySchemes": _security_schemes(),
        },
    }


def _operation(row: Call) -> Json:
    is_signed = row.auth is Auth.SIGNED
    content = SPREADSHEET if row.answer.word is Word.FILE else "application/json"
    errors = [status for status in _ERRORS if is_signed or status not in _SIGNED_ERRORS]
    operation: Json = {
        "operationId": row.name,
        "description": row.sim,
        "parameters": [*map(_path_parameter, row.path_parts), *map(_query_parameter, row.query)],
        "responses": {
            "200": {"description": "Done.", "content": {content: {"schema": _schema(row.answer)}}},
            **{str(status): {"$ref": f"#/components/responses/Error{status}"} for status in errors},
        },
        "x-money": row.money.value,
        "x-rate": row.rate.value,
        "x-tier": row.tier,
    }
    if row.name in _SILENT_404:
        operation["responses"]["404"] = {"description": _ERRORS[404]}
    if is_signed:
        operation |= _signed_part(row)
    return operation


def _signed_part(row: Call) -> Json:
    signed: list[Json] = [{"key": [], "payload": [], "signature": []}]
    part: Json = {
        "security": [*signed, {"token": [], "payload": []}] if row.scope else signed,
        "x-payload": True,
        "x-roles": sorted(role.value for role in row.roles),
        "x-scope": row.scope,
        "x-group-keys-only": row.is_master_only,
    }
    if row.method == "POST":
        schema = _object(row.request, is_request=True)
        part["requestBody"] = {
            "required": True,
            "description": _SIGNED_IN_HEADERS,
            "content": {"application/json": {"schema": schema}},
        }
    return part


def _path_parameter(name: str) -> Json:
    schema = {"type": "string", "pattern": f"^({PATH_PARTS[name].pattern})$"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameter(field: Field) -> Json:
    schema = _schema(field.kind, is_request=True)
    return {"name": field.name, "in": "query", "required": field.is_required, "schema": schema}


def _error(status: int) -> Json:
    reasons = [reason for reason, statuses in REASONS.items() if status in statuses]
    narrowed = {"type": "object", "properties": {"reason": {"enum": reasons}}}
    schema: Json = {"allOf": [{"$ref": "#/components/schemas/Refusal"}, narrowed]}
    if status == 400:
        schema = {"anyOf": [schema, {"$ref": "#/components/schemas/PlainRefusal"}]}
    return {"description": _ERRORS[status], "content": {"application/json": {"schema": schema}}}


def _security_schemes() -> Json:
    headers = {"key": "X-GEMINI-APIKEY", "payload": "X-GEMINI-PAYLOAD", "signature": "X-GEMINI-SIGNATURE"}
    return {
        **{name: {"type": "apiKey", "in": "header", "name": header} for name, header in headers.items()},
        "token": {"type": "http", "scheme": "bearer"},
    }


def _object(wanted: Iterable[Field], *, is_request: bool = False) -> Json:
    wanted = tuple(wanted)
    schema: Json = {
        "type": "object",
        "properties": {field.name: _schema(field.kind, is_request=is_request) for field in wanted},
        "additionalProperties": False,
    }
    required = [field.name for field in wanted if field.is_required]
    return {**schema, "required": required} if required else schema


def _schema(kind: Kind, *, is_request: bool = False) -> Json:
    if kind.shape:
        return {"$ref": f"#/components/schemas/{kind.shape}"}
    if kind.words:
        return {"type": "string", "enum": list(kind.words)}
    inner = kind.array_of or kind.map_of
    if inner is not None:
        schema, is_array = _schema(inner, is_request=is_request), kind.array_of is not None
        return {"type": "array", "items": schema} if is_array else _map(schema)
    if kind.any_of or kind.row_of:
        parts = [_schema(each, is_request=is_request) for each in kind.any_of or kind.row_of]
        return {"anyOf": parts} if kind.any_of else _row(parts)
    return dict(_UNSIGNED if is_request and kind.word is Word.DECIMAL else _PLAIN[kind.word])


def _map(schema: Json) -> Json:
    return {"type": "object", "additionalProperties": schema}


def _row(parts: list[Json]) -> Json:
    return {"type": "array", "prefixItems": parts, "items": False, "minItems": len(parts)}


def _shapes_in(kinds: Iterable[Kind]) -> set[str]:
    found: set[str] = set()
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        waiting += [*kind.any_of, *kind.row_of]
        waiting += [each for each in (kind.array_of, kind.map_of) if each is not None]
        if kind.shape and kind.shape not in found:
            found.add(kind.shape)
            waiting += [field.kind for field in SHAPES[kind.shape]]
    return found
