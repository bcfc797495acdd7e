"""Asked what the real venue was asked, the embedded exchange answers with the same keys and types."""

from __future__ import annotations

import base64
import json
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.strangers.shapes import differences
from tests.venues_gemini import recordings
from tests.venues_paper.signed import Client, signed_headers
from venues.paper.server import RunningExchange, running_exchange

ALLOWED = tomllib.loads((Path(__file__).parent / "allowed_differences.toml").read_text("utf-8"))
_PRODUCTION = "/v1/order/status 2021"


@dataclass(frozen=True)
class Pair:
    """One recorded request and its reply."""

    method: str
    path: str
    query: str
    payload: dict[str, Any]
    reply: Any


def recorded() -> list[Pair]:
    """Every recorded pair, in the recorder's order."""
    found = []
    for path, methods in json.loads(recordings.rest_raw())["routes"].items():
        for method, pairs in methods.items():
            for each in pairs:
                text = (each["headers"] or {}).get("X-Gemini-Payload", [""])[0]
                payload = json.loads(base64.b64decode(text)) if text else {}
                found.append(Pair(method, path, each["queryString"], payload, each["data"]))
    return found


@dataclass(frozen=True)
class Asked:
    """Who asks, and the exchange that is asked."""

    client: Client
    running: RunningExchange


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    """The stranger on an exchange of its own."""
    async with (
        running_exchange(home=tmp_path / "home", seed=31) as running,
        httpx.AsyncClient(trust_env=False, timeout=20) as http,
    ):
        # Recorded on the venue's sandbox, where no coin goes in or out.
        running.exchange.allows_crypto_transfers = False
        yield Asked(Client(running.url, running.stranger.api_key, running.stranger.api_secret, http), running)


class Repeated:
    """Asks our exchange what was recorded, with ids and prices of today's."""

    def __init__(self, asked: Asked) -> None:
        self.client = asked.client
        self.manager = asked.running.key("funds")
        self.live = ""
        self.filled = ""

    async def prepare(self) -> None:
        """Make one order that rests, one that is filled, and one that is cancelled."""
        rests = await self.client.order(price="4500.00", amount="0.1")
        self.live = rests["order_id"]
        filled = await self.client.order(
            symbol="ethusd", price="1990.00", amount="0.5", options=["immediate-or-cancel"]
        )
        assert filled["remaining_amount"] == "0"
        self.filled = filled["order_id"]

    async def reply(self, pair: Pair) -> Any:
        """Ask for `pair`."""
        if pair.method == "GET":
            path = pair.path + (f"?{pair.query}" if pair.query else "")
            return (await self.client.http.get(self.client.url + path)).json()
        fields = {key: value for key, value in pair.payload.items() if key not in {"request", "nonce"}}
        return (await self._post(pair, self._todays(pair, fields))).json()

    def _todays(self, pair: Pair, fields: dict[str, Any]) -> dict[str, Any]:
        if "order_id" in fields:
            done = isinstance(pair.reply, dict) and pair.reply.get("executed_amount") not in {None, "0"}
            fields["order_id"] = int(self.filled if done else self.live)
        if pair.path == "/v1/order/new" and "order_id" in pair.reply:
            fills = pair.reply["executed_amount"] != "0"
            fields |= {"symbol": "ethusd", "amount": "0.5", "price": "1990" if fills else "1000"}
        return fields

    async def _post(self, pair: Pair, fields: dict[str, Any]) -> httpx.Response:
        key, secret = self.client.key, self.client.secret
        if "/deposit/" in pair.path or "/withdraw/" in pair.path:
            # The recorded key could do everything; ours are apart.
            key, secret = self.manager.api_key, self.manager.api_secret
        if isinstance(pair.reply, dict) and pair.reply.get("reason") == "InvalidSignature":
            secret = "not the secret"
        headers = signed_headers(key, secret, pair.path, fields)
        return await self.client.http.post(self.client.url + pair.path, headers=headers)


async def test_replies_have_the_recorded_keys_and_types(asked: Asked) -> None:
    repeated = Repeated(asked)
    await repeated.prepare()
    allowed = {(e["endpoint"], e["difference"]) for e in ALLOWED["rest"] if e["endpoint"] != _PRODUCTION}
    used: set[tuple[str, str]] = set()
    wrong: list[str] = []
    # What is asked of a cancelled order comes after its cancel.
    pairs = sorted(recorded(), key=lambda pair: ("status" in pair.path, "cancel" in pair.path))
    assert len(pairs) == 38
    for pair in pairs:
        reply = await repeated.reply(pair)
        for difference in differences(_unnulled(pair.reply), _unnulled(reply)):
            key = (pair.path, difference)
            if key in allowed:
                used.add(key)
            else:
                wrong.append(f"{pair.method} {pair.path} {pair.payload}: {difference}")
    assert not wrong, "\n".join(wrong)
    assert allowed == used, f"not needed any more: {allowed - used}"


async def test_refusals_have_the_recorded_reasons(asked: Asked) -> None:
    repeated = Repeated(asked)
    await repeated.prepare()
    for pair in recorded():
        if isinstance(pair.reply, dict) and pair.reply.get("result") == "error":
            reply = await repeated.reply(pair)
            assert reply.get("reason", "") == pair.reply["reason"], pair


def _unnulled(value: Any) -> Any:
    """The recorder stored an empty list as null."""
    if value is None:
        return []
    return [_unnulled(each) for each in value] if isinstance(value, list) else value


async def test_order_objects_of_production_have_the_same_keys(asked: Asked) -> None:
    live, filled = (
        json.loads(row) for row in recordings.text("rest/gemini_order_status_2021.jsonl").splitlines()
    )
    rests = await asked.client.order(
        symbol="ethusd", side="sell", amount="0.001", price="3302", client_order_id="TESTID0"
    )
    sale = {"symbol": "ethusd", "side": "sell", "amount": "0.001", "price": "1850"}
    done = await asked.client.order(**sale, client_order_id="TESTID1", options=["immediate-or-cancel"])
    allowed = {each["difference"] for each in ALLOWED["rest"] if each["endpoint"] == _PRODUCTION}
    used: set[str] = set()
    for theirs, ours in ((live, rests), (filled, done)):
        shown = await asked.client.post(
            "/v1/order/status", order_id=int(ours["order_id"]), include_trades="trades" in theirs
        )
        used |= differences(theirs, shown)
    assert used == allowed
