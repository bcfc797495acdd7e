"""Nonces rise through clock jumps, restarts and crashes; one process holds a key; the urgent go first."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.errors import BadInputError, LockedError
from tests.venues_gemini.samples import KEY, START
from venues.gemini.session.nonce import NonceSource, TimeNonces, Turnstile, Urgency
from venues.gemini.session.nonce_file import nonce_path

MOVES = st.lists(st.sampled_from(["next", "crash", "close", "back", "on", "far"]), max_size=40)


def stored(path: Path) -> int:
    return int(path.read_text().split()[-1])


class JumpingClock(ManualClock):
    def jump(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@settings(max_examples=40, deadline=None)
@given(moves=MOVES)
def test_next_any_history_strictly_rises(tmp_path_factory: pytest.TempPathFactory, moves: list[str]) -> None:
    path = tmp_path_factory.mktemp("nonces") / "nonce"
    clock = JumpingClock(START)
    source = NonceSource(path, clock)
    seen = [source.next()]
    for move in moves:
        if move == "next":
            seen.append(source.next())
        elif move == "crash":
            source._file._held.close()  # what the system does to a dead process' lock; nothing is written
            source = NonceSource(path, clock)
        elif move == "close":
            source.close()
            source = NonceSource(path, clock)
        else:
            clock.jump({"back": -86_400.0, "on": 0.5, "far": 3_600.0}[move])
    seen.append(source.next())
    source.close()
    assert all(later > earlier for earlier, later in pairwise(seen))


def test_next_before_use_is_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "nonce"
    source = NonceSource(path, ManualClock(START))
    value = source.next()
    assert stored(path) >= value
    assert path.stat().st_mode & 0o777 == 0o600
    source.close()
    assert path.read_text() == f"incremental {value}\n"


def test_next_after_close_locked_and_the_successor_undisturbed(tmp_path: Path) -> None:
    path = tmp_path / "nonce"
    old = NonceSource(path, ManualClock(START))
    last = old.next()
    old.close()
    new = NonceSource(path, ManualClock(START))
    assert new.next() == last + 1
    old.close()
    with pytest.raises(LockedError):
        old.next()
    assert stored(path) > last + 1
    new.close()


def test_next_disk_refuses_no_nonce_handed_out(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    source = NonceSource(folder / "nonce", ManualClock(START))
    (folder / "nonce.lock").unlink()
    folder.rmdir()
    with pytest.raises(BadInputError):
        source.next()
    with pytest.raises(BadInputError):
        source.next()


def test_next_without_path_microseconds_of_the_clock() -> None:
    source = NonceSource(None, ManualClock(START))
    assert source.next() == int(START.timestamp()) * 1_000_000
    assert source.next() == int(START.timestamp()) * 1_000_000 + 1


PROGRAM = """
import sys
from pathlib import Path
from domain.clock import SystemClock
from domain.errors import LockedError
from venues.gemini.session.nonce import NonceSource
try:
    source = NonceSource(Path(sys.argv[1]), SystemClock())
except LockedError as error:
    print(error.code, flush=True)
else:
    print(*(source.next() for _ in range(50)), flush=True)
    sys.stdin.read()
"""


def another_process(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_source_two_processes_at_once_one_signs_and_nonces_rise_over_both(tmp_path: Path) -> None:
    path = tmp_path / "nonce"
    with another_process(path) as one, another_process(path) as two:
        said = {}
        for name, process in (("one", one), ("two", two)):
            assert process.stdout is not None
            said[name] = process.stdout.readline().split()
        refused = [name for name, words in said.items() if words == ["NONCE_LOCKED"]]
        assert len(refused) == 1
        one.kill()
        two.kill()
    first = [int(word) for name, words in said.items() if name not in refused for word in words]
    with another_process(path) as third:
        assert third.stdout is not None
        later = [int(word) for word in third.stdout.readline().split()]
        third.kill()
    assert all(b > a for a, b in pairwise(first + later))
    assert len(first + later) == 100


def test_source_held_by_another_process_locked(tmp_path: Path) -> None:
    path = tmp_path / "nonce"
    with another_process(path) as other:
        assert other.stdout is not None
        theirs = int(other.stdout.readline().split()[-1])
        with pytest.raises(LockedError) as caught:
            NonceSource(path, ManualClock(START))
        assert caught.value.code == "NONCE_LOCKED"
        other.kill()
    source = NonceSource(path, ManualClock(START - timedelta(days=400)))
    assert source.next() > theirs
    source.close()


@pytest.mark.parametrize("text", ["", "abc", "-5", "1.5", "9" * 40, "1\n2\n", "hourly 5\n", "time\n"])
def test_source_damaged_file_refused_and_lock_freed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "nonce"
    path.write_text(text)
    with pytest.raises(BadInputError, match="does not hold a nonce"):
        NonceSource(path, ManualClock(START))
    path.unlink()
    NonceSource(path, ManualClock(START)).close()


def test_source_folder_missing_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        NonceSource(tmp_path / "gone" / "nonce", ManualClock(START))


def test_depart_behind_a_later_one_false() -> None:
    source = NonceSource(None, ManualClock(START))
    first, second = source.next(), source.next()
    assert source.depart(second)
    assert not source.depart(first)
    assert not source.depart(second)


async def test_turn_many_waiting_urgent_first_then_rank_then_arrival() -> None:
    stile, order = Turnstile(), []

    async def take(name: str, urgency: Urgency, rank: int = 0) -> None:
        async with stile.turn(urgency, rank):
            order.append(name)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group, stile.turn(Urgency.READ):
        for name, urgency, rank in (
            ("read 1", Urgency.READ, 0),
            ("read 2", Urgency.READ, 0),
            ("cancel", Urgency.CANCEL, 0),
            ("order 9", Urgency.ORDER, 9),
            ("order 8", Urgency.ORDER, 8),
        ):
            group.create_task(take(name, urgency, rank))
        await asyncio.sleep(0)
    assert order == ["order 8", "order 9", "cancel", "read 1", "read 2"]


async def test_turn_waiter_cancelled_others_still_served() -> None:
    stile, served = Turnstile(), []

    async def take(name: str) -> None:
        async with stile.turn(Urgency.READ):
            served.append(name)
            await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(take(name)) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert served == ["a", "c"]


async def test_turn_called_up_and_cancelled_at_once_passed_on() -> None:
    stile, served = Turnstile(), []

    async def take(name: str) -> None:
        async with stile.turn(Urgency.READ):
            served.append(name)

    async with stile.turn(Urgency.READ):
        tasks = [asyncio.create_task(take(name)) for name in ("a", "b")]
        await asyncio.sleep(0)
    tasks[0].cancel()  # its ticket is already granted
    await asyncio.gather(*tasks, return_exceptions=True)
    assert served == ["b"]


async def test_next_many_tasks_at_once_strictly_rises() -> None:
    source, seen = NonceSource(None, ManualClock(START)), []

    async def take() -> None:
        for _ in range(50):
            seen.append(source.next())
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(take())
    assert len(seen) == len(set(seen)) == 1000
    assert seen == sorted(seen)


def test_source_number_alone_is_of_an_incremental_key(tmp_path: Path) -> None:
    path = tmp_path / "nonce"
    path.write_text("99999999999999999\n")
    source = NonceSource(path, ManualClock(START))
    assert source.next() == 10**17
    source.close()


@pytest.mark.parametrize("kinds", [(NonceSource, TimeNonces), (TimeNonces, NonceSource)])
def test_source_other_kind_than_before_refused_with_a_cure(tmp_path: Path, kinds: tuple[Any, Any]) -> None:
    path, (first, second) = tmp_path / "nonce", kinds
    source = first(path, ManualClock(START))
    source.next()
    source.close()
    with pytest.raises(LockedError) as caught:
        second(path, ManualClock(START))
    assert caught.value.code == "NONCE_KIND"
    assert first.kind in caught.value.cure
    first(path, ManualClock(START)).close()  # the refusal did not keep the lock


def test_nonce_path_one_a_key_and_tells_none() -> None:
    paths = {nonce_path(Path("home"), key) for key in (KEY, KEY + "X", "master-" + KEY)}
    assert len(paths) == 3
    assert not any("TESTKEY" in path.name for path in paths)


def test_time_next_seconds_never_back_and_written_down(tmp_path: Path) -> None:
    path, clock = tmp_path / "nonce", JumpingClock(START)
    source = TimeNonces(path, clock)
    second = int(START.timestamp())
    assert [source.next(), source.next()] == [second, second]
    clock.advance(5)
    assert source.next() == second + 5
    clock.jump(-10)
    assert source.next() == second + 5
    assert path.read_text() == f"time {second + 5}\n"
    source._file._held.close()  # a crash
    source = TimeNonces(path, clock)
    assert source.next() == second + 5
    source.close()
    with pytest.raises(LockedError):
        source.next()


def test_time_next_clock_away_from_the_venues_paused_until_it_is_back() -> None:
    clock = JumpingClock(START)
    source = TimeNonces(None, clock)
    source.light.note(START)
    clock.jump(21.5)
    with pytest.raises(LockedError) as caught:
        source.next()
    assert caught.value.code == "CLOCK_OFF"
    assert "ahead" in caught.value.message
    status = source.light.status()
    assert (status.is_ok, status.skew_s) == (False, 20.5)
    clock.jump(-21.5)
    assert source.next() == int(START.timestamp())
    clock.jump(-30)
    assert "behind" in source.light.status().message
    source.light.note(START - timedelta(seconds=30))  # so it was the venue's clock that moved
    assert source.light.status().is_ok


def test_time_next_red_light_lets_one_through_after_a_minute_to_measure_again() -> None:
    clock = JumpingClock(START)
    source = TimeNonces(None, clock)
    source.light.note(START - timedelta(hours=1))
    with pytest.raises(LockedError):
        source.next()
    clock.advance(61)
    assert source.next() == int(START.timestamp()) + 61


def test_time_next_clock_once_in_the_future_waits_for_the_venues_word() -> None:
    clock = JumpingClock(START)
    clock.jump(86_400)
    source = TimeNonces(None, clock)
    source.next()
    clock.jump(-86_400)
    with pytest.raises(LockedError, match="behind the last request"):
        source.next()
    source.light.note(START)
    assert source.next() == int(START.timestamp())


def test_time_depart_too_old_false_same_second_true() -> None:
    clock = JumpingClock(START)
    source = TimeNonces(None, clock)
    nonce = source.next()
    assert source.depart(nonce)
    assert source.depart(nonce)
    clock.advance(21)
    assert not source.depart(nonce)
