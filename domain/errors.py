"""The error tree. A refusal by our own rules is a value (`guardrails.gate.Verdict`), never one of these.

MatrixError
├── BadInputError            what a person, a file or a model gave is wrong; says what to do
├── NotFoundError            no such proposal, order or record
├── ConflictError            a second answer, a wrong digest, another body under the same request id
├── ExpiredError             too late: the approval or the code is no longer valid
├── LockedError              the sandbox lock or the kill latch does not allow it
├── UnreachableError         the desk or the exchange is not there
└── VenueError
    ├── VenueRejectedError   the venue answered no; nothing happened
    ├── OutcomeUnknownError  the bytes may have left and no answer came: reconcile, never re-send
    └── VenueRetryableError  a read may be tried again later (429, 5xx, cut)
"""

from __future__ import annotations


class MatrixError(Exception):
    """Base of all faults: a stable `code`, what was wrong, and what to do next."""

    def __init__(self, code: str, message: str, cure: str = "") -> None:
        super().__init__(f"{message}. {cure}" if cure else message)
        self.code = code
        self.message = message
        self.cure = cure

    def as_json(self) -> dict[str, str]:
        """Return `{"code", "message", "cure"}`, the shape every API of ours answers errors with."""
        return {"code": self.code, "message": self.message, "cure": self.cure}


class BadInputError(MatrixError):
    """The input is wrong."""


class NotFoundError(MatrixError):
    """There is no such thing."""


class ConflictError(MatrixError):
    """Another answer came first, or the digest is not the one shown."""


class ExpiredError(MatrixError):
    """It was valid once, but not any more."""


class LockedError(MatrixError):
    """The mode, the sandbox lock or the kill latch forbids it."""


class UnreachableError(MatrixError):
    """A process that is needed does not answer."""


class VenueError(MatrixError):
    """Something about the venue; `reason` is the venue's own word where it gave one."""

    def __init__(self, code: str, message: str, cure: str = "", *, reason: str = "", status: int = 0) -> None:
        super().__init__(code, message, cure)
        self.reason = reason
        self.status = status


class VenueRejectedError(VenueError):
    """The venue refused; nothing happened there."""


class OutcomeUnknownError(VenueError):
    """The request may or may not have been carried out. Look it up; never send it again."""


class VenueRetryableError(VenueError):
    """A read failed in a way that may pass."""
