"""Cards that come and go: no click meant for one answers another, and the newest is the one in view."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.app.site import PHONE, Site, page_in

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.browser]


@pytest_asyncio.fixture(loop_scope="package", autouse=True)
async def no_cards_left(site: Site) -> AsyncIterator[None]:
    """Leave no card behind for the next test."""
    yield
    assert site.stack is not None
    for card in (await site.stack.client.read("/proposals", state="pending"))["proposals"]:
        await site.stack.person.reject(card["id"])


def card_of(page: Page, proposal: dict[str, Any]) -> Locator:
    return page.locator(f'.mx-card[data-id="{proposal["id"]}"]')


def approve_of(page: Page, proposal: dict[str, Any]) -> Locator:
    return card_of(page, proposal).get_by_role("button", name="Approve")


async def propose(site: Site, usd: str) -> dict[str, Any]:
    assert site.stack is not None
    return await site.stack.propose(side="buy", notional_usd=usd, rationale="a test of moving cards")


async def state_of(site: Site, proposal: dict[str, Any]) -> str:
    assert site.stack is not None
    return str((await site.stack.client.read(f"/proposals/{proposal['id']}"))["state"])


async def centre_of(button: Locator) -> tuple[float, float]:
    box = await button.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def test_a_click_aimed_at_a_card_that_leaves_answers_no_other(site: Site, steady: Page) -> None:
    assert site.stack is not None
    below, above = await propose(site, "21"), await propose(site, "22")
    await expect(steady.locator(".mx-card")).to_have_count(2)
    button = approve_of(steady, above)
    await expect(button).to_be_enabled()
    x, y = await centre_of(button)
    await steady.mouse.move(x, y)
    await site.stack.person.reject(above["id"])
    await card_of(steady, above).wait_for(state="detached")
    await steady.mouse.click(x, y)
    inherits = await steady.evaluate(
        "([x, y]) => document.elementFromPoint(x, y)?.closest('.mx-card button')?.textContent", [x, y]
    )
    assert inherits == "Approve", "the other card's button came to stand there, else this proves nothing"
    await expect(approve_of(steady, below)).to_have_attribute("aria-disabled", "true")
    assert await state_of(site, below) == "pending"
    await expect(approve_of(steady, below)).not_to_have_attribute("aria-disabled", "true")
    assert await state_of(site, below) == "pending"
    await steady.mouse.click(x, y)
    await expect(card_of(steady, below)).to_have_count(0)
    assert await state_of(site, below) == "approved"


async def test_a_click_while_a_newer_card_comes_in_answers_neither(site: Site, steady: Page) -> None:
    old = await propose(site, "21")
    await expect(approve_of(steady, old)).to_be_enabled()
    x, y = await centre_of(approve_of(steady, old))
    await steady.mouse.move(x, y)
    new = await propose(site, "22")
    await card_of(steady, new).wait_for()
    await steady.mouse.click(x, y)
    await expect(approve_of(steady, new)).to_be_enabled()
    assert [await state_of(site, card) for card in (old, new)] == ["pending", "pending"]


async def test_a_key_on_the_focused_button_counts_while_cards_move(site: Site, steady: Page) -> None:
    old = await propose(site, "21")
    await approve_of(steady, old).focus()
    new = await propose(site, "22")
    await card_of(steady, new).wait_for()
    await steady.keyboard.press("Enter")
    await expect(card_of(steady, old)).to_have_count(0)
    assert await state_of(site, old) == "approved"
    assert await state_of(site, new) == "pending"


async def test_the_newest_card_is_on_top_and_in_view(site: Site, steady: Page) -> None:
    cards = [await propose(site, usd) for usd in ("21", "22", "23")]
    await expect(steady.locator(".mx-card")).to_have_count(3)
    await steady.locator(".mx-dock").evaluate("dock => { dock.scrollTop = dock.scrollHeight }")
    newest = await propose(site, "24")
    await expect(approve_of(steady, newest)).to_be_in_viewport(ratio=1)
    shown = await steady.locator(".mx-card").evaluate_all("all => all.map(card => card.dataset.id)")
    assert shown == [newest["id"], *[card["id"] for card in reversed(cards)]]


async def test_on_a_phone_one_press_leads_to_the_newest_card(site: Site, shared: BrowserContext) -> None:
    async with page_in(shared, site, viewport=PHONE) as page:
        link = page.get_by_role("button", name="Go to the")
        await expect(link).to_have_count(0)
        await propose(site, "21")
        newest = await propose(site, "22")
        await expect(card_of(page, newest)).to_have_count(1)
        await expect(link).to_be_in_viewport(ratio=1)
        await link.click()
        await expect(card_of(page, newest).locator("h3")).to_be_in_viewport(ratio=1)
        await expect(approve_of(page, newest)).to_be_in_viewport(ratio=1)
