"""Nothing of the app answers a stranger: every route, Gradio's included, walked over a real socket."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import websockets
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from app.access import MAX_BAD_CODES, new_code
from app.gate import MAX_BODY, OPEN_PATHS
from app.server import build, talk_opener
from domain.clock import SystemClock
from tests.app.site import Site, app_on, make_home
from tests.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

READING = {"GET", "HEAD"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def lone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The app without a desk."""
    async with app_on(make_home(tmp_path_factory.mktemp("lone") / "home")) as running:
        yield running


def walk(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, WebSocketRoute):
            yield "WS", prefix + route.path
        elif isinstance(route, Mount):
            yield from walk(list(route.routes), prefix + route.path)
        elif hasattr(route, "original_router"):  # FastAPI keeps an included router as one node
            yield from walk(list(route.original_router.routes), prefix)
        else:
            assert isinstance(route, Route), route
            for method in sorted(route.methods or ()):
                yield method, prefix + re.sub(r"\{[^}]*\}", "x", route.path)


def every_route(site: Site) -> list[tuple[str, str]]:
    found = sorted(set(walk(list(site.built.routes.routes))))
    assert ("POST", "/api/kill") in found
    assert ("WS", "/live") in found
    assert ("POST", "/ui/gradio_api/queue/join") in found
    assert len(found) > 80
    return found


async def status_of(client: httpx.AsyncClient, site: Site, method: str, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if method != "WS":
        return (await client.request(method, path, headers=named)).status_code
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    address = site.base.replace("http", "ws", 1) + path
    named = {**({"cookie": cookie} if cookie else {}), **named}
    try:
        async with websockets.connect(
            address, additional_headers={k: v for k, v in named.items() if k != "host"}, proxy=None
        ):
            return 101
    except websockets.InvalidStatus as refusal:
        return refusal.response.status_code


async def test_every_route_refuses_a_foreign_host(lone: Site) -> None:
    async with lone.sign_in() as client:
        for method, path in every_route(lone):
            if method != "WS":
                status = await status_of(client, lone, method, path, host="evil.example")
                assert status == 421, (method, path)


async def test_every_route_refuses_a_foreign_origin_even_with_a_session(lone: Site) -> None:
    async with lone.sign_in() as client:
        for method, path in every_route(lone):
            status = await status_of(client, lone, method, path, origin="https://evil.example")
            assert status == 403, (method, path)
        for origin in ("null", f"http://localhost:{lone.port + 1}", f"https://localhost:{lone.port}"):
            for method, path in (("POST", "/api/kill"), ("GET", "/api/picture"), ("WS", "/live")):
                assert await status_of(client, lone, method, path, origin=origin) == 403, (path, origin)


async def test_every_route_refuses_a_script_of_another_site(lone: Site) -> None:
    headers = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "script"}
    async with lone.sign_in() as client:
        for method, path in every_route(lone):
            assert await status_of(client, lone, method, path, **headers) == 403, (method, path)


async def test_every_route_but_two_needs_a_session(lone: Site) -> None:
    async with httpx.AsyncClient(base_url=lone.base, trust_env=False) as client:
        for method, path in every_route(lone):
            status = await status_of(client, lone, method, path)
            if path in OPEN_PATHS and method in READING:
                assert status == 200, (method, path)
            else:
                assert status in {401, 404}, (method, path, status)


async def test_a_forged_cookie_is_no_session(lone: Site) -> None:
    cookies = {lone.cookie: "A" * 43}
    async with httpx.AsyncClient(base_url=lone.base, trust_env=False, cookies=cookies) as client:
        assert (await client.get("/api/picture")).status_code == 401
        assert await status_of(client, lone, "WS", "/live") == 401


async def test_every_write_needs_this_sessions_own_x_csrf(lone: Site) -> None:
    async with lone.sign_in() as client, lone.sign_in() as other:
        writes = [path for method, path in every_route(lone) if method == "POST" and path.startswith("/api")]
        assert len(writes) >= 8
        for path in writes:
            assert (await client.post(path, headers={"x-csrf": ""}, json={})).status_code == 403, path
            wrong = {"x-csrf": other.headers["x-csrf"]}
            assert (await client.post(path, headers=wrong, json={})).status_code == 403, path


async def test_gradios_events_uploads_and_proxies_are_closed_to_the_person_too(lone: Site) -> None:
    open_below = ("/ui/assets/", "/ui/static/")
    async with lone.sign_in() as client:
        for method, path in every_route(lone):
            if not path.startswith("/ui"):
                continue
            status = await status_of(client, lone, method, path)
            reads = method in READING and (
                path in {"/ui/", "/ui/config", "/ui/theme.css"} or path.startswith(open_below)
            )
            assert reads or status == 404, (method, path, status)
        for path in (
            "upload",
            "queue/join",
            "queue/data",
            "file=/etc/passwd",
            "proxy=https://evil.example/",
            "info",
        ):
            assert (await client.get(f"/ui/gradio_api/{path}")).status_code == 404
            assert (await client.post(f"/ui/gradio_api/{path}", json={})).status_code == 404


async def test_the_page_has_no_event_of_gradios(lone: Site) -> None:
    async with lone.sign_in() as client:
        config = (await client.get("/ui/config")).json()
    assert config["components"]
    assert config["dependencies"] == []


async def test_wrong_codes_do_not_lock_the_person_out(home: Path) -> None:
    clock = SystemClock()
    built = build(home=home, port=1, open_talk=talk_opener(home, clock, None, None), clock=clock)
    line = httpx.ASGITransport(app=built.guarded)
    async with httpx.AsyncClient(base_url="http://localhost:1", transport=line) as client:
        answers = [(await client.get("/?code=bad")).status_code for _ in range(MAX_BAD_CODES + 1)]
        assert answers == [403] * MAX_BAD_CODES + [429]
        assert (await client.get(f"/?code={new_code(home)}")).status_code == 303


async def raw(site: Site, head: str, body: bytes = b"") -> tuple[int, str]:
    """Send one request as bytes and return the status and text of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(f"{head}\r\nhost: localhost:{site.port}\r\nconnection: close\r\n\r\n".encode() + body)
    await writer.drain()
    text = (await asyncio.wait_for(reader.read(), 5)).decode()
    writer.close()
    return int(text.split()[1]), text


async def test_a_large_body_is_refused_before_it_is_read(lone: Site) -> None:
    async with lone.sign_in() as client:
        session = f"cookie: {lone.cookie}={client.cookies[lone.cookie]}\r\nx-csrf: {client.headers['x-csrf']}"
        # Nothing of the body is ever sent: an app that waited for it would not answer.
        status, text = await raw(lone, f"POST /api/kill HTTP/1.1\r\n{session}\r\ncontent-length: 80000000")
        assert (status, "BODY_TOO_LARGE" in text) == (413, True)
        chunk = b"10001\r\n" + b" " * (MAX_BODY + 1)
        head = f"POST /api/kill HTTP/1.1\r\n{session}\r\ntransfer-encoding: chunked"
        assert (await raw(lone, head, chunk))[0] == 413
        status, text = await raw(lone, f"GET /api/picture HTTP/1.1\r\n{session}\r\ncontent-length: 80000000")
        assert status == 413
        client.headers["content-type"] = "application/json"
        whole = await client.post("/api/reject", content=b'{"id": "P-1"' + b" " * (MAX_BODY - 13) + b"}")
        assert whole.status_code == 503  # read whole and judged; there is no desk here
        in_pieces = await client.post("/api/kill", content=pieces(b'{"keep"', b": ", b"true}"))
        assert in_pieces.status_code == 503


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize("folder", ["/ui/assets/", "/static/", "/api/proposals/", "/", "/ui/static/"])
async def test_a_long_address_is_refused_and_is_no_error(lone: Site, folder: str) -> None:
    async with lone.sign_in() as client:
        assert (await client.get(folder + "a" * 20_000)).status_code == 414
        assert (await client.get(folder + "a" * 300)).status_code == 404
        assert (await client.get(folder + "%00")).status_code == 404


async def test_a_conversation_that_is_not_there_starts_nothing(lone: Site) -> None:
    async with lone.sign_in() as client:
        await until(lambda: lone.built.live.model["state"] == "ok", "the conversations are open")
        for number in range(5):
            path = f"/api/conversations/C-{number}"
            assert (await client.get(path)).status_code == 404
            assert (await client.post(f"{path}/messages", json={"text": "hi"})).status_code == 404
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("chat C-")] == []


async def test_every_answer_forbids_framing_sniffing_and_remote_loads(lone: Site) -> None:
    async with lone.sign_in() as client:
        for path in ("/", "/healthz", "/ui/", "/api/picture", "/static/main.js", "/nothing"):
            headers = (await client.get(path)).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"], path
            assert "img-src 'self' data: blob:" in headers["content-security-policy"], path
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "access-control-allow-origin" not in headers


async def test_browsers_keep_gradios_hashed_assets_and_nothing_else(lone: Site) -> None:
    async with lone.sign_in() as client:
        page = (await client.get("/ui/")).text
        asset = re.findall(r"assets/[\w.-]+\.js", page)[0]
        assert "immutable" in (await client.get(f"/ui/{asset}")).headers["cache-control"]
        for path in ("/ui/assets/nothing.js", "/ui/", "/api/picture", "/static/main.js"):
            assert "immutable" not in (await client.get(path)).headers.get("cache-control", ""), path


async def test_the_cookie_is_http_only_strict_and_the_code_leaves_the_address(lone: Site) -> None:
    async with httpx.AsyncClient(base_url=lone.base, trust_env=False) as client:
        reply = await client.get(lone.door("&tab=journal"))
    assert reply.status_code == 303
    assert reply.headers["location"] == "/?tab=journal"
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


async def test_without_a_session_the_front_page_says_how_to_get_in(lone: Site) -> None:
    async with httpx.AsyncClient(base_url=lone.base, trust_env=False) as client:
        front = await client.get("/")
        assert front.status_code == 200
        assert "matrix url" in front.text
        assert (await client.get("/?code=wrong")).status_code == 403
        lost = await client.get("/ui/", headers={"accept": "text/html"})
        assert (lost.status_code, lost.headers["location"]) == (303, "/")


async def test_static_serves_its_own_folder_only(lone: Site) -> None:
    async with lone.sign_in() as client:
        for name in ("..%2Fserver.py", "server.py", ".main.js.swp", "nothing.js", "%2e%2e%2faccess.py"):
            assert (await client.get(f"/static/{name}")).status_code == 404, name


async def test_without_a_desk_the_person_hears_what_to_do(lone: Site) -> None:
    async with lone.sign_in() as client:
        reply = await client.post("/api/kill", json={})
        assert reply.status_code == 503
        assert reply.json()["error"]["code"] == "DESK_UNREACHABLE"
        assert "matrix up" in reply.json()["error"]["cure"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/approve", {"id": "P-1"}),
        ("/api/approve", {"id": "P-1", "digest": "0" * 64, "amount": "1"}),
        ("/api/approve", {"id": 1, "digest": "0" * 64}),
        ("/api/edit", {"id": "P-1", "amount": 0.5}),
        ("/api/kill", {"keep": "yes"}),
        ("/api/reject", {"id": "P-1", "reason": "x" * 501}),
    ],
)
async def test_a_body_that_is_not_the_contract_is_refused(
    lone: Site, path: str, body: dict[str, object]
) -> None:
    async with lone.sign_in() as client:
        reply = await client.post(path, json=body)
        assert reply.status_code == 400
        assert reply.json()["error"]["code"] == "BAD_BODY"
