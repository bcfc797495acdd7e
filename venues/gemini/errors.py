"""From what went wrong on the wire to the house's error tree.

For a call that can trade or move money, and for one that may not be repeated, everything that is not a plain
"no" is `OutcomeUnknownError`: a time-out, a cut, a 5xx, a body that cannot be read. For a call that only
reads, the same things are `VenueRetryableError`. What each reason means stands in `reasons`. The venue's
text is shown cut short, without control characters and without our key; headers are never shown.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import msgspec

from domain.errors import (
    OutcomeUnknownError,
    UnreachableError,
    VenueError,
    VenueRejectedError,
    VenueRetryableError,
)
from venues.gemini.catalogue import Call, Money
from venues.gemini.parsing.reading import UNREADABLE
from venues.gemini.reasons import Means, meaning
from venues.gemini.transport import Mishap, NoReplyError, Reply

_SHOWN: Final = 300
_LOOK_UP_ORDER: Final = "Do not send it again. It is looked up by its client order id until it is settled."
_LOOK: Final = "Do not send it again before you have seen at the exchange what became of it."


class _Envelope(msgspec.Struct):
    result: str = ""
    reason: str = ""
    message: str = ""
    errorMessage: str = ""  # noqa: N815 - the venue's own spelling, on network calls


_decode_envelope = msgspec.json.Decoder(_Envelope).decode


def envelope(body: bytes) -> tuple[str, str] | None:
    """Return the venue's `(reason, message)` when `body` is one of its error answers, else None.

    Its newest calls answer with a message alone; the reason is then empty.
    """
    try:
        found = _decode_envelope(body)
    except UNREADABLE:
        return None
    if found.result == "error":
        return found.reason, found.message
    return ("", found.errorMessage) if found.errorMessage else None


def plain(text: str, hidden: str = "") -> str:
    """Return foreign text fit to show: one line, bounded, no control or direction marks, `hidden` blanked."""
    if hidden:
        text = text.replace(hidden, "<key>")
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[: 4 * _SHOWN])
    return " ".join(kept.split())[:_SHOWN]


def of_reply(call: Call, reply: Reply, hidden: str = "") -> VenueError:
    """Return the error that a reply other than a good answer means."""
    reason, message = (plain(part, hidden) for part in envelope(reply.body) or ("", ""))
    detail = f"the exchange answered {call.name} with {reply.status}"
    if reason or message:
        detail = f"{detail} {reason}".rstrip() + (f": {message}" if message else "")
    found = meaning(reason, reply.status)
    if found.means is Means.TOO_FAST:
        # Definite: the venue queues what it will still do and refuses the rest.
        kind = VenueRetryableError if call.is_repeatable else VenueRejectedError
        return kind("RATE_LIMITED", detail, found.cure, reason=reason or "RateLimit", status=reply.status)
    # What may have moved money counts as refused only when the venue says so in its own words.
    is_undecided = found.means is Means.TROUBLE or (
        _is_grave(call) and (found.means is Means.IN_DOUBT or not reason)
    )
    if is_undecided:
        return _undecided(call, detail, found.cure, reason, reply.status)
    return VenueRejectedError("VENUE_REJECTED", detail, found.cure, reason=reason, status=reply.status)


def of_fault(call: Call, fault: NoReplyError) -> VenueError | UnreachableError:
    """Return the error that a missing reply means."""
    if not fault.may_have_left:
        if call.is_repeatable:
            return UnreachableError(
                "EXCHANGE_UNREACHABLE",
                f"the exchange does not answer ({call.name}: {fault.mishap})",
                "Check the network and that the exchange runs; nothing was sent.",
            )
        return VenueRejectedError(
            "NOT_SENT", f"the exchange could not be reached, so {call.name} was not sent", "Try again."
        )
    words = {
        Mishap.TIMEOUT: "did not answer in time",
        Mishap.CUT: "cut the connection",
        Mishap.TOO_BIG: "answered far too much",
    }
    what = words.get(fault.mishap, "could not be reached")
    return _undecided(call, f"the exchange {what} ({call.name})", "", fault.mishap.value, 0)


def unreadable(call: Call, status: int) -> VenueError:
    """Return the error that an answer in an unknown shape means."""
    detail = f"the exchange's answer to {call.name} cannot be read"
    return _undecided(call, detail, "", "Unreadable", status)


def is_retryable(error: Exception) -> bool:
    """Say whether sending a repeatable call again, newly signed, may help."""
    if isinstance(error, VenueRejectedError):
        return meaning(error.reason, error.status).means is Means.SIGN_ANEW
    return isinstance(error, VenueError | UnreachableError)


def _is_grave(call: Call) -> bool:
    return not call.is_repeatable or call.money in {Money.TRADES, Money.MOVES}


def _undecided(call: Call, detail: str, cure: str, reason: str, status: int) -> VenueError:
    if _is_grave(call):
        look = _LOOK_UP_ORDER if call.money is Money.TRADES else _LOOK
        return OutcomeUnknownError("OUTCOME_UNKNOWN", detail, look, reason=reason, status=status)
    return VenueRetryableError("VENUE_TROUBLE", detail, cure or "Try again.", reason=reason, status=status)
