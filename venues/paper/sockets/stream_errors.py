"""What the new WebSocket API answers when it does not do what was asked."""

from __future__ import annotations

INTERNAL = (-1000, 500)
UNAUTHENTICATED = (-1002, 401)
TOO_MANY = (-1003, 429)
INVALID = (-1013, 400)
UNSUPPORTED = (-1020, 400)
ORDER_REJECTED = (-2010, 400)


class StreamError(Exception):
    """A refused request: one of the pairs of code and status above, and a text for people."""

    def __init__(self, kind: tuple[int, int], message: str) -> None:
        super().__init__(message)
        self.code, self.status = kind
        self.message = message
