"""The `matrix` command: parse, call one group's function, turn faults into messages and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cli import decide, doctor, journal, processes, start, talk
from cli.command import Context, Parser, shared_options
from cli.exits import Exit, exit_of
from cli.home import resolve
from cli.output import Terminal
from domain.errors import MatrixError

_GROUPS = (start, talk, decide, journal, doctor, processes)
_TAKES_VALUE = "--home"


def build_parser() -> Parser:
    """Return the parser of all commands. Group modules stay light: heavy imports are in their functions."""
    parser = Parser(
        prog="matrix",
        parents=[shared_options()],
        allow_abbrev=False,
        description="A trading desk you talk to. Without a command: up.",
        epilog="Exit codes: 0 ok, 1 refused or rejected, 2 bad input, 3 not reachable, 4 halted.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for group in _GROUPS:
        group.register(commands)
    return parser


def with_default_command(arguments: Sequence[str]) -> list[str]:
    """Insert `up` where no command is named: `matrix --port 9000` is `matrix up --port 9000`."""
    position = 0
    while position < len(arguments):
        word = arguments[position]
        if word == _TAKES_VALUE:
            position += 2
        elif word == "--json" or word.startswith(f"{_TAKES_VALUE}="):
            position += 1
        else:
            named = not word.startswith("-") or word in {"-h", "--help"}
            return list(arguments) if named else [*arguments[:position], "up", *arguments[position:]]
    return [*arguments, "up"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never lets a traceback out."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    terminal = Terminal(as_json="--json" in given)
    home: Path | None = None
    try:
        options = build_parser().parse_args(with_default_command(given))
        home = resolve(getattr(options, "home", None), os.environ)
        return int(options.run(Context(options=options, home=home, terminal=terminal)))
    except MatrixError as error:
        terminal.failure(error)
        return exit_of(error)
    except KeyboardInterrupt:
        terminal.talk("interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`matrix journal tail | head`); nothing is left to say, and the
        # interpreter's own flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:  # noqa: BLE001 - the last door: a person gets a message, the log the traceback
        terminal.failure(_internal_fault(error, home))
        return Exit.REFUSED


def _internal_fault(error: Exception, home: Path | None) -> MatrixError:
    """Write the traceback to `logs/cli.log` and return what the person is told."""
    import traceback

    from cli.capture import RotatingLog
    from guardrails.redactor import redact

    cure = "Run `matrix doctor`; if it finds nothing, report this with the command you typed."
    if home is not None and (home / "logs").is_dir():
        log = home / "logs" / "cli.log"
        try:
            file = RotatingLog(log)
        except MatrixError as unwritable:
            cure = f"({unwritable.message}.) {cure}"
        else:
            file.write(redact("".join(traceback.format_exception(error))).encode())
            file.close()
            cure = f"The details are in {log}. {cure}"
    return MatrixError("INTERNAL", f"internal fault ({type(error).__name__}: {error})", cure)
