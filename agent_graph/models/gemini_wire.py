"""The Gemini wire, in both directions, without any network: messages to contents, events to an answer.

Rules kept here (ai.google.dev, function calling and thought signatures, 2026-10): a model's parts go back
exactly as they came, one function response follows for every call, in call order, with the call's id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agent_graph.models.port import Ending, ModelFailedError
from tools.registry import TOOLS, ToolSpec

PARTS = "gemini_parts"
_GOOD = frozenset({"STOP", "FINISH_REASON_UNSPECIFIED", ""})
_ENDINGS: Mapping[str, Ending] = {
    "MAX_TOKENS": Ending.TRUNCATED,
    "MALFORMED_FUNCTION_CALL": Ending.MALFORMED,
    "UNEXPECTED_TOOL_CALL": Ending.MALFORMED,
    "TOO_MANY_TOOL_CALLS": Ending.MALFORMED,
    "MISSING_THOUGHT_SIGNATURE": Ending.MALFORMED,
    "MALFORMED_RESPONSE": Ending.MALFORMED,
}
"""Every other finish reason that is not good, known or not, counts as blocked."""
_WORDS: Mapping[Ending, str] = {
    Ending.TRUNCATED: "ran out of room",
    Ending.MALFORMED: "made a broken tool call",
    Ending.BLOCKED: "withheld its answer",
}


def declarations(tools: Sequence[ToolSpec] = TOOLS) -> list[dict[str, Any]]:
    """Return the tools as function declarations with their full JSON Schema."""
    return [
        {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.schema}
        for tool in tools
    ]


def system_text(messages: Sequence[BaseMessage]) -> str:
    """Return the system instruction."""
    return "\n\n".join(str(m.text) for m in messages if isinstance(m, SystemMessage))


def contents(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Return the request's contents."""
    answers = {m.tool_call_id: m for m in messages if isinstance(m, ToolMessage)}
    result: list[dict[str, Any]] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            result.append({"role": "user", "parts": [{"text": str(message.text)}]})
        elif isinstance(message, AIMessage):
            result += _model_turn(message, answers)
    return result


def _model_turn(message: AIMessage, answers: Mapping[str, ToolMessage]) -> list[dict[str, Any]]:
    parts = message.additional_kwargs.get(PARTS)
    if not parts:
        return _foreign_turn(message, answers)
    turn: list[dict[str, Any]] = [{"role": "model", "parts": parts}]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    if calls:
        turn.append(
            {
                "role": "user",
                "parts": [
                    _response(call, ours["id"], answers)
                    for call, ours in zip(calls, message.tool_calls, strict=True)
                ],
            }
        )
    return turn


def _response(
    call: Mapping[str, Any], our_id: str | None, answers: Mapping[str, ToolMessage]
) -> dict[str, Any]:
    found = answers.get(str(our_id))
    text = str(found.text) if found is not None else json.dumps({"error": {"code": "NO_RESULT"}})
    return {"functionResponse": {"id": call["id"], "name": call["name"], "response": {"result": text}}}


def _foreign_turn(message: AIMessage, answers: Mapping[str, ToolMessage]) -> list[dict[str, Any]]:
    """Write a turn that another model made as plain text; its calls carry no signature to send back."""
    lines = [str(message.text)] if message.text else []
    lines += [
        f"(called {c['name']} with {json.dumps(c['args'], sort_keys=True)})" for c in message.tool_calls
    ]
    turn = [{"role": "model", "parts": [{"text": "\n".join(lines) or "(nothing)"}]}]
    results = [answers[str(c["id"])] for c in message.tool_calls if str(c["id"]) in answers]
    if results:
        turn.append({"role": "user", "parts": [{"text": str(result.text)} for result in results]})
    return turn


def has_own_steps(messages: Sequence[BaseMessage]) -> bool:
    """Say whether this turn already holds parts that only the model which made them may continue."""
    return any(isinstance(m, AIMessage) and m.additional_kwargs.get(PARTS) for m in messages)


@dataclass(slots=True)
class Answer:
    """What a stream of response objects (JSON form, camelCase) added up to."""

    parts: list[dict[str, Any]] = field(default_factory=list)
    finish: str = ""
    finish_message: str = ""
    blocked: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    version: str = ""

    def add(self, event: Mapping[str, Any]) -> None:
        """Take in one response object; missing content and missing candidates are normal."""
        feedback = event.get("promptFeedback") or {}
        self.blocked = str(feedback.get("blockReason") or self.blocked)
        self.usage = dict(event.get("usageMetadata") or self.usage)
        self.version = str(event.get("modelVersion") or self.version)
        for candidate in (event.get("candidates") or [])[:1]:
            content = candidate.get("content") or {}
            self.parts += [dict(part) for part in content.get("parts") or [] if _is_worth_keeping(part)]
            self.finish = str(candidate.get("finishReason") or self.finish)
            self.finish_message = str(candidate.get("finishMessage") or self.finish_message)

    @classmethod
    def of(cls, events: Iterable[Mapping[str, Any]]) -> Answer:
        """Return the sum of several response objects."""
        answer = cls()
        for event in events:
            answer.add(event)
        return answer

    @property
    def text(self) -> str:
        """Return what is meant to be read; thought summaries are not."""
        return "".join(str(p["text"]) for p in self.parts if "text" in p and not p.get("thought"))

    def failure(self) -> ModelFailedError | None:
        """Return why this answer must not be used, or None. Calls of a failed answer never run."""
        reason = self.blocked or self.finish
        if self.blocked:
            return ModelFailedError(Ending.BLOCKED, f"the language model blocked the message ({reason})")
        if self.finish not in _GOOD:
            ending = _ENDINGS.get(self.finish, Ending.BLOCKED)
            return ModelFailedError(ending, f"the language model {_WORDS[ending]} ({reason})")
        has_call = any("functionCall" in part for part in self.parts)
        if not self.finish or not (has_call or self.text.strip()):
            return ModelFailedError(Ending.EMPTY, "the language model's answer was empty or cut off")
        return None

    def message(self, number: int) -> AIMessage:
        """Return the answer as a message; calls that came without an id get one of ours, in both places."""
        calls: list[dict[str, Any]] = []
        parts: list[dict[str, Any]] = []
        for part in self.parts:
            call = part.get("functionCall")
            if call is None:
                parts.append(part)
                continue
            name = str(call.get("id") or f"g-{number}-{len(calls)}")
            args = call.get("args") or {}
            parts.append({**part, "functionCall": {**call, "id": name, "args": args}})
            calls.append({"id": name, "name": str(call.get("name", "")), "args": args, "type": "tool_call"})
        return AIMessage(self.text, tool_calls=calls, additional_kwargs={PARTS: parts} if calls else {})

    def tokens(self) -> dict[str, int]:
        """Return prompt, cached and output tokens (thoughts included), as the last event counted them."""
        usage = self.usage
        return {
            "prompt": int(usage.get("promptTokenCount") or 0),
            "cached": int(usage.get("cachedContentTokenCount") or 0),
            "output": int(usage.get("candidatesTokenCount") or 0) + int(usage.get("thoughtsTokenCount") or 0),
        }


def _is_worth_keeping(part: Mapping[str, Any]) -> bool:
    return bool(part.get("text") or part.get("thoughtSignature") or set(part) - {"text", "thought"})
