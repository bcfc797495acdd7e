"""The home: the one folder that holds settings, state, journal, tokens and logs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from domain.errors import BadInputError

ROOMS = ("run", "state", "logs")
_SIGNS = frozenset({"matrix.toml", "limits.toml", "run", "state", "journal"})


def resolve(given: str | None, environment: Mapping[str, str]) -> Path:
    """Return the absolute home: `--home`, else MATRIX_HOME, else `./var`."""
    chosen = given if given is not None else environment.get("MATRIX_HOME") or "var"
    if not chosen.strip():
        raise BadInputError(
            "HOME_EMPTY", "the home is an empty path", "Give --home a folder, such as --home ./var."
        )
    return Path(chosen).expanduser().absolute()


def prepare(home: Path) -> None:
    """Make the home and its folders with mode 0700; raises `BadInputError` when that cannot be done.

    A folder that holds other things is refused: it would be locked away from its other users.
    """
    from loopback.files import private_dir

    if not _may_be_home(home):
        raise BadInputError(
            "HOME_NOT_OURS",
            f"{home} is not empty and is no home of matrix",
            f"Choose an empty or new folder, such as --home {home / 'matrix-home'}.",
        )
    for folder in (home, *(home / name for name in ROOMS)):
        private_dir(folder)


def _may_be_home(home: Path) -> bool:
    try:
        names = {entry.name for entry in home.iterdir()}
    except OSError:
        return True  # not there yet, or not readable: `private_dir` says what is wrong
    return not names or bool(names & _SIGNS)


def check_limits(home: Path) -> None:
    """Judge `limits.toml` if it is there; raises `BadInputError` that names every fault at once."""
    from guardrails.limits import LimitsError, parse

    path = home / "limits.toml"
    try:
        parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            "LIMITS_UNREADABLE", f"{path} cannot be read: {error}", "Make it readable."
        ) from error
    except LimitsError as error:
        raise BadInputError(
            "LIMITS_INVALID",
            f"{path} is not valid: {'; '.join(error.faults)}",
            "Correct the named keys, or move the file away to get the shipped limits back.",
        ) from error
