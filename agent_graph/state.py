"""The graph's state: plain dicts and texts only, so that a checkpoint holds nothing that needs decoding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from langchain_core.language_models import BaseChatModel

from agent_graph.evidence import Evidence
from agent_graph.journal import Recorder
from agent_graph.prompts import Prompt
from agent_graph.store import ConversationStore
from agent_graph.toolbox import Toolbox
from agent_graph.turn import EventKind
from desk.client import DeskClient
from domain.clock import Clock

MAX_MODEL_STEPS = 8
MAX_CALLS_PER_STEP = 8


class TurnState(TypedDict):
    """One turn.

    `steps` are this turn's assistant and tool messages, `log` what is still to be journaled and `journaled`
    how many numbers of journal entries were given away.
    `waiting`: cards of this turn that the person has not answered, `{"proposal_id", "call_id"}`.
    `phase` counts the answers of the turn: the first, and one after each settled card.
    """

    conversation: str
    turn: str
    text: str
    cause: str | None
    context: dict[str, Any]
    window: list[dict[str, Any]]
    earlier: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    model_steps: int
    fell_back: bool
    model: str
    draft: str
    answer: str
    citations: list[str]
    asked_back: bool
    tools: list[dict[str, Any]]
    proposals: list[str]
    waiting: list[dict[str, str]]
    settled: list[str]
    phase: int
    log: list[dict[str, Any]]
    journaled: int


def first_state(
    *,
    conversation: str,
    turn: str,
    text: str,
    cause: str | None,
    context: Mapping[str, Any],
    window: list[dict[str, Any]],
    earlier: list[dict[str, Any]],
) -> TurnState:
    """Return the state a turn starts with."""
    return TurnState(
        conversation=conversation,
        turn=turn,
        text=text,
        cause=cause,
        context=dict(context),
        window=window,
        earlier=earlier,
        steps=[],
        model_steps=0,
        fell_back=False,
        model="",
        draft="",
        answer="",
        citations=[],
        asked_back=False,
        tools=[],
        proposals=[],
        waiting=[],
        settled=[],
        phase=0,
        log=[],
        journaled=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnContext:
    """What nodes work with; never checkpointed. `emit(kind, text, data)` reaches whoever listens."""

    desk: DeskClient
    toolbox: Toolbox
    model: BaseChatModel
    fallback: BaseChatModel
    prompt: Prompt
    clock: Clock
    evidence: Evidence
    store: ConversationStore
    recorder: Recorder
    emit: Callable[[EventKind, str, Mapping[str, Any]], None]
    redact: Callable[[str], str] = field(default=lambda text: text)
