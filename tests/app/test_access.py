"""One-time codes and sessions."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.access import CODE_LIFE, MAX_BAD_CODES, MAX_CODES, SESSION_LIFE, Door, csrf_token, new_code
from domain.clock import ManualClock

START = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def test_a_code_opens_one_session_once(home: Path, clock: ManualClock) -> None:
    door, code = Door(home, clock), new_code(home, clock)
    token = door.redeem(code)
    assert token is not None
    assert door.admits(token)
    assert door.redeem(code) is None


def test_a_code_expires(home: Path, clock: ManualClock) -> None:
    code = new_code(home, clock)
    clock.advance(CODE_LIFE.total_seconds())
    assert Door(home, clock).redeem(code) is None


def test_neither_code_nor_session_stands_in_a_file(home: Path, clock: ManualClock) -> None:
    code = new_code(home, clock)
    names_and_texts = [(path.name, path.read_text()) for path in (home / "run" / "codes").iterdir()]
    assert all(code not in name + text for name, text in names_and_texts)
    token = Door(home, clock).redeem(code)
    assert token is not None
    stored = home / "state" / "app-sessions.json"
    assert token not in stored.read_text()
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "run" / "codes").stat().st_mode) == 0o700


def test_a_session_survives_a_restart_and_ends_in_time(home: Path, clock: ManualClock) -> None:
    token = Door(home, clock).redeem(new_code(home, clock))
    assert token is not None
    assert Door(home, clock).admits(token)
    clock.advance(SESSION_LIFE.total_seconds())
    assert not Door(home, clock).admits(token)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a": 1}', '{"a": "yesterday"}', '{"a": "2026-11-20T09:00:00"}']
)
def test_a_damaged_session_file_signs_out_and_does_not_stop_the_app(
    home: Path, clock: ManualClock, text: str
) -> None:
    (home / "state" / "app-sessions.json").write_text(text)
    door = Door(home, clock)
    assert not door.admits("anything")
    token = door.redeem(new_code(home, clock))
    assert token is not None
    assert door.admits(token)


def test_wrong_codes_are_counted_and_forgotten_after_a_minute(home: Path, clock: ManualClock) -> None:
    door = Door(home, clock)
    for _ in range(MAX_BAD_CODES):
        assert not door.throttled()
        assert door.redeem("guess") is None
    assert door.throttled()
    clock.advance(61)
    assert not door.throttled()


def test_codes_that_nobody_used_do_not_pile_up(home: Path, clock: ManualClock) -> None:
    codes = []
    for _ in range(MAX_CODES + 5):
        clock.advance(1)
        codes.append(new_code(home, clock))
    assert len(list((home / "run" / "codes").iterdir())) == MAX_CODES
    assert Door(home, clock).redeem(codes[-1]) is not None
    clock.advance(CODE_LIFE.total_seconds())
    new_code(home, clock)
    assert len(list((home / "run" / "codes").iterdir())) == 1


def test_a_code_is_a_name_and_never_a_path(home: Path, clock: ManualClock) -> None:
    (home / "run" / "codes").mkdir()
    victim = home / "run" / "victim"
    victim.write_text("2099-01-01T00:00:00Z")
    assert Door(home, clock).redeem("../victim") is None
    assert victim.exists()


def test_x_csrf_follows_from_the_session_alone() -> None:
    assert csrf_token("a") == csrf_token("a") != csrf_token("b")
