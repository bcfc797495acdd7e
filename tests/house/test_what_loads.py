"""The two bottom rooms load alone: every import is on a list, and a fresh process proves what came along."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    "domain": {
        "__future__",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "domain",
        "enum",
        "random",
        "re",
    }
    | {"time", "typing"},
    "guardrails": {
        "__future__",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "domain",
        "enum",
        "guardrails",
    }
    | {"base64", "binascii", "difflib", "hashlib", "ipaddress", "itertools", "json", "math", "re", "string"}
    | {"functools", "operator", "tomllib", "types", "typing", "unicodedata"},
}
NEVER_LOADED = (
    "socket",
    "ssl",
    "asyncio",
    "http.client",
    "httpx",
    "pydantic",
    "langgraph",
    "gradio",
    "google",
)
DESK_NEVER_LOADS = (
    "langgraph",
    "langchain_core",
    "gradio",
    "google.genai",
    "chromadb",
    "onnxruntime",
    "pandas",
)


def modules_of(room: str) -> list[str]:
    """Return the dotted names of a room's modules."""
    paths = sorted((ROOT / room).rglob("*.py"))
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths
    ]


def imported_tops(path: Path) -> set[str]:
    """Return the top-level names that a file imports, wherever in it."""
    tops = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            tops |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            tops.add(node.module.split(".")[0])
    return tops


def loaded_after_importing(modules: list[str]) -> set[str]:
    """Import `modules` in a fresh interpreter and return all that is loaded then."""
    program = f"import sys, {', '.join(modules)}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_bottom_room_imports_only_what_is_on_its_list(room: str) -> None:
    strangers = {
        f"{path.relative_to(ROOT)}: {', '.join(sorted(extra))}"
        for path in (ROOT / room).rglob("*.py")
        if (extra := imported_tops(path) - ALLOWED[room])
    }
    assert not strangers


def test_bottom_rooms_in_a_fresh_process_bring_no_network_along() -> None:
    loaded = loaded_after_importing([*modules_of("domain"), *modules_of("guardrails")])
    assert "guardrails.limits" in loaded
    assert loaded.isdisjoint(NEVER_LOADED)


def test_desk_in_a_fresh_process_brings_no_model_and_no_page_along() -> None:
    loaded = loaded_after_importing(modules_of("desk"))
    assert "desk.client" in loaded
    assert loaded.isdisjoint(DESK_NEVER_LOADS)
