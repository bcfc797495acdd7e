"""What a person types is sent once, at whatever moment, and never lost."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from tests.app.site import Site, page_in

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.browser]

# Types and presses Enter in the very moment the box appears, long before Gradio has attached its handlers.
AT_ONCE = """
new MutationObserver((_, watch) => {
  const box = document.querySelector("#mx-message textarea");
  if (!box || !document.querySelector(".mx-log")) return;
  watch.disconnect();
  box.value = "TEXT";
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
}).observe(document, { childList: true, subtree: true });
"""


COMPOSING = """
box => box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true }))
"""


async def said(site: Site, page: Page, text: str) -> int:
    """Return how often the server holds `text` in the page's conversation, once no turn runs there."""
    conversation = page.url.partition("conversation=")[2]
    async with site.sign_in() as client:
        for _ in range(100):
            answer = (await client.get(f"/api/conversations/{conversation}")).json()
            held = [item["text"] for item in answer["messages"] if item["role"] == "person"]
            if not answer["busy"] and text in held:
                break
            await asyncio.sleep(0.05)
    return held.count(text)


async def refuse(route: Route, code: str, status: int = 503) -> None:
    error = {"code": code, "message": "not now", "cure": "Wait."}
    await route.fulfill(status=status, body=json.dumps({"error": error}), content_type="application/json")


async def test_enter_in_the_first_moment_is_sent_once(site: Site, shared: BrowserContext) -> None:
    page = await shared.new_page()
    await page.add_init_script(AT_ONCE.replace("TEXT", "hello at once"))
    await page.goto(site.base)
    await expect(page.locator(".mx-from-person:not(.mx-unsent)").last).to_contain_text("hello at once")
    await expect(page.get_by_label("Message", exact=True)).to_have_value("")
    assert await said(site, page, "hello at once") == 1
    await page.close()


async def test_enter_as_soon_as_the_page_is_there_is_sent_once(site: Site, shared: BrowserContext) -> None:
    async with page_in(shared, site) as page:
        box = page.get_by_label("Message", exact=True)
        await box.fill("hello soon")
        await box.press("Enter")
        await expect(box).to_have_value("")
        assert await said(site, page, "hello soon") == 1


async def test_the_button_sends_once_and_other_enters_do_not_send(site: Site, page: Page) -> None:
    box = page.get_by_label("Message", exact=True)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    await box.fill("one")
    await box.press("Shift+Enter")
    await box.press_sequentially("two")
    await box.evaluate(COMPOSING)
    await expect(box).to_have_value("one\ntwo")
    assert posts == []
    await page.get_by_role("button", name="Send").click()
    await expect(box).to_have_value("")
    assert await said(site, page, "one\ntwo") == 1
    assert len(posts) == 1
    await box.fill("   ")
    await box.press("Enter")
    assert len(posts) == 1


async def test_what_cannot_be_sent_comes_back_into_the_box(site: Site, page: Page) -> None:
    box = page.get_by_label("Message", exact=True)
    await page.route("**/messages", lambda route: refuse(route, "DESK_DOWN"))
    await box.fill("keep me")
    await box.press("Enter")
    await expect(box).to_have_value("keep me")
    await expect(page.locator('[data-mx="transcript"] .mx-form-error')).to_have_text(
        "Not sent. not now. Wait."
    )
    await expect(page.locator(".mx-unsent")).to_have_count(0)
    await page.unroute("**/messages")
    await box.press("Enter")
    await expect(box).to_have_value("")
    assert await said(site, page, "keep me") == 1


async def test_what_is_typed_while_the_conversation_opens_waits_in_sight(
    site: Site, shared: BrowserContext
) -> None:
    await shared.route("**/api/conversations", lambda route: refuse(route, "CHAT_STARTING"))
    async with page_in(shared, site) as page:
        box = page.get_by_label("Message", exact=True)
        for text in ("first thing", "second thing"):
            await box.fill(text)
            await box.press("Enter")
        await expect(box).to_have_value("")
        unsent = page.locator(".mx-unsent")
        await expect(unsent).to_have_count(2)
        await expect(unsent.first).to_contain_text("waits until the conversation is open")
        await shared.unroute("**/api/conversations")
        await expect(unsent).to_have_count(0)
        assert await said(site, page, "first thing") == 1
        assert await said(site, page, "second thing") == 1


async def test_a_message_waits_for_an_app_that_started_again(site: Site, page: Page) -> None:
    box = page.get_by_label("Message", exact=True)
    await page.route("**/messages", lambda route: refuse(route, "CHAT_STARTING"), times=1)
    await box.fill("patience")
    await box.press("Enter")
    await expect(page.locator(".mx-unsent")).to_contain_text("patience")
    await expect(page.locator(".mx-unsent")).to_have_count(0)
    assert await said(site, page, "patience") == 1


async def test_the_journal_is_searched_by_enter_in_any_field_and_by_the_button(
    site: Site, page: Page
) -> None:
    assert site.stack is not None
    await site.stack.buy("20")
    await page.get_by_role("tab", name="Journal").click()
    kind = page.get_by_label("Kind")
    rows = page.locator('[data-mx="journal"] tbody tr')
    await kind.fill("fill")
    await kind.press("Enter")
    await expect(page.locator('[data-mx="journal"] tbody td.mx-key').first).to_have_text("fill")
    await kind.fill("no.such.kind")
    await page.get_by_role("button", name="Search").click()
    await expect(rows).to_have_count(0)
    summary = (await site.stack.client.read("/journal/search", kind="fill", limit=1))["records"][0]["summary"]
    await kind.fill("")
    await page.get_by_label("Symbol").fill("BTCUSD")
    await page.get_by_label("Symbol").press("Enter")
    await expect(rows.first).to_contain_text(summary[:60])


async def test_too_long_a_message_is_kept_whole_and_says_the_most(site: Site, page: Page) -> None:
    box = page.get_by_label("Message", exact=True)
    await box.fill("x" * 4321)
    await expect(page.locator(".mx-count")).to_have_text(re.compile("4,000 characters at most.*4,321"))
    await box.press("Enter")
    await expect(box).to_have_value("x" * 4321)
    await expect(page.locator(".mx-unsent")).to_have_count(0)
    await box.fill("short")
    await expect(page.locator(".mx-count")).to_be_hidden()


async def test_the_conversation_left_open_comes_back(site: Site, page: Page) -> None:
    await page.get_by_role("button", name="New conversation").click()
    await expect(page.locator(".mx-message")).to_have_count(0)
    mine = page.url.partition("conversation=")[2]
    async with site.sign_in() as client:
        # Another conversation is used later, elsewhere: it is the latest of the list, and not this person's.
        other = (await client.post("/api/conversations", json={})).json()["id"]
        await client.post(f"/api/conversations/{other}/messages", json={"text": "hello from elsewhere"})
        assert (await client.get("/api/conversations")).json()["latest"] == other
    await page.goto(site.base)
    await expect(page).to_have_url(re.compile("conversation="))
    assert page.url.partition("conversation=")[2] == mine


async def test_an_unknown_address_leads_back(site: Site, page: Page) -> None:
    reply = await page.goto(f"{site.base}/nowhere")
    assert reply is not None
    assert reply.status == 404
    await page.get_by_role("link", name="Back to the desk").click()
    await page.wait_for_selector(".mx-dock")
    async with site.sign_in() as client:
        assert (await client.get("/nowhere")).json()["error"]["code"] == "NO_SUCH_ROUTE"
