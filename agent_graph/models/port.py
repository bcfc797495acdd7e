"""The port every chat model stands behind: langchain's `BaseChatModel`, and our conventions on it.

In: a system message, the window as plain human and assistant messages, the person's message, then this
turn's assistant calls and tool results. The person's message carries `additional_kwargs["turn"]`:
`{"person": text, "context": {...}, "earlier": [{"name", "args", "result"}]}` for models that need no prose.
Out: text and tool calls; `response_metadata["model"]` names who answered, `["usage"]` the tokens;
`additional_kwargs["asked_back"]` is true when the answer asks for what is missing.
A failure is a `ModelFailedError`, never an empty message.
"""

from __future__ import annotations

from enum import StrEnum

from domain.errors import MatrixError

TURN = "turn"
ASKED_BACK = "asked_back"


class Ending(StrEnum):
    """Why a model gave no usable answer."""

    BLOCKED = "blocked"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    QUOTA = "quota"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


class ModelFailedError(MatrixError):
    """A chat model gave no usable answer, after its own retries; `ending` says why."""

    def __init__(self, ending: Ending, message: str, cure: str = "") -> None:
        super().__init__(f"MODEL_{ending.value.upper()}", message, cure)
        self.ending = ending
