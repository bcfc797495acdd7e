"""Axe finds nothing, contrast of 7:1 included: every tab, light and dark, desk and phone."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.app.site import DESKTOP, PHONE, Site, page_in

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.browser]

OPTIONS: dict[str, Any] = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "resultTypes": ["violations"],
    "rules": {"color-contrast-enhanced": {"enabled": True}},
}
TABS = ("Chat", "Markets", "Orders", "Connections", "Journal")


async def faults(page: Page) -> list[str]:
    if not await page.evaluate("Boolean(window.axe)"):
        await page.evaluate(Axe().axe_script)
    found = (await page.evaluate("options => axe.run(document, options)", OPTIONS))["violations"]
    return [f"{item['id']}: {node['target']}" for item in found for node in item["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing(
    site: Site, shared: BrowserContext, viewport: dict[str, int], scheme: Literal["light", "dark"]
) -> None:
    assert site.stack is not None
    await site.stack.buy("20")
    await site.stack.propose(side="buy", notional_usd="900000", rationale="refused, and shown")
    card = await site.stack.propose(side="buy", notional_usd="21", rationale="a test of the look")
    async with page_in(shared, site, viewport=viewport, scheme=scheme) as page:
        await expect(page.locator(".mx-card").first).to_be_visible()
        await expect(page.locator(".mx-refusal").first).to_be_attached()
        await page.get_by_label("Message", exact=True).fill("btc price")
        await page.get_by_label("Message", exact=True).press("Enter")
        await expect(page.locator(".mx-from-person").first).to_be_visible()
        for name in TABS:
            await page.get_by_role("tab", name=name).click()
            if name == "Journal":
                await page.locator('[data-mx="journal"] .mx-record').first.click()
                await expect(page.locator(".mx-receipt")).to_be_visible()
                await expect(page.locator(".mx-chain-list").first).to_be_visible()
            assert await faults(page) == [], name
    await site.stack.person.reject(card["id"])


async def test_axe_finds_nothing_on_a_halted_desk(site: Site, page: Page) -> None:
    assert site.stack is not None
    await site.stack.person.kill(keep=True)
    await expect(page.locator(".mx-banner")).to_be_visible()
    await page.get_by_role("button", name="Release…").click()
    assert await faults(page) == []
    await site.stack.person.release()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_the_front_page(site: Site, browser: Browser, scheme: str) -> None:
    context = await browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]  # light or dark
    page = await context.new_page()
    await page.goto(f"{site.base}/?code=wrong")
    assert await faults(page) == []
    await context.close()
