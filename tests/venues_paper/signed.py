"""A signing client written for these tests from the wire contract, so that it shares no code with ours."""

import base64
import hashlib
import hmac
import json
from itertools import count
from typing import Any

import httpx

NONCES = count(1_000_000, 10)
"""Rising nonces with room between them."""


def signed_headers(
    key: str,
    secret: str,
    path: str,
    fields: dict[str, Any] | None = None,
    *,
    nonce: object | None = None,
    raw: str | None = None,
) -> dict[str, str]:
    """Return the headers of a signed request; `raw` replaces the JSON text, `nonce` the rising number."""
    payload = {"request": path, "nonce": next(NONCES) if nonce is None else nonce, **(fields or {})}
    text = base64.b64encode((json.dumps(payload) if raw is None else raw).encode()).decode()
    return {
        "X-GEMINI-APIKEY": key,
        "X-GEMINI-PAYLOAD": text,
        "X-GEMINI-SIGNATURE": hmac.new(secret.encode(), text.encode(), hashlib.sha384).hexdigest(),
        "Content-Type": "text/plain",
        "Cache-Control": "no-cache",
    }


class Client:
    """A customer over real HTTP."""

    def __init__(self, url: str, key: str, secret: str, http: httpx.AsyncClient) -> None:
        self.url, self.key, self.secret, self.http = url, key, secret, http

    async def get(self, path: str) -> Any:
        answer = await self.http.get(self.url + path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **fields: Any) -> Any:
        answer = await self.try_post(path, **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def try_post(self, path: str, **fields: Any) -> httpx.Response:
        headers = signed_headers(self.key, self.secret, path, fields)
        return await self.http.post(self.url + path, headers=headers)

    async def order(self, **fields: Any) -> Any:
        return await self.post("/v1/order/new", **{**ORDER, **fields})

    async def refused(self, path: str, **fields: Any) -> tuple[int, str]:
        answer = await self.try_post(path, **fields)
        body = answer.json()
        assert body["result"] == "error"
        assert body["message"]
        return answer.status_code, body["reason"]


ORDER = {"symbol": "btcusd", "amount": "0.001", "price": "60000.00", "side": "buy", "type": "exchange limit"}
