"""Prompts as files: front matter with name, version and variables, and a text hashed for the journal."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from domain.errors import BadInputError

SHIPPED = Path(__file__).resolve().parent.parent / "prompts"
_FRONT = re.compile(r"---\n(?P<front>.*?)\n---\n(?P<body>.*)", re.DOTALL)
_VARIABLE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
_KEYS = frozenset({"name", "version", "variables"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A loaded prompt. `sha256` is of the file's whole text, before variables are filled in."""

    name: str
    version: str
    variables: tuple[str, ...]
    body: str
    sha256: str

    def render(self, values: Mapping[str, str]) -> str:
        """Fill the variables in. Raises `BadInputError` when one is missing or one is not asked for."""
        missing = [name for name in self.variables if name not in values]
        spare = [name for name in values if name not in self.variables]
        if missing or spare:
            raise BadInputError(
                "PROMPT_VARIABLES",
                f"prompt {self.name}: missing {missing or 'none'}, not asked for {spare or 'none'}",
                "Make the front matter's variables and the caller agree.",
            )
        return _VARIABLE.sub(lambda found: values[found[1]], self.body).strip()


def load(name: str, folder: Path | None = None) -> Prompt:
    """Read `<folder>/<name>.md`; the shipped folder when none is given. Raises `BadInputError`."""
    path = (folder or SHIPPED) / f"{name}.md"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInputError("PROMPT_UNREADABLE", f"cannot read the prompt {path}: {error}") from error
    return parse(text, str(path))


def parse(text: str, where: str) -> Prompt:
    """Judge a prompt file's text: closed front matter, and exactly the declared variables in the body."""
    found = _FRONT.fullmatch(text)
    if found is None:
        raise _bad(where, "it does not begin with a --- front matter")
    front = _front_matter(found["front"], where)
    variables = tuple(front["variables"].replace(",", " ").split())
    used = set(_VARIABLE.findall(found["body"]))
    if used != set(variables) or len(set(variables)) != len(variables):
        raise _bad(where, f"it declares {sorted(variables)} and uses {sorted(used)}")
    if not front["name"] or not front["version"]:
        raise _bad(where, "name and version must not be empty")
    return Prompt(
        name=front["name"],
        version=front["version"],
        variables=variables,
        body=found["body"],
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _front_matter(text: str, where: str) -> dict[str, str]:
    pairs = [line.partition(":") for line in text.splitlines() if line.strip()]
    front = {key.strip(): value.strip() for key, _, value in pairs}
    if set(front) != _KEYS or len(pairs) != len(front):
        raise _bad(where, f"its front matter must have exactly {sorted(_KEYS)}")
    return front


def _bad(where: str, what: str) -> BadInputError:
    return BadInputError("PROMPT_BAD", f"the prompt {where} cannot be used: {what}", "Correct the file.")
