"""The sandbox lock: paper on loopback, Gemini's sandbox, and no live host anywhere."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest

import guardrails.sandbox_lock as lock
from domain.errors import LockedError
from guardrails.sandbox_lock import Asker, Endpoint, PaperAddress, check_call, check_host, endpoint
from guardrails.snapshot import Mode
from venues.gemini.catalogue import Host, Money

PAPER = PaperAddress(host="127.0.0.1", port=8421)


def code(call: Any, *args: Any) -> str:
    with pytest.raises(LockedError) as caught:
        call(*args)
    return caught.value.code


def test_paper_is_a_loopback_address() -> None:
    made = endpoint(Mode.PAPER, PAPER)
    assert (made.rest_url, made.ws_url, made.venue) == (
        "http://127.0.0.1:8421",
        "ws://127.0.0.1:8421",
        "paper",
    )
    assert endpoint(Mode.PAPER, PaperAddress(host="::1", port=1)).rest_url == "http://[::1]:1"


def test_sandbox_is_the_venues_sandbox_whatever_the_paper_address() -> None:
    for paper in (None, PAPER):
        made = endpoint(Mode.SANDBOX, paper)
        assert made.rest_url == "https://api.sandbox.gemini.com"
        assert made.ws_url == "wss://api.sandbox.gemini.com"


@pytest.mark.parametrize(
    ("kind", "host"),
    [
        ("rest", "api.sandbox.gemini.com"),
        ("stream", "ws.sandbox.gemini.com"),
        ("site", "exchange.sandbox.gemini.com"),
    ],
)
def test_each_kind_of_host_reaches_its_own_host_only(kind: str, host: str) -> None:
    made = endpoint(Mode.SANDBOX, host=kind)
    assert (made.rest_url, made.ws_url, made.host) == (f"https://{host}", f"wss://{host}", host)
    check_host(made, host, 443)
    for other in {"rest", "stream", "site"} - {kind}:
        assert code(check_host, made, endpoint(Mode.SANDBOX, host=other).host, 443) == "HOST_LOCKED"
    paper = endpoint(Mode.PAPER, PAPER, kind)
    under = "/web" if kind == "site" else ""
    assert (paper.rest_url, paper.host, paper.port) == (f"http://127.0.0.1:8421{under}", "127.0.0.1", 8421)
    check_host(paper, "127.0.0.1", 8421)


def test_catalogue_kinds_of_host_are_the_locks() -> None:
    assert {endpoint(Mode.SANDBOX, host=kind).kind for kind in Host} == set(Host)


@pytest.mark.parametrize("kind", ["", "REST", "api", "live", None])
def test_unknown_kind_of_host_is_locked(kind: Any) -> None:
    assert code(endpoint, Mode.SANDBOX, None, kind) == "HOST_UNKNOWN"
    assert code(endpoint, Mode.PAPER, PAPER, kind) == "HOST_UNKNOWN"


@pytest.mark.parametrize("mode", [Mode.PAPER, Mode.SANDBOX])
def test_call_is_open_to_its_askers_only(mode: Mode) -> None:
    allowed = {
        (money, asker)
        for money in Money
        for asker in Asker
        if money in {"-", "w"} or (money, asker) in {("$", Asker.ORDER_PATH), ("$$", Asker.PERSON)}
    }
    for money in Money:
        for asker in Asker:
            if (money, asker) in allowed:
                check_call(mode, money, asker)
            else:
                assert code(check_call, mode, money, asker) == "MONEY_LOCKED"
    assert len(allowed) == 8


@pytest.mark.parametrize("asker", ["person", "order path", "", None, True, object(), Mode.PAPER])
@pytest.mark.parametrize("money", ["-", "w", "$", "$$"])
def test_call_of_an_asker_in_disguise_is_locked(asker: Any, money: str) -> None:
    assert code(check_call, Mode.PAPER, money, asker) == "MONEY_LOCKED"


@pytest.mark.parametrize("money", ["", "$$$", "W", "reads"])
def test_call_of_an_unknown_class_is_locked(money: str) -> None:
    assert {code(check_call, Mode.PAPER, money, asker) for asker in Asker} == {"MONEY_LOCKED"}


def test_live_sends_no_call_at_all() -> None:
    for money in Money:
        assert {code(check_call, Mode.LIVE, money, asker) for asker in Asker} == {"LIVE_LOCKED"}
    assert code(check_call, "paper", "-", Asker.PERSON) == "MODE_UNKNOWN"


def test_live_is_locked() -> None:
    assert code(endpoint, Mode.LIVE, PAPER) == "LIVE_LOCKED"
    assert code(endpoint, "LIVE", PAPER) == "MODE_UNKNOWN"
    assert code(endpoint, None, PAPER) == "MODE_UNKNOWN"


def test_lock_does_not_even_contain_a_live_host() -> None:
    source = Path(lock.__file__).read_text(encoding="utf-8")
    hosts = [word for word in source.replace('"', " ").replace("'", " ").split() if "gemini.com" in word]
    assert hosts
    assert all("sandbox.gemini.com" in host for host in hosts)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "api.gemini.com",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "::ffff:127.0.0.1",
        "::1%lo",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "127.0.0.1@evil.example",
        " 127.0.0.1",
        "",
        None,
        127,
    ],
)
def test_paper_address_off_loopback_is_refused(host: Any) -> None:
    assert code(endpoint, Mode.PAPER, PaperAddress(host=host, port=80)) == "PAPER_NOT_LOOPBACK"


@pytest.mark.parametrize("port", [0, -1, 65536, True, "80", 1.5, None])
def test_paper_port_must_be_a_port(port: Any) -> None:
    assert code(endpoint, Mode.PAPER, PaperAddress(host="127.0.0.1", port=port)) == "PAPER_NOT_LOOPBACK"


def test_paper_without_address_is_refused() -> None:
    assert code(endpoint, Mode.PAPER, None) == "PAPER_ADDRESS"


def test_own_host_passes_and_every_other_is_locked() -> None:
    paper, sandbox = endpoint(Mode.PAPER, PAPER), endpoint(Mode.SANDBOX)
    check_host(paper, "127.0.0.1", 8421)
    check_host(sandbox, "API.sandbox.gemini.com", 443)
    for made, host, port in (
        (paper, "127.0.0.1", 8422),
        (paper, "api.sandbox.gemini.com", 443),
        (sandbox, "api.gemini.com", 443),
        (sandbox, "api.sandbox.gemini.com", 80),
        (sandbox, "api.sandbox.gemini.com.", 443),
        (sandbox, "127.0.0.1", 443),
        (sandbox, None, 443),
        (sandbox, b"api.sandbox.gemini.com", 443),
    ):
        assert code(check_host, made, host, port) == "HOST_LOCKED"


def test_endpoint_cannot_be_built_or_changed_by_accident() -> None:
    made = endpoint(Mode.SANDBOX)
    values = {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}
    assert code(lambda: Endpoint(**values, seal=None)) == "SANDBOX_LOCK"
    with pytest.raises(TypeError):
        Endpoint(**values)  # type: ignore[call-arg]  # the seal is missing on purpose
    with pytest.raises((ValueError, TypeError)):
        dataclasses.replace(made, rest_url="https://evil.example")
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.host = "evil.example"  # type: ignore[misc]  # frozen


@pytest.mark.parametrize(
    ("name", "value"),
    [("host", "evil.example"), ("mode", Mode.LIVE), ("port", 444), ("kind", "stream"), ("kind", "none")],
    ids=["host", "mode", "port", "other kind", "no kind"],
)
def test_forged_endpoint_still_reaches_nothing(name: str, value: Any) -> None:
    forged = copy.copy(endpoint(Mode.SANDBOX))
    object.__setattr__(forged, name, value)
    assert code(check_host, forged, forged.host, forged.port) == "SANDBOX_LOCK"
