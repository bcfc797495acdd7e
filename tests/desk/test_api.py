"""Tokens, scopes, strict bodies and clear errors of the desk's API."""

from __future__ import annotations

import json

import pytest

from tests.stack import TOKENS, DeskStack

READS = [
    "/status", "/prices", "/book/btcusd", "/candles/btcusd", "/pairs/rank", "/fees", "/portfolio", "/orders",
    "/fills", "/proposals", "/limits", "/connections", "/journal/tail", "/journal/search", "/journal/verify",
    "/explain",
]  # fmt: skip
PROPOSES = ["/proposals", "/cancel", "/flatten-and-pause", "/limit-changes", "/journal"]
PERSONS = ["/approve", "/reject", "/edit", "/kill", "/release", "/person/cancel"]


async def _call(stack: DeskStack, method: str, path: str, token: str | None, body: bytes = b"{}"):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await stack.http.request(method, path, headers=headers, content=body if method == "POST" else None)


async def test_every_route_refuses_without_a_token_and_with_a_lower_scope(stack: DeskStack) -> None:
    for path in READS:
        for token in (None, "wrong", ""):
            assert (await _call(stack, "GET", path, token)).status_code == 401, path
        assert (await _call(stack, "GET", path, TOKENS["read"])).status_code == 200, path
    for path in PROPOSES:
        assert (await _call(stack, "POST", path, None)).status_code == 401
        assert (await _call(stack, "POST", path, TOKENS["read"])).status_code == 403
    for path in PERSONS:
        for scope in ("read", "propose"):
            assert (await _call(stack, "POST", path, TOKENS[scope])).status_code == 403, path
    assert (await stack.client.read("/status"))["kill_state"] == "active"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nowhere", 404, "NO_SUCH_ROUTE"),
        ("/approve", 405, "NO_SUCH_ROUTE"),
        ("/book/btcusd?depth=many", 400, "BAD_FIELD"),
        ("/book/fakeusd", 400, "UNKNOWN_SYMBOL"),
        ("/candles/btcusd?interval=7m", 400, "BAD_INTERVAL"),
        ("/portfolio?period=7d", 400, "NO_HISTORY"),
        ("/limits?name=per_oder_usd", 400, "BAD_LIMITS"),
        ("/proposals/P-x", 404, "NO_SUCH_PROPOSAL"),
    ],
)
async def test_wrong_reads_answer_in_the_one_error_shape(stack: DeskStack, path, status, code) -> None:
    reply = await _call(stack, "GET", path, TOKENS["read"])
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, code)
    assert error["message"]


async def test_malformed_ids_are_told_without_patterns(stack: DeskStack) -> None:
    reply = await _call(stack, "POST", "/reject", TOKENS["person"], b'{"id":"P-x"}')
    assert "proposal id" in reply.json()["error"]["message"]
    assert "^P-" not in reply.text


async def test_health_is_open_and_says_nothing_more(stack: DeskStack) -> None:
    reply = await _call(stack, "GET", "/health", None)
    assert set(reply.json()) == {"ok", "pid"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "BAD_JSON"),
        (b"[]", "BAD_JSON"),
        (b'{"request_id":"a","request_id":"b"}', "BAD_JSON"),
        (b'{"request_id":"a","intent":{"symbol":"btcusd","side":"buy","amount":NaN}}', "BAD_JSON"),
        (b'{"request_id":"a","intent":{"symbol":"btcusd","side":"buy","amount":0.1}}', "BAD_JSON"),
        (b'{"request_id":"a","intent":{"symbol":"btcusd","side":"buy","amount":1}}', "BAD_FIELD"),
        (b'{"request_id":"a","intent":{"symbol":"btcusd","side":"buy","amount":"1"},"x":1}', "UNKNOWN_FIELD"),
        (
            b'{"request_id":"a","intent":{"symbol":"btcusd","side":"buy","amount":"1","margin_order":true}}',
            "UNKNOWN_FIELD",
        ),
        (b'{"request_id":"a","intent":{"symbol":"BTCUSD","side":"buy","amount":"1"}}', "BAD_FIELD"),
        (b'{"request_id":"a","intent":{"symbol":"btcusd","side":"buy","amount":"1e400"}}', "BAD_NUMBER"),
        ('{"request_id":"a","intent":{"symbol":"btcusd","side":"buy","amount":"٣"}}'.encode(), "BAD_NUMBER"),
        (b'{"request_id":"a","intent":{"symbol":"btcusd","side":"buy","amount":"-1"}}', "BAD_NUMBER"),
        (b'{"request_id":"a","intent":{"symbol":"btcusd","side":"buy"}}', "AMOUNT_OR_NOTIONAL"),
        (b'{"request_id":"a" ' + b" " * 70_000 + b"}", "BODY_TOO_LARGE"),
        (b"{" * 5000, "BAD_JSON"),
    ],
)
async def test_bad_bodies_get_a_code_and_a_cure(stack: DeskStack, body: bytes, code: str) -> None:
    reply = await _call(stack, "POST", "/proposals", TOKENS["propose"], body)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["cure"]


async def test_approve_takes_id_and_digest_and_nothing_else(stack: DeskStack) -> None:
    card = await stack.propose(side="buy", notional_usd="25", rationale="x")
    body = {"id": card["id"], "digest": card["digest"], "amount": "9"}
    reply = await _call(stack, "POST", "/approve", TOKENS["person"], json.dumps(body).encode())
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "UNKNOWN_FIELD")


async def test_journal_kinds_of_the_app_are_bounded_and_the_source_is_stamped(stack: DeskStack) -> None:
    for kind in ("fill", "consent", "order.sending", "chat", "chat.Message"):
        body = json.dumps({"request_id": f"k/{kind}", "kind": kind}).encode()
        reply = await _call(stack, "POST", "/journal", TOKENS["propose"], body)
        assert reply.status_code == 400, kind
    written = await stack.client.propose("/journal", {"request_id": "k", "kind": "chat.message"})
    assert (await stack.client.read(f"/journal/records/{written['record_id']}"))["source"] == "app"


async def test_limit_change_is_a_card_tightens_at_once_and_widens_later(stack: DeskStack) -> None:
    card = await stack.client.propose(
        "/limit-changes", {"request_id": "l/1", "name": "per_order_usd", "value": "50"}
    )
    assert stack.desk.parts.limit_file.limits.per_order_usd == 100
    done = await stack.person.approve(card["id"], card["digest"])
    assert done["outcome"]["state"] == "applied"
    assert stack.desk.parts.limit_file.limits.per_order_usd == 50
    assert "per_order_usd = 50" in (stack.home / "limits.toml").read_text()
    wider = await stack.client.propose(
        "/limit-changes", {"request_id": "l/2", "name": "per_order_usd", "value": "90"}
    )
    await stack.person.approve(wider["id"], wider["digest"])
    assert stack.desk.parts.limit_file.limits.per_order_usd == 50
    rows = (await stack.client.read("/limits", name="per_order_usd"))["limits"]
    assert rows[0]["pending"]["value"] == "90"


async def test_events_begin_with_hello_and_bring_proposals(stack: DeskStack) -> None:
    hub = stack.desk.parts.hub
    stream = hub.stream(stack.desk.status)
    first = await anext(stream)
    assert first.startswith(b"event: hello\n")
    await stack.propose(side="buy", notional_usd="25", rationale="x")
    seen = set()
    while "proposal" not in seen:
        seen.add((await anext(stream)).split(b"\n")[0].removeprefix(b"event: ").decode())
    await stream.aclose()
    assert not hub.has_readers
