"""The whole house for browser tests: exchange, desk and app over real sockets, and a signed-in browser."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from app.access import new_code
from app.gate import cookie_name
from app.server import Built, OpenTalk, build, talk_opener
from domain.clock import SystemClock
from guardrails.limits import SHIPPED
from loopback.files import write_private
from loopback.serve import bind, serving
from tests.browser_path import find
from tests.stack import TOKENS, DeskStack, desk_on, exchange_on

FLAGS = ["--no-sandbox", "--disable-dev-shm-usage"]
DESKTOP = {"width": 1366, "height": 850}
ROOM_FOR_TESTS = {
    "per_symbol_usd": "5000",
    "global_open_plus_filled_day_usd": "5000",
    "turnover_day_usd": "5000",
    "orders_per_rolling_60s": "500",
    "messages_per_rolling_60s": "500",
    "cooldown_s": "0.01",
    "duplicate_window_s": "0.01",
}
PHONE = {"width": 390, "height": 844}


@dataclass(slots=True, kw_only=True)
class Site:
    """A running app; `stack` is the desk behind it."""

    home: Path
    base: str
    port: int
    built: Built
    stack: DeskStack | None = None

    def door(self, query: str = "") -> str:
        """Return a one-time address."""
        return f"{self.base}/?code={new_code(self.home)}{query}"

    @asynccontextmanager
    async def sign_in(self) -> AsyncIterator[httpx.AsyncClient]:
        """Give a client with a session and its x-csrf value."""
        async with httpx.AsyncClient(base_url=self.base, trust_env=False, timeout=20) as client:
            reply = await client.get(self.door())
            assert reply.status_code == 303, reply.text
            client.headers["x-csrf"] = (await client.get("/api/session")).json()["csrf"]
            yield client

    @property
    def cookie(self) -> str:
        """Return the session cookie's name."""
        return cookie_name(self.port)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    sock = bind()
    port = int(sock.getsockname()[1])
    sock.close()
    return port


@asynccontextmanager
async def app_on(
    home: Path, stack: DeskStack | None = None, opener: OpenTalk | None = None
) -> AsyncIterator[Site]:
    """The app on `home`, waiting until its page is drawn; `opener` opens other conversations than its own."""
    port, clock = free_port(), SystemClock()
    open_talk = opener or talk_opener(home, clock, None, None)
    built = build(home=home, port=port, open_talk=open_talk, clock=clock)
    async with serving(built.guarded, port=port):
        site = Site(home=home, base=f"http://localhost:{port}", port=port, built=built, stack=stack)
        async with httpx.AsyncClient(base_url=site.base, trust_env=False) as client:
            deadline = time.monotonic() + 30
            while not (await client.get("/healthz")).json()["page"]:
                assert time.monotonic() < deadline, "the page was not drawn within 30 s"
                await asyncio.sleep(0.05)
        yield site


@asynccontextmanager
async def desk_served(home: Path, stack: DeskStack) -> AsyncIterator[None]:
    """The stack's desk on a socket, with the files by which clients find it."""
    async with serving(stack.app) as url:
        tokens = home / "run" / "tokens"
        tokens.mkdir(mode=0o700, exist_ok=True)
        for scope, token in TOKENS.items():
            write_private(tokens / scope, token)
        write_private(home / "run" / "desk.json", json.dumps({"url": url}))
        yield


@asynccontextmanager
async def house_on(home: Path) -> AsyncIterator[Site]:
    """Exchange, desk and app."""
    async with exchange_on(home, seed=7) as exchange, desk_on(home, exchange) as stack:
        await stack.until_ready()
        async with desk_served(home, stack), app_on(home, stack) as site:
            yield site


def make_home(folder: Path) -> Path:
    """Make a home with its folders, and limits that do not count how many tests ran in the last minute."""
    for name in ("run", "state", "journal", "logs"):
        (folder / name).mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    text = SHIPPED
    for name, value in ROOM_FOR_TESTS.items():
        text, count = re.subn(rf"^{name} = \S+", f"{name} = {value}", text, flags=re.MULTILINE)
        assert count == 1, name
    (folder / "limits.toml").write_text(text)
    return folder


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The tests' browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find(), args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def profile(browser: Browser, site: Site, **options: Any) -> AsyncIterator[BrowserContext]:
    """A fresh browser profile that is signed in; `options` are Playwright's for a context."""
    context = await browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
    try:
        reply = await context.request.get(site.door(), max_redirects=0)
        assert reply.status == 303
        yield context
    finally:
        await context.close()


@asynccontextmanager
async def page_in(
    context: BrowserContext,
    site: Site,
    *,
    query: str = "",
    viewport: dict[str, int] = DESKTOP,
    scheme: Literal["light", "dark"] = "light",
) -> AsyncIterator[Page]:
    """A fresh page in a profile; fails on script errors and on any request to another host."""
    faults: list[str] = []
    others = list(context.pages)
    page = await context.new_page()
    await page.set_viewport_size(viewport)  # type: ignore[arg-type]  # a plain dict of the same keys
    await page.emulate_media(color_scheme=scheme)
    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((site.base, "data:", "blob:"))
            else faults.append(f"outside request: {request.url}")
        ),
    )
    try:
        await page.goto(f"{site.base}/?{query}")
        await page.wait_for_selector(".mx-log", state="attached")
        await page.wait_for_selector(".mx-dock", state="attached")
        yield page
        assert faults == []
    finally:
        for opened in context.pages:
            if opened not in others:
                await opened.close()


@asynccontextmanager
async def signed_in(browser: Browser, site: Site, *, query: str = "", **options: Any) -> AsyncIterator[Page]:
    """A page in a profile of its own."""
    async with profile(browser, site, **options) as context, page_in(context, site, query=query) as page:
        yield page
