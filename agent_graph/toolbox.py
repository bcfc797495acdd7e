"""From a model's tool call to the desk and back: decoded strictly, errors as results, never as a crash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from agent_graph.arguments import decode
from agent_graph.framing import bound
from desk.client import DeskClient, Json
from domain.clock import Clock
from domain.errors import BadInputError, MatrixError
from tools.registry import BY_NAME, Route, Shape, ToolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOrigin:
    """Where a call comes from. `request_id` is made by us: conversation/turn/call, never by the model."""

    request_id: str
    conversation: str
    cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolReply:
    """One call's end. `args` as decoded (or as given, when refused); `result` is bounded plain JSON.

    `is_ours`: the refusal was made here, before the desk saw anything.
    """

    name: str
    args: Json
    result: Json
    is_write: bool
    is_ours: bool
    latency_ms: int

    @property
    def error(self) -> Json | None:
        """Return `{"code", "message", "cure"}` when it failed."""
        found = self.result.get("error")
        return found if isinstance(found, dict) else None


class Toolbox:
    """Carries out tool calls through the desk's read and propose tokens."""

    def __init__(self, desk: DeskClient, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def call(self, name: str, args: object, origin: CallOrigin) -> ToolReply:
        """Decode, send and bound one call. Every fault becomes a result `{"error": {...}}`."""
        started = self._clock.monotonic()
        tool = BY_NAME.get(name)
        if tool is None:
            fault = BadInputError("UNKNOWN_TOOL", f"there is no tool {name[:40]!r}", "Use the listed tools.")
            return _refused(name, args, fault, is_write=True)
        try:
            decoded = decode(tool, args)
        except BadInputError as fault:
            return _refused(name, args, fault, is_write=tool.writes)
        route = pick_route(tool, decoded)
        try:
            result = _filter_rows(tool, decoded, await self._send(tool, route, decoded, origin))
        except MatrixError as fault:
            result = {"error": fault.as_json()}
        took = round((self._clock.monotonic() - started) * 1000)
        bounded = bound(result)
        assert isinstance(bounded, dict)
        return ToolReply(
            name=name, args=decoded, result=bounded, is_write=route.is_write, is_ours=False, latency_ms=took
        )

    async def _send(
        self, tool: ToolSpec, route: Route, args: Mapping[str, object], origin: CallOrigin
    ) -> Json:
        if route.is_write:
            return await self._desk.propose(route.path, body_of(route, args, origin))
        ours = tool.row_filter.argument if tool.row_filter else ""
        query = {k: v for k, v in args.items() if k != ours and f"{{{k}}}" not in route.path}
        return await self._desk.read(_path(route.path, args), **query)


def pick_route(tool: ToolSpec, args: Mapping[str, object]) -> Route:
    """Return the first route whose needed arguments are all given."""
    return next(route for route in tool.routes if all(name in args for name in route.needs))


def body_of(route: Route, args: Mapping[str, object], origin: CallOrigin) -> Json:
    """Return the body of a writing call."""
    body: dict[str, Any] = {"request_id": origin.request_id, "cause": origin.cause, **route.fixed}
    if route.with_conversation:
        body["conversation"] = origin.conversation
    if route.shape is Shape.INTENT:
        body["intent"] = dict(args)
    else:
        body.update(args)
    return body


def _path(pattern: str, args: Mapping[str, object]) -> str:
    path = pattern
    for name, value in args.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    return path


def _filter_rows(tool: ToolSpec, args: Mapping[str, object], result: Json) -> Json:
    rule = tool.row_filter
    if rule is None or rule.argument not in args:
        return result
    wanted = args[rule.argument]
    assert isinstance(wanted, list)
    rows = [row for row in result.get(rule.rows, []) if row.get(rule.key) in wanted]
    if not rows:
        return {**result, rule.rows: [], "note": "None of these sources is connected."}
    return {**result, rule.rows: rows}


def _refused(name: str, args: object, fault: MatrixError, *, is_write: bool) -> ToolReply:
    shown = bound(dict(args)) if isinstance(args, Mapping) else {"raw": bound(str(args))}
    assert isinstance(shown, dict)
    return ToolReply(
        name=name[:40],
        args=shown,
        result={"error": fault.as_json()},
        is_write=is_write,
        is_ours=True,
        latency_ms=0,
    )
