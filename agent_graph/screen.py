"""What a person typed, before anything is stored: secrets out, hidden characters out, length bounded.

A pure function that the message route and the commands call first. It is not a node of the graph:
a checkpoint would already hold the text.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent_graph.plain_text import plain
from domain.errors import BadInputError
from guardrails.redactor import find, redact

MAX_CHARACTERS = 4_000

REMOVED_NOTICE = (
    "I removed something from your message that looks like a secret ({kinds}), "
    "so it was not stored anywhere. Never type secrets into the chat. Exchange keys cannot be set up in "
    "this release, and paper mode needs none; a Google key for the chat's model goes into the environment "
    "variable GEMINI_API_KEY. If it was a real one, please revoke it where you made it, because the "
    "browser or the terminal may still have it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """`text` is safe to store; `findings` name the kinds of secrets that were taken out."""

    text: str
    findings: tuple[str, ...] = ()

    @property
    def notice(self) -> str:
        """Return what to tell the person about removed secrets, or an empty text."""
        if not self.findings:
            return ""
        kinds = ", ".join(kind.replace("_", " ") for kind in self.findings)
        return REMOVED_NOTICE.format(kinds=kinds)


def screen(text: str) -> Screened:
    """Return the message as it may be stored. Raises `BadInputError` when it is empty or too long."""
    cleaned = plain(text).strip()
    if not cleaned:
        raise BadInputError("EMPTY_MESSAGE", "the message is empty", "Write what you want to know or do.")
    if len(cleaned) > MAX_CHARACTERS:
        raise BadInputError(
            "MESSAGE_TOO_LONG",
            f"the message has {len(cleaned):,} characters, the chat takes {MAX_CHARACTERS:,}",
            "Shorten it, or send it in parts.",
        )
    findings = find(cleaned)
    if not findings:
        return Screened(text=cleaned)
    kinds = tuple(dict.fromkeys(finding.kind for finding in findings))
    return Screened(text=redact(cleaned), findings=kinds)
