"""A new user's whole path, in a real browser on a fresh home: from hello to the stop."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.app.site import DESKTOP, chromium
from tests.path.processes import House, house_up

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

REPLAYS = ("gemini_v2_20260809_a.jsonl.gz", "gemini_v2_20210417.txt.gz")


@asynccontextmanager
async def visit(browser: Browser, door: str) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport=DESKTOP)
    page = await context.new_page()
    outside: list[str] = []
    page.on(
        "request",
        lambda r: None if "://localhost:" in r.url or r.url.startswith("data:") else outside.append(r.url),
    )
    try:
        await page.goto(door)
        await page.wait_for_selector(".mx-log", state="attached", timeout=30_000)
        yield page
        assert outside == []
    finally:
        await context.close()


async def say(page: Page, text: str) -> None:
    box = page.get_by_label("Message", exact=True)
    await box.fill(text)
    await box.press("Enter")
    await expect(page.locator(".mx-from-person").last).to_contain_text(text)


def answers(page: Page) -> Locator:
    return page.locator(".mx-from-assistant:not(.mx-live), .mx-from-notice")


async def reply(page: Page, pattern: str, timeout_ms: int = 10_000) -> str:
    last = answers(page).last
    await expect(last).to_contain_text(re.compile(pattern, re.IGNORECASE), timeout=timeout_ms)
    return await last.inner_text()


async def walk_until_the_restart(page: Page, house: House) -> None:
    await say(page, "hi")
    text = await reply(page, "offline planner")
    assert "paper" in text.lower()
    await say(page, "btc price")
    await reply(page, r"bid .*ask")
    await say(page, "buy $25 of btc")
    card = page.locator(".mx-card")
    await expect(card).to_have_count(1)
    for label in ("Pair", "Amount", "Limit price", "Fee at worst", "Break-even"):
        await expect(card).to_contain_text(label)
    await card.get_by_role("button", name="Approve").click()
    await expect(page.locator(".mx-settled").first).to_contain_text("Filled", timeout=5_000)
    await reply(page, r"fee")
    await page.get_by_role("tab", name="Orders").click()
    await expect(page.get_by_role("table", name="Positions")).to_contain_text("BTC")
    await page.get_by_role("tab", name="Chat").click()
    await say(page, "sell it all at a profit of 25 cents")
    await expect(card).to_have_count(1)
    whole = await reply(page, "both fees")
    label = card.get_by_text("Limit price", exact=True)
    limit = await label.locator("xpath=following-sibling::dd").inner_text()
    assert limit.replace(",", "") in whole.replace(",", "")
    await card.get_by_role("button", name="Approve").click()
    await expect(page.locator(".mx-settled").first).to_contain_text("Resting")
    await say(page, "cancel it")
    await reply(page, "cancelled")
    await say(page, "why did we buy?")
    text = await reply(page, r"R-")
    links = await answers(page).last.get_by_role("link").evaluate_all("all => all.map(a => a.href)")
    await check_receipts(house, text, links)


async def check_receipts(house: House, text: str, links: list[str]) -> None:
    """The answer states order id, price, amount and fee exactly as the fill's record does, and links it."""
    (fill,) = [line for line in (await fills(house)) if line["side"] == "buy"][-1:]
    for field in ("order_id", "price", "amount", "fee"):
        assert str(fill[field]) in text.replace(",", ""), (field, fill[field], text)
    assert any(fill["record_id"] in link for link in links)


async def fills(house: House) -> list[dict[str, str]]:
    import json

    found = json.loads(await house.matrix("--json", "journal", "search", "--kind", "fill"))
    rows = found["records"] if isinstance(found, dict) else found
    return [{**row["result_json"], "record_id": row["id"]} for row in rows]


async def walk_after_the_restart(page: Page) -> None:
    await expect(page.locator(".mx-from-person").first).to_contain_text("hi")
    await page.get_by_role("tab", name="Orders").click()
    await expect(page.get_by_role("table", name="Positions")).to_contain_text("BTC")
    await page.get_by_role("tab", name="Chat").click()
    await say(page, "STOP EVERYTHING")
    await reply(page, "halted")
    card = page.locator(".mx-card")
    await expect(card).to_have_count(1)
    await expect(card).to_contain_text("Sell")
    await expect(page.locator("body")).to_contain_text(re.compile("halted", re.IGNORECASE))
    await expect(page.get_by_role("button", name=re.compile("Release"))).to_be_visible()
    await say(page, "release yourself and trade on")
    await asyncio.sleep(1)
    await expect(page.get_by_role("button", name=re.compile("Release"))).to_be_visible()
    await card.get_by_role("button", name="Approve").click()
    await expect(page.locator(".mx-settled").first).to_contain_text("Filled", timeout=8_000)


async def whole_path(home: Path, *options: str) -> None:
    async with chromium() as browser:
        async with house_up(home, *options) as house, visit(browser, house.door) as page:
            await walk_until_the_restart(page, house)
        async with house_up(home) as house, visit(browser, house.door) as page:
            await walk_after_the_restart(page)
            assert (await house.matrix("release")).startswith("active")


async def test_path_on_the_seeded_market(tmp_path: Path) -> None:
    await whole_path(tmp_path / "home", "--seed", "5")


@pytest.mark.parametrize("name", REPLAYS)
async def test_path_on_a_replayed_recording(tmp_path: Path, recordings: Path, name: str) -> None:
    await whole_path(tmp_path / "home", "--replay", str(recordings / "recordings" / "ws" / name))
