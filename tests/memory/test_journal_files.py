"""The daily files: caught up after commits, never rewritten, cut ends completed, differences reported."""

from __future__ import annotations

import errno
import json
import os
import resource
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import BadInputError
from memory import chain, journal_read
from memory.journal_files import MAX_FAULTS, JournalFiles, day_files, file_lines, verify_files
from tests.memory.journals import BASE, SECRET, Desk, connect


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def content(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in day_files(root)}


def table(desk: Desk) -> list[bytes]:
    return [record.line() for record in journal_read.tail(desk.connection, limit=1000)]


def assert_complete(desk: Desk, root: Path) -> None:
    assert list(file_lines(root)) == table(desk)
    assert JournalFiles(root).check(desk.connection).ok
    assert verify_files(root, head=chain.current_head(desk.connection)).ok


def test_lines_go_to_the_utc_day_of_their_time(desk: Desk, root: Path):
    desk.write_many(4, step_s=5)
    report = JournalFiles(root).catch_up(desk.connection)
    assert (report.appended, report.through, report.ok) == (4, 4, True)
    days = {
        name: [json.loads(line)["seq"] for line in data.splitlines()] for name, data in content(root).items()
    }
    assert days == {"2026/11/20/events.jsonl": [1, 2], "2026/11/21/events.jsonl": [3, 4]}
    assert_complete(desk, root)


def test_files_and_folders_are_private(desk: Desk, root: Path):
    old = os.umask(0)
    try:
        desk.write()
        JournalFiles(root).catch_up(desk.connection)
    finally:
        os.umask(old)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")] if path.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in day_files(root)} == {0o600}


def test_catching_up_only_ever_adds(desk: Desk, root: Path):
    files = JournalFiles(root)
    before: dict[str, bytes] = {}
    for _ in range(6):
        desk.write_many(2, step_s=2)
        assert files.catch_up(desk.connection).appended == 2
        now = content(root)
        assert all(now[name].startswith(data) for name, data in before.items())
        before = now
    assert files.catch_up(desk.connection).appended == 0
    assert JournalFiles(root).catch_up(desk.connection).appended == 0
    assert_complete(desk, root)


def test_uncommitted_records_never_reach_a_file(desk: Desk, root: Path, tmp_path: Path):
    files, reader = JournalFiles(root), connect(tmp_path / "desk.sqlite")
    desk.connection.execute("BEGIN IMMEDIATE")
    desk.journal.append("fill", **BASE)
    with pytest.raises(BadInputError) as caught:
        files.catch_up(desk.connection)
    assert caught.value.code == "OPEN_TRANSACTION"
    assert files.catch_up(reader).appended == 0
    desk.connection.execute("ROLLBACK")
    assert files.catch_up(desk.connection).appended == 0
    reader.close()


def test_secrets_do_not_reach_the_files(desk: Desk, root: Path):
    desk.write(payload_text=SECRET, result={"k": [SECRET]})
    JournalFiles(root).catch_up(desk.connection)
    assert all(SECRET.encode() not in data for data in content(root).values())


def cut_files(root: Path, whole: dict[str, bytes], keep: int) -> None:
    """Leave only the first `keep` bytes of all files together, as a crash of the writer does."""
    for name, data in whole.items():
        path = root / name
        path.write_bytes(data[:keep])
        if keep <= 0:
            path.unlink()
        keep -= len(data)


def test_cut_at_every_byte_of_the_last_records_is_repaired(desk: Desk, root: Path):
    desk.write_many(4, step_s=4)
    desk.write(payload_text="größer \u202e\n\x00", result={"a": 'x"\\'})
    JournalFiles(root).catch_up(desk.connection)
    whole = content(root)
    size = sum(map(len, whole.values()))
    ends = {0}
    for line in table(desk):
        ends.add(max(ends) + len(line) + 1)
    for keep in range(size - 1, sorted(ends)[-4] - 1, -1):
        cut_files(root, whole, keep)
        report = JournalFiles(root).catch_up(desk.connection)
        assert report.ok, (keep, report.faults)
        assert len(report.repaired) == (keep not in ends), keep
        assert report.through == 5
        assert content(root) == whole, keep


def test_zeros_that_a_power_cut_leaves_are_replaced(desk: Desk, root: Path):
    desk.write_many(3, step_s=0)
    JournalFiles(root).catch_up(desk.connection)
    (path,) = day_files(root)
    whole = path.read_bytes()
    for keep in (0, 10, whole.index(b"\n") + 1, len(whole) - 1):
        path.write_bytes(whole[:keep] + b"\0" * 70_000)
        report = JournalFiles(root).catch_up(desk.connection)
        assert (report.ok, len(report.repaired)) == (True, 1)
        assert path.read_bytes() == whole


def test_foreign_piece_at_the_end_is_kept_reported_and_written_past(desk: Desk, root: Path):
    desk.write_many(2, step_s=0)
    JournalFiles(root).catch_up(desk.connection)
    (path,) = day_files(root)
    path.write_bytes(path.read_bytes() + b'{"cause":null,"forged')
    desk.write()
    report = JournalFiles(root).catch_up(desk.connection)
    assert (report.ok, report.fault_count, report.appended) == (False, 1, 1)
    lines = path.read_bytes().splitlines()
    assert lines[2] == b'{"cause":null,"forged'
    assert lines[3] == table(desk)[2]
    assert not JournalFiles(root).check(desk.connection).ok


def test_changed_last_line_is_kept_and_reported(desk: Desk, root: Path):
    desk.write_many(3, step_s=0)
    JournalFiles(root).catch_up(desk.connection)
    (path,) = day_files(root)
    changed = path.read_bytes().replace(b"step 2", b"step 9")
    path.write_bytes(changed)
    report = JournalFiles(root).catch_up(desk.connection)
    assert not report.ok
    assert path.read_bytes().startswith(changed)
    assert not JournalFiles(root).check(desk.connection).ok
    assert not verify_files(root).ok


@pytest.mark.parametrize("old", [b"step 1", b'"seq":2', b'"seq":5', b'"redacted":false'])
def test_changed_line_anywhere_is_found_by_the_full_check(desk: Desk, root: Path, old: bytes):
    desk.write_many(6, step_s=3)
    JournalFiles(root).catch_up(desk.connection)
    path = next(path for path in day_files(root) if old in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(old, old[:-1] + b"7", 1))
    before = content(root)
    assert not JournalFiles(root).check(desk.connection).ok
    assert not verify_files(root, head=chain.current_head(desk.connection)).ok
    assert content(root) == before


def surgery(lines: list[bytes], how: str, at: int) -> list[bytes]:
    if how == "delete":
        return lines[:at] + lines[at + 1 :]
    if how == "repeat":
        return lines[: at + 1] + lines[at:]
    if how == "swap":
        return [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
    return [*lines[:at], lines[0].replace(b"step 0", b"step X"), *lines[at:]]


@pytest.mark.parametrize("how", ["delete", "repeat", "swap", "insert"])
@pytest.mark.parametrize("at", range(4))
def test_surgery_on_lines_is_found(desk: Desk, root: Path, how: str, at: int):
    desk.write_many(5, step_s=0)
    JournalFiles(root).catch_up(desk.connection)
    (path,) = day_files(root)
    lines = surgery(path.read_bytes().splitlines(), how, at)
    path.write_bytes(b"\n".join(lines) + b"\n")
    report = JournalFiles(root).check(desk.connection)
    assert not report.ok
    assert report.faults
    assert not verify_files(root, head=chain.current_head(desk.connection)).ok


def test_missing_day_is_reported(desk: Desk, root: Path):
    desk.write_many(6, step_s=3)
    JournalFiles(root).catch_up(desk.connection)
    day_files(root)[0].unlink()
    report = JournalFiles(root).check(desk.connection)
    assert report.faults == ["4 records after 0 are missing in the files"]


def test_lost_newest_day_is_written_again(desk: Desk, root: Path):
    desk.write_many(6, step_s=3)
    JournalFiles(root).catch_up(desk.connection)
    whole = content(root)
    day_files(root)[-1].unlink()
    assert JournalFiles(root).catch_up(desk.connection).appended == 2
    assert content(root) == whole


def test_files_that_know_more_than_a_cut_table_are_reported(desk: Desk, root: Path):
    desk.write_many(5, step_s=0)
    JournalFiles(root).catch_up(desk.connection)
    desk.tamper("DELETE FROM journal WHERE seq > 3")
    assert not JournalFiles(root).catch_up(desk.connection).ok
    assert JournalFiles(root).check(desk.connection).fault_count == 2


def test_damaged_row_is_reported_and_the_rest_written(desk: Desk, root: Path):
    desk.write_many(5, step_s=0)
    desk.tamper("UPDATE journal SET result_json = '{' WHERE seq = 2")
    desk.tamper("UPDATE journal SET ts = '../../../etc' WHERE seq = 4")
    report = JournalFiles(root).catch_up(desk.connection)
    assert (report.fault_count, report.appended) == (2, 3)
    assert [json.loads(line)["seq"] for line in file_lines(root)] == [1, 3, 5]


def test_clock_set_back_lets_files_take_turns_in_order(desk: Desk, root: Path):
    files = JournalFiles(root)
    for step in (15, -20, 25, -30, 40):
        desk.write_many(2, step_s=0)
        desk.clock.advance(step)
    files.catch_up(desk.connection)
    assert len(day_files(root)) == 2
    assert_complete(desk, root)
    whole = content(root)
    for path in day_files(root):
        for keep in (0, 5, len(whole[path.relative_to(root).as_posix()]) - 3):
            path.write_bytes(path.read_bytes()[:keep])
            assert JournalFiles(root).catch_up(desk.connection).ok
            assert_complete(desk, root)


def test_other_things_in_the_folder_are_left_alone(desk: Desk, root: Path):
    (root / "2026" / "11" / "notes").mkdir(parents=True)
    (root / "2026" / "11" / "notes" / "events.jsonl").write_text("mine")
    (root / "readme.txt").write_text("mine")
    desk.write()
    assert JournalFiles(root).catch_up(desk.connection).ok
    assert_complete(desk, root)


def test_link_in_the_place_of_a_file_is_not_followed(desk: Desk, root: Path, tmp_path: Path):
    target = tmp_path / "elsewhere"
    target.touch()
    day = root / "2026" / "11" / "20"
    day.mkdir(parents=True)
    (day / "events.jsonl").symlink_to(target)
    desk.write()
    with pytest.raises(OSError, match="symbolic link") as caught:
        JournalFiles(root).catch_up(desk.connection)
    assert caught.value.errno == errno.ELOOP
    assert target.read_bytes() == b""


def test_write_that_fails_halfway_is_made_good_by_the_next_call(desk: Desk, root: Path):
    desk.write_many(3, step_s=0)
    files = JournalFiles(root)
    files.catch_up(desk.connection)
    desk.write_many(3, step_s=0)
    (path,) = day_files(root)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 700, hard))
    try:
        with pytest.raises(OSError, match="large"):
            files.catch_up(desk.connection)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not path.read_bytes().endswith(b"\n")
    report = files.catch_up(desk.connection)
    assert (report.ok, len(report.repaired), report.through) == (True, 1, 6)
    assert_complete(desk, root)


def test_report_keeps_a_hundred_faults_and_counts_the_rest(desk: Desk, root: Path):
    desk.write()
    JournalFiles(root).catch_up(desk.connection)
    (path,) = day_files(root)
    path.write_bytes(path.read_bytes() + b"x\n" * 250)
    report = JournalFiles(root).check(desk.connection)
    assert (report.fault_count, len(report.faults)) == (250, MAX_FAULTS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.binary(max_size=40), st.integers(0, 400))
def test_whatever_stands_at_the_end_nothing_is_lost_and_nothing_true_is_removed(tmp_path_factory, tail, keep):
    base = tmp_path_factory.mktemp("files")
    desk = Desk(base / "desk.sqlite")
    desk.write_many(2, step_s=0)
    JournalFiles(base / "journal").catch_up(desk.connection)
    (path,) = day_files(base / "journal")
    left = path.read_bytes()[:keep] + tail
    path.write_bytes(left)
    JournalFiles(base / "journal").catch_up(desk.connection)
    now = path.read_bytes()
    assert set(table(desk)) <= set(now.split(b"\n"))
    assert now.startswith(left.rstrip(b"\0"))
    desk.connection.close()
