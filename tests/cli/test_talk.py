"""`matrix ask` and `matrix chat` where nothing runs: they start what they need and leave nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, processes_of


def test_ask_with_nothing_running_answers_and_leaves_nothing_behind(
    matrix: Run, home: Path, tmp_path: Path
) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text("btc price\n\nwhat are my fees?\n", encoding="utf-8")
    done = matrix("--json", "ask", "--file", str(questions))
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["question"] for answer in answers] == ["btc price", "what are my fees?"]
    assert all(answer["answer"] for answer in answers)
    assert processes_of(home) == []

    card = matrix("ask", "buy $25 of btc")
    assert card.returncode == 0, card.stderr
    assert "matrix approve P-" in card.stdout
    assert "Digest: " in card.stdout

    sitting = matrix("chat", typed="btc price\n/approve\n/nonsense\n")
    assert sitting.returncode == 0, sitting.stderr
    assert sitting.stdout.strip()
    assert "is not a proposal's id" in sitting.stderr
    assert "unknown command /nonsense" in sitting.stderr
    assert processes_of(home) == []


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["ask"], "give a question or --file"),
        (["ask", "  "], "the question is empty"),
        (["ask", "--file", "missing.txt"], "missing.txt cannot be read"),
        (["ask", "x", "--file", "y"], "give a question or --file"),
    ],
)
def test_ask_with_bad_arguments_starts_nothing(
    matrix: Run, home: Path, arguments: list[str], part: str
) -> None:
    done = matrix(*arguments)
    assert done.returncode == 2
    assert part in done.stderr
    assert not home.exists()
