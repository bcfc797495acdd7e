"""The desk goes and comes back, with another port and other tokens; the page says so and recovers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from tests.app.site import app_on, chromium, desk_served, signed_in
from tests.stack import DeskStack, until


@pytest.mark.browser
async def test_the_page_says_that_the_desk_is_gone_and_recovers(home: Path, stack: DeskStack) -> None:
    async with app_on(home, stack) as site, chromium() as browser:
        async with desk_served(home, stack):
            await until(lambda: site.built.live.desk["up"], "the app found the desk")
            context = signed_in(browser, site)
            page = await context.__aenter__()
            light = page.locator('.mx-lights [data-name="Desk"]')
            await expect(light).to_have_text("●Desk: ok")
        await expect(light).to_have_text("■Desk: down")
        await page.get_by_role("tab", name="Connections").click()
        await expect(page.get_by_role("table", name="Connections")).to_contain_text("matrix up")
        async with desk_served(home, stack):
            await expect(light).to_have_text("●Desk: ok")
            card = await stack.propose(side="buy", notional_usd="20", rationale="a test")
            async with site.sign_in() as client:
                body = {"id": card["id"], "digest": card["digest"]}
                done = await client.post("/api/approve", json=body)
                assert done.json()["outcome"]["state"] == "filled", done.text
            await context.__aexit__(None, None, None)


async def test_a_card_settled_while_the_desk_was_out_of_sight_is_told_afterwards(
    home: Path, stack: DeskStack
) -> None:
    async with app_on(home, stack) as site, site.sign_in() as client:
        live = site.built.live
        async with desk_served(home, stack):
            await until(lambda: live.desk["up"] and live.model["state"] == "ok", "all is open")
            talk = f"/api/conversations/{(await client.get('/api/conversations')).json()['latest']}"
            await client.post(f"{talk}/messages", json={"text": "buy $25 of btc"})
            await until(lambda: live.picture()["proposals"], "the card is up")
            card = live.picture()["proposals"][-1]
            await until_said(client, talk, "I've put a card up")
        await until(lambda: not live.desk["up"], "the app lost the desk")
        await stack.person.approve(card["id"], card["digest"])
        async with desk_served(home, stack):
            await until_said(client, talk, "ought 0.000")


async def until_said(client: httpx.AsyncClient, talk: str, words: str) -> None:
    for _ in range(200):
        answer = (await client.get(talk)).json()
        if not answer["busy"] and any(words in item["text"] for item in answer["messages"]):
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{words!r} was not said: {answer['messages']}")
