"""Refusals that depend on, or change, what the exchange knows about a key."""

from typing import Any

from tests.venues_paper.signed import NONCES, Client, signed_headers
from venues.paper.matching.ledger import Role
from venues.paper.server import RunningExchange

PATH = "/v1/balances"


async def send(client: Client, headers: dict[str, str]) -> tuple[int, Any]:
    answer = await client.http.post(client.url + PATH, headers=headers)
    return answer.status_code, answer.json()


async def test_missing_role_names_what_would_do(running: RunningExchange, desk: Client) -> None:
    running.exchange.keys[desk.key].roles = frozenset({Role.AUDITOR})
    answer = await desk.try_post("/v1/order/new")
    assert (answer.status_code, answer.json()["reason"]) == (403, "MissingRole")
    assert "Trader" in answer.json()["message"]
    assert (await desk.post("/v1/roles")) == {"isAuditor": True, "isFundManager": False, "isTrader": False}
    assert await desk.post("/v1/orders") == []


async def test_refused_request_does_not_use_up_its_nonce(running: RunningExchange, desk: Client) -> None:
    nonce = next(NONCES)
    bad_signature = signed_headers(desk.key, desk.secret, PATH, nonce=nonce) | {
        "X-GEMINI-SIGNATURE": "0" * 96
    }
    assert (await send(desk, bad_signature))[0] == 400
    wrong_path = signed_headers(desk.key, desk.secret, "/v1/orders", nonce=nonce)
    assert (await send(desk, wrong_path))[0] == 400
    running.exchange.keys[desk.key].roles = frozenset()
    assert (await send(desk, signed_headers(desk.key, desk.secret, PATH, nonce=nonce)))[0] == 403
    running.exchange.keys[desk.key].roles = frozenset({Role.TRADER})
    assert (await send(desk, signed_headers(desk.key, desk.secret, PATH, nonce=nonce)))[0] == 200


async def test_nonces_of_two_keys_are_apart(desk: Client, stranger: Client) -> None:
    assert (await send(desk, signed_headers(desk.key, desk.secret, PATH, nonce=next(NONCES))))[0] == 200
    headers = signed_headers(stranger.key, stranger.secret, PATH, nonce=5)
    assert (await send(stranger, headers))[0] == 200


async def test_state_that_cannot_be_written_stops_the_exchange(
    running: RunningExchange, desk: Client
) -> None:
    stops: list[str] = []
    running.exchange.on_fault = lambda: stops.append("stop")
    running.exchange.store._db.execute("PRAGMA query_only = ON")
    answer = await desk.try_post("/v1/heartbeat")
    assert (answer.status_code, answer.json()["reason"]) == (500, "System")
    answer = await desk.try_post("/v1/heartbeat")
    assert (answer.status_code, answer.json()["reason"]) == (503, "Maintenance")
    assert stops == ["stop"]
