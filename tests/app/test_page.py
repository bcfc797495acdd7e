"""A person's own path through the page, in a real browser on the real desk and exchange."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
import websockets
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from app.access import new_code
from domain.clock import parse_rfc3339
from tests.app.site import PHONE, Site, page_in, signed_in
from tests.stack import until

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.browser]

EVIL = (
    '<img src=x onerror="window.hit=1"><script>window.hit=1</script> [x](javascript:window.hit=1) \u202e$52'
)


@pytest_asyncio.fixture(loop_scope="package", autouse=True)
async def quiet_desk(site: Site) -> AsyncIterator[None]:
    """Leave no card, no order and no stop behind for the next test."""
    yield
    assert site.stack is not None
    person, client = site.stack.person, site.stack.client
    for card in (await client.read("/proposals", state="pending"))["proposals"]:
        await person.reject(card["id"])
    if (await client.read("/status"))["kill_state"] != "active":
        await person.release()
    await person.cancel()


def card_of(page: Page, proposal: dict[str, object]) -> Locator:
    return page.locator(f'.mx-card[data-id="{proposal["id"]}"]')


def settled_of(page: Page, proposal: dict[str, object]) -> Locator:
    return page.locator(f'.mx-settled[data-id="{proposal["id"]}"]')


async def propose(site: Site, **intent: str) -> dict[str, object]:
    assert site.stack is not None
    wanted = {"side": "buy", "notional_usd": "20", "rationale": "a test", **intent}
    proposal = await site.stack.propose(**wanted)
    assert proposal["state"] == "pending", proposal["verdict"]["codes"]
    return proposal


async def say(page: Page, text: str) -> None:
    box = page.get_by_label("Message", exact=True)
    await box.fill(text)
    await box.press("Enter")


async def test_chat_makes_a_card_and_approving_it_shows_the_fill(site: Site, page: Page) -> None:
    await say(page, "buy $25 of btc")
    card = page.locator(".mx-card")
    await expect(card).to_have_count(1)
    await expect(card).to_contain_text("BTC")
    await expect(page.get_by_label("Message", exact=True)).to_have_value("")
    await expect(page.locator(".mx-from-person").last).to_have_text(re.compile(r"buy \$25 of btc"))
    proposal_id = await card.get_attribute("data-id")
    await card.get_by_role("button", name="Approve").click()
    await expect(settled_of(page, {"id": proposal_id})).to_contain_text("Filled")
    # The conversation goes on by itself once the card is settled.
    await expect(page.locator(".mx-from-assistant, .mx-from-notice").last).to_contain_text(
        re.compile("filled|bought", re.IGNORECASE)
    )
    await page.get_by_role("tab", name="Orders").click()
    fills = page.get_by_role("table", name="Fills")
    await expect(fills.get_by_role("cell", name="BTCUSD", exact=True).first).to_be_visible()
    await expect(page.get_by_role("table", name="Positions")).to_contain_text("BTC")
    await page.get_by_role("tab", name="Chat").click()
    await page.reload()
    await expect(page.locator(".mx-from-person").last).to_have_text(re.compile(r"buy \$25 of btc"))


async def test_an_answer_cites_receipts_that_open(site: Site, page: Page) -> None:
    assert site.stack is not None
    await site.stack.buy("20")
    await page.get_by_role("button", name="New conversation").click()
    await expect(page.locator(".mx-message")).to_have_count(0)
    for question in ("hi", "btc price", "why did we buy?"):
        await say(page, question)
        await expect(page.locator(".mx-from-person").last).to_contain_text(question)
        await expect(page.locator(".mx-live")).to_have_count(0)
    citation = page.locator(".mx-from-assistant").last.locator(".mx-record").last
    record_id = str(await citation.get_attribute("title"))
    await citation.click()
    await expect(page.locator(".mx-receipt")).to_contain_text(record_id)
    await expect(page.get_by_role("tab", name="Journal")).to_have_attribute("aria-selected", "true")
    assert f"entry={record_id}" in page.url


async def test_the_card_shows_exactly_what_the_desk_holds(site: Site, steady: Page) -> None:
    proposal = await propose(site)
    card = card_of(steady, proposal)
    await expect(card).to_be_visible()
    shown = proposal["card"]
    assert isinstance(shown, dict)
    await expect(card.locator("h3")).to_have_text(shown["title"])
    pairs = [*shown["fields"], *shown["costs"]]
    held = card.locator(".mx-card-body > .mx-facts > div:not(.mx-live-market)")
    labels = await held.locator("dt").all_text_contents()
    # What the desk calls the market "now" was the market when it made the card.
    names = {"Market now": "Market when proposed"}
    assert labels == [names.get(pair["label"], pair["label"]) for pair in pairs]
    values = await held.locator("dd").all_text_contents()
    assert [value.replace(",", "") for value in values] == [pair["value"].replace(",", "") for pair in pairs]
    verdict = proposal["verdict"]
    assert isinstance(verdict, dict)
    assert await card.locator(".mx-checks li").count() == len(verdict["checks"])
    await expect(card.locator(".mx-checks summary")).to_have_text(
        f"✓ All {len(verdict['checks']) - 1} checks passed; your yes is the last one"
    )
    await expect(card.locator(".mx-live-market dd")).to_have_text(re.compile(r"bid [\d,.]+, ask [\d,.]+"))
    await card.get_by_text("what exactly is signed").click()
    await expect(card.locator(".mx-digest")).to_contain_text(str(proposal["digest"]))
    await expect(card.locator(".mx-wire")).to_contain_text(shown["wire"]["client_order_id"])
    await expect(card.locator(".mx-left")).to_have_text(re.compile(r"expires in \d+ s"))


async def test_editing_makes_a_new_card_and_voids_the_old(site: Site, steady: Page) -> None:
    proposal = await propose(site)
    card = card_of(steady, proposal)
    await card.get_by_role("button", name="Edit").click()
    await card.get_by_label("Amount").fill("0.0002")
    await card.get_by_role("button", name="Make new card").click()
    await expect(card).to_have_count(0)
    fresh = steady.locator(".mx-card")
    await expect(fresh).to_have_count(1)
    await expect(fresh.locator("h3")).to_be_focused()
    await expect(fresh).to_contain_text("0.0002")
    assert site.stack is not None
    old = await site.stack.client.read(f"/proposals/{proposal['id']}")
    assert old["state"] == "voided"
    assert old["replaced_by"] == await fresh.get_attribute("data-id")


async def test_a_bad_edit_says_what_is_wrong_and_keeps_the_card(site: Site, steady: Page) -> None:
    card = card_of(steady, await propose(site))
    await card.get_by_role("button", name="Edit").click()
    await card.get_by_label("Amount").fill("1e400")
    await card.get_by_role("button", name="Make new card").click()
    await expect(card.locator(".mx-form-error")).not_to_be_empty()
    await expect(card.get_by_role("button", name="Approve")).to_be_enabled()


async def test_rejecting_tells_the_desk_why(site: Site, steady: Page) -> None:
    proposal = await propose(site)
    card = card_of(steady, proposal)
    await card.get_by_role("button", name="Reject").click()
    await card.get_by_label("Reason").fill("too much today")
    await card.get_by_role("button", name="Reject it").click()
    await expect(settled_of(steady, proposal)).to_contain_text("Rejected by you")
    assert site.stack is not None
    assert (await site.stack.client.read(f"/proposals/{proposal['id']}"))["state"] == "rejected"


async def test_a_second_answer_shows_what_happened_instead(site: Site, page: Page) -> None:
    proposal = await propose(site)
    card = card_of(page, proposal)
    await expect(card).to_be_visible()
    # The page does not hear of the first answer until it has given the second.
    await page.route("**/api/approve", lambda route: _answer_elsewhere_first(site, proposal, route))
    await card.get_by_role("button", name="Approve").click()
    await expect(settled_of(page, proposal)).to_contain_text("Rejected by you")
    async with site.sign_in() as client:
        again = await client.post("/api/approve", json={"id": proposal["id"], "digest": proposal["digest"]})
    assert again.status_code == 409
    assert site.stack is not None
    assert (await site.stack.client.read(f"/proposals/{proposal['id']}"))["order"] is None


async def _answer_elsewhere_first(site: Site, proposal: dict[str, object], route: object) -> None:
    assert site.stack is not None
    await site.stack.person.reject(str(proposal["id"]))
    await route.continue_()  # type: ignore[attr-defined]  # playwright's Route


async def test_a_double_click_answers_one_card_once(site: Site, steady: Page) -> None:
    first, second = await propose(site), await propose(site, notional_usd="21")
    await expect(steady.locator(".mx-card")).to_have_count(2)
    await card_of(steady, first).get_by_role("button", name="Approve").dblclick()
    await expect(settled_of(steady, first)).to_contain_text("Filled")
    assert site.stack is not None
    assert (await site.stack.client.read(f"/proposals/{second['id']}"))["state"] == "pending"


async def test_a_wrong_digest_is_refused(site: Site) -> None:
    proposal = await propose(site)
    async with site.sign_in() as client:
        reply = await client.post("/api/approve", json={"id": proposal["id"], "digest": "0" * 64})
    assert reply.status_code == 409


async def test_keyboard_alone_approves_and_focus_stays_while_cards_come(site: Site, steady: Page) -> None:
    proposal = await propose(site)
    button = card_of(steady, proposal).get_by_role("button", name="Approve")
    await button.focus()
    await propose(site, notional_usd="22")
    await expect(steady.locator(".mx-card")).to_have_count(2)
    await expect(button).to_be_focused()
    await steady.keyboard.press("Enter")
    settled = settled_of(steady, proposal)
    await expect(settled).to_contain_text("Filled")
    await expect(settled).to_be_focused()


async def test_tabs_follow_the_arrow_keys(steady: Page) -> None:
    await steady.get_by_role("tab", name="Chat").focus()
    await steady.keyboard.press("ArrowRight")
    await expect(steady.get_by_role("tab", name="Markets")).to_be_focused()
    await expect(steady.get_by_role("table", name="Live prices")).to_be_visible()
    await steady.keyboard.press("End")
    await expect(steady.get_by_label("Search the journal")).to_be_visible()


async def test_one_press_stops_everything_and_only_the_typed_word_releases(site: Site, page: Page) -> None:
    assert site.stack is not None
    await site.stack.buy("20")
    await page.get_by_role("tab", name="Connections").click()
    await page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    await expect(page.get_by_role("button", name="Flatten & Pause")).to_be_in_viewport(ratio=1)
    await page.keyboard.press("Alt+k")
    banner = page.locator(".mx-banner")
    await expect(banner).to_contain_text("Trading is halted: stopped by the person")
    await expect(page.locator(".mx-kill")).to_contain_text("PAUSED")
    await expect(page.locator('.mx-lights [data-name="Trading"]')).to_have_text("■Trading: halted")
    told = banner.get_by_role("list", name="What the stop did")
    await expect(told).to_contain_text("Your stop at")
    await expect(told).to_contain_text(re.compile(r"Sold [\d.]+ BTC at [\d,.]+ on average\."))
    assert (await site.stack.client.read("/status"))["kill_state"] == "halted"
    await banner.get_by_role("button", name="Release…").click()
    await banner.get_by_label("Type RELEASE to confirm").fill("please")
    await banner.get_by_role("button", name="Release the desk").click()
    await expect(banner).to_contain_text("Type the word RELEASE")
    assert (await site.stack.client.read("/status"))["kill_state"] == "halted"
    await banner.get_by_label("Type RELEASE to confirm").fill("RELEASE")
    await banner.get_by_role("button", name="Release the desk").click()
    await expect(banner).to_be_hidden()
    assert (await site.stack.client.read("/status"))["kill_state"] == "active"


async def test_a_stop_that_fails_says_so_and_can_be_repeated(site: Site, page: Page) -> None:
    assert site.stack is not None
    await page.route("**/api/kill", lambda route: route.abort())
    await page.locator(".mx-kill").click()
    await expect(page.locator(".mx-kill")).to_contain_text("FAILED – retry")
    await expect(page.locator(".mx-banner")).to_contain_text("Stopping failed: the app does not answer.")
    await page.unroute("**/api/kill")
    await page.locator(".mx-kill").click()
    await expect(page.locator(".mx-kill")).to_contain_text("PAUSED")


async def test_reload_and_a_second_tab_agree(site: Site, page: Page) -> None:
    proposal = await propose(site)
    await expect(card_of(page, proposal)).to_be_visible()
    await page.reload()
    await expect(card_of(page, proposal)).to_be_visible()
    other = await page.context.new_page()
    await other.goto(site.base)
    await expect(card_of(other, proposal)).to_be_visible()
    await card_of(other, proposal).get_by_role("button", name="Approve").click()
    await expect(settled_of(page, proposal)).to_contain_text("Filled")
    await expect(settled_of(other, proposal)).to_contain_text("Filled")


async def test_seven_tabs_are_all_live(site: Site, page: Page) -> None:
    tabs = [page, *[await page.context.new_page() for _ in range(6)]]
    for tab in tabs[1:]:
        await tab.goto(site.base)
        await tab.wait_for_selector(".mx-dock")
    proposal = await propose(site)
    for tab in tabs:
        await expect(card_of(tab, proposal)).to_have_count(1)


async def test_an_open_order_is_cancelled_from_the_page(site: Site, steady: Page) -> None:
    assert site.stack is not None
    bid = (await site.stack.client.read("/book/btcusd", depth=1))["bids"][0]["price"]
    proposal = await propose(site, price=str(int(float(bid) * 0.97)), notional_usd="20")
    await card_of(steady, proposal).get_by_role("button", name="Approve").click()
    await expect(settled_of(steady, proposal)).to_contain_text("Resting")
    await steady.get_by_role("tab", name="Orders").click()
    await steady.get_by_role("button", name=re.compile("^Cancel buy")).click()
    await expect(steady.get_by_text("No open orders.")).to_be_visible()
    assert (await site.stack.client.read("/orders", state="open"))["orders"] == []


async def test_a_link_to_a_receipt_opens_it(site: Site, shared: BrowserContext) -> None:
    assert site.stack is not None
    found = await site.stack.client.read("/journal/search", limit=1)
    record = found["records"][0]
    async with page_in(shared, site, query=f"tab=journal&entry={record['id']}") as page:
        receipt = page.locator(".mx-receipt")
        await expect(receipt).to_contain_text(record["id"])
        await expect(receipt).to_contain_text(record["kind"])
        await expect(page.get_by_role("tab", name="Journal")).to_have_attribute("aria-selected", "true")


async def test_hostile_words_stay_words(site: Site, page: Page) -> None:
    proposal = await propose(site, rationale=EVIL)
    why = card_of(page, proposal).locator("blockquote")
    await expect(why).to_contain_text("onerror=")
    assert "\u202e" not in (await why.text_content() or "")
    await say(page, EVIL)
    await expect(page.locator(".mx-from-person").last).to_contain_text("onerror=")
    await page.get_by_role("tab", name="Journal").click()
    await page.get_by_label("Search the journal").fill("onerror")
    await page.get_by_label("Search the journal").press("Enter")
    await page.locator('[data-mx="journal"] .mx-record').first.click()
    await expect(page.locator(".mx-receipt")).to_be_visible()
    assert await page.evaluate("window.hit") is None
    assert (
        await page.locator('.mx-place img, .mx-place script, .mx-place iframe, a[href^="javascript"]').count()
        == 0
    )


async def test_no_secret_reaches_the_page(site: Site, page: Page) -> None:
    assert site.stack is not None
    keys = (site.home / "state" / "paper-account.json").read_text()
    secrets = re.findall(r'"api_(?:key|secret)":\s*"([^"]+)"', keys)
    secrets += ["read-token", "propose-token", "person-token"]
    assert len(secrets) == 5
    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    everything = kept + await page.content()
    for secret in secrets:
        assert secret not in everything
    assert site.cookie not in kept


async def test_a_foreign_page_reaches_neither_routes_nor_the_socket(
    site: Site, shared: BrowserContext
) -> None:
    cookies = await shared.cookies(site.base)
    cookie = "; ".join(f"{item['name']}={item['value']}" for item in cookies)  # type: ignore[index]
    address = site.base.replace("http", "ws", 1) + "/live"
    with pytest.raises(websockets.InvalidStatus, match="403"):
        await websockets.connect(
            address, additional_headers={"cookie": cookie, "origin": "https://evil.example"}, proxy=None
        )
    async with websockets.connect(address, additional_headers={"cookie": cookie}, proxy=None) as socket:
        assert '"topic":"all"' in str(await socket.recv())


async def test_an_expired_card_cannot_be_approved(site: Site, browser: Browser) -> None:
    proposal = await propose(site)
    async with signed_in(browser, site) as page:
        card = card_of(page, proposal)
        await expect(card).to_be_visible()
        # The page's own clock says that the time is over; the desk's clock is the one that counts.
        await page.clock.install()
        await page.clock.fast_forward(200_000)
        await expect(card.locator(".mx-left")).to_have_text("expired")
        await expect(card.get_by_role("button", name="Approve")).to_be_disabled()


async def test_a_refused_proposal_is_shown_with_its_failed_checks(site: Site, steady: Page) -> None:
    assert site.stack is not None
    refused = await site.stack.propose(side="buy", notional_usd="900000", rationale="too much")
    shown = settled_of(steady, refused)
    await expect(shown).to_contain_text("Refused by the rules; nothing was sent")
    failed = [item for item in refused["verdict"]["checks"] if not item["ok"] and item["rule"] != "consent"]
    rows = shown.locator(".mx-refusal li")
    await expect(rows).to_have_count(len(failed))
    for index, check in enumerate(failed):
        await expect(rows.nth(index)).to_contain_text(check["text"])
        for name, value in check["numbers"].items():
            await expect(rows.nth(index)).to_contain_text(f"{name} {value}")
    await shown.get_by_role("button", name="Dismiss").click()
    await expect(shown).to_have_count(0)


async def test_a_receipt_links_what_led_to_it_and_what_it_led_to(site: Site, shared: BrowserContext) -> None:
    assert site.stack is not None
    done = await site.stack.buy("20")
    sending, fill = done["outcome"]["record_ids"][0], done["outcome"]["record_ids"][-1]
    async with page_in(shared, site, query=f"tab=journal&entry={fill}") as page:
        causes = page.get_by_role("list", name="What led to it")
        await expect(causes.locator("li strong").first).to_have_text("intent")
        summary = (await site.stack.client.read(f"/journal/records/{fill}"))["summary"]
        await expect(page.locator(".mx-summary")).to_have_text(summary)
        await causes.locator(f'a[title="{sending}"]').click()
        await expect(page.locator(".mx-receipt")).to_contain_text("Receipt: order.sending")
        await expect(page.get_by_role("list", name="What it led to")).to_contain_text("order.accepted")


async def test_times_are_in_the_browsers_zone_and_say_so(site: Site, browser: Browser) -> None:
    assert site.stack is not None
    await site.stack.buy("20")
    found = (await site.stack.client.read("/fills", limit=1))["fills"][0]
    at = parse_rfc3339(found["at"]).astimezone(ZoneInfo("Asia/Tokyo"))
    async with signed_in(browser, site, query="tab=orders", timezone_id="Asia/Tokyo") as page:
        await expect(page.locator(".mx-zone")).to_have_text("times in Asia/Tokyo")
        fills = page.get_by_role("table", name="Fills")
        await expect(fills.get_by_role("columnheader", name="Time (Asia/Tokyo)")).to_be_visible()
        await expect(fills.locator("tbody tr").first).to_contain_text(f"{at:%H:%M:%S}")


async def test_nothing_in_the_bar_lies_on_anything_else(site: Site, page: Page) -> None:
    await expect(page.locator(".mx-lights li")).to_have_count(9)
    for width in (1920, 1366, 1201, 1100, 800, 390):
        await page.set_viewport_size({"width": width, "height": 850})
        boxes = await page.evaluate(
            "[...document.querySelectorAll('.mx-mode, .mx-mode-line, .mx-zone, .mx-lights li, .mx-kill')]"
            ".map(node => node.getBoundingClientRect().toJSON()).filter(box => box.width)"
        )
        for first, second in itertools.combinations(boxes, 2):
            apart_x = first["right"] <= second["left"] or second["right"] <= first["left"]
            apart_y = first["bottom"] <= second["top"] or second["bottom"] <= first["top"]
            assert apart_x or apart_y, (width, first, second)


async def test_a_link_opens_its_tab_however_early(site: Site, shared: BrowserContext) -> None:
    for name in ("Markets", "Orders", "Connections", "Journal"):
        async with page_in(shared, site, query=f"tab={name.lower()}") as page:
            tab = page.get_by_role("tab", name=name)
            await expect(tab).to_have_attribute("aria-selected", "true")
            await page.get_by_role("tab", name="Chat").click()
            await expect(page.get_by_label("Message", exact=True)).to_be_visible()


async def test_the_model_has_a_light(steady: Page) -> None:
    light = steady.locator('.mx-lights [data-name="Model"]')
    await expect(light).to_have_text("●Model: offline planner · ok")


async def test_a_tool_without_a_phrase_is_named_while_it_works(site: Site, page: Page) -> None:
    shown = page.get_by_role("log", name="Conversation")
    await expect(page).to_have_url(re.compile("conversation="))
    conversation = page.url.partition("conversation=")[2]
    event = {"conversation": conversation, "kind": "tool", "text": "fees", "tool": "fees"}
    site.built.live.publish("chat", event)
    await expect(shown.locator(".mx-live")).to_contain_text("using fees…")


async def test_the_phone_has_no_sideways_scroll_and_every_tab(site: Site, shared: BrowserContext) -> None:
    async with page_in(shared, site, viewport=PHONE) as page:
        await propose(site)
        await expect(page.locator(".mx-card")).to_have_count(1)
        for name in ("Markets", "Orders", "Connections", "Journal", "Chat"):
            await page.get_by_role("tab", name=name).click()
            await expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], name
            cut = await page.evaluate(
                "[...document.querySelectorAll('.mx-table-box, .mx-card')]"
                ".filter(box => box.scrollWidth > box.clientWidth).length"
            )
            assert cut == 0, name
            await expect(page.locator(".mx-kill")).to_be_in_viewport(ratio=1)
        bar = await page.locator(".mx-bar").bounding_box()
        assert bar is not None
        assert bar["y"] + bar["height"] == PHONE["height"]


async def test_a_used_address_says_so(site: Site, browser: Browser) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    code = new_code(site.home)
    await page.goto(f"{site.base}/?code={code}")
    await page.wait_for_selector(".mx-dock")
    await context.clear_cookies()
    await page.goto(f"{site.base}/?code={code}")
    await expect(page.get_by_role("alert")).to_contain_text("used already")
    await context.close()


async def test_prices_move_on_the_page(site: Site, steady: Page) -> None:
    await steady.get_by_role("tab", name="Markets").click()
    table = steady.get_by_role("table", name="Live prices")
    await expect(table.get_by_role("cell", name="BTCUSD", exact=True)).to_be_visible()
    before = await table.text_content()
    assert site.stack is not None
    await until(lambda: site.built.live.prices, "prices are known")
    for _ in range(50):
        await asyncio.sleep(0.2)
        if await table.text_content() != before:
            return
    pytest.fail("ten seconds without a change of any price")
