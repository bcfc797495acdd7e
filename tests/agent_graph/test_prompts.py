"""Prompts load whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_graph.prompts import load, parse
from domain.errors import BadInputError
from tools.registry import BY_NAME

GOOD = "---\nname: a\nversion: 1\nvariables: x, y\n---\nHello {{ x }} and {{y}}."


def test_shipped_prompt_loads_and_names_every_tool():
    prompt = load("system")
    text = prompt.render({"tools": ", ".join(BY_NAME)})
    assert all(name in text for name in BY_NAME)
    assert "{{" not in text
    assert len(prompt.sha256) == 64


def test_shipped_prompt_holds_no_limit():
    assert not any(char.isdigit() for char in load("system").body)


def test_variables_are_filled_exactly():
    prompt = parse(GOOD, "here")
    assert prompt.render({"x": "one", "y": "two"}) == "Hello one and two."
    for values in ({"x": "one"}, {"x": "1", "y": "2", "z": "3"}):
        with pytest.raises(BadInputError, match="prompt a"):
            prompt.render(values)


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "---\nname: a\nversion: 1\n---\nHi",
        "---\nname: a\nversion: 1\nvariables:\nowner: b\n---\nHi",
        "---\nname: a\nversion: 1\nvariables: x\n---\nHi",
        "---\nname: a\nversion: 1\nvariables:\n---\nHi {{ x }}",
        "---\nname: a\nname: b\nversion: 1\nvariables:\n---\nHi",
        "---\nname:\nversion: 1\nvariables:\n---\nHi",
    ],
)
def test_a_prompt_with_a_fault_is_refused(text: str):
    with pytest.raises(BadInputError):
        parse(text, "here")


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(BadInputError, match="cannot read the prompt"):
        load("system", tmp_path)


def test_one_changed_letter_changes_the_hash():
    assert parse(GOOD, "a").sha256 != parse(GOOD.replace("Hello", "Hallo"), "a").sha256
