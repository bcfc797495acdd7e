"""The keys that every exchange has, each as a client, and keys made for one test."""

from typing import Any

import httpx

from tests.venues_paper.signed import Client, signed_headers
from venues.paper.server import RunningExchange
from venues.paper.state.keys import ApiKey

SECRET = "testsecret0123456789"


def holder(running: RunningExchange, http: httpx.AsyncClient, label: str) -> Client:
    """The holder of one of the exchange's own keys."""
    key = running.key(label)
    return Client(running.url, key.api_key, key.api_secret, http)


def made(running: RunningExchange, http: httpx.AsyncClient, text: str, **habits: Any) -> Client:
    """The holder of a new key of the stranger's account; `habits` replace what an `ApiKey` says of it."""
    exchange = running.exchange
    fields = {
        "api_key": text,
        "secret": SECRET,
        "label": text,
        "group": "stranger",
        "account": exchange.accounts["stranger"],
        **habits,
    }
    with exchange.operation():
        exchange.add_key(ApiKey(**fields))
    return Client(running.url, text, SECRET, http)


async def call(client: Client, path: str, *, nonce: object = None, **fields: Any) -> httpx.Response:
    """Send a signed request with a nonce of one's own choice."""
    headers = signed_headers(client.key, client.secret, path, fields, nonce=nonce)
    return await client.http.post(client.url + path, headers=headers)


def reason(answer: httpx.Response) -> tuple[int, str]:
    """The status and the reason of a refusal, which must have the documented shape."""
    body = answer.json()
    assert set(body) == {"result", "reason", "message"}
    assert body["result"] == "error"
    return answer.status_code, body["reason"]
