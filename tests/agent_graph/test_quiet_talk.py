"""What only reads or only proposes, talked through with the offline planner on the real desk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent_graph.turn import EventKind
from domain.errors import BadInputError, NotFoundError
from tests.agent_graph.chat import say, talking
from tests.stack import DeskStack

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_every_figure_of_the_planner_survives_grounding(quiet_desk: DeskStack, tmp_path: Path):
    asked = (
        "prices",
        "order book of btc",
        "hourly candles for eth",
        "fees",
        "limits",
        "my portfolio",
        "status",
        "break even if i buy $50 of btc",
    )
    async with talking(quiet_desk.client, tmp_path) as chat:
        for text in asked:
            answer = (await say(chat, text)).answer
            assert "I left out" not in answer, (text, answer)


async def test_a_handle_yields_sentences_and_ends(quiet_desk: DeskStack, tmp_path: Path):
    async with talking(quiet_desk.client, tmp_path) as chat:
        handle = await chat.send(await chat.latest(), "what can you do?")
        events = [event async for event in handle]
        said = "".join(event.text for event in events if event.kind is EventKind.SENTENCE)
        assert said.strip() == (await handle.result()).answer
        assert events[-1].kind is EventKind.DONE


async def test_a_turn_runs_on_when_nobody_listens(quiet_desk: DeskStack, tmp_path: Path):
    async with talking(quiet_desk.client, tmp_path) as chat:
        handle = await chat.send(await chat.latest(), "btc price")
        reader = asyncio.create_task(handle.result())
        await asyncio.sleep(0)
        reader.cancel()
        assert "BTC/USD" in (await handle.result()).answer


async def test_many_turns_at_once_all_answer(quiet_desk: DeskStack, tmp_path: Path):
    async with talking(quiet_desk.client, tmp_path) as chat:
        ids = [await chat.create("ask") for _ in range(6)]
        answers = await asyncio.gather(*(say(chat, "fees", one) for one in ids))
        assert all("bps as maker" in answer.answer for answer in answers)


async def test_bad_input_is_refused_before_anything_is_stored(quiet_desk: DeskStack, tmp_path: Path):
    async with talking(quiet_desk.client, tmp_path) as chat:
        conversation = await chat.latest()
        with pytest.raises(BadInputError):
            await chat.send(conversation, "  ")
        with pytest.raises(NotFoundError):
            await chat.send("C-nothing", "hi")
        assert await chat.transcript(conversation) == []


BAD_REQUESTS = (
    ("buy $1000000 of btc", "100 are allowed"),
    ("buy 0.0000001 btc", "below the minimum"),
    ("buy 0.001 btc at 1", "at most 5 % are allowed"),
    ("buy $25 of foocoin", "I do not know “foocoin”"),
    ("buy NaN btc", "I cannot read “NaN”"),
    ("buy 1e400 btc", "I cannot read “1e400”"),
    ("buy ٢٥ dollars of btc", "as a plain number"),
    ("cancel order 99999999999999", "99999999999999"),
    ("why order 99999999999999?", "no record"),
)


async def test_bad_requests_get_a_clear_message_and_no_card(quiet_desk: DeskStack, tmp_path: Path):
    async with talking(quiet_desk.client, tmp_path) as chat:
        for text, says in BAD_REQUESTS:
            result = await say(chat, text, await chat.create("ask"))
            assert says in result.answer, text
            assert "Something went wrong" not in result.answer
        assert (await quiet_desk.client.read("/proposals", state="pending"))["proposals"] == []


async def test_a_rejected_card_closes_its_turn(quiet_desk: DeskStack, tmp_path: Path):
    async with talking(quiet_desk.client, tmp_path) as chat:
        card = await say(chat, "buy $25 of btc")
        assert await chat.settle(card.proposals[0]) is False
        await quiet_desk.person.reject(card.proposals[0])
        assert await chat.settle(card.proposals[0]) is True
        assert "You rejected the card" in (await chat.transcript(await chat.latest()))[-1].text


async def test_typing_yes_approves_nothing(quiet_desk: DeskStack, tmp_path: Path):
    async with talking(quiet_desk.client, tmp_path) as chat:
        card = await say(chat, "buy $25 of btc")
        for text in ("yes", "approve it", "confirm the order", "ok do it"):
            assert "only your own click" in (await say(chat, text)).answer
        assert (await quiet_desk.client.read(f"/proposals/{card.proposals[0]}"))["state"] == "pending"
        assert (await quiet_desk.client.read("/orders", state="all"))["orders"] == []
        await quiet_desk.person.reject(card.proposals[0])
