"""Run interrogate with one correction: a coroutine inside a function is a nested function too.

Interrogate 1.7 leaves plain nested functions out of the public interface, but counts nested
coroutines, which no caller can reach either.
"""

from __future__ import annotations

import sys

from interrogate import cli, visit

FUNCTIONS = ("FunctionDef", "AsyncFunctionDef")


def is_nested(_: object, parent: visit.CovNode | None, node_type: str) -> bool:
    """Say whether a function stands inside another one."""
    return parent is not None and parent.node_type in FUNCTIONS and node_type in FUNCTIONS


if __name__ == "__main__":
    visit.CoverageVisitor._is_nested_func = is_nested  # noqa: SLF001 - there is no public place for it
    sys.exit(cli.main())
