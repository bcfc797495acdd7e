"""The import contracts hold here, and a planted breach of each kind is caught."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("cli", "app", "agent_graph", "desk", "tools", "venues", "memory", "loopback", "guardrails", "domain")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run lint-imports on the rooms in `folder` instead of the installed ones."""
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); "
        "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    return subprocess.run(
        [sys.executable, "-c", program, str(folder), "--config", str(folder / ".importlinter"), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def broken_part(result: subprocess.CompletedProcess[str]) -> str:
    """Return the report of the broken contracts, each under its name."""
    return result.stdout.partition("Broken contracts\n")[2]


@pytest.fixture(scope="module")
def copied_rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rooms")
    shutil.copy(ROOT / ".importlinter", folder)
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "static"))
    return folder


def test_contracts_on_this_tree_are_kept(copied_rooms: Path) -> None:
    result = lint(copied_rooms)
    assert result.returncode == 0, result.stdout
    assert " 0 broken." in result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("tools/planted.py", "import desk.settings", "A room imports only what stands below it"),
        ("guardrails/planted.py", "import socket", "Money words and guardrails touch no network"),
        ("domain/planted.py", "import pydantic", "Money words and guardrails touch no network"),
        ("desk/planted.py", "import gradio", "The desk loads no model"),
        ("memory/planted.py", "from google import genai", "The desk loads no model"),
        (
            "desk/planted.py",
            "from venues.gemini import signing",
            "Only the order builder and the Gemini client sign",
        ),
        ("tools/planted.py", "import venues.gemini.person_calls", "What moves money out is asked for"),
        ("app/planted.py", "import desk.person_client", "The person's channel serves"),
        ("agent_graph/planted.py", "import desk.person_client", "No path leads from the conversation"),
        ("agent_graph/planted.py", "import desk.settings", "Conversation and page reach the desk through"),
        ("app/planted.py", "import memory.journal", "Conversation and page touch no venue"),
        ("agent_graph/planted.py", "import tools.order_builder", "Of the tools, the conversation sees"),
        (
            "venues/paper/planted.py",
            "import venues.gemini.signing",
            "The paper exchange and the Gemini client",
        ),
    ],
)
def test_contracts_with_a_planted_breach_are_broken(
    copied_rooms: Path, module: str, line: str, contract: str
) -> None:
    planted = copied_rooms / module
    planted.write_text(f"{line}\n", encoding="utf-8")
    try:
        result = lint(copied_rooms)
    finally:
        planted.unlink()
    assert result.returncode == 1, result.stdout + result.stderr
    assert contract in broken_part(result), result.stdout


def test_contracts_with_a_circle_of_modules_are_broken(copied_rooms: Path) -> None:
    planted = (copied_rooms / "domain" / "planted_a.py", copied_rooms / "domain" / "planted_b.py")
    planted[0].write_text("import domain.planted_b\n", encoding="utf-8")
    planted[1].write_text("import domain.planted_a\n", encoding="utf-8")
    try:
        result = lint(copied_rooms)
    finally:
        for path in planted:
            path.unlink()
    assert result.returncode == 1
    assert "do not import each other in circles" in broken_part(result)


def test_conversation_in_the_import_graph_cannot_reach_the_person() -> None:
    graph = grimp.build_graph(*ROOMS, cache_dir=None)
    reached = graph.find_upstream_modules("agent_graph", as_package=True)
    assert "desk.client" in reached
    assert "desk.person_client" not in reached
    assert not any(name.startswith(("cli", "app")) for name in reached)
