"""The guard in front of a real server: raw HTTP and WebSocket requests over sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import product

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import HTMLResponse, StreamingResponse
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from loopback.guard import SECURITY_HEADERS, RequestGuard
from loopback.serve import serving

CSP = "default-src 'self'; frame-ancestors 'none'"


@dataclass
class Site:
    url: str = ""
    reached: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")


def build(site: Site) -> FastAPI:
    app = FastAPI()

    @app.api_route("/act", methods=["GET", "POST", "DELETE", "OPTIONS", "PUT"])
    async def act() -> dict[str, bool]:
        site.reached.append("act")
        return {"ok": True}

    @app.get("/weak")
    async def weak() -> HTMLResponse:
        return HTMLResponse(
            "x", headers={"X-Frame-Options": "ALLOWALL", "Content-Security-Policy": "default-src *"}
        )

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        site.reached.append("live")
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for part in (b"a", b"b"):
                yield part

        return StreamingResponse(parts())

    return app


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    served = Site()
    guard = RequestGuard(build(served), lambda: frozenset({served.host}), {"Content-Security-Policy": CSP})
    async with serving(guard) as url:
        served.url = url
        yield served


async def raw(
    site: Site, method: str, path: str, headers: list[tuple[str, str]]
) -> tuple[int, dict[str, str], bytes]:
    host, port = site.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    writer.write(
        ("\r\n".join([*lines, "Connection: close", "Content-Length: 0"]) + "\r\n\r\n").encode("latin-1")
    )
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    found = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return int(first.split()[1]), found, body


ORIGINS = (None, "own", "https://evil.example", "null", "http://localhost:1")
SITES = (None, "same-origin", "none", "same-site", "cross-site")


async def test_matrix_of_host_origin_site_and_method(site: Site) -> None:
    for host, origin, fetch, method in product(
        ("own", "evil.example"), ORIGINS, SITES, ("GET", "POST", "OPTIONS", "DELETE")
    ):
        site.reached.clear()
        headers = [("Host", site.host if host == "own" else host)]
        if origin is not None:
            headers.append(("Origin", site.url if origin == "own" else origin))
        if fetch is not None:
            headers.append(("Sec-Fetch-Site", fetch))
        status, found, body = await raw(site, method, "/act", headers)
        is_own = origin in {None, "own"} and fetch in {None, "same-origin", "none"}
        expected = 421 if host != "own" else 200 if is_own else 403
        assert status == expected, (headers, method)
        assert site.reached == (["act"] if expected == 200 else [])
        assert "access-control-allow-origin" not in found
        assert all(name in found for name in SECURITY_HEADERS)
        if expected != 200:
            assert set(json.loads(body)["error"]) == {"code", "message", "cure"}


async def test_link_from_another_site_opens_the_page(site: Site) -> None:
    link = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")]
    document = [("Host", site.host), *link, ("Sec-Fetch-Dest", "document")]
    frame = [("Host", site.host), *link, ("Sec-Fetch-Dest", "iframe")]
    assert (await raw(site, "GET", "/act", document))[0] == 200
    assert (await raw(site, "POST", "/act", document))[0] == 403
    assert (await raw(site, "GET", "/act", frame))[0] == 403


async def test_given_headers_win_over_the_apps_own(site: Site) -> None:
    _, found, _ = await raw(site, "GET", "/weak", [("Host", site.host)])
    assert found["content-security-policy"] == CSP
    assert found["x-frame-options"] == "DENY"
    assert found["referrer-policy"] == "no-referrer"
    assert found["x-content-type-options"] == "nosniff"
    assert "server" not in found


async def test_missing_or_doubled_host_is_refused(site: Site) -> None:
    assert (await raw(site, "GET", "/act", []))[0] in {400, 421}
    assert (await raw(site, "GET", "/act", [("Host", site.host), ("Host", "evil.example")]))[0] in {400, 421}
    assert (await raw(site, "GET", "http://evil.example/act", [("Host", "evil.example")]))[0] == 421
    assert site.reached == []


async def test_streams_pass_through(site: Site) -> None:
    status, _, body = await raw(site, "GET", "/stream", [("Host", site.host)])
    assert status == 200
    assert b"a" in body
    assert b"b" in body


@pytest.mark.parametrize(
    ("origin", "headers", "status"),
    [
        ("https://evil.example", {}, 403),
        ("null", {}, 403),
        ("http://localhost:1", {}, 403),
        (None, {"Host": "evil.example"}, 421),
        (None, {"Sec-Fetch-Site": "cross-site"}, 403),
        (
            None,
            {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
            403,
        ),
    ],
)
async def test_websocket_of_another_site_is_refused(
    site: Site, origin: str | None, headers: dict[str, str], status: int
) -> None:
    lines = [("Host", headers.get("Host", site.host)), ("Upgrade", "websocket")]
    lines += [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")]
    lines += [(name, value) for name, value in headers.items() if name != "Host"]
    if origin is not None:
        lines.append(("Origin", origin))
    host, port = site.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    text = "\r\n".join(["GET /live HTTP/1.1", *(f"{n}: {v}" for n, v in lines), "Connection: Upgrade"])
    writer.write(f"{text}\r\n\r\n".encode())
    first = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert int(first.split()[1]) == status
    assert site.reached == []


async def test_websocket_of_a_browser_page_of_another_origin_gets_the_error_as_json(site: Site) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(f"ws://{site.host}/live", origin="https://evil.example"):  # type: ignore[arg-type]  # plain text
            pass
    assert json.loads(caught.value.response.body)["error"]["code"] == "ORIGIN_REFUSED"
    assert caught.value.response.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("is_page", [True, False])
async def test_own_websocket_passes(site: Site, is_page: bool) -> None:
    async with connect(f"ws://{site.host}/live", origin=site.url if is_page else None) as socket:  # type: ignore[arg-type]  # plain text
        assert await socket.recv() == "hello"


async def test_server_without_websocket_answers_is_closed_instead() -> None:
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    guard = RequestGuard(FastAPI(), lambda: frozenset({"localhost:1"}))
    scope = {"type": "websocket", "headers": [(b"host", b"evil.example")], "path": "/"}
    await guard(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "HOST_REFUSED"}]
