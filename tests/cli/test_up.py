"""`matrix up` over real processes: start, second start, restart of a child, stop, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest

from benchmarks.running_house import page
from tests.cli.conftest import (
    Run,
    free_port,
    processes_of,
    run_matrix,
    running_matrix,
    wait_until,
)


def children(home: Path) -> dict[str, int]:
    return dict(json.loads((home / "run" / "up.json").read_text(encoding="utf-8"))["children"])


def test_up_starts_restarts_and_stops_the_whole_house(home: Path, tmp_path: Path) -> None:
    port = free_port()
    with running_matrix(home, "up", "--port", str(port), "--seed", "3") as up:
        assert up.stdout is not None
        url = up.stdout.readline().strip()
        assert re.fullmatch(rf"http://localhost:{port}/\?code=[A-Za-z0-9_\-]+", url), up.communicate()
        assert b"<html" in page(url).lower()
        fresh = run_matrix(home, "url")
        assert fresh.returncode == 0
        assert b"<html" in page(fresh.stdout.strip()).lower()

        second = run_matrix(home, "up")
        assert second.returncode == 1
        assert "already runs" in second.stderr
        assert len(second.stderr.splitlines()) == 2

        other = tmp_path / "other"
        taken = run_matrix(other, "up", "--port", str(port))
        assert taken.returncode == 2
        assert f"port {port} is already in use" in taken.stderr
        assert "--port" in taken.stderr
        assert processes_of(other) == []

        before = children(home)
        assert set(before) == {"exchange", "desk", "app"}
        os.kill(before["exchange"], signal.SIGKILL)
        wait_until(lambda: children(home).get("exchange") not in {None, before["exchange"]})
        os.kill(before["desk"], signal.SIGKILL)
        wait_until(lambda: children(home).get("desk") not in {None, before["desk"]})
        assert run_matrix(home, "limits", "--json").returncode == 0

        up.send_signal(signal.SIGTERM)
        rest, said = up.communicate(timeout=60)
        assert up.returncode == 0, said
        assert rest == "", "the address is the only line on stdout"
        assert "the exchange is back" in said
        assert processes_of(home) == []
        assert not (home / "run" / "up.json").exists()
        logs = "".join(path.read_text(encoding="utf-8") for path in (home / "logs").glob("*.out.log"))
        assert "Fatal" not in logs


def test_up_killed_outright_takes_its_children_along(home: Path) -> None:
    with running_matrix(home, "--json", "up", "--port", str(free_port())) as up:
        assert up.stdout is not None
        told = json.loads(up.stdout.readline())
        assert told["mode"] == "paper"
        assert len(processes_of(home)) == 4
        up.kill()
        up.wait(10)
        wait_until(lambda: processes_of(home) == [], 30)


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("matrix.toml", 'mod = "paper"\n', "'mod'"),
        ("matrix.toml", 'mode = "paper"\nport = "x"\n', "port"),
        ("matrix.toml", "mode = \n", "matrix.toml"),
        ("limits.toml", "per_order_us = 5\n", "per_order_us"),
    ],
)
def test_up_with_a_wrong_settings_key_refuses_before_anything_starts(
    matrix: Run, home: Path, name: str, text: str, part: str
) -> None:
    home.mkdir(mode=0o700)
    (home / name).write_text(text, encoding="utf-8")
    done = matrix("up")
    assert done.returncode == 2
    assert part in done.stderr
    assert name in done.stderr
    assert processes_of(home) == []
    assert not list((home / "logs").glob("*.log"))


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["--mode", "sandbox"], 2, "may only lower it"),
        (["--mode", "live", "--i-understand"], 2, "may only lower it"),
    ],
)
def test_up_with_a_raised_mode_is_refused(matrix: Run, arguments: list[str], code: int, part: str) -> None:
    done = matrix("up", *arguments)
    assert done.returncode == code
    assert part in done.stderr


def test_up_in_live_mode_is_locked(matrix: Run, home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "matrix.toml").write_text('mode = "live"\n', encoding="utf-8")
    done = matrix("up", "--i-understand")
    assert done.returncode == 1
    assert "live mode is locked" in done.stderr


def test_up_with_a_file_for_a_home_is_refused(matrix: Run, home: Path) -> None:
    home.write_text("not a folder", encoding="utf-8")
    done = matrix("up")
    assert done.returncode == 2
    assert "is not a folder" in done.stderr


def test_up_with_a_folder_for_a_replay_is_refused(matrix: Run, tmp_path: Path) -> None:
    done = matrix("up", "--replay", str(tmp_path))
    assert done.returncode == 2
    assert "cannot be read" in done.stderr
