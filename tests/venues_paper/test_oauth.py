"""OAuth over real HTTP: consent, codes, tokens that rotate, scopes, and their end."""

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from tests.venues_paper.keyed import reason
from tests.venues_paper.signed import Client
from venues.paper.access.oauth import ACCESS_SECONDS, CODE_SECONDS, SCOPES, App, apps
from venues.paper.matching.refusals import RefusedError
from venues.paper.server import RunningExchange

pytestmark = pytest.mark.asyncio(loop_scope="module")

Shared = tuple[RunningExchange, httpx.AsyncClient]

BACK = "http://127.0.0.1:9/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
HOSTILE = '"><script>alert(1)</script>'


class Browser:
    """An app and the person before its consent page."""

    def __init__(self, running: RunningExchange, http: httpx.AsyncClient, *, is_public: bool = False) -> None:
        self.running, self.http = running, http
        self.app: App = apps(running.exchange.documents)[int(is_public)]

    def wish(self, **fields: str) -> dict[str, str]:
        return {
            "client_id": self.app.client_id,
            "response_type": "code",
            "redirect_uri": BACK,
            "state": "s 1&2",
            "scope": "balances:read,orders:create,orders:read",
            **fields,
        }

    async def decide(self, decision: str = "allow", **fields: str) -> dict[str, str]:
        """Fill in the page's own form and return what the app is told."""
        page = await self.http.get(self.running.url + "/web/auth", params=self.wish(**fields))
        assert page.status_code == 200, page.text
        form = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)"', page.text))
        form = {name: value.replace("&amp;", "&") for name, value in form.items()} | {"decision": decision}
        answer = await self.http.post(self.running.url + "/web/auth", data=form)
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"].startswith(BACK + "?")
        return {name: v[0] for name, v in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    async def token(self, **fields: str) -> httpx.Response:
        known = {
            "client_id": self.app.client_id,
            "client_secret": self.app.secret,
            "redirect_uri": BACK,
            "grant_type": "authorization_code",
        }
        form = {name: value for name, value in (known | fields).items() if value}
        return await self.http.post(self.running.url + "/web/auth/token", data=form)

    async def tokens(self, **fields: str) -> dict[str, Any]:
        code = (await self.decide(**fields))["code"]
        answer = await self.token(code=code)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def call(self, token: str, path: str, **fields: Any) -> httpx.Response:
        payload = base64.b64encode(json.dumps({"request": path, **fields}).encode()).decode()
        headers = {"Authorization": f"Bearer {token}", "X-GEMINI-PAYLOAD": payload}
        return await self.http.post(self.running.url + path, headers=headers)


@pytest_asyncio.fixture(loop_scope="module")
async def browser(shared: Shared) -> Browser:
    """The app with a secret, before the module's exchange."""
    return Browser(*shared)


async def test_code_becomes_tokens_that_act_on_the_account(browser: Browser) -> None:
    told = await browser.decide()
    assert set(told) == {"code", "state"}
    assert told["state"] == "s 1&2"
    answer = await browser.token(code=told["code"])
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"access_token", "refresh_token", "token_type", "scope", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 86399)
    assert set(body["scope"].split(",")) == {"balances:read", "orders:create", "orders:read"}
    balances = await browser.call(body["access_token"], "/v1/balances")
    assert {row["currency"]: row["amount"] for row in balances.json()}["BTC"] == "1"
    order = {
        "symbol": "btcusd",
        "amount": "0.001",
        "price": "40000.00",
        "side": "buy",
        "type": "exchange limit",
    }
    assert (await browser.call(body["access_token"], "/v1/order/new", **order)).status_code == 200
    done = await browser.call(body["access_token"], "/v1/order/cancel/session")
    assert len(done.json()["details"]["cancelledOrders"]) == 1
    roles = await browser.call(body["access_token"], "/v1/roles")
    assert roles.json() == {"isAuditor": False, "isFundManager": False, "isTrader": True}


async def test_code_and_refresh_token_are_good_for_one_use(browser: Browser) -> None:
    code = (await browser.decide())["code"]
    first = (await browser.token(code=code)).json()
    assert (await browser.token(code=code)).json()["error"] == "invalid_grant"
    renewed = await browser.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    second = renewed.json()
    assert second["scope"] == first["scope"]
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    again = await browser.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await browser.call(second["access_token"], "/v1/balances")).status_code == 200


async def test_token_endpoint_takes_json_as_well(browser: Browser) -> None:
    code = (await browser.decide())["code"]
    fields = {
        "client_id": browser.app.client_id,
        "client_secret": browser.app.secret,
        "code": code,
        "redirect_uri": BACK,
        "grant_type": "authorization_code",
        "spare": 5,
    }
    answer = await browser.http.post(browser.running.url + "/web/auth/token", json=fields)
    assert answer.status_code == 200


async def test_tokens_and_codes_expire(browser: Browser) -> None:
    body = await browser.tokens()
    code = (await browser.decide())["code"]
    timeline = browser.running.exchange.timeline
    timeline.advance(CODE_SECONDS * 1000)
    assert (await browser.token(code=code)).json()["error"] == "invalid_grant"
    assert (await browser.call(body["access_token"], "/v1/balances")).status_code == 200
    timeline.advance((ACCESS_SECONDS - CODE_SECONDS) * 1000)
    assert reason(await browser.call(body["access_token"], "/v1/balances")) == (401, "InvalidApiKey")
    renewed = await browser.token(grant_type="refresh_token", refresh_token=body["refresh_token"])
    assert (await browser.call(renewed.json()["access_token"], "/v1/balances")).status_code == 200


async def test_revoking_a_token_ends_all_that_the_app_was_granted(browser: Browser) -> None:
    first, second = await browser.tokens(), await browser.tokens()
    code = (await browser.decide())["code"]
    answer = await browser.call(first["access_token"], "/v1/oauth/revokeByToken")
    assert answer.json() == {
        "message": f"OAuth tokens and codes have been revoked for {browser.app.client_id} on your account."
    }
    for body in (first, second):
        assert (await browser.call(body["access_token"], "/v1/balances")).status_code == 401
        renewed = await browser.token(grant_type="refresh_token", refresh_token=body["refresh_token"])
        assert renewed.json()["error"] == "invalid_grant"
    assert (await browser.token(code=code)).json()["error"] == "invalid_grant"


async def test_denial_is_told_without_a_code(browser: Browser) -> None:
    documents = browser.running.exchange.documents
    before = documents.items("oauth_code")
    assert await browser.decide("deny") == {"error": "access_denied", "state": "s 1&2"}
    assert documents.items("oauth_code") == before


async def test_public_app_needs_pkce_and_no_secret(shared: Shared) -> None:
    running, http = shared
    browser = Browser(running, http, is_public=True)
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    for wrong in ({}, {"code_challenge": CHALLENGE}, pkce | {"code_challenge": "short"}):
        page = await http.get(running.url + "/web/auth", params=browser.wish(**wrong))
        assert page.status_code == 400
    for verifier, status in (("", 400), ("w" * 43, 400), (VERIFIER, 200)):
        code = (await browser.decide(**pkce))["code"]
        assert (await browser.token(code=code, code_verifier=verifier)).status_code == status
    code = (await browser.decide(**pkce))["code"]
    told = await browser.token(code=code, code_verifier=VERIFIER, client_secret="guess")
    assert (told.status_code, told.json()["error"]) == (401, "invalid_client")


async def test_tokens_are_kept_as_digests_only(browser: Browser) -> None:
    body = await browser.tokens()
    stored = repr(browser.running.exchange.store.documents())
    assert body["access_token"] not in stored
    assert body["refresh_token"] not in stored


@pytest.mark.parametrize(
    "fields",
    [
        {"client_id": "nobody"},
        {"client_id": ""},
        {"response_type": "token"},
        {"scope": ""},
        {"scope": "everything"},
        {"scope": f"balances:read {HOSTILE}"},
        {"redirect_uri": ""},
        {"redirect_uri": "https://evil.example/cb"},
        {"redirect_uri": "http://evil.example/cb"},
        {"redirect_uri": "http://127.0.0.1@evil.example/cb"},
        {"redirect_uri": "http://evil.example@127.0.0.1/cb"},
        {"redirect_uri": "http://127.0.0.1.evil.example/"},
        {"redirect_uri": "http://127.0.0.1:x/"},
        {"redirect_uri": "http://[::1/"},
        {"redirect_uri": "http://[::1]evil.example/"},
        {"redirect_uri": "http://evil.example[::1]/"},
        {"redirect_uri": "http://:word@127.0.0.1/"},
        {"redirect_uri": "http://127.0.0.1/#part"},
        {"redirect_uri": "http://127.0.0.1/a\r\nSet-Cookie: a=b"},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
async def test_faulty_request_is_shown_and_never_sent_on(shared: Shared, fields: dict[str, str]) -> None:
    running, http = shared
    browser = Browser(running, http)
    for method in ("GET", "POST"):
        wish = browser.wish(**fields) | {"decision": "allow"}
        answer = await http.request(
            method, running.url + "/web/auth", **{"params" if method == "GET" else "data": wish}
        )
        assert answer.status_code in {400, 401}
        assert "location" not in answer.headers
        assert "<script" not in answer.text


async def test_page_escapes_what_it_shows_and_runs_nothing(shared: Shared) -> None:
    running, http = shared
    browser = Browser(running, http)
    page = await http.get(
        running.url + "/web/auth",
        params=browser.wish(state=HOSTILE, redirect_uri=f"http://localhost:1/cb?a={HOSTILE}"),
    )
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert browser.app.secret not in page.text


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": ""}, 400, "unsupported_grant_type"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"code": "guess"}, 400, "invalid_grant"),
        ({"code": ""}, 400, "invalid_grant"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "guess"}, 400, "invalid_grant"),
    ],
)
async def test_faulty_question_for_tokens_gets_the_standard_error(
    shared: Shared, fields: dict[str, str], status: int, error: str
) -> None:
    browser = Browser(*shared)
    answer = await browser.token(**fields)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert browser.app.secret not in answer.text


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 9000, b"{" * 9000, b"&" * 500, b"", b"a=1"])
async def test_malformed_body_at_the_token_endpoint_is_refused(shared: Shared, body: bytes) -> None:
    running, http = shared
    answer = await http.post(running.url + "/web/auth/token", content=body)
    assert answer.json()["error"] in {"invalid_request", "invalid_client"}


async def test_code_asked_without_a_challenge_takes_no_verifier(shared: Shared) -> None:
    browser = Browser(*shared)
    told = await browser.token(code=(await browser.decide())["code"], code_verifier=VERIFIER)
    assert told.json()["error"] == "invalid_grant"


async def test_token_works_only_from_where_the_group_is_trusted(browser: Browser) -> None:
    token = (await browser.tokens())["access_token"]
    exchange = browser.running.exchange
    with exchange.operation():
        exchange.documents.put("group", "stranger", "", {"trusted_addresses": ["192.0.2.7"]})
    answer = await browser.call(token, "/v1/balances")
    with pytest.raises(RefusedError) as refusal:
        exchange.authenticate_upgrade({"authorization": f"Bearer {token}"}, "127.0.0.1")
    with exchange.operation():
        exchange.documents.remove("group", "stranger")
    assert reason(answer) == (403, "RemoteAddressForbidden")
    assert (refusal.value.status, refusal.value.reason) == (401, "RemoteAddressForbidden")


async def test_code_asked_with_another_address_or_app_is_no_good(shared: Shared) -> None:
    browser, other = Browser(*shared), Browser(*shared, is_public=True)
    code = (await browser.decide())["code"]
    told = await other.token(code=code)
    assert told.json()["error"] == "invalid_grant"
    told = await browser.token(code=code, redirect_uri="http://127.0.0.1:9/other")
    assert told.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/v1/balances", "balances:read"),
        ("/v1/order/new", "orders:create"),
        ("/v1/orders", "orders:read"),
        ("/v1/mytrades", "history:read"),
        ("/v1/account", "account:read"),
    ],
)
async def test_scope_opens_a_call_and_its_lack_is_named(shared: Shared, path: str, scope: str) -> None:
    browser = Browser(*shared)
    others = ",".join(each for each in SCOPES if each != scope)
    without = await browser.tokens(scope=others)
    answer = await browser.call(without["access_token"], path)
    assert reason(answer) == (403, "MissingRole")
    assert f"[{scope}]" in answer.json()["message"]
    assert without["access_token"] not in answer.text
    held = await browser.tokens(scope=scope)
    assert (await browser.call(held["access_token"], path)).status_code in {200, 400}


@pytest.mark.parametrize(
    "path", ["/v1/heartbeat", "/v1/account/list", "/v1/account/create", "/v1/account/transfer/usd"]
)
async def test_call_that_tokens_may_not_make_is_refused(shared: Shared, path: str) -> None:
    browser = Browser(*shared)
    body = await browser.tokens(scope=" ".join(SCOPES))
    assert reason(await browser.call(body["access_token"], path)) == (403, "MissingRole")


async def test_token_needs_a_payload_for_this_path_and_no_account(shared: Shared) -> None:
    browser = Browser(*shared)
    running, http = shared
    token = (await browser.tokens())["access_token"]
    bare = await http.post(running.url + "/v1/balances", headers={"Authorization": f"Bearer {token}"})
    assert reason(bare) == (400, "MissingPayloadHeader")
    named = await browser.call(token, "/v1/balances", account="primary")
    assert reason(named) == (400, "AccountsOnGroupOnlyApi")
    wrong = await browser.call(token, "/v1/balances", request="/v1/orders")
    assert reason(wrong) == (400, "EndpointMismatch")
    for guess in ("x", "é", "0" * 64):
        answer = await http.post(
            running.url + "/v1/balances",
            headers={"Authorization": f"Bearer {guess}".encode(), "X-GEMINI-PAYLOAD": "e30="},
        )
        assert reason(answer) == (401, "InvalidApiKey")


async def test_key_cannot_revoke_a_token(shared_stranger: Client) -> None:
    assert await shared_stranger.refused("/v1/oauth/revokeByToken") == (401, "InvalidApiKey")
