"""The offline planner behind the chat-model port: deterministic, local, and plainly not a language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agent_graph.framing import unframe
from agent_graph.models.offline import intent, plans
from agent_graph.models.offline.slots import fill
from agent_graph.models.offline.steps import Ask, Done, Say, Step
from agent_graph.models.port import ASKED_BACK, TURN

NAME = "offline"


class OfflinePlanner(BaseChatModel):
    """Answers from tool results only. The same messages always give the same answer."""

    name: str | None = NAME

    @property
    def _llm_type(self) -> str:
        return "offline-planner"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the port's signature
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - same
        **_kwargs: Any,
    ) -> ChatResult:
        step = decide(messages)
        message = _message(step, sum(isinstance(m, AIMessage) for m in messages))
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - the port's signature
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - same
        **_kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages)


def _message(step: Step, number: int) -> AIMessage:
    meta = {"model": NAME}
    if isinstance(step, Say):
        return AIMessage(step.text, additional_kwargs={ASKED_BACK: step.asks}, response_metadata=meta)
    calls = [
        {"id": f"offline-{number}-{index}", "name": name, "args": args, "type": "tool_call"}
        for index, (name, args) in enumerate(step.calls)
    ]
    return AIMessage(
        step.text, tool_calls=calls, additional_kwargs={ASKED_BACK: False}, response_metadata=meta
    )


def decide(messages: Sequence[BaseMessage]) -> Step:
    """Return the next step for a port conversation."""
    index = max(i for i, m in enumerate(messages) if isinstance(m, HumanMessage))
    person = messages[index]
    turn = person.additional_kwargs.get(TURN) or {"person": str(person.text), "context": {}, "earlier": []}
    window = [
        ("person" if isinstance(m, HumanMessage) else "assistant", str(m.text))
        for m in messages[:index]
        if isinstance(m, HumanMessage | AIMessage)
    ]
    return plan(
        turn["person"],
        context=turn["context"],
        window=window,
        earlier=[Done(name=e["name"], args=e["args"], data=e["result"]) for e in turn["earlier"]],
        done=_done(messages[index + 1 :]),
    )


def plan(
    text: str,
    *,
    context: dict[str, Any],
    window: Sequence[tuple[str, str]] = (),
    earlier: Sequence[Done] = (),
    done: Sequence[Done] = (),
) -> Step:
    """Return the next step for one message and what its tools answered so far."""
    slots = fill(text)
    wanted, _ = intent.classify(slots)
    question = _open_question(window)
    if question and wanted != "stop" and _completes(wanted, slots):
        slots = fill(f"{question} {text}")
        wanted, _ = intent.classify(slots)
    ask = Ask(slots=slots, context=context, window=window, earlier=earlier, done=done)
    return plans.closing(ask) or plans.PLANS[wanted](ask)


def _open_question(window: Sequence[tuple[str, str]]) -> str:
    """Return the person's request that the planner asked back about, if that was the last exchange."""
    if len(window) < 2 or window[-1][0] != "assistant" or not window[-1][1].rstrip().endswith("?"):
        return ""
    return window[-2][1] if window[-2][0] == "person" else ""


def _completes(wanted: str, slots: Any) -> bool:
    """Say whether a short reply only fills in what was asked for."""
    is_short = len(slots.text.split()) <= 6
    has_verb = slots.side is not None
    names_something = bool(slots.symbols or slots.has_size or slots.bare or slots.profit or slots.order_id)
    return is_short and not has_verb and (names_something or wanted == intent.UNKNOWN)


def _done(messages: Sequence[BaseMessage]) -> list[Done]:
    calls: dict[str, dict[str, Any]] = {}
    done: list[Done] = []
    for message in messages:
        if isinstance(message, AIMessage):
            calls.update({str(call["id"]): dict(call["args"]) for call in message.tool_calls})
        elif isinstance(message, ToolMessage):
            args = calls.get(message.tool_call_id, {})
            done.append(Done(name=str(message.name), args=args, data=unframe(str(message.text))))
    return done
