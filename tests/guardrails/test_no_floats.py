"""Money is never a float: no float literal, call or annotation in the bottom rooms, seconds excepted."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = {
    "domain/clock.py",  # monotonic seconds
    "domain/market.py:age_s",
    "guardrails/snapshot.py:seconds_since_order_in_symbol",
    "guardrails/snapshot.py:seconds_since_same_order",
    "guardrails/snapshot.py:clock_skew_s",
    "guardrails/case.py:Number",
    "guardrails/case.py:seconds",
    "guardrails/case.py:plain",
    "guardrails/rules_state.py:clock",
    "guardrails/rules_state.py:_after",
}
"""Where seconds are counted; each place by file, or by file and the name it stands in."""

FILES = sorted((ROOT / "domain").glob("*.py")) + sorted((ROOT / "guardrails").glob("*.py"))


def floats_in(source: str, path: str) -> list[str]:
    """Return the places of floats, each as `path:line name`."""
    found: list[str] = []

    def visit(node: ast.AST, name: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and name == "":
            name = node.targets[0].id
        is_float = (isinstance(node, ast.Constant) and isinstance(node.value, float)) or (
            isinstance(node, ast.Name) and node.id == "float"
        )
        if is_float and path not in SECONDS and f"{path}:{name}" not in SECONDS:
            found.append(f"{path}:{node.lineno} {name}")
        for child in ast.iter_child_nodes(node):
            visit(child, name)

    visit(ast.parse(source), "")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_float_near_money(path: Path) -> None:
    assert floats_in(path.read_text(encoding="utf-8"), f"{path.parent.name}/{path.name}") == []


@pytest.mark.parametrize(
    "source",
    ["rate = 0.1", "def f(x: float) -> None: ...", "y = float('1')", "price: float | None = None", "z = 1e3"],
)
def test_planted_float_is_found(source: str) -> None:
    assert floats_in(source, "guardrails/new.py")
