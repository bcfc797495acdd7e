"""The redactor: secrets gone in every form, ids and prices kept, twice the same as once, JSON stays JSON."""

from __future__ import annotations

import base64
import json
import random
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.redactor import KINDS, find, redact

# Made for these tests; none of them opens anything.
VENUE_KEY = "account-3XyZ8kLmQ2wErT5yU7iO"
VENUE_SECRET = "4Zy4bJmnTsK3hsaWsLLxzEyzsEqo"
GOOGLE = "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"
HEX = "2f5d8a9b3c4e6f7a8b9c0d1e2f3a4b5c"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIDfGq1\nx9Zk+/0=\n-----END EC PRIVATE KEY-----"

SECRETS: tuple[tuple[str, str], ...] = (
    (f"my key is {VENUE_KEY}", VENUE_KEY),
    ("master-9kLmQ2wErT5yU7iO3XyZ please", "9kLmQ2wErT5yU7iO3XyZ"),
    (f"the gemini secret {VENUE_SECRET} ok?", VENUE_SECRET),
    (f"here: {VENUE_SECRET}", VENUE_SECRET),
    (VENUE_SECRET, VENUE_SECRET),
    (GOOGLE, GOOGLE),
    (f"GOOGLE_API_KEY={GOOGLE}", GOOGLE),
    ("sk-proj-abcDEF1234567890abcdefGHIJK", "abcDEF1234567890"),
    ("sk-ant-api03-abcDEF1234567890abcdefGHIJK-x", "abcDEF1234567890"),
    ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "16C7e42F292c6912"),
    ("xoxb-123456789012-abcdefGHIJKL", "abcdefGHIJKL"),
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    (JWT, "dozjgNryP4J3jVmNHl0w5N"),
    (f"Authorization: Bearer {HEX}", HEX),
    ("authorization: basic Ym9iOnMzY3IzdHB3", "Ym9iOnMzY3IzdHB3"),
    (PEM, "MHcCAQEEIDfGq1"),
    (json.dumps({"pem": PEM}), "MHcCAQEEIDfGq1"),
    (f"X-GEMINI-APIKEY: {VENUE_KEY}", VENUE_KEY),
    ("X-GEMINI-SIGNATURE: " + "ab12" * 24, "ab12" * 24),
    (f"api_secret={HEX}", HEX),
    (f"GEMINI_API_SECRET='{HEX}'", HEX),
    (f'{{"api_secret": "{DIGEST}"}}', DIGEST),
    (f'{{"secret":"{DIGEST}"}}', DIGEST),
    ("my password is hunter2!", "hunter2!"),
    ("passphrase: correct-horse-battery-staple-9", "correct-horse-battery-staple-9"),
    ("password=swordfish", "swordfish"),
    ("Mein Passwort ist Kaffee99!", "Kaffee99!"),
    (f"мой секрет: {HEX}", HEX),
    (f"mi contraseña es {HEX}", HEX),
    (f"token {HEX}ab", HEX),
    ("https://bob:s3cr3tpw@host.example/x", "s3cr3tpw"),
    ("seed phrase: " + " ".join(["abandon"] * 11 + ["about"]), "abandon"),
    (json.dumps({"t": f"line\n{VENUE_SECRET}"}), VENUE_SECRET),
    (json.dumps({"p": json.dumps({"api_secret": "abc/12+3xyz=="})}), "abc/12+3xyz=="),
    (json.dumps(json.dumps(json.dumps({"n": f"\n{GOOGLE}"}))), GOOGLE),
    (f"key%3D{VENUE_SECRET}", VENUE_SECRET),
    (base64.b64encode(f'{{"api_secret":"{VENUE_SECRET}1"}}'.encode()).decode(), "YXBpX3NlY3JldCI6"),
    ("123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0", "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"),
)

KEPT: tuple[str, ...] = (
    "R-01HZY3M6QK9V6R1D4T8W2X5Y7Z",
    "P-01HZY3M6QK9V6R1D4T8W2X5Y7Z",
    "client order id m-01hzy3m6qk9v6r1d4t8w2x5y7z",
    "the key record is R-01HZY3M6QK9V6R1D4T8W2X5Y7Z",
    f"hash {DIGEST}",
    f'{{"prev":"{DIGEST}","hash":"{DIGEST}"}}',
    f"digest key {DIGEST}",
    "order 106817811123456789 at 60000.12",
    "order_id: 106817811, trade_id: 2840140956529623",
    "2026-11-20T12:00:00.000000Z buy 0.00041659 btcusd at 60010.00",
    "account-settings and master-branch",
    "Bearer instruments are old",
    "the token is expired",
    "password is wrong",
    "your password is required",
    "api key: none",
    "api_key: <your key>",
    "secret: ${SECRET}",
    "the secret is patience",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "0x742d35Cc6634C0532925a3b844Bc454e4438f44e",
    "global_open_plus_filled_day_usd = 1000",
    "GlobalOpenPlusFilledDayUsd2 and OrdersPerRolling60sLimit",
    "123e4567-e89b-12d3-a456-426614174000",
    "session 123e4567-e89b-12d3-a456-426614174000",
    "symbol key: btcusd",
    "/usr/lib/python3.11/site-packages/uvicorn/protocols/websockets",
    "https://docs.gemini.com/rest-api/#order-status?page=2",
    "eyJyZXF1ZXN0IjoiL3YxL29yZGVyL25ldyIsIm5vbmNlIjoxfQ==",
    "msg_01XFDUDYJgAACzvnptvVoYEL",
    'call_id: "call_9fXk2LmQ8wErT5yU7iO3XyZk"',
    "commit 284017e1c3d5f7a9b1c3d5e7f9a1b3c5d7e9f1a3",
    "exchange stop limit, immediate-or-cancel, maker-or-cancel",
    "orders_per_rolling_60s=6 approval_ttl_s=120",
    "what is a token? what does the key button do?",
    "ETHBTC, GUSDUSD, BTC-PERP 2026-11-20",
    '{"nonce": 1763629200123, "payload": "buy 25"}',
    "Keys belong in `matrix keys set`, never in the chat.",
)


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=[str(i) for i in range(len(SECRETS))])
def test_secret_is_gone(text: str, secret: str) -> None:
    cleaned = redact(text)
    assert secret not in cleaned
    assert "[redacted:" in cleaned
    assert redact(cleaned) == cleaned
    assert find(cleaned) == []
    assert {finding.kind for finding in find(text)} <= set(KINDS)


@pytest.mark.parametrize("text", KEPT)
def test_look_alike_is_kept(text: str) -> None:
    assert redact(text) == text


def test_words_around_a_secret_stay_readable() -> None:
    assert redact(f"buy $25 of btc, my secret is {VENUE_SECRET}, thanks") == (
        "buy $25 of btc, my secret is [redacted:secret], thanks"
    )


def test_finding_says_where_and_what_but_not_the_secret() -> None:
    text = f"use {GOOGLE} now"
    (finding,) = find(text)
    assert text[finding.start : finding.end] == GOOGLE
    assert finding.kind == "google_key"
    assert GOOGLE not in repr(finding)


def forms(secret: str) -> list[str]:
    raw = secret.encode()
    wrapped = [base64.b64encode(b"x" * pad + raw + b"yz").decode() for pad in range(3)]
    return [
        secret,
        secret[3:11],
        f"prefix{secret}suffix",
        raw.hex(),
        raw.hex().upper(),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        *wrapped,
        "".join(f"%{byte:02X}" for byte in raw),
        json.dumps({"deep": json.dumps({"v": secret})}),
        "".join(f"\\u{ord(c):04x}" for c in secret),
    ]


def has_eight_in_a_row(text: str, secret: str) -> bool:
    return any(secret[i : i + 8] in text for i in range(len(secret) - 7))


@pytest.mark.parametrize(
    "secret", ["Kp3vXz9LmQ2wErT5yU7iO4a", "swordfish-and-chips", "ünïcödé-geheim", "a1b2c3d4"]
)
def test_known_value_is_gone_in_every_form(secret: str) -> None:
    for form in forms(secret):
        cleaned = redact(f"seen {form} here", [secret])
        assert len(form) < 8 or form not in cleaned
        assert not has_eight_in_a_row(cleaned, secret)
        assert redact(cleaned, [secret]) == cleaned


def test_known_key_id_does_not_take_the_word_account_with_it() -> None:
    assert redact("my account-settings", [VENUE_KEY]) == "my account-settings"
    assert VENUE_KEY[8:] not in redact(f"id {VENUE_KEY[8:]}", [VENUE_KEY])


def test_short_or_empty_known_values_do_no_harm() -> None:
    assert redact("a b abc", ["", "a", "abc"]) == "a b abc"
    assert redact("pin 4711 here", ["4711"]) == "pin [redacted:known] here"


def test_known_number_in_json_becomes_text() -> None:
    cleaned = redact('{"a": 12345678901234, "b": [5551212, 7]}', ["12345678901234"])
    assert json.loads(cleaned) == {"a": "[redacted:known]", "b": [5551212, 7]}


def test_random_secrets_beside_a_word_are_all_found() -> None:
    chance = random.Random(20261120)
    alphabet = string.ascii_letters + string.digits
    missed = []
    for _ in range(500):
        secret = "".join(chance.choices(alphabet, k=chance.randint(24, 44)))
        texts = (f"api_secret={secret}", f'{{"secret": "{secret}"}}', f"my key and secret {secret}")
        missed += [text for text in texts if secret in redact(text)]
    assert missed == []


def test_random_ids_prices_and_digests_are_all_kept() -> None:
    chance = random.Random(7)
    lost = []
    for _ in range(500):
        ulid = "01" + "".join(chance.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=24))
        digest = f"{chance.getrandbits(256):064x}"
        record = {
            "id": f"R-{ulid}",
            "cause": f"P-{ulid}",
            "hash": digest,
            "prev": digest,
            "payload_text": json.dumps(
                {"client_order_id": f"m-{ulid.lower()}", "price": str(chance.random() * 1e5)}
            ),
            "order_id": str(chance.getrandbits(60)),
            "ts": "2026-11-20T08:30:00.000000Z",
        }
        text = json.dumps(record)
        if redact(text, [VENUE_KEY, VENUE_SECRET]) != text:
            lost.append(text)
    assert lost == []


PIECES = st.sampled_from(
    [VENUE_KEY, VENUE_SECRET, GOOGLE, HEX, DIGEST, JWT, PEM, "secret", "key: ", "password is ", "\n", '"',
     "\\", " ", "=",
     "R-01HZY3M6QK9V6R1D4T8W2X5Y7Z", "60000.12", "é", "[redacted:token]", "%41", "\\u0041", "Bearer "]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=60))
VALUES: Any = st.recursive(
    st.one_of(TEXTS, st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text, [VENUE_SECRET])
    assert redact(once, [VENUE_SECRET]) == once
    assert VENUE_SECRET not in once


@settings(max_examples=200, deadline=None)
@given(VALUES, st.booleans())
def test_json_stays_json(value: Any, is_ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii)
    kept = redact(text, [VENUE_SECRET, "n4Zy4bJm"])
    assert type(json.loads(kept)) is type(value)


def test_long_hostile_text_ends_and_stays_as_redacted() -> None:
    hostile = (
        "a" * 50_000,
        "key=" * 10_000,
        "\\u0041" * 5_000,
        PEM[:31] * 1_000,
        "secret " * 5_000,
        "key " + "a" * 60 + "B" * 60,
    )
    for text in hostile:
        kept = redact(text)
        assert redact(kept) == kept
