"""What every command is made of: shared options, a context, and a way to register itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from cli.output import Terminal
from domain.errors import BadInputError
from domain.money import parse_decimal


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are errors of ours: code, message, cure."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing, so that `--json` and exit codes hold for usage errors too."""
        raise BadInputError("USAGE", message, f"See `{self.prog} --help`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a command gets: its own options, the home, and where to print."""

    options: argparse.Namespace
    home: Path
    terminal: Terminal


Run = Callable[[Context], int]
Subparsers = Any
"""argparse keeps the type of what `add_subparsers` returns private."""


def shared_options() -> Parser:
    """Return the parent parser with `--home` and `--json`, valid before and after the command's name."""
    shared = Parser(add_help=False, allow_abbrev=False)
    shared.add_argument(
        "--home", metavar="DIR", default=argparse.SUPPRESS, help="home folder (else MATRIX_HOME, else ./var)"
    )
    shared.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="machine-readable data on stdout"
    )
    return shared


def add(into: Subparsers, name: str, run: Run, text: str, *, hidden: bool = False) -> Parser:
    """Register command `name` and return its parser; a hidden one is left out of the help."""
    options: dict[str, Any] = {} if hidden else {"help": text}
    parser: Parser = into.add_parser(
        name, parents=[shared_options()], description=text, allow_abbrev=False, **options
    )
    parser.set_defaults(run=run)
    return parser


def port_number(text: str) -> int:
    """Read a TCP port, 1 to 65535."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a port (1 to 65535)")
    return int(text)


def speed_number(text: str) -> Decimal:
    """Read a speed: 1 is real time, 10 ten times as fast, 0 virtual, `max` (infinite) without any waiting."""
    if text == "max":
        return Decimal("Infinity")
    try:
        return parse_decimal(text)
    except BadInputError:
        raise argparse.ArgumentTypeError(
            f"{text[:20]!r} is not a speed (0 or more, or max; 1 is real time)"
        ) from None


def seed_number(text: str) -> int:
    """Read a seed: a whole number from 0 to 2**63 - 1."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a seed (a whole number, 0 or more)")
    return int(text)
