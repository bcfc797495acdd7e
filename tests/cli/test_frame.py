"""The terminal's frame: options, home, exit codes, what is printed and what is loaded."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli.capture import RotatingLog
from cli.command import speed_number
from cli.exits import Exit, exit_of
from cli.home import prepare, resolve
from cli.main import build_parser, main, with_default_command
from cli.output import clean
from cli.plans import World
from domain import errors
from domain.errors import BadInputError
from tests.cli.conftest import Run

HEAVY = (
    "asyncio",
    "httpx",
    "sqlite3",
    "ssl",
    "tomllib",
    "pydantic",
    "msgspec",
    "uvicorn",
    "gradio",
    "langgraph",
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["up"]),
        (["--port", "9000"], ["up", "--port", "9000"]),
        (["--home", "h"], ["--home", "h", "up"]),
        (["--home=h", "--json", "--seed", "4"], ["--home=h", "--json", "up", "--seed", "4"]),
        (["--json", "url"], ["--json", "url"]),
        (["--help"], ["--help"]),
        (["--home", "up", "kill"], ["--home", "up", "kill"]),
    ],
)
def test_command_line_without_a_command_means_up(given: list[str], expected: list[str]) -> None:
    assert with_default_command(given) == expected


@pytest.mark.parametrize(
    "line", ["--home h --json proposals", "proposals --home h --json", "--json proposals --home h"]
)
def test_shared_options_hold_before_and_after_the_command(line: str) -> None:
    options = build_parser().parse_args(line.split())
    assert (options.home, options.json, options.command) == ("h", True, "proposals")


def test_home_is_taken_from_option_then_environment_then_var(tmp_path: Path) -> None:
    assert resolve(str(tmp_path), {"MATRIX_HOME": "/elsewhere"}) == tmp_path
    assert resolve(None, {"MATRIX_HOME": str(tmp_path)}) == tmp_path
    assert resolve(None, {}) == Path("var").absolute()
    with pytest.raises(BadInputError):
        resolve(" ", {})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.BadInputError, 2),
        (errors.NotFoundError, 2),
        (errors.ConflictError, 1),
        (errors.ExpiredError, 1),
        (errors.LockedError, 1),
        (errors.UnreachableError, 3),
        (errors.VenueRejectedError, 1),
        (errors.OutcomeUnknownError, 3),
        (errors.VenueRetryableError, 3),
    ],
)
def test_exit_code_follows_the_kind_of_error(error: type[errors.MatrixError], code: int) -> None:
    assert exit_of(error("ANY", "any")) == code


def test_exit_code_of_a_halted_desk_is_four() -> None:
    assert exit_of(errors.LockedError("HALTED", "the desk is halted")) is Exit.HALTED


def test_speed_max_reaches_the_exchange_as_it_was_said() -> None:
    assert speed_number("max").is_infinite()
    assert World(speed=speed_number("max")).arguments() == ["--speed", "max"]
    assert World(speed=speed_number("2.5")).arguments() == ["--speed", "2.5"]


def test_clean_drops_everything_that_steers_a_terminal() -> None:
    hostile = "ok\x1b[2J\x07\x9b31m \u202eevil\u200b\x00\ttab\nline\r"
    assert clean(hostile) == "ok[2J31m evil\ttab\nline"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--port", "99999"], "'99999' is not a port"),
        (["up", "--speed", "-1"], "is not a speed"),
        (["up", "--speed", "nan"], "is not a speed"),
        (["up", "--seed", "x"], "is not a seed"),
        (["up", "--seed", "\u0663"], "is not a seed"),
        (["fly"], "invalid choice: 'fly'"),
        (["approve"], "ID"),
        (["approve", "../status"], "is not a proposal's id"),
        (["journal"], "ACTION"),
        (["journal", "show", "R-a/b"], "is not a record's id"),
        (["journal", "tail", "-n", "0"], "is not a count"),
        (["up", "--replay", "missing.jsonl"], "missing.jsonl cannot be read"),
        (["exchange", "--speed", "max"], "--speed max plays a recording"),
        (["exchange", "--faults", "missing.toml"], "missing.toml cannot be used"),
        (["exchange", "--faults", "plan.txt"], "neither a .toml nor a .json file"),
    ],
)
def test_bad_arguments_exit_with_two_and_say_what_to_do(matrix: Run, arguments: list[str], part: str) -> None:
    done = matrix(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert part in done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 2, "one line for the fault, one for the cure"


def test_error_with_json_is_an_object_on_stdout(matrix: Run) -> None:
    done = matrix("proposals", "--json")
    assert done.returncode == 3
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "DESK_UNREACHABLE"
    assert "matrix up" in error["cure"]
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        *(["proposals"], ["approve", "P-1"], ["reject", "P-1"], ["kill"], ["release"], ["limits"], ["url"]),
        *(
            ["journal", "tail"],
            ["journal", "search", "btc"],
            ["journal", "show", "R-1"],
            ["journal", "verify"],
        ),
    ],
)
def test_command_without_a_running_desk_exits_with_three(
    matrix: Run, home: Path, arguments: list[str]
) -> None:
    done = matrix(*arguments)
    assert done.returncode == 3
    assert "matrix up" in done.stderr
    assert not home.exists(), "a look must not make a home"


def test_unexpected_fault_leaves_a_message_and_a_log_without_a_traceback(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault nobody thought of")

    prepare(home)
    monkeypatch.setattr("cli.decide.proposal_id", broken)
    assert main(["--home", str(home), "reject", "P-1"]) == 1
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err + printed.out
    assert "a fault nobody thought of" in printed.err
    log = home / "logs" / "cli.log"
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize("arguments", [["--help"], ["up", "--help"], ["journal", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=30, check=True
    )
    loaded = set(done.stderr.split())
    ours = {
        name
        for name in loaded
        if name.split(".")[0] in {"app", "agent_graph", "desk", "memory", "venues", "tools"}
    }
    assert "usage: matrix" in done.stdout
    assert not ours
    assert loaded.isdisjoint(HEAVY)


def test_rotating_log_when_full_keeps_the_newest_bytes_first(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "x.log", max_bytes=10)
    for number in range(9):
        log.write(f"line {number}\n".encode())
    log.close()
    assert (tmp_path / "x.log").read_text(encoding="utf-8") == "line 8\n"
    assert (tmp_path / "x.log.1").read_text(encoding="utf-8") == "line 7\n"
    assert (tmp_path / "x.log.5").read_text(encoding="utf-8") == "line 3\n"
    assert not (tmp_path / "x.log.6").exists()
    assert log.last_lines(2) == ["line 7", "line 8"]


def test_home_with_other_things_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear", encoding="utf-8")
    tmp_path.chmod(0o755)
    with pytest.raises(BadInputError, match="no home of matrix"):
        prepare(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_home_is_made_private(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    prepare(home)
    prepare(home)
    assert {
        stat.S_IMODE(path.stat().st_mode) for path in (home, home / "run", home / "state", home / "logs")
    } == {0o700}


def test_home_without_rights_is_refused(matrix: Run, home: Path) -> None:
    home.mkdir(mode=0o000)
    done = matrix("up")
    assert done.returncode == 2
    assert "chmod 700" in done.stderr
