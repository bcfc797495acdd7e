"""What arrives broken at the HTTP edge: a documented answer or a closed connection, and never a 500."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from loopback import connection
from tests.venues_paper.signed import signed_headers
from venues.paper.edge import app
from venues.paper.server import RunningExchange, running_exchange

HEARTBEAT = "/v1/heartbeat"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningExchange]:
    async with running_exchange(home=tmp_path_factory.mktemp("edge")) as running:
        yield running


async def talk(running: RunningExchange, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """Send raw bytes and return everything that comes back until the server closes."""
    host, port = running.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


def head(running: RunningExchange, line: str, *more: str) -> bytes:
    host = running.url.removeprefix("http://")
    return "\r\n".join([line, f"Host: {host}", *more, "", ""]).encode("latin-1")


async def still_answers(running: RunningExchange) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(running.url + "/v1/symbols")).status_code == 200


@pytest.mark.asyncio(loop_scope="module")
async def test_body_of_ten_megabytes_is_read_past_and_refused(running: RunningExchange) -> None:
    headers = signed_headers(running.desk.api_key, running.desk.api_secret, HEARTBEAT)
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(running.url + HEARTBEAT, headers=headers, content=b"x" * 10_000_000)
        assert (answer.status_code, answer.json()["reason"]) == (413, "Bad Request")
        assert (await http.post(running.url + HEARTBEAT, headers=headers)).status_code == 200, "nonce unused"


@pytest.mark.asyncio(loop_scope="module")
async def test_body_without_end_is_refused_and_the_connection_closed(
    running: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "READ_ANYWAY", 200_000)
    start = head(running, f"POST {HEARTBEAT} HTTP/1.1", "Content-Length: 99999999")
    answer = await talk(running, start, b"x" * 300_000)
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.asyncio(loop_scope="module")
async def test_body_that_does_not_come_is_given_up(
    running: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "BODY_S", 0.1)
    answer = await talk(running, head(running, f"POST {HEARTBEAT} HTTP/1.1", "Content-Length: 10"), b"xxx")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"took too long" in answer
    assert await still_answers(running)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "begun", [b"", b"GET /v1/symbols HTT", b"GET /v1/symbols HTTP/1.1\r\nHost: x\r\nX-Slow"]
)
async def test_head_that_does_not_end_is_given_up(
    running: RunningExchange, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.15)
    assert await talk(running, *([begun] if begun else [])) == b""


@pytest.mark.asyncio(loop_scope="module")
async def test_head_that_trickles_in_is_given_up_all_the_same(
    running: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)
    letters = [bytes([letter]) for letter in b"GET /v1/symbols HTTP/1.1\r\n"]
    with pytest.raises(ConnectionError):
        await talk(running, *letters, *letters, pause_s=0.02)


@pytest.mark.asyncio(loop_scope="module")
async def test_second_head_on_a_connection_must_end_in_time_too(
    running: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)
    answer = await talk(running, head(running, "GET /v1/symbols HTTP/1.1"), b"GET /v1/sym", pause_s=0.1)
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.asyncio(loop_scope="module")
async def test_connection_at_rest_between_requests_is_kept(
    running: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.1)
    async with httpx.AsyncClient(trust_env=False) as http:
        await http.get(running.url + "/v1/symbols")
        await asyncio.sleep(0.3)
        answer = await http.get(running.url + "/v1/symbols")
        assert answer.status_code == 200
        [only] = http._transport._pool.connections
        assert "Request Count: 2" in repr(only)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "path",
    [
        "/v1/book/%ZZ",
        "/v1/book/%00",
        "/v1/book/%ff%fe",
        "/v1/book/btcusd%2F..%2F",
        "/v1/book/btcusd?limit_bids=%ZZ",
        "/v1/book/btcusd?limit_bids=%ff",
        "/v1/trades/btcusd?timestamp=" + "9" * 5000,
        "/v1/trades/btcusd?" + "&".join(f"a{n}=1" for n in range(100)),
        "/v1/book/" + "x" * 10_000,
        "/v1/symbols?" + "q" * 20_000,
        "/%2e%2e/etc/passwd",
        "//v1/symbols",
    ],
)
async def test_broken_address_is_refused(running: RunningExchange, path: str) -> None:
    answer = await talk(running, head(running, f"GET {path} HTTP/1.1", "Connection: close"))
    assert answer.split(b" ", 2)[1] in {b"400", b"404"}, answer[:200]
    assert b'"result":"error"' in answer
    assert len(answer) < 20_000
    assert await still_answers(running)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("method", ["BREW", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "PATCH", "get"])
@pytest.mark.parametrize("path", ["/v1/symbols", "/v1/order/new", "/web/", "/nope"])
async def test_method_that_is_not_served_is_no_endpoint(
    running: RunningExchange, method: str, path: str
) -> None:
    answer = await talk(running, head(running, f"{method} {path} HTTP/1.1", "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 404")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/symbols HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /v1/heartbeat HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/heartbeat HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /v1/symbols HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 60_000,
    ],
)
async def test_bytes_that_are_no_request_are_refused(running: RunningExchange, request_bytes: bytes) -> None:
    answer = await talk(running, request_bytes)
    assert answer.startswith(b"HTTP/1.1 4"), answer[:100]
    assert await still_answers(running)


@pytest.mark.asyncio(loop_scope="module")
async def test_client_that_leaves_in_the_middle_does_no_harm(running: RunningExchange) -> None:
    host, port = running.url.removeprefix("http://").split(":")
    for sent in (b"GET /v1/sy", head(running, f"POST {HEARTBEAT} HTTP/1.1", "Content-Length: 99") + b"x"):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        await writer.drain()
        writer.transport.abort()
    assert await still_answers(running)


@pytest.mark.asyncio(loop_scope="module")
async def test_no_refusal_repeats_a_secret(running: RunningExchange, tmp_path: Path) -> None:
    secret = running.desk.api_secret
    async with httpx.AsyncClient(trust_env=False) as http:
        for raw in (f'{{"request":"{HEARTBEAT}","nonce":"{secret[:20]}', secret, f'["{secret}"]'):
            headers = signed_headers(running.desk.api_key, secret, HEARTBEAT, raw=raw)
            answer = await http.post(running.url + HEARTBEAT, headers=headers)
            assert answer.status_code == 400
            assert secret not in answer.text
        headers = signed_headers(running.desk.api_key, secret, HEARTBEAT)
        answer = await http.post(running.url + HEARTBEAT, headers={**headers, "X-GEMINI-SIGNATURE": secret})
        assert secret not in answer.text
