"""From plain state to the messages of the chat-model port, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agent_graph.framing import frame
from agent_graph.models.port import TURN

_CONTEXT = "<context>\n{context}\n</context>\n\n"


def build(system: str, state: Mapping[str, Any]) -> list[BaseMessage]:
    """Return system, window, the person's message and this turn's steps.

    What changes from turn to turn stands last, so that a provider's prefix cache can work.
    """
    messages: list[BaseMessage] = [SystemMessage(system)]
    messages += [
        HumanMessage(line["text"]) if line["role"] == "person" else AIMessage(line["text"])
        for line in state["window"]
    ]
    messages.append(_person(state))
    for step in state["steps"]:
        if step["role"] == "assistant":
            messages.append(_assistant(step))
        else:
            messages.append(ToolMessage(step["text"], tool_call_id=step["call_id"], name=step["name"]))
    return messages


def _person(state: Mapping[str, Any]) -> HumanMessage:
    facts = [json.dumps(state["context"], ensure_ascii=False, sort_keys=True)]
    facts += [
        frame(item["name"], {"args": item["args"], "result": item["result"]}) for item in state["earlier"]
    ]
    text = _CONTEXT.format(context="\n".join(facts)) + state["text"]
    turn = {"person": state["text"], "context": state["context"], "earlier": state["earlier"]}
    return HumanMessage(text, additional_kwargs={TURN: turn})


def _assistant(step: Mapping[str, Any]) -> AIMessage:
    calls = [
        {"id": c["id"], "name": c["name"], "args": c["args"], "type": "tool_call"} for c in step["calls"]
    ]
    return AIMessage(step["text"], tool_calls=calls, additional_kwargs=dict(step["extra"]))


def to_step(message: AIMessage, earlier: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one assistant step as plain state; a call without an id of its own gets one of ours."""
    used = {call["id"] for step in earlier if step["role"] == "assistant" for call in step["calls"]}
    calls: list[dict[str, Any]] = []
    for index, call in enumerate(message.tool_calls):
        name = call["id"] or ""
        if not name or name in used:
            name = f"call-{len(earlier)}-{index}"
        used.add(name)
        calls.append({"id": name, "name": call["name"], "args": dict(call["args"])})
    return {
        "role": "assistant",
        "text": str(message.text),
        "calls": calls,
        "extra": {k: v for k, v in message.additional_kwargs.items() if k != TURN},
    }
