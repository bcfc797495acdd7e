"""The desk goes and comes back, with another port and other tokens; the page says so and recovers."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.app.site import app_on, chromium, desk_served, signed_in
from tests.stack import DeskStack, until

pytestmark = pytest.mark.browser


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
