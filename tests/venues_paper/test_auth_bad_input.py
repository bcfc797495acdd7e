"""Requests that no client of good will sends: a documented refusal each, and no secret in any of them."""

import asyncio
import base64
import json
from urllib.parse import urlsplit

import httpx
import pytest

from tests.venues_paper.keyed import holder
from tests.venues_paper.signed import Client, signed_headers
from tests.venues_paper.test_auth import sign_text
from venues.paper.opening import KEY_LABELS
from venues.paper.server import RunningExchange

pytestmark = pytest.mark.asyncio(loop_scope="module")

Shared = tuple[RunningExchange, httpx.AsyncClient]
PATH = "/v1/balances"
MEGABYTES = 10 * 1024 * 1024


async def raw_exchange(url: str, head: bytes, body_size: int = 0) -> bytes:
    """Send bytes as they are and return what comes back until the server hangs up or has answered."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(head)
        for _ in range(body_size // 65536):
            writer.write(b"x" * 65536)
            await writer.drain()
    except ConnectionError:
        pass  # the server may refuse before it has read everything
    try:
        return await asyncio.wait_for(reader.read(4096), 20)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("name", ["X-GEMINI-PAYLOAD", "X-GEMINI-APIKEY", "Authorization", "X-Anything"])
async def test_header_of_ten_megabytes_is_refused_and_the_next_request_answered(
    shared_desk: Client, name: str
) -> None:
    host = urlsplit(shared_desk.url).netloc
    head = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\n{name}: ".encode() + b"A" * MEGABYTES + b"\r\n\r\n"
    answer = await raw_exchange(shared_desk.url, head)
    assert answer == b"" or answer.split(b" ")[1][:1] == b"4"
    assert (await shared_desk.try_post(PATH)).status_code == 200


async def test_body_of_ten_megabytes_is_refused_and_the_next_request_answered(shared_desk: Client) -> None:
    host = urlsplit(shared_desk.url).netloc
    head = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {MEGABYTES}\r\n\r\n".encode()
    answer = await raw_exchange(shared_desk.url, head, MEGABYTES)
    assert b" 413 " in answer
    assert (await shared_desk.try_post(PATH)).status_code == 200


def nested(depth: int) -> str:
    return '{"request": "/v1/balances", "nonce": 1, "a": ' + "[" * depth + "]" * depth + "}"


BAD_TEXTS = [
    "====",
    "e30",  # no padding
    "e3 0=",
    base64.b64encode(nested(9000).encode()).decode(),
    base64.b64encode(b'{"request": "/v1/balances", "nonce": -Infinity}').decode(),
    base64.b64encode(b'{"request": "/v1/balances", "nonce": 1e}').decode(),
    base64.b64encode(b"\x00").decode(),
    base64.b64encode('{"request": "/v1/balances", "nonce": 1}'.encode("utf-16")).decode(),
    base64.urlsafe_b64encode(b'{"request": "/v1/balances?\xff\xfe\xfb"}').decode(),
]


@pytest.mark.parametrize("text", BAD_TEXTS, ids=range(len(BAD_TEXTS)))
async def test_payload_that_is_malformed_is_refused(shared_desk: Client, text: str) -> None:
    answer = await shared_desk.http.post(shared_desk.url + PATH, headers=sign_text(shared_desk, text))
    assert answer.status_code == 400
    assert answer.json()["reason"] == "InvalidJson"


ODD_FIELDS = [
    {"request": ["/v1/balances"]},
    {"request": {"a": 1}},
    {"request": 5},
    {"request": ""},
    {"request": "/v1/balances/"},
    {"request": "/V1/BALANCES"},
    {"request": "/v1/balances?a=1"},
    {"nonce": {}},
    {"nonce": "9" * 4000},
    {"nonce": 1e300},
    {"account": {"a": [1]}},
    {"account": "x" * 5000},
]


@pytest.mark.parametrize("label", [label for label in KEY_LABELS if label != "desk"])
async def test_no_refusal_shows_a_secret_or_grows_with_its_input(shared: Shared, label: str) -> None:
    running, http = shared
    client = holder(running, http, label)
    secrets = [key.secret for key in running.exchange.keys.values()]
    for fields in ODD_FIELDS:
        raw = json.dumps({"request": PATH, "nonce": 2, **fields})
        headers = signed_headers(client.key, client.secret, PATH, raw=raw)
        answer = await http.post(client.url + PATH, headers=headers)
        assert 400 <= answer.status_code < 500
        assert answer.json()["result"] == "error"
        assert len(answer.text) < 600
        assert not any(secret in answer.text for secret in secrets)
