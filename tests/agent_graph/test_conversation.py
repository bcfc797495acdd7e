"""The main path, talked through with the offline planner on the real desk and exchange."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from agent_graph.turn import EventKind, TurnEvent
from desk.client import DeskClient, open_http
from tests.agent_graph.chat import approve, say, settled, talking
from tests.stack import TOKENS, DeskStack, until

RECORD = re.compile(r"R-[0-9A-Z]{26}")


async def test_whole_path_from_hello_to_stop(stack: DeskStack):
    async with talking(stack.client, stack.home) as chat:
        hello = await say(chat, "hi")
        assert (hello.mode, hello.model) == ("paper", "offline")
        assert "not a large language model" in hello.answer

        price = await say(chat, "btc price")
        assert [tool["name"] for tool in price.tools] == ["prices"]
        assert "BTC/USD: bid $" in price.answer

        card = await say(chat, "buy $25 of btc")
        (proposal,) = card.proposals
        assert "I've put a card up: buy 0.000" in card.answer
        assert "Nothing is sent until you approve it." in card.answer
        assert (await stack.client.read("/orders", state="all"))["orders"] == []

        done = await approve(stack, proposal)
        await settled(chat, proposal)
        told = (await chat.transcript(await chat.latest()))[-1]
        outcome = done["outcome"]
        for exact in (outcome["order_id"], outcome["filled"], outcome["fee"], *outcome["record_ids"]):
            assert exact in told.text
        assert told.citations

        target = await say(chat, "sell it all at a profit of 25 cents")
        assert [tool["name"] for tool in target.tools] == ["break_even", "propose_order"]
        assert "break-even price" in target.answer
        assert "to keep $0.25 after both fees, sell at $" in target.answer
        await approve(stack, target.proposals[0])
        await settled(chat, target.proposals[0])
        assert "resting" in (await chat.transcript(await chat.latest()))[-1].text

        cancelled = await say(chat, "cancel it")
        assert "Cancelled" in cancelled.answer
        assert (await stack.client.read("/orders", state="open"))["orders"] == []

        why = await say(chat, "why did we buy?")
        fill = (await stack.client.read("/fills"))["fills"][-1]
        for exact in (fill["order_id"], fill["price"], fill["amount"], fill["fee"], fill["record_id"]):
            assert exact in why.answer
        assert fill["record_id"] in why.citations
        assert "I left out" not in why.answer

        stopped = await say(chat, "STOP EVERYTHING")
        assert "halted" in stopped.answer
        assert "I've put a card up to flatten" in stopped.answer
        assert (await stack.client.read("/status"))["kill_state"] == "halted"


async def test_messages_are_answered_while_a_card_waits(stack: DeskStack):
    async with talking(stack.client, stack.home) as chat:
        card = await say(chat, "buy $25 of btc")
        other = await say(chat, "eth price")
        assert "ETH/USD" in other.answer
        await approve(stack, card.proposals[0])
        await settled(chat, card.proposals[0])
        assert "is filled" in (await chat.transcript(await chat.latest()))[-1].text


async def test_settling_many_times_at_once_answers_once(stack: DeskStack):
    async with talking(stack.client, stack.home) as chat:
        card = await say(chat, "buy $25 of btc")
        await approve(stack, card.proposals[0])
        await asyncio.gather(*(chat.settle(card.proposals[0]) for _ in range(8)))
        texts = [m.text for m in await chat.transcript(await chat.latest()) if "is filled" in m.text]
        assert len(texts) == 1
        assert len((await stack.client.read("/orders", state="all"))["orders"]) == 1


async def test_subscribers_hear_what_comes_after_the_answer(stack: DeskStack):
    async with talking(stack.client, stack.home) as chat:
        conversation = await chat.latest()
        heard: list[TurnEvent] = []

        async def listen() -> None:
            async for event in chat.subscribe(conversation):
                heard.append(event)  # noqa: PERF401 - read while it grows

        listener = asyncio.create_task(listen())
        await asyncio.sleep(0)
        card = await say(chat, "buy $25 of btc")
        kinds = [event.kind for event in heard]
        assert EventKind.TOOL in kinds
        assert EventKind.PROPOSAL in kinds
        assert kinds[-1] is EventKind.DONE
        before = len(heard)
        await approve(stack, card.proposals[0])
        await settled(chat, card.proposals[0])
        await until(lambda: heard[-1].kind is EventKind.DONE and len(heard) > before, "the closing answer")
        assert "is filled" in heard[-1].text
        assert heard[-1].data["turn"] == heard[0].data["turn"]
    await asyncio.wait_for(listener, 5)


async def test_a_typed_key_is_stored_nowhere(stack: DeskStack):
    secret = "AIza" + "SyB3x9Kq7Lm2Np5Rt8Vw1Yz4Cd6Fg0Hj3K"
    async with talking(stack.client, stack.home) as chat:
        result = await say(chat, f"my google key is {secret}, what is the btc price?")
        assert secret not in result.question
        transcript = await chat.transcript(await chat.latest())
        assert any(m.role == "notice" and "Never type secrets into the chat" in m.text for m in transcript)
    for path in stack.home.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


async def test_conversation_and_waiting_card_survive_a_restart(stack: DeskStack):
    async with talking(stack.client, stack.home) as chat:
        first = await chat.latest()
        card = await say(chat, "buy $25 of btc")
    await approve(stack, card.proposals[0])
    async with talking(stack.client, stack.home) as chat:
        assert await chat.latest() == first
        transcript = await chat.transcript(first)
        assert [m.role for m in transcript] == ["person", "assistant", "assistant"]
        assert "is filled" in transcript[-1].text
        assert (await chat.list())[0].title == "buy $25 of btc"


async def test_an_unreachable_desk_gets_a_clear_answer_and_nothing_is_lost(stack: DeskStack, tmp_path: Path):
    http = open_http("http://127.0.0.1:9")
    lost = DeskClient(http, read=TOKENS["read"], propose=TOKENS["propose"])
    async with talking(lost, tmp_path) as chat:
        answer = await say(chat, "btc price")
        assert "The desk does not answer" in answer.answer
        assert "make run" in answer.answer
        assert answer.mode == "unknown"
        stop = await say(chat, "STOP EVERYTHING")
        assert "matrix kill" in stop.answer
        assert len(await chat.transcript(await chat.latest())) == 4
    await http.aclose()
    async with talking(stack.client, tmp_path) as chat:
        await say(chat, "hi")
        found = await stack.client.read("/journal/search", kind="chat.message")
        said = [record["payload_text"] for record in found["records"]]
        assert said == ["hi", "STOP EVERYTHING", "btc price"]


async def test_journal_tells_message_model_tool_and_answer(stack: DeskStack):
    async with talking(stack.client, stack.home) as chat:
        await say(chat, "buy $25 of btc")
        found = await stack.client.read("/journal/tail", after_seq=0, limit=500)
        by_kind = {record["kind"]: record for record in found["records"]}
        message = by_kind["chat.message"]
        assert by_kind["model.call"]["cause"] == message["id"]
        assert by_kind["tool.call"]["cause"] == by_kind["model.call"]["id"]
        assert by_kind["chat.answer"]["cause"] == by_kind["model.call"]["id"]
        assert "prompt_sha256" in by_kind["model.call"]["payload_text"]
        wanted = [r for r in found["records"] if r["cause"] == message["id"] and r["kind"] != "model.call"]
        assert wanted, "the intent must lead back to the message"


async def test_a_list_can_leave_out_where_conversations_were_begun(stack: DeskStack, home: Path):
    async with talking(stack.client, home) as chat:
        page = await chat.create("web")
        asked = await chat.create("ask")
        assert {asked, page} <= {known.id for known in await chat.list()}
        assert asked not in {known.id for known in await chat.list(("web", "terminal"))}
        assert await chat.latest(among=("web",)) == page
