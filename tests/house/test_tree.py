"""What stands in the tree: promised commands exist, nothing private or machine-bound is tracked."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import check_secrets

ROOT = Path(__file__).resolve().parents[2]
MONEY_ROOMS = ("domain", "guardrails", "tools", "venues", "memory", "desk")
FLOATS_OF_TIME = {
    "venues/gemini/session/pacing.py": "tokens of a rate limit, filled by the clock",
    "venues/gemini/transport.py": "seconds to wait, from a Retry-After header",
}
MONEY_WORDS = re.compile(r"price|amount|usd|notional|fee|cost|balance|profit|bps|qty|quantity|equity|cash")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:root|work|home/[a-z]\w*|Users/[A-Za-z]\w*)/")
SECRET = "A" * 35


def tracked() -> list[str]:
    return check_secrets.tracked(ROOT)


def text_of(name: str) -> str:
    return (ROOT / name).read_bytes().decode("utf-8", errors="ignore")


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", text_of("Makefile"), flags=re.MULTILINE))


def test_make_targets_named_in_the_pages_exist() -> None:
    pages = [name for name in tracked() if name.endswith(".md") and (ROOT / name).is_file()]
    inline = {word for name in pages for word in re.findall(r"`make ([a-z]+)`", text_of(name))}
    blocks = {word for name in pages for word in re.findall(r"^ *make ([a-z]+)", text_of(name), re.MULTILINE)}
    assert {"setup", "run", "test", "check", "bench", "soak"} <= make_targets()
    assert inline | blocks <= make_targets()


def test_matrix_commands_named_in_the_pages_exist() -> None:
    from cli.main import build_parser

    actions = next(action for action in build_parser()._actions if action.dest == "command")
    assert actions.choices
    pages = [name for name in tracked() if name.endswith(".md") and (ROOT / name).is_file()]
    named = {
        word for name in pages for word in re.findall(r"`(?:\.venv/bin/)?matrix ([a-z]+)", text_of(name))
    }
    assert named <= set(actions.choices)


def test_ci_run_calls_only_make_targets() -> None:
    lines = [line.strip() for line in text_of(".ci/run").splitlines() if line.startswith("make ")]
    assert lines == ["make check", "make test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_ci_run_without_the_recordings_fails_at_once(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    done = subprocess.run(
        [str(ROOT / ".ci" / "run")],
        env={**os.environ, "MATRIX_RECORDINGS": str(missing)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert str(missing) in done.stderr
    assert "MATRIX_RECORDINGS" in done.stderr


def test_tracked_files_hold_nothing_private() -> None:
    names = tracked()
    assert not [name for name in names if name.startswith(("var/", ".venv/"))]
    assert not list(check_secrets.finds(ROOT, names))


@pytest.mark.parametrize(
    "planted",
    [
        f'KEY = "AIza{SECRET}"',
        f'key = "account-{SECRET[:20]}"',
        f'api_secret = "{SECRET}"',
        f"token: ghp_{SECRET}",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}{SECRET}",
    ],
)
def test_secret_scan_with_a_planted_secret_finds_it(tmp_path: Path, planted: str) -> None:
    (tmp_path / "notes.txt").write_text(f"first line\n{planted}\n", encoding="utf-8")
    found = list(check_secrets.finds(tmp_path, ["notes.txt"]))
    assert len(found) == 1
    assert found[0].startswith("notes.txt:2: ")


@pytest.mark.parametrize(
    "name", ["var/run/desk.json", ".venv/x", "state/desk.sqlite", "paper-account.json", "a.pem"]
)
def test_secret_scan_with_a_forbidden_path_finds_it(tmp_path: Path, name: str) -> None:
    assert list(check_secrets.finds(tmp_path, [name]))


def test_tracked_files_name_no_machine_path() -> None:
    named = [
        f"{name}: {match.group()}"
        for name in tracked()
        if (ROOT / name).is_file() and not name.startswith("app/static/vendor/")
        for match in MACHINE_PATHS.finditer(text_of(name))
    ]
    assert not named


def test_requirements_name_no_index_address() -> None:
    for name in ("runtime.txt", "dev.txt", "uv.txt"):
        text = text_of(f"requirements/{name}")
        assert "://" not in text
        assert "--index" not in text
        assert "--hash=sha256:" in text


def nodes_of_money_rooms() -> Iterator[tuple[str, ast.AST]]:
    for room in MONEY_ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            yield from ((name, node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def test_money_rooms_turn_nothing_into_a_float() -> None:
    built = {
        f"{name}:{node.lineno}"
        for name, node in nodes_of_money_rooms()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
        if name not in FLOATS_OF_TIME
    }
    assert not built


def test_money_rooms_declare_no_money_as_a_float() -> None:
    declared = set()
    for name, node in nodes_of_money_rooms():
        if isinstance(node, ast.AnnAssign):
            label, annotation = ast.unparse(node.target), node.annotation
        elif isinstance(node, ast.arg) and node.annotation is not None:
            label, annotation = node.arg, node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            label, annotation = node.name, node.returns
        else:
            continue
        if re.search(r"\bfloat\b", ast.unparse(annotation)) and MONEY_WORDS.search(label):
            declared.add(f"{name}:{node.lineno} {label}")
    assert not declared


def test_skip_with_ci_set_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text(
        "import pytest\n\ndef test_planted():\n    pytest.skip('no time')\n", encoding="utf-8"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        os.devnull,
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    plain = {key: value for key, value in os.environ.items() if key not in {"CI", "PYTEST_ADDOPTS"}}
    plugins = ["-p", "tests.no_skips", "-p", "no:cacheprovider", "-p", "no:langsmith_plugin"]
    for environment, code in ((plain, 0), ({**plain, "CI": "1"}, 1)):
        done = subprocess.run(
            [*command, *plugins], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stdout
        assert ("1 skipped" in done.stdout) is (code == 0)
