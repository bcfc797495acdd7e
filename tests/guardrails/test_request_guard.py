"""The request guard's judgement over every combination of Host, Origin and Sec-Fetch."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from guardrails.request_guard import RequestFacts, judge

HOSTS = frozenset({"localhost:8420", "127.0.0.1:8420"})
OWN = "localhost:8420"


def status(**facts: Any) -> int:
    base: dict[str, Any] = {"method": "POST", "hosts": (OWN,)}
    refusal = judge(RequestFacts(**{**base, **facts}), HOSTS)
    return 200 if refusal is None else refusal.status


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("",),
        ("evil.example",),
        ("localhost",),
        ("localhost:8421",),
        ("localhost:8420.evil.example",),
        ("evil.example:8420",),
        ("localhost:8420", "evil.example"),
        (OWN, OWN),
        ("localhost:8420 ",),
        ("user@localhost:8420",),
    ],
)
def test_foreign_or_doubled_host_is_misdirected(hosts: tuple[str, ...]) -> None:
    for method, is_websocket in product(("GET", "POST"), (False, True)):
        assert status(hosts=hosts, method=method, is_websocket=is_websocket) == 421


@pytest.mark.parametrize("host", ["localhost:8420", "127.0.0.1:8420", "LOCALHOST:8420"])
def test_own_host_passes(host: str) -> None:
    assert status(hosts=(host,)) == 200


@pytest.mark.parametrize(
    "origins",
    [
        ("https://evil.example",),
        ("null",),
        ("",),
        ("http://localhost:9999",),
        ("https://localhost:8420",),
        ("http://127.0.0.1:8420",),
        ("http://localhost:8420.evil.example",),
        ("http://localhost:8420", "https://evil.example"),
        ("http://localhost:8420/",),
    ],
)
def test_any_other_origin_is_refused(origins: tuple[str, ...]) -> None:
    for method, is_websocket in product(("GET", "POST"), (False, True)):
        assert status(origins=origins, method=method, is_websocket=is_websocket) == 403


def test_own_origin_and_no_origin_pass() -> None:
    assert status(origins=("http://localhost:8420",)) == 200
    assert status(origins=("http://localhost:8420",), is_websocket=True, method="GET") == 200
    assert status() == 200


SITES = ("same-origin", "none", "same-site", "cross-site", "made-up")


@pytest.mark.parametrize(
    ("site", "mode", "dest", "method", "is_websocket"),
    list(
        product(
            SITES,
            ("navigate", "cors", "no-cors", "websocket"),
            ("document", "iframe", "empty"),
            ("GET", "HEAD", "POST"),
            (False, True),
        )
    ),
)
def test_other_sites_may_only_link_here(
    site: str, mode: str, dest: str, method: str, is_websocket: bool
) -> None:
    is_link = mode == "navigate" and dest == "document" and method in {"GET", "HEAD"} and not is_websocket
    is_own = site in {"same-origin", "none"}
    expected = 200 if is_own or (is_link and site in {"same-site", "cross-site"}) else 403
    assert (
        status(
            fetch_sites=(site,),
            fetch_modes=(mode,),
            fetch_dests=(dest,),
            method=method,
            is_websocket=is_websocket,
        )
        == expected
    )


def test_doubled_fetch_site_is_refused() -> None:
    assert status(fetch_sites=("same-origin", "cross-site")) == 403


def test_refusal_says_what_to_do() -> None:
    refusal = judge(RequestFacts(method="GET", hosts=("evil.example",)), HOSTS)
    assert refusal is not None
    body = refusal.as_json()["error"]
    assert set(body) == {"code", "message", "cure"}
    assert all(body.values())
    assert "evil" not in str(body)
