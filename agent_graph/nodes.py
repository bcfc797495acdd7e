"""The nodes of a turn. Each may run twice; every effect carries an id that makes a repeat harmless."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent_graph import messages, wording
from agent_graph.framing import bound, frame
from agent_graph.ground import ground
from agent_graph.models.port import ASKED_BACK, ModelFailedError
from agent_graph.state import MAX_CALLS_PER_STEP, MAX_MODEL_STEPS, TurnContext, TurnState
from agent_graph.toolbox import CallOrigin, ToolReply
from agent_graph.turn import EventKind, Message
from domain.clock import rfc3339
from domain.errors import BadInputError, MatrixError
from tools.registry import BY_NAME, schema_hash

Update = dict[str, Any]
_TOO_LONG = "I went round in circles on this one and stopped. Please ask again in a simpler way."
_NOTHING = "I could not put an answer together. Please ask again in other words."
_TOOLS_SHA256 = schema_hash()


async def model(state: TurnState, runtime: Runtime[TurnContext]) -> Update:
    """Ask the chat model for the next step; when it fails, the offline planner takes the turn over."""
    ctx, number = runtime.context, state["model_steps"]
    if number >= MAX_MODEL_STEPS:
        return {"draft": _TOO_LONG, "asked_back": False}
    started = ctx.clock.monotonic()
    prompt = messages.build(ctx.prompt.render({"tools": ", ".join(BY_NAME)}), state)
    fell_back, failure = state["fell_back"], ""
    try:
        reply = await (ctx.fallback if fell_back else ctx.model).ainvoke(prompt)
    except ModelFailedError as failed:
        fell_back, failure = True, failed.code
        why = wording.error_sentence(failed.as_json())
        ctx.emit(EventKind.NOTICE, f"{why} The offline planner answers instead.", {"code": failed.code})
        reply = await ctx.fallback.ainvoke(prompt)
    assert isinstance(reply, AIMessage)
    step = messages.to_step(reply, state["steps"])
    took = round((ctx.clock.monotonic() - started) * 1000)
    facts = {
        "model": reply.response_metadata.get("model", ""),
        "usage": reply.response_metadata.get("usage", {}),
        "calls": [call["name"] for call in step["calls"]],
        "latency_ms": took,
        "failure": failure,
    }
    update: Update = {
        "steps": [*state["steps"], step],
        "model_steps": number + 1,
        "fell_back": fell_back,
        "model": facts["model"],
        "log": [*state["log"], {"kind": "model.call", "facts": facts, "latency_ms": took}],
        "asked_back": bool(reply.additional_kwargs.get(ASKED_BACK, _ends_with_question(step))),
    }
    if not step["calls"]:
        update["draft"] = step["text"]
    return update


def _ends_with_question(step: Mapping[str, Any]) -> bool:
    return not step["calls"] and step["text"].rstrip().endswith("?")


async def tools(state: TurnState, runtime: Runtime[TurnContext]) -> Update:
    """Carry out the calls of the last step: readings side by side, everything else one by one, in order."""
    ctx, step = runtime.context, state["steps"][-1]
    replies: list[ToolReply] = []
    for batch in _batches(step["calls"][:MAX_CALLS_PER_STEP]):
        pending = [_call(ctx, state, call, len(replies) + i) for i, call in enumerate(batch)]
        replies += await asyncio.gather(*pending)
    replies += [_too_many(call) for call in step["calls"][MAX_CALLS_PER_STEP:]]
    results = [_tool_step(call, reply) for call, reply in zip(step["calls"], replies, strict=True)]
    await _keep_evidence(ctx, state, step["calls"], replies)
    cards = [
        (call, card)
        for call, reply in zip(step["calls"], replies, strict=True)
        for card in proposals_of(reply)
    ]
    for _, card in cards:
        ctx.emit(EventKind.PROPOSAL, wording.card_sentences(card), {"proposal": card})
    waiting = [
        {"proposal_id": card["id"], "call_id": call["id"]}
        for call, card in cards
        if card["state"] == "pending"
    ]
    update: Update = {
        "steps": [*state["steps"], *results],
        "tools": [*state["tools"], *({"name": r.name, "args": r.args} for r in replies)],
        "proposals": list(dict.fromkeys([*state["proposals"], *(card["id"] for _, card in cards)])),
        "waiting": [*state["waiting"], *waiting],
        "log": [*state["log"], *(_tool_log(reply) for reply in replies)],
    }
    if waiting:
        update["draft"] = _card_answer(step["text"], replies)
    return update


def _batches(calls: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    batches: list[list[dict[str, Any]]] = []
    was_read = False
    for call in calls:
        tool = BY_NAME.get(call["name"])
        is_read = tool is not None and not tool.writes
        if is_read and was_read:
            batches[-1].append(call)
        else:
            batches.append([call])
        was_read = is_read
    return batches


async def _call(ctx: TurnContext, state: TurnState, call: Mapping[str, Any], index: int) -> ToolReply:
    request = f"{state['conversation']}/{state['turn']}/{state['phase']}.{state['model_steps']}.{index}"
    origin = CallOrigin(request_id=request, conversation=state["conversation"], cause=state["cause"])
    reply = await ctx.toolbox.call(call["name"], call["args"], origin)
    ctx.emit(
        EventKind.TOOL,
        reply.name,
        {"name": reply.name, "args": reply.args, "ok": reply.error is None, "latency_ms": reply.latency_ms},
    )
    return reply


def _too_many(call: Mapping[str, Any]) -> ToolReply:
    fault = BadInputError(
        "TOO_MANY_CALLS", "too many tool calls at once", f"Make at most {MAX_CALLS_PER_STEP} in one step."
    )
    return ToolReply(
        name=call["name"][:40],
        args={},
        result={"error": fault.as_json()},
        is_write=False,
        is_ours=True,
        latency_ms=0,
    )


def _tool_step(call: Mapping[str, Any], reply: ToolReply) -> dict[str, Any]:
    return {
        "role": "tool",
        "call_id": call["id"],
        "name": reply.name,
        "text": frame(reply.name, reply.result),
    }


def _tool_log(reply: ToolReply) -> dict[str, Any]:
    return {
        "kind": "tool.call",
        "name": reply.name,
        "args": reply.args,
        "result": _as_texts(bound(reply.result, 4_000)),
        "error": wording.error_sentence(reply.error) if reply.error else None,
        "latency_ms": reply.latency_ms,
    }


def _as_texts(value: object) -> object:
    """Return plain JSON whose fractions are text, as every wire of the desk wants numbers."""
    if isinstance(value, dict):
        return {key: _as_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_texts(item) for item in value]
    return str(value) if isinstance(value, float) else value


async def _keep_evidence(
    ctx: TurnContext, state: TurnState, calls: Sequence[Mapping[str, Any]], replies: Sequence[ToolReply]
) -> None:
    rows = [
        {
            "call_id": f"{state['phase']}.{state['model_steps']}.{index}.{call['id']}",
            "name": reply.name,
            "args": reply.args,
            "result": reply.result,
            "is_write": reply.is_write,
        }
        for index, (call, reply) in enumerate(zip(calls, replies, strict=True))
        if not reply.is_ours
    ]
    for row in rows:
        ctx.evidence.add_result(row["result"], row["args"], is_write=bool(row["is_write"]))
    if rows:
        await ctx.store.add_evidence(state["conversation"], state["turn"], rfc3339(ctx.clock.now()), rows)


def proposals_of(reply: ToolReply) -> list[dict[str, Any]]:
    """Return the cards that a writing tool's result holds."""
    if not reply.is_write or reply.error:
        return []
    found = reply.result.get("proposals", [reply.result])
    return [item for item in found if isinstance(item, dict) and "digest" in item and "state" in item]


def _card_answer(said: str, replies: Sequence[ToolReply]) -> str:
    parts = [said.strip()] if said.strip() else []
    for reply in replies:
        if reply.name == "flatten_and_pause" and not reply.error:
            parts.append(wording.stopped_sentences(reply.result))
        parts += [wording.card_sentences(card) for card in proposals_of(reply)]
        if reply.is_write and reply.error:
            parts.append(wording.error_sentence(reply.error))
    return "\n\n".join(parts)


async def ground_answer(state: TurnState, runtime: Runtime[TurnContext]) -> Update:
    """Hold the draft against the evidence and release what stands, sentence by sentence."""
    ctx = runtime.context
    checked = ground(ctx.redact(state["draft"]), ctx.evidence)
    sentences = checked.sentences if checked.text else (_NOTHING,)
    for sentence in sentences:
        ctx.emit(EventKind.SENTENCE, sentence, {})
    withheld = [{"sentence": w.sentence, "unsupported": list(w.unsupported)} for w in checked.withheld]
    entry = {"kind": "chat.answer", "withheld": withheld}
    return {
        "answer": "".join(sentences).strip(),
        "citations": list(checked.citations),
        "log": [*state["log"], entry],
    }


async def record(state: TurnState, runtime: Runtime[TurnContext]) -> Update:
    """Store the answer and write the turn into the desk's journal, one entry each."""
    ctx = runtime.context
    answer = Message(
        id=f"{state['turn']}-a{state['phase']}",
        role="assistant",
        text=state["answer"],
        at=rfc3339(ctx.clock.now()),
        citations=tuple(state["citations"]),
        proposals=tuple(state["proposals"]),
        model=state["model"],
        turn_id=state["turn"],
    )
    await ctx.store.finish_answer(
        answer,
        state["conversation"],
        waiting=[item["proposal_id"] for item in state["waiting"]],
        settled=state["settled"],
    )
    await _write_journal(ctx, state)
    return {"log": [], "journaled": state.get("journaled", 0) + len(state["log"]) + 1}


async def _write_journal(ctx: TurnContext, state: TurnState) -> None:
    prefix = f"{state['conversation']}/{state['turn']}/{state['phase']}.j"
    journaled = state.get("journaled", 0)
    cause = state["cause"]
    model_calls = [entry["facts"] for entry in state["log"] if entry["kind"] == "model.call"]
    if model_calls:
        body = {
            "request_id": f"{prefix}{journaled}",
            "kind": "model.call",
            "cause": cause,
            "payload_text": _dump(
                {
                    "prompt": ctx.prompt.name,
                    "prompt_version": ctx.prompt.version,
                    "prompt_sha256": ctx.prompt.sha256,
                    "tools_sha256": _TOOLS_SHA256,
                    "steps": model_calls,
                }
            ),
            "latency_ms": sum(call["latency_ms"] for call in model_calls),
        }
        cause = await ctx.recorder.post(_named_by_content(body)) or cause
    rest = [entry for entry in state["log"] if entry["kind"] != "model.call"]
    bodies = [
        _journal_body(state, entry, cause, f"{prefix}{n}") for n, entry in enumerate(rest, journaled + 1)
    ]
    await asyncio.gather(*(ctx.recorder.post(_named_by_content(body)) for body in bodies))


def _named_by_content(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with an id that another body cannot have, and a repeat of this one has again."""
    digest = hashlib.sha256(_dump(body).encode()).hexdigest()[:16]
    return {**body, "request_id": f"{body['request_id']}.{digest}"}


def _journal_body(
    state: TurnState, entry: Mapping[str, Any], cause: str | None, request_id: str
) -> dict[str, Any]:
    if entry["kind"] == "chat.answer":
        return {
            "request_id": request_id,
            "kind": "chat.answer",
            "cause": cause,
            "payload_text": state["answer"],
            "decision_text": _dump(entry["withheld"]) if entry["withheld"] else None,
        }
    return {
        "request_id": request_id,
        "kind": "tool.call",
        "cause": cause,
        "symbol": entry["args"].get("symbol"),
        "payload_text": _dump({"name": entry["name"], "args": entry["args"]}),
        "result": entry["result"],
        "error_text": entry["error"],
        "latency_ms": entry["latency_ms"],
    }


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


async def await_person(state: TurnState) -> Update:
    """Wait. What resumes this only says that it is time to ask the desk; it is never consent."""
    interrupt({"proposals": [item["proposal_id"] for item in state["waiting"]]})
    return {}


async def outcome(state: TurnState, runtime: Runtime[TurnContext]) -> Update:
    """Ask the desk what became of the cards; a settled one becomes its tool call's final result."""
    ctx = runtime.context
    steps, still, settled = list(state["steps"]), [], []
    rows: list[dict[str, Any]] = []
    for item in state["waiting"]:
        proposal = await read_settled(ctx, item["proposal_id"])
        if proposal is None:
            still.append(item)
            continue
        settled.append(item["proposal_id"])
        steps = _with_final(steps, item["call_id"], proposal, state["settled"])
        call_id = f"{item['call_id']}.{item['proposal_id']}"
        rows.append({"call_id": call_id, "name": "outcome", "args": {}, "result": proposal, "is_write": True})
        ctx.evidence.add_result(proposal, is_write=True)
        ctx.emit(EventKind.PROPOSAL, wording.outcome_sentences(proposal), {"proposal": proposal})
    if not settled:
        return {}
    await ctx.store.add_evidence(state["conversation"], state["turn"], rfc3339(ctx.clock.now()), rows)
    while steps and steps[-1]["role"] == "assistant" and not steps[-1]["calls"]:
        steps.pop()
    return {
        "steps": steps,
        "waiting": still,
        "settled": [*state["settled"], *settled],
        "phase": state["phase"] + 1,
        "model_steps": 0,
    }


async def read_settled(ctx: TurnContext, proposal_id: str) -> dict[str, Any] | None:
    """Return the desk's word on a proposal once it is final, else None."""
    try:
        proposal = await ctx.desk.read(f"/proposals/{proposal_id}")
    except MatrixError:
        return None
    return proposal if is_settled(proposal) else None


def is_settled(proposal: Mapping[str, Any]) -> bool:
    """Say whether a proposal is final: no longer pending and, when approved, with an outcome."""
    state = proposal.get("state")
    return state != "pending" and (state != "approved" or bool(proposal.get("outcome")))


def _with_final(
    steps: list[dict[str, Any]], call_id: str, proposal: Mapping[str, Any], told: Sequence[str]
) -> list[dict[str, Any]]:
    """Put the final word into the call's one result, and mark what the person was already told."""
    changed = []
    for step in steps:
        is_its = step["role"] == "tool" and step["call_id"] == call_id
        final = [{**card, "already_told": card["id"] in told} for card in step.get("final", [])]
        if is_its:
            final.append({**bound_card(proposal), "already_told": False})
        if final:
            changed.append({**step, "text": frame(step["name"], {"final": final}), "final": final})
        else:
            changed.append(step)
    return changed


def bound_card(proposal: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model needs to tell how a card ended."""
    kept = ("id", "kind", "state", "outcome", "card", "verdict", "replaced_by", "is_flatten", "record_id")
    small = bound({key: proposal[key] for key in kept if key in proposal}, 4_000)
    assert isinstance(small, dict)
    return small
