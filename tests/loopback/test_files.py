"""Private files, folders and the one-process lock, on a real disk and with real processes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import BadInputError, ConflictError
from loopback.files import only_one, private_dir, write_private

ROOT = Path(__file__).resolve().parents[2]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_written_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "token"
    write_private(path, "första\n")
    assert path.read_text(encoding="utf-8") == "första\n"
    assert mode(path) == 0o600
    write_private(path, "second")
    assert path.read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


def test_file_that_was_open_to_all_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o666)
    write_private(path, "new")
    assert mode(path) == 0o600


def test_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("untouched")
    link.symlink_to(target)
    write_private(link, "new")
    assert target.read_text() == "untouched"
    assert not link.is_symlink()


def test_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.mkdir()
    with pytest.raises(BadInputError) as caught:
        write_private(path, "x")
    assert caught.value.code == "CANNOT_WRITE"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with pytest.raises(BadInputError, match="cannot be written"):
        write_private(tmp_path / "none" / "file", "x")


def test_folder_is_made_private_with_its_parents(tmp_path: Path) -> None:
    path = private_dir(tmp_path / "a" / "b")
    assert mode(path) == 0o700
    path.chmod(0o755)
    assert mode(private_dir(path)) == 0o700


def test_unreadable_home_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "home"
    path.mkdir()
    path.chmod(0o000)
    with pytest.raises(BadInputError) as caught:
        private_dir(path)
    path.chmod(0o700)
    assert caught.value.code == "HOME_UNREADABLE"
    assert f"chmod 700 {path}" in caught.value.cure


def test_file_in_place_of_the_home_is_named(tmp_path: Path) -> None:
    path = tmp_path / "home"
    path.write_text("")
    for place in (path, path / "run"):
        with pytest.raises(BadInputError) as caught:
            private_dir(place)
        assert caught.value.code == "HOME_NOT_A_FOLDER"


def test_home_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "home"
    path.mkdir()
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
    else:
        path = Path("/")
    with pytest.raises(BadInputError) as caught:
        private_dir(path)
    assert caught.value.code == "HOME_FOREIGN"


def test_second_holder_in_this_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "desk.lock"
    with only_one(path, "the desk"):
        assert mode(path) == 0o600
        with pytest.raises(ConflictError) as caught, only_one(path, "the desk"):
            pass
        assert caught.value.code == "ALREADY_RUNNING"
        assert f"process {os.getpid()}" in caught.value.message
    with only_one(path, "the desk"):
        pass


HOLDER = """
import sys, time
from pathlib import Path
from loopback.files import only_one
with only_one(Path(sys.argv[1]), "the desk"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_lock_of_another_process_holds_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "desk.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(ConflictError, match=f"process {child.pid}"), only_one(path, "the desk"):
            pass
        child.kill()
    with only_one(path, "the desk"):
        pass


def test_lock_in_a_missing_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught, only_one(tmp_path / "none" / "lock", "the desk"):
        pass
    assert caught.value.code == "CANNOT_WRITE"
