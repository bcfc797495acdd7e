"""Nonces rise through clock jumps, restarts and crashes; one process holds a key; the urgent go first."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.errors import BadInputError, LockedError
from tests.venues_gemini.samples import START
from venues.gemini.nonce import NonceSource, Turnstile, Urgency

MOVES = st.lists(st.sampled_from(["next", "crash", "close", "back", "on", "far"]), max_size=40)


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
            source._held.close()  # what the system does to a dead process' lock; nothing is written
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
    assert int(path.read_text()) >= value
    assert path.stat().st_mode & 0o777 == 0o600
    source.close()
    assert int(path.read_text()) == value


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
    assert int(path.read_text()) > last + 1
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


def test_source_held_by_another_process_locked(tmp_path: Path) -> None:
    path = tmp_path / "nonce"
    program = (
        "import sys; from pathlib import Path; from domain.clock import SystemClock\n"
        "from venues.gemini.nonce import NonceSource\n"
        "s = NonceSource(Path(sys.argv[1]), SystemClock()); print(s.next(), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        theirs = int(other.stdout.readline())
        with pytest.raises(LockedError) as caught:
            NonceSource(path, ManualClock(START))
        assert caught.value.code == "NONCE_LOCKED"
        other.kill()
    source = NonceSource(path, ManualClock(START - timedelta(days=400)))
    assert source.next() > theirs
    source.close()


@pytest.mark.parametrize("text", ["", "abc", "-5", "1.5", "9" * 40, "1\n2\n"])
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
