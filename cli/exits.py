"""Exit codes, a public contract, and which error leads to which."""

from __future__ import annotations

from enum import IntEnum

from domain.errors import (
    BadInputError,
    LockedError,
    MatrixError,
    NotFoundError,
    OutcomeUnknownError,
    UnreachableError,
    VenueRetryableError,
)


class Exit(IntEnum):
    """What the shell sees."""

    OK = 0
    REFUSED = 1
    BAD_INPUT = 2
    NOT_REACHABLE = 3
    HALTED = 4
    INTERRUPTED = 130


def exit_of(error: MatrixError) -> Exit:
    """Return the code of `error`; whatever is not listed counts as refused."""
    if isinstance(error, BadInputError | NotFoundError):
        return Exit.BAD_INPUT
    if isinstance(error, UnreachableError | VenueRetryableError | OutcomeUnknownError):
        return Exit.NOT_REACHABLE
    if isinstance(error, LockedError) and error.code == "HALTED":
        return Exit.HALTED
    return Exit.REFUSED
