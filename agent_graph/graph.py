"""The graph of a turn.

    model ⇄ tools → ground → record → END
                               │ a card waits
                               └→ await_person → outcome → model …

Invoke it with `durability="sync"` on a thread of its own per turn, so that a waiting card never blocks
the chat, and resume it by interrupt id only.
"""

from __future__ import annotations

from typing import Any

from agent_graph import strict_runtime
from agent_graph.state import TurnContext, TurnState

RECURSION_LIMIT = 80


def build(checkpointer: Any) -> Any:
    """Compile the graph on an async checkpointer. Raises when checkpoints would be decoded permissively."""
    strict_runtime.assert_strict()
    from langgraph.graph import END, START, StateGraph

    from agent_graph import nodes

    graph = StateGraph(TurnState, context_schema=TurnContext)
    graph.add_node("model", nodes.model)
    graph.add_node("tools", nodes.tools)
    graph.add_node("ground", nodes.ground_answer)
    graph.add_node("record", nodes.record)
    graph.add_node("await_person", nodes.await_person)
    graph.add_node("outcome", nodes.outcome)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", _after_model, ["tools", "ground"])
    graph.add_conditional_edges("tools", _after_tools, ["model", "ground"])
    graph.add_edge("ground", "record")
    graph.add_conditional_edges("record", _after_record, {"wait": "await_person", "end": END})
    graph.add_edge("await_person", "outcome")
    graph.add_conditional_edges("outcome", _after_outcome, ["model", "await_person"])
    return graph.compile(checkpointer=checkpointer)


def _after_model(state: TurnState) -> str:
    last = state["steps"][-1] if state["steps"] else {"role": "tool"}
    return "tools" if last["role"] == "assistant" and last["calls"] else "ground"


def _after_tools(state: TurnState) -> str:
    return "ground" if _new_cards(state) else "model"


def _new_cards(state: TurnState) -> bool:
    last = next(step for step in reversed(state["steps"]) if step["role"] == "assistant")
    recent = {call["id"] for call in last["calls"]}
    return any(item["call_id"] in recent for item in state["waiting"])


def _after_record(state: TurnState) -> str:
    return "wait" if state["waiting"] else "end"


def _after_outcome(state: TurnState) -> str:
    last = state["steps"][-1]
    is_new = last["role"] == "tool" and state["model_steps"] == 0
    return "model" if is_new else "await_person"
