"""The model's light follows what was seen of the model."""

from __future__ import annotations

from pathlib import Path
from random import Random

from agent_graph.conversations import Conversations
from agent_graph.models import make_model
from app.server import OpenTalk
from desk.client import DeskClient
from domain.clock import SystemClock
from domain.errors import BadInputError
from domain.ids import IdSource
from tests.agent_graph import gemini_server as fake
from tests.app.site import Site, app_on, desk_served
from tests.stack import DeskStack, until


def gemini_at(home: Path, url: str) -> OpenTalk:
    async def open_talk(desk: DeskClient) -> Conversations:
        clock = SystemClock()
        return await Conversations.open(
            db_path=home / "state" / "app.sqlite",
            desk=desk,
            model=make_model("gemini", gemini_key=fake.KEY, base_url=url),
            clock=clock,
            ids=IdSource(clock, Random(3)),
        )

    return open_talk


async def ask(site: Site, text: str) -> None:
    async with site.sign_in() as client:
        conversation = (await client.get("/api/conversations")).json()["latest"]
        await client.post(f"/api/conversations/{conversation}/messages", json={"text": text})


async def test_geminis_light_tells_whether_it_answered(home: Path, stack: DeskStack) -> None:
    replies = [fake.blocked(), fake.said("Good morning."), fake.blocked()]
    async with (
        fake.gemini_on(lambda _, number: replies[number - 1]) as (_, url),
        desk_served(home, stack),
        app_on(home, stack, gemini_at(home, url)) as site,
    ):
        live = site.built.live
        await until(lambda: live.model.get("label"), "the conversations are open")
        assert (live.model["label"], live.model["state"]) == ("gemini-3.8-flash", "off")
        assert live.model["word"] == "not asked yet"
        await ask(site, "good morning")
        await until(lambda: live.model["state"] == "down", "the light is down")
        assert "offline planner answers instead" in live.model["last_error"]
        await ask(site, "good morning again")
        await until(lambda: live.model["state"] == "ok", "the light is green again")
        assert live.model["last_error"]
        assert live.picture()["model"] == live.model


async def test_a_conversation_that_cannot_open_is_down_and_says_why(home: Path) -> None:
    async def broken(_: DeskClient) -> Conversations:
        raise BadInputError("STORE_NEWER", "the store is of a newer release", "Update the app.")

    async with app_on(home, None, broken) as site, site.sign_in() as client:
        await until(lambda: site.built.live.model["state"] == "down", "the light is down")
        assert site.built.live.model["last_error"] == "the store is of a newer release"
        reply = await client.get("/api/conversations")
        assert reply.status_code == 503
        assert reply.json()["error"]["code"] == "CHAT_BROKEN"
        assert "newer release" in reply.json()["error"]["message"]
