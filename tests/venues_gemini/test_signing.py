"""Signatures equal the venue's own and hmac's; the secret is nowhere to be read."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInputError
from tests.venues_gemini.samples import KEY, SECRET
from venues.gemini.signing import ArmedRequest, Credentials, sign, sign_upgrade

PAYLOAD_D = (
    "ewogICAgInJlcXVlc3QiOiAiL3YxL29yZGVyL3N0YXR1cyIsCiAgICAibm9uY2UiOiAxMjM0NTYsCgogICAgIm9yZGVyX2lk"
    "IjogMTg4MzQKfQo="
)
VECTORS = {
    "A compact JSON": (
        SECRET,
        base64.b64encode(
            b'{"request":"/v1/order/new","nonce":1700000000000,"symbol":"btcusd","amount":"0.01",'
            b'"price":"30000.00","side":"buy","type":"exchange limit","client_order_id":"demo-1",'
            b'"options":["maker-or-cancel"]}'
        ).decode(),
        "79422b44ef7dc86452bab5f0f6e33295884f2eb227e6f814d779f1844b7b127c1e07e345d1ced08714e28c83d3e4e135",
    ),
    "B spaced JSON": (
        SECRET,
        "eyJyZXF1ZXN0IjogIi92MS9iYWxhbmNlcyIsICJub25jZSI6ICIxNzAwMDAwMDAwMDAxIn0=",
        "354360133126d6816e322663e8839ba70c20cd6571ea3b0c375063381b028a695423b0103c7f57beb440be5da98bcba4",
    ),
    "C socket upgrade": (
        SECRET,
        "MTcwMDAwMDAwMA==",
        "b6eeec5817617cd29da70b735373eee2dfe031d05ba8fe90a9f13610424eab3804a14629133c63948ab40642d2a314ba",
    ),
    "D the venue's own": (
        "1234abcd",
        PAYLOAD_D,
        "337cc8b4ea692cfe65b4a85fcc9f042b2e3f702ac956fd098d600ab15705775017beae402be773ceee10719ff70d710f",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_sign_text_published_vector_equal(name: str) -> None:
    secret, payload, signature = VECTORS[name]
    assert Credentials(KEY, secret).sign_text(payload.encode()) == signature


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300),
    payload=st.binary(max_size=600),
)
def test_sign_text_any_secret_equals_hmac(secret: str, payload: bytes) -> None:
    expected = hmac.new(secret.encode(), payload, hashlib.sha384).hexdigest()
    assert Credentials(KEY, secret).sign_text(payload) == expected


def test_sign_fields_headers_complete_and_nonce_last() -> None:
    request = sign(
        Credentials(KEY, SECRET), "/v1/order/cancel", 1_700_000_000_000_001, {"order_id": 10**17 + 7}
    )
    raw = base64.b64decode(request.headers["X-GEMINI-PAYLOAD"])
    assert raw == b'{"request":"/v1/order/cancel","order_id":100000000000000007,"nonce":1700000000000001}'
    assert list(json.loads(raw))[-1] == "nonce"
    signature = hmac.new(SECRET.encode(), base64.b64encode(raw), hashlib.sha384).hexdigest()
    assert request.headers == {
        "Content-Type": "text/plain",
        "Content-Length": "0",
        "Cache-Control": "no-cache",
        "X-GEMINI-APIKEY": KEY,
        "X-GEMINI-PAYLOAD": base64.b64encode(raw).decode(),
        "X-GEMINI-SIGNATURE": signature,
    }


@pytest.mark.parametrize("name", ["request", "nonce"])
def test_sign_fields_that_are_ours_refused(name: str) -> None:
    with pytest.raises(BadInputError, match="may not set"):
        sign(Credentials(KEY, SECRET), "/v1/orders", 1, {name: "x"})


def test_credentials_any_way_of_showing_secret_absent() -> None:
    credentials = Credentials(KEY, SECRET)
    request = sign(credentials, "/v1/orders", 1, {})
    shown = [repr(credentials), str(credentials), f"{credentials}", repr(request), str({"c": [credentials]})]
    shown += [str(getattr(credentials, name)) for name in Credentials.__slots__]
    assert not any(SECRET in text or "SIGNATURE" in text for text in shown)
    assert not hasattr(credentials, "__dict__")


def test_credentials_copied_or_pickled_refused() -> None:
    credentials = Credentials(KEY, SECRET)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(credentials)


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("", SECRET),
        ("account-X\r\nHost: evil", SECRET),
        ("short", SECRET),
        (KEY, ""),
        (KEY, "sécret"),
        (KEY, "a\nb"),
    ],
)
def test_credentials_malformed_refused_without_repeating(key: str, secret: str) -> None:
    with pytest.raises(BadInputError) as caught:
        Credentials(key, secret)
    assert not secret or secret not in str(caught.value)


def test_sign_upgrade_headers_are_vector_c() -> None:
    secret, payload, signature = VECTORS["C socket upgrade"]
    assert sign_upgrade(Credentials(KEY, secret), 1_700_000_000) == {
        "X-GEMINI-APIKEY": KEY,
        "X-GEMINI-NONCE": "1700000000",
        "X-GEMINI-PAYLOAD": payload,
        "X-GEMINI-SIGNATURE": signature,
    }


@given(
    path=st.sampled_from(["/v1/order/new", "/v1/roles", "/v1/balances/x"]),
    fields=st.dictionaries(
        st.text("abcdef_", min_size=1, max_size=8), st.text(max_size=12) | st.integers(0, 10**18), max_size=5
    ),
    nonce=st.integers(0, 10**18),
)
def test_armed_any_request_fires_the_bytes_that_sign_makes(
    path: str, fields: dict[str, object], nonce: int
) -> None:
    credentials = Credentials(KEY, SECRET)
    armed = ArmedRequest(credentials, path, fields)
    assert armed.fire(nonce) == sign(credentials, path, nonce, fields)
    assert armed.fire(nonce) == armed.fire(nonce)
    assert armed.json == base64.b64decode(armed.fire(0).headers["X-GEMINI-PAYLOAD"])


def test_armed_shown_or_copied_gives_nothing_away() -> None:
    armed = ArmedRequest(Credentials(KEY, SECRET), "/v1/orders", {})
    assert repr(armed) == "ArmedRequest(path='/v1/orders')"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(armed)
    with pytest.raises(BadInputError, match="may not set"):
        ArmedRequest(Credentials(KEY, SECRET), "/v1/orders", {"nonce": 1})
