"""Gemini over its own wire: tool loops, signatures, ids, endings and retries."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agent_graph.framing import unframe
from agent_graph.models import make_model
from agent_graph.models.gemini import GeminiChat, judge, make_gemini
from agent_graph.models.gemini_wire import PARTS, Answer, contents
from agent_graph.models.port import Ending, ModelFailedError
from domain.clock import ManualClock
from domain.errors import BadInputError
from tests.agent_graph import gemini_server as fake
from tests.agent_graph.chat import approve, say, settled, talking
from tests.agent_graph.gemini_server import KEY, Json, Reply, gemini_on, responses
from tests.stack import DeskStack

ASK = [SystemMessage("You are a test."), HumanMessage("btc price?")]
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@asynccontextmanager
async def model_on(
    *replies: Reply, key: str = KEY, name: str | None = None
) -> AsyncIterator[tuple[GeminiChat, fake.GeminiServer, list[float]]]:
    """Gemini against a server that gives these replies in turn, the last one for ever."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with gemini_on(lambda _, n: replies[min(n, len(replies)) - 1]) as (server, url):
        model = make_gemini(
            key, model=name, base_url=url, clock=ManualClock(NOW), random=Random(1), sleep=sleep
        )
        try:
            yield model, server, waits
        finally:
            await model.aclose()


async def test_a_plain_answer_is_joined_and_counted():
    async with model_on(fake.said("The price", " is high.")) as (model, server, _):
        reply = await model.ainvoke(ASK)
    assert reply.text == "The price is high."
    assert reply.response_metadata["model"] == "gemini-3.8-flash"
    assert reply.response_metadata["usage"] == {
        "prompt": 100,
        "cached": 0,
        "output": 15,
        "cost_usd": "0.00013125",
    }
    request = server.requests[0]
    assert request["systemInstruction"]["parts"][0]["text"] == "You are a test."
    declared = request["tools"][0]["functionDeclarations"]
    schema = next(d for d in declared if d["name"] == "propose_order")
    schema = schema.get("parametersJsonSchema") or schema["parameters_json_schema"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["notional_usd"]["pattern"].startswith("^[0-9]")
    assert "temperature" not in json.dumps(request)


@pytest.mark.parametrize("ids", [True, False])
async def test_parallel_calls_go_back_verbatim_in_order_with_ids(ids: bool):
    first = fake.called(("prices", {"symbol": "btcusd"}), ("prices", {"symbol": "ethusd"}), ids=ids)
    if not ids:
        first.events = [_without_ids(event) for event in first.events]
    async with model_on(first, fake.said("Done.")) as (model, server, _):
        reply = await model.ainvoke(ASK)
        assert isinstance(reply, AIMessage)
        assert len({call["id"] for call in reply.tool_calls}) == 2
        back = [
            ToolMessage(f"result of {c['args']['symbol']}", tool_call_id=c["id"]) for c in reply.tool_calls
        ]
        done = await model.ainvoke([*ASK, reply, *reversed(back)])
    assert done.text == "Done."
    told = [r["response"]["result"] for r in responses(server.requests[1])]
    assert told == ["result of btcusd", "result of ethusd"]


def _without_ids(event: Json) -> Json:
    text = json.dumps(event)
    return dict(json.loads(re.sub(r', "id": "[^"]*"', "", text)))


@pytest.mark.parametrize("harm", ["drop", "swap"])
async def test_the_server_would_notice_a_lost_signature_or_a_changed_order(harm: str):
    two = fake.called(("fees", {}), ("limits", {}))
    async with model_on(two, fake.said("Ok.")) as (model, _, _waits):
        reply = await model.ainvoke(ASK)
        assert isinstance(reply, AIMessage)
        parts = reply.additional_kwargs[PARTS]
        signed = next(part for part in parts if "thoughtSignature" in part)
        if harm == "drop":
            del signed["thoughtSignature"]
        else:
            parts.reverse()
        back = [ToolMessage("x", tool_call_id=str(c["id"])) for c in reply.tool_calls]
        with pytest.raises(ModelFailedError) as failed:
            await model.ainvoke([*ASK, reply, *back])
    assert failed.value.ending is Ending.REFUSED


async def test_a_call_without_a_result_still_gets_its_response():
    async with model_on(fake.called(("fees", {}), ("limits", {})), fake.said("Ok.")) as (model, server, _):
        reply = await model.ainvoke(ASK)
        assert isinstance(reply, AIMessage)
        only = ToolMessage("x", tool_call_id=str(reply.tool_calls[0]["id"]))
        assert (await model.ainvoke([*ASK, reply, only])).text == "Ok."
    assert len(responses(server.requests[1])) == 2


async def test_a_per_minute_quota_waits_as_long_as_asked():
    async with model_on(fake.quota(delay="7s"), fake.said("Ok.")) as (model, server, waits):
        assert (await model.ainvoke(ASK)).text == "Ok."
    assert len(server.requests) == 2
    assert 7.0 <= waits[0] <= 8.75


@pytest.mark.parametrize(
    ("reply", "ending", "asked"),
    [
        (fake.quota(delay="7s", per_day=True), Ending.QUOTA, 2),
        (fake.quota(delay=None), Ending.QUOTA, 2),
        (fake.quota(delay="48s"), Ending.QUOTA, 2),
        (fake.failed(503, "UNAVAILABLE"), Ending.UNAVAILABLE, 6),
        (fake.failed(500, "INTERNAL"), Ending.UNAVAILABLE, 6),
        (fake.failed(404, "NOT_FOUND"), Ending.UNAVAILABLE, 2),
        (fake.failed(400, "INVALID_ARGUMENT"), Ending.REFUSED, 1),
        (fake.failed(403, "PERMISSION_DENIED"), Ending.REFUSED, 1),
        (fake.blocked(), Ending.BLOCKED, 1),
        (fake.ended("SAFETY", {}), Ending.BLOCKED, 1),
        (fake.ended("SOMETHING_NEW"), Ending.BLOCKED, 1),
        (fake.ended("MALFORMED_FUNCTION_CALL"), Ending.MALFORMED, 3),
        (fake.ended("MAX_TOKENS"), Ending.TRUNCATED, 3),
        (fake.said(""), Ending.EMPTY, 3),
        (fake.ended("STOP"), Ending.EMPTY, 3),
        (Reply(events=[{"candidates": []}]), Ending.EMPTY, 3),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is not a valid FinishReason")
async def test_endings_are_typed_and_attempts_bounded(reply: Reply, ending: Ending, asked: int):
    async with model_on(reply) as (model, server, _):
        with pytest.raises(ModelFailedError) as failed:
            await model.ainvoke(ASK)
    assert failed.value.ending is ending
    assert len(server.requests) == asked


async def test_a_model_that_is_gone_is_replaced_by_the_configured_fallback():
    def script(_body: Json, number: int) -> Reply:
        return fake.failed(404, "NOT_FOUND") if number == 1 else fake.said("From the other one.")

    async with gemini_on(script) as (server, url):
        model = make_gemini(KEY, base_url=url)
        reply = await model.ainvoke(ASK)
        await model.aclose()
    assert reply.response_metadata["model"] == "gemini-3.5-flash-lite"
    assert server.models == ["gemini-3.8-flash", "gemini-3.5-flash-lite"]


async def test_no_other_model_continues_a_signed_step():
    replies = (fake.called(("fees", {})), fake.failed(503, "UNAVAILABLE"))
    async with model_on(*replies) as (model, server, _):
        reply = await model.ainvoke(ASK)
        assert isinstance(reply, AIMessage)
        back = ToolMessage("x", tool_call_id=str(reply.tool_calls[0]["id"]))
        with pytest.raises(ModelFailedError):
            await model.ainvoke([*ASK, reply, back])
    assert set(server.models) == {"gemini-3.8-flash"}


async def test_a_cut_stream_is_asked_again():
    cut = fake.said("half of ")
    cut.events, cut.is_cut = cut.events[:1], True
    async with model_on(cut, fake.said("Whole.")) as (model, _, _waits):
        assert (await model.ainvoke(ASK)).text == "Whole."


async def test_a_truncated_call_never_runs_and_more_room_is_asked_for():
    cut = fake.called(("flatten_and_pause", {}), finish="MAX_TOKENS")
    async with model_on(cut, fake.said("Ok.")) as (model, server, _):
        reply = await model.ainvoke(ASK)
    assert isinstance(reply, AIMessage)
    assert reply.tool_calls == []
    rooms = [r["generationConfig"]["maxOutputTokens"] for r in server.requests]
    assert rooms == [8192, 16384]


async def test_a_wrong_key_is_told_and_never_repeated_in_the_error():
    async with model_on(fake.said("x"), key="wrong-key-1234567890") as (model, _, _waits):
        with pytest.raises(ModelFailedError) as failed:
            await model.ainvoke(ASK)
        assert "wrong-key" not in str(failed.value)
        assert "wrong-key" not in repr(model)
    assert "Google key" in failed.value.cure


def test_history_of_another_model_goes_as_plain_text():
    foreign = AIMessage("Looking.", tool_calls=[{"id": "a", "name": "fees", "args": {}}])
    sent = contents([*ASK, foreign, ToolMessage("20 bps", tool_call_id="a")])
    assert [c["role"] for c in sent] == ["user", "model", "user"]
    assert "functionCall" not in json.dumps(sent)
    assert "20 bps" in sent[-1]["parts"][0]["text"]


def test_models_are_made_by_name_and_the_key_is_an_argument():
    assert make_model("auto").name == "offline"
    assert make_model("auto", gemini_key=KEY).name == "gemini-3.8-flash"
    assert make_model("gemini", gemini_key=KEY, gemini_model="gemini-4-argon").name == "gemini-4-argon"
    for name, key in (("gemini", None), ("gpt", None)):
        with pytest.raises(BadInputError):
            make_model(name, gemini_key=key)
    with pytest.raises(BadInputError, match="not configured"):
        make_model("gemini", gemini_key=KEY, gemini_model="gemini-1")


async def test_price_question_goes_through_a_whole_loop_on_the_real_desk(stack: DeskStack):
    def script(body: Json, number: int) -> Reply:
        if number == 1:
            return fake.called(("prices", {"symbol": "btcusd"}), ("prices", {"symbol": "ethusd"}))
        bids = [unframe(r["response"]["result"])["prices"][0]["bid"] for r in responses(body)]
        return fake.said(f"Bitcoin is bid {bids[0]}", f" and ether {bids[1]}. It will be 99,999 soon.")

    async with _talking_to(script, stack) as (chat, server):
        result = await say(chat, "how are bitcoin and ether?")
    assert re.fullmatch(r"Bitcoin is bid [0-9.]+ and ether [0-9.]+\. I left out a figure .*", result.answer)
    assert result.model == "gemini-3.8-flash"
    assert [tool["name"] for tool in result.tools] == ["prices", "prices"]
    first = server.requests[0]["contents"][-1]["parts"][0]["text"]
    assert "paper" in first
    assert "token" not in first


async def test_an_order_goes_through_a_whole_loop_on_the_real_desk(stack: DeskStack):
    def script(body: Json, number: int) -> Reply:
        if number == 1:
            order = {"symbol": "btcusd", "side": "buy", "notional_usd": 25.5, "rationale": "asked"}
            return fake.called(("propose_order", order))
        result = unframe(responses(body)[-1]["response"]["result"])
        if "error" in result:
            order = {"symbol": "btcusd", "side": "buy", "notional_usd": "25", "rationale": "asked"}
            return fake.called(("propose_order", order))
        outcome = result["final"][0]["outcome"]
        return fake.said(f"Filled at {outcome['average_price']} ({outcome['record_ids'][0]}).")

    async with _talking_to(script, stack) as (chat, server):
        card = await say(chat, "buy 25 dollars of bitcoin")
        assert "I've put a card up" in card.answer
        assert len(server.requests) == 2
        await approve(stack, card.proposals[0])
        await settled(chat, card.proposals[0])
        told = (await chat.transcript(await chat.latest()))[-1]
    assert told.text.startswith("Filled at ")
    assert told.citations
    assert len(server.requests) == 3
    assert len((await stack.client.read("/orders", state="all"))["orders"]) == 1


@asynccontextmanager
async def _talking_to(
    script: Callable[[Json, int], Reply], stack: DeskStack
) -> AsyncIterator[tuple[object, fake.GeminiServer]]:
    async with gemini_on(script) as (server, url):
        model = make_gemini(KEY, base_url=url)
        async with talking(stack.client, stack.home, model) as chat:
            yield chat, server


def _exchanges(recordings: Path) -> list[Json]:
    folder = recordings / "llm" / "recordings"
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def test_every_recorded_answer_is_understood(recordings: Path):
    counts = {"answers": 0, "calls": 0, "failures": 0, "errors": 0}
    for exchange in _exchanges(recordings):
        response = exchange["response"]
        body = response.get("body") or {}
        if response["status"] != 200:
            assert judge(response["status"], body, str(body.get("error", {}).get("message"))).error.message
            counts["errors"] += 1
            continue
        events = response.get("sse_events") or [body]
        if not any("candidates" in e or "promptFeedback" in e for e in events):
            continue
        answer = Answer.of(events)
        failure = answer.failure()
        counts["failures" if failure else "answers"] += 1
        if failure is None:
            message = answer.message(1)
            counts["calls"] += len(message.tool_calls)
            assert message.text or message.tool_calls
    assert min(counts.values()) > 0, counts


def test_recorded_calls_are_sent_back_with_their_signatures(recordings: Path):
    signed = 0
    for exchange in _exchanges(recordings):
        response = exchange["response"]
        events = response.get("sse_events") or [response.get("body") or {}]
        if response["status"] != 200 or not any("candidates" in e for e in events):
            continue
        answer = Answer.of(events)
        message = answer.message(1)
        if answer.failure() or not message.tool_calls:
            continue
        results = [ToolMessage("ok", tool_call_id=str(c["id"])) for c in message.tool_calls]
        sent = contents([HumanMessage("x"), message, *results])
        given = [p.get("thoughtSignature") for p in message.additional_kwargs[PARTS]]
        assert [p.get("thoughtSignature") for p in sent[1]["parts"]] == given
        assert len(sent[2]["parts"]) == len(message.tool_calls)
        signed += sum(signature is not None for signature in given)
    assert signed > 0
