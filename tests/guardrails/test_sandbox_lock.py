"""The sandbox lock: paper on loopback, Gemini's sandbox, and no live host anywhere."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest

import guardrails.sandbox_lock as lock
from domain.errors import LockedError
from guardrails.sandbox_lock import Endpoint, PaperAddress, check_host, endpoint
from guardrails.snapshot import Mode

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
    [("host", "evil.example"), ("mode", Mode.LIVE), ("port", 444)],
    ids=["host", "mode", "port"],
)
def test_forged_endpoint_still_reaches_nothing(name: str, value: Any) -> None:
    forged = copy.copy(endpoint(Mode.SANDBOX))
    object.__setattr__(forged, name, value)
    assert code(check_host, forged, forged.host, forged.port) == "SANDBOX_LOCK"
