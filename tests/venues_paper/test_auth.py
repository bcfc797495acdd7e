import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.venues_paper.signed import NONCES, Client, signed_headers

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/balances"


async def send(client: Client, headers: dict[str, str], path: str = PATH) -> tuple[int, Any]:
    answer = await client.http.post(client.url + path, headers=headers)
    return answer.status_code, answer.json()


def good(client: Client, **kwargs: Any) -> dict[str, str]:
    return signed_headers(client.key, client.secret, PATH, **kwargs)


@pytest.mark.parametrize(
    ("header", "status", "reason"),
    [
        ("X-GEMINI-APIKEY", 401, "MissingApikeyHeader"),
        ("X-GEMINI-PAYLOAD", 400, "MissingPayloadHeader"),
        ("X-GEMINI-SIGNATURE", 400, "MissingSignatureHeader"),
    ],
)
async def test_missing_header_is_named(shared_desk: Client, header: str, status: int, reason: str) -> None:
    headers = {name: value for name, value in good(shared_desk).items() if name != header}
    got, body = await send(shared_desk, headers)
    assert (got, body["reason"], body["result"]) == (status, reason, "error")


async def test_unknown_key_is_refused(shared_desk: Client) -> None:
    status, body = await send(shared_desk, good(shared_desk) | {"X-GEMINI-APIKEY": "account-nobody"})
    assert (status, body["reason"]) == (400, "InvalidApiKey")


@pytest.mark.parametrize("signature", ["0" * 96, "é", "A" * 96])
async def test_wrong_signature_is_refused(shared_desk: Client, signature: str) -> None:
    headers = {name: value.encode("utf-8") for name, value in good(shared_desk).items()}
    headers["X-GEMINI-SIGNATURE"] = signature.encode("utf-8")
    answer = await shared_desk.http.post(shared_desk.url + PATH, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (400, "InvalidSignature")


async def test_signature_of_another_key_is_refused(shared_desk: Client, shared_stranger: Client) -> None:
    headers = signed_headers(shared_desk.key, shared_stranger.secret, PATH)
    assert (await send(shared_desk, headers))[1]["reason"] == "InvalidSignature"


async def test_changed_payload_is_refused(shared_desk: Client) -> None:
    headers = good(shared_desk)
    headers["X-GEMINI-PAYLOAD"] = headers["X-GEMINI-PAYLOAD"][:-4] + "AAAA"
    assert (await send(shared_desk, headers))[1]["reason"] == "InvalidSignature"


def sign_text(client: Client, text: str) -> dict[str, str]:
    signature = hmac.new(client.secret.encode(), text.encode(), hashlib.sha384).hexdigest()
    return good(client) | {"X-GEMINI-PAYLOAD": text, "X-GEMINI-SIGNATURE": signature}


@pytest.mark.parametrize(
    "raw",
    [
        "{",
        "[]",
        "null",
        '"text"',
        '{"request":"/v1/balances","nonce":NaN}',
        '{"request":"/v1/balances","nonce":Infinity}',
        '{"request":"/v1/balances","nonce":1,"nonce":2}',
        '{"request":"/v1/balances","nonce":' + "9" * 6000 + "}",
        "[" * 9000,
    ],
)
async def test_payload_that_is_no_json_object_is_refused(shared_desk: Client, raw: str) -> None:
    status, body = await send(shared_desk, good(shared_desk, raw=raw))
    assert (status, body["reason"]) == (400, "InvalidJson")


@pytest.mark.parametrize("text", ["not base64!", "/w==", base64.b64encode(b"\xff\xfe").decode()])
async def test_payload_that_is_no_base64_of_utf8_is_refused(shared_desk: Client, text: str) -> None:
    status, body = await send(shared_desk, sign_text(shared_desk, text))
    assert (status, body["reason"]) == (400, "InvalidJson")


async def test_request_must_be_the_path_called(shared_desk: Client) -> None:
    headers = signed_headers(shared_desk.key, shared_desk.secret, "/v1/orders")
    assert (await send(shared_desk, headers))[1]["reason"] == "EndpointMismatch"
    missing = good(shared_desk, raw='{"nonce": 1}')
    assert (await send(shared_desk, missing))[1]["reason"] == "MissingPayloadKey"


async def test_account_parameter_is_for_master_keys(shared_desk: Client) -> None:
    assert await shared_desk.refused(PATH, account="primary") == (400, "AccountsOnGroupOnlyApi")


@pytest.mark.parametrize("nonce", ["x", "", "-5", "1e9", True, [], {"a": 1}, "١٢٣", " 7", "1_000", None])
async def test_nonce_that_is_no_number_is_refused(shared_desk: Client, nonce: object) -> None:
    raw = json.dumps({"request": PATH, "nonce": nonce})
    status, body = await send(shared_desk, good(shared_desk, raw=raw))
    assert (status, body["reason"]) == (400, "MissingNonce" if nonce is None else "InvalidNonce")


async def test_nonce_must_rise_in_every_form_it_may_take(shared_desk: Client) -> None:
    base = next(NONCES)
    for nonce in (base, str(base + 1), base + 1.5, f"{base + 2}.25"):
        assert (await send(shared_desk, good(shared_desk, nonce=nonce)))[0] == 200
    for nonce in (base + 2, str(base), f"{base + 2}.25", 0):
        status, body = await send(shared_desk, good(shared_desk, nonce=nonce))
        assert (status, body["reason"]) == (400, "InvalidNonce")
        assert "has not increased" in body["message"]
    assert (await send(shared_desk, good(shared_desk, nonce=base + 3)))[0] == 200


async def test_body_is_ignored_and_bounded(shared_desk: Client) -> None:
    headers = good(shared_desk)
    answer = await shared_desk.http.post(
        shared_desk.url + PATH, headers=headers, content=b'{"request": "/v1/evil"}'
    )
    assert answer.status_code == 200
    answer = await shared_desk.http.post(
        shared_desk.url + PATH, headers=good(shared_desk), content=b"x" * 70_000
    )
    assert (answer.status_code, answer.json()["result"]) == (413, "error")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/nothing"), ("GET", PATH), ("POST", "/v1/symbols"), ("DELETE", "/v1/symbols"), ("GET", "/"),
     ("GET", "/v1/book/"), ("GET", "/v1/feepromos")],
)  # fmt: skip
async def test_unknown_path_or_method_is_a_documented_404(
    shared_desk: Client, method: str, path: str
) -> None:
    answer = await shared_desk.http.request(method, shared_desk.url + path)
    assert (answer.status_code, answer.json()["reason"]) == (404, "EndpointNotFound")


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
async def test_foreign_host_or_origin_is_refused_before_anything(
    shared_desk: Client, headers: dict[str, str]
) -> None:
    answer = await shared_desk.http.get(f"{shared_desk.url}/v1/symbols", headers=headers)
    assert answer.status_code in {403, 421}
