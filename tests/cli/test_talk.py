"""`matrix ask` and `matrix chat` where nothing runs: they start what they need and leave nothing behind."""

from __future__ import annotations

import json
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE_S, Run, environment, processes_of


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
    assert "run `matrix up` first" in card.stdout
    assert "matrix approve" not in card.stdout
    assert "Digest: " in card.stdout

    refused = matrix("ask", "buy $5000 of btc")
    assert refused.returncode == 1, refused.stdout
    assert refused.stdout.startswith("Refused: ")
    assert "Digest: " not in refused.stdout

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


class Sitting:
    """A chat in a process of its own: lines in, everything it prints out, in the order of its two streams."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cli", "--home", str(home), "chat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            env=environment(),
        )
        self._said: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(line)

    def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")

    def hear(self, pattern: str) -> re.Match[str]:
        """Return the match in the first line that has one; fails after a while with all that was said."""
        heard: list[str] = []
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                heard.append(self._said.get(timeout=0.2))
            except queue.Empty:
                continue
            if found := re.search(pattern, heard[-1]):
                return found
        raise AssertionError(f"no {pattern!r} in: {''.join(heard)}")

    def stop(self) -> None:
        """End it if a failed test left it running."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)

    def end(self) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        code = self._process.wait(PATIENCE_S)
        self._process.stdout.close()
        return code


@pytest.fixture
def sitting(home: Path) -> Iterator[Sitting]:
    opened = Sitting(home)
    yield opened
    opened.stop()


def test_chat_from_a_wish_over_the_card_to_the_receipts(sitting: Sitting, home: Path, matrix: Run) -> None:
    sitting.hear("/help shows")
    sitting.type("buy $25 of btc")
    answer = sitting.hear(r"(/approve P-\w+) ([0-9a-f]{8})")
    sitting.type(f"{answer[1]} 00000000")
    sitting.hear("nothing was approved")
    sitting.type(answer[0])
    sitting.hear(r"(?i)filled|bought")
    sitting.type("why did we buy?")
    sitting.hear(r"R-[0-9A-Z]{26}")
    sitting.type("/stop")
    sitting.hear("halted: ")
    assert sitting.end() == 0

    later = matrix("chat")
    assert later.returncode == 0
    assert "why did we buy?" in later.stdout
    assert "halted" in later.stderr
    halted = matrix("ask", "buy $25 of btc")
    assert halted.returncode == 4, halted.stdout
    assert matrix("ask", "btc price").returncode == 0
    assert processes_of(home) == []
