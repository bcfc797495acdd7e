"""What keys of each kind may send: nonces by time, trusted addresses, roles, sockets of the new kind."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.clock import ManualClock
from tests.venues_paper.keyed import SECRET, call, holder, made, reason
from tests.venues_paper.signed import Client, signed_headers
from venues.paper.exchange import GROUP
from venues.paper.matching.ledger import Account, Role
from venues.paper.matching.refusals import RefusedError
from venues.paper.server import RunningExchange, running_exchange
from venues.paper.state.keys import ApiKey, NonceMode
from venues.paper.world.clockwork import STEP_MS

PATH = "/v1/balances"
Shared = tuple[RunningExchange, httpx.AsyncClient]
VECTOR_KEY = "account-TESTKEY0123456789"


def now_s(running: RunningExchange) -> Decimal:
    return Decimal(running.exchange.timeline.now_ms()) / 1000


@pytest.mark.asyncio(loop_scope="module")
async def test_time_nonce_must_be_near_the_clock_and_need_not_rise(shared: Shared) -> None:
    running, http = shared
    client = holder(running, http, "time")
    now = int(now_s(running))
    for nonce in (now, str(now - 20), now + 25, now - 20, float(now) + 0.5, now):
        assert (await call(client, PATH, nonce=nonce)).status_code == 200
    for nonce in (now - 40, str(now + 60), now * 1000, 0, 1e-9):
        answer = await call(client, PATH, nonce=nonce)
        assert reason(answer) == (400, "InvalidNonce")
        assert "is not within 30 seconds of server time '" in answer.json()["message"]
    assert running.exchange.keys[client.key].last_nonce is None


@pytest.mark.asyncio(loop_scope="module")
async def test_time_window_is_thirty_seconds_to_both_sides(shared: Shared) -> None:
    running, http = shared
    client = holder(running, http, "time")
    step = Decimal(STEP_MS) / 1000  # what a request in virtual time moves the clock by, before it is judged
    for offset, status in ((30, 200), (-30, 200), (31, 400), (-31, 400)):
        nonce = str(now_s(running) + step + offset)
        assert (await call(client, PATH, nonce=nonce)).status_code == status


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("label", ["time", "stranger"])
@pytest.mark.parametrize("number", ["1e999999999", "1e-999999999", "9" * 60, "-1", "1.5e30", "0x10"])
async def test_nonce_of_any_size_is_judged_at_once(shared: Shared, label: str, number: str) -> None:
    running, http = shared
    client = holder(running, http, label)
    raw = f'{{"request": "{PATH}", "nonce": {number}}}'
    headers = signed_headers(client.key, client.secret, PATH, raw=raw)
    answer = await http.post(client.url + PATH, headers=headers)
    assert reason(answer)[1] in {"InvalidNonce", "InvalidJson"}
    assert len(answer.json()["message"]) < 200


async def test_key_with_trusted_addresses_is_refused_from_elsewhere(
    running: RunningExchange, http: httpx.AsyncClient
) -> None:
    away = made(running, http, "account-away", trusted_addresses=("192.0.2.7",))
    answer = await away.try_post(PATH)
    assert reason(answer) == (403, "ApiKeyIpFilteringFailure")
    assert "127.0.0.1" in answer.json()["message"]
    wrong = signed_headers(away.key, "another secret", PATH)
    assert reason(await http.post(away.url + PATH, headers=wrong)) == (400, "InvalidSignature")
    home = made(running, http, "account-home", trusted_addresses=("192.0.2.7", "127.0.0.1"))
    assert (await home.try_post(PATH)).status_code == 200


async def test_group_with_trusted_addresses_refuses_all_its_keys_from_elsewhere(
    running: RunningExchange, http: httpx.AsyncClient, desk: Client
) -> None:
    with running.exchange.operation():
        running.exchange.documents.put(GROUP, "stranger", "", {"trusted_addresses": ["192.0.2.7"]})
    for label in ("stranger", "master", "funds"):
        answer = await holder(running, http, label).try_post("/v1/roles")
        assert reason(answer) == (403, "RemoteAddressForbidden")
    assert (await desk.try_post("/v1/roles")).status_code == 200


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("label", "path", "wanted", "held"),
    [
        ("auditor", "/v1/order/new", "Trader", "Auditor"),
        ("auditor", "/v1/heartbeat", "Trader", "Auditor"),
        ("funds", "/v1/orders", "Trader or Auditor", "FundManager"),
        ("stranger", "/v1/account/rename", "Administrator", "Trader"),
    ],
)
async def test_missing_role_names_the_key_what_it_has_and_what_would_do(
    shared: Shared, label: str, path: str, wanted: str, held: str
) -> None:
    running, http = shared
    client = holder(running, http, label)
    answer = await client.try_post(path)
    assert reason(answer) == (403, "MissingRole")
    message = answer.json()["message"]
    assert f"[{wanted}]" in message
    assert f"[{held}]" in message
    assert client.key in message
    assert client.secret not in message


@pytest.mark.asyncio(loop_scope="module")
async def test_auditor_reads_and_fund_manager_sees_balances(shared: Shared) -> None:
    running, http = shared
    auditor, funds = holder(running, http, "auditor"), holder(running, http, "funds")
    assert await auditor.post("/v1/balances") == await funds.post("/v1/balances")
    assert await auditor.post("/v1/roles") == {
        "isAuditor": True,
        "isFundManager": False,
        "isTrader": False,
    }


async def test_keys_of_one_account_have_nonces_and_sessions_of_their_own(
    running: RunningExchange, http: httpx.AsyncClient
) -> None:
    first, second = holder(running, http, "stranger"), made(running, http, "account-second")
    assert (await call(first, PATH, nonce=10**15)).status_code == 200
    assert (await call(second, PATH, nonce=5)).status_code == 200
    second_order = await second.order(price="40000.00")
    cancelled = await call(first, "/v1/order/cancel/session", nonce=10**15 + 1)
    assert cancelled.json()["details"]["cancelledOrders"] == []
    assert (await second.post("/v1/order/cancel/session"))["details"]["cancelledOrders"] == [
        int(second_order["order_id"])
    ]


@pytest.mark.parametrize(
    ("raw", "signature"),
    [
        (
            (
                '{"request":"/v1/order/new","nonce":1700000000000,"symbol":"btcusd","amount":"0.01",'
                '"price":"30000.00","side":"buy","type":"exchange limit","client_order_id":"demo-1",'
                '"options":["maker-or-cancel"]}'
            ),
            "79422b44ef7dc86452bab5f0f6e33295884f2eb227e6f814d779f1844b7b127c1e07e345d1ced08714e28c83d3e4e135",
        ),
        (
            '{"request": "/v1/balances", "nonce": "1700000000001"}',
            "354360133126d6816e322663e8839ba70c20cd6571ea3b0c375063381b028a695423b0103c7f57beb440be5da98bcba4",
        ),
    ],
)
async def test_published_vectors_are_accepted(
    running: RunningExchange, http: httpx.AsyncClient, raw: str, signature: str
) -> None:
    made(running, http, VECTOR_KEY)
    path = json.loads(raw)["request"]
    headers = {
        "X-GEMINI-APIKEY": VECTOR_KEY,
        "X-GEMINI-PAYLOAD": base64.b64encode(raw.encode()).decode(),
        "X-GEMINI-SIGNATURE": signature,
    }
    assert (await http.post(running.url + path, headers=headers)).status_code == 200


@pytest.mark.asyncio(loop_scope="module")
async def test_bearer_and_key_together_are_ambiguous(shared_desk: Client) -> None:
    headers = signed_headers(shared_desk.key, shared_desk.secret, PATH) | {"Authorization": "Bearer abc"}
    answer = await shared_desk.http.post(shared_desk.url + PATH, headers=headers)
    assert reason(answer) == (400, "AmbiguousAuthentication")
    answer = await shared_desk.http.post(shared_desk.url + PATH, headers={"Authorization": "Basic abc"})
    assert reason(answer) == (401, "MissingApikeyHeader")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("request_tail", "query", "status"),
    [("", "", 200), ("", "?a=1", 200), ("?a=1", "?a=1", 200), ("?a=2", "?a=1", 400), ("?a=1", "", 400)],
)
async def test_private_get_may_carry_its_query_in_the_request(
    shared: Shared, request_tail: str, query: str, status: int
) -> None:
    running, http = shared
    key, path = running.key("auditor"), f"/v2/fxrate/EURUSD/{running.exchange.timeline.now_ms()}"
    headers = signed_headers(key.api_key, key.api_secret, path + request_tail)
    answer = await http.get(running.url + path + query, headers=headers)
    assert answer.status_code == status
    assert status == 200 or reason(answer) == (400, "EndpointMismatch")


@pytest.mark.parametrize(
    "habits",
    [
        {"roles": frozenset({Role.AUDITOR, Role.TRADER})},
        {"roles": frozenset({Role.ADMINISTRATOR})},
        {"account": None, "requires_heartbeat": True},
    ],
)
def test_key_that_the_venue_does_not_issue_cannot_be_made(habits: dict[str, Any]) -> None:
    fields = {"account": Account(name="x"), **habits}
    with pytest.raises(ValueError, match=r"role|heartbeat"):
        ApiKey(api_key="account-odd", secret=SECRET, label="odd", group="x", **fields)


def upgrade_headers(key: str, secret: str, nonce: str) -> dict[str, str]:
    text = base64.b64encode(nonce.encode()).decode()
    return {
        "x-gemini-apikey": key,
        "x-gemini-nonce": nonce,
        "x-gemini-payload": text,
        "x-gemini-signature": hmac.new(secret.encode(), text.encode(), hashlib.sha384).hexdigest(),
    }


async def test_published_vector_opens_the_new_socket(tmp_path: Path) -> None:
    clock = ManualClock(datetime.fromtimestamp(1_700_000_000, UTC))
    async with running_exchange(home=tmp_path / "home", clock=clock) as running:
        exchange = running.exchange
        with exchange.operation():
            exchange.add_key(
                ApiKey(
                    api_key=VECTOR_KEY,
                    secret=SECRET,
                    label="vector",
                    group="stranger",
                    account=exchange.accounts["stranger"],
                    nonce_mode=NonceMode.TIME,
                )
            )
            headers = {
                "x-gemini-apikey": VECTOR_KEY,
                "x-gemini-nonce": "1700000000",
                "x-gemini-payload": "MTcwMDAwMDAwMA==",
                "x-gemini-signature": "b6eeec5817617cd29da70b735373eee2dfe031d05ba8fe90a9f13610424eab38"
                "04a14629133c63948ab40642d2a314ba",
            }
            caller = exchange.authenticate_upgrade(headers)
            assert caller is not None
            assert caller.key.label == "vector"
            assert exchange.authenticate_upgrade({"host": "here"}) is None


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("label", "broken", "expected"),
    [
        ("master", {}, "NotGroupApiCompatible"),
        ("stranger", {}, "InvalidNonce"),
        ("time", {"x-gemini-signature": "0" * 96}, "InvalidSignature"),
        ("time", {"x-gemini-nonce": "1"}, "InvalidNonce"),
        ("time", {"x-gemini-nonce": "é"}, "InvalidNonce"),
        ("time", {"x-gemini-apikey": "account-nobody"}, "InvalidApiKey"),
        ("time", {"x-gemini-payload": ""}, "MissingPayloadHeader"),
        ("time", {"x-gemini-apikey": ""}, "MissingApikeyHeader"),
        ("time", {"authorization": "Bearer x"}, "AmbiguousAuthentication"),
    ],
)
async def test_faulty_upgrade_is_unauthorized(
    shared: Shared, label: str, broken: dict[str, str], expected: str
) -> None:
    running, _ = shared
    key = running.key(label)
    nonce = str(int(now_s(running)))
    headers = upgrade_headers(key.api_key, key.api_secret, nonce) | broken
    with running.exchange.operation(), pytest.raises(RefusedError) as refusal:
        running.exchange.authenticate_upgrade(headers)
    assert (refusal.value.status, refusal.value.reason) == (401, expected)
    assert key.api_secret not in refusal.value.message


@pytest.mark.asyncio(loop_scope="module")
async def test_upgrade_far_from_the_clock_is_unauthorized(shared: Shared) -> None:
    running, _ = shared
    key = running.key("time")
    headers = upgrade_headers(key.api_key, key.api_secret, str(int(now_s(running)) - 31))
    with running.exchange.operation(), pytest.raises(RefusedError) as refusal:
        running.exchange.authenticate_upgrade(headers)
    assert refusal.value.status == 401
    assert "not within 30 seconds" in refusal.value.message
