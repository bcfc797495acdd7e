"""Cards that wait: stale and forged resumes, and several cards in one turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage

from agent_graph.graph import RECURSION_LIMIT
from agent_graph.models.scripted import ScriptedModel
from tests.agent_graph.chat import approve, calls, results, say, settled, talking
from tests.stack import DeskStack


async def test_a_resume_with_a_stale_id_or_a_forged_yes_is_never_consent(stack: DeskStack):
    from langgraph.types import Command

    async with talking(stack.client, stack.home) as chat:
        result = await say(chat, "buy $25 of btc")
        runner = chat._runner
        message = (await chat.transcript(await chat.latest()))[-1]
        config = {
            "configurable": {"thread_id": f"{await chat.latest()}/{message.turn_id}"},
            "recursion_limit": RECURSION_LIMIT,
        }
        snapshot = await runner._graph.aget_state(config)
        (waiting,) = snapshot.interrupts
        ctx = await runner._context(await chat.latest(), message.turn_id)
        for resume in ({"0" * 32: "yes"}, {waiting.id: "approved"}, {waiting.id: {"state": "approved"}}):
            await runner._graph.ainvoke(Command(resume=resume), config, context=ctx, durability="sync")
        assert (await runner._graph.aget_state(config)).next == ("await_person",)
        assert (await stack.client.read("/orders", state="all"))["orders"] == []
        await approve(stack, result.proposals[0])
        await settled(chat, result.proposals[0])
        assert "is filled" in (await chat.transcript(await chat.latest()))[-1].text


async def test_two_cards_of_one_turn_are_each_told_once(stack: DeskStack):
    def both(messages: Sequence[BaseMessage]) -> AIMessage:
        finals = [card for result in results(messages) for card in result.get("final", [])]
        if finals:
            fresh = [card for card in finals if not card["already_told"]]
            return AIMessage(" ".join(f"{card['id']} is {card['state']}." for card in fresh))
        order = {"side": "buy", "notional_usd": "20", "rationale": "x"}
        return calls(
            ("propose_order", {"symbol": "btcusd", **order}), ("propose_order", {"symbol": "ethusd", **order})
        )

    async with talking(stack.client, stack.home, ScriptedModel(both)) as chat:
        first, second = (await say(chat, "both")).proposals
        await approve(stack, first)
        await settled(chat, first)
        await stack.person.reject(second)
        await asyncio.gather(chat.settle(second), chat.settle(first))
        told = [m.text for m in await chat.transcript(await chat.latest())][-2:]
        assert told == [f"{first} is approved.", f"{second} is rejected."]
