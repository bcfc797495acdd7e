"""From what went wrong on the wire to the house's error tree.

For a call that can trade, everything that is not a plain "no" is `OutcomeUnknownError`: a time-out, a cut, a
5xx, a body that cannot be read. For a call that only reads, the same things are `VenueRetryableError`. The
venue's text is shown cut short, without control characters and without our key; headers are never shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
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
from venues.gemini.transport import Mishap, NoReplyError, Reply

_SHOWN = 300
_LOOK = "Do not send it again. It is looked up by its client order id until it is settled."

CURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "InvalidNonce": "If it says 30 seconds, make an API key without time-based nonces; "
        "otherwise make sure that nothing else uses this key.",
        "InvalidSignature": "Enter key and secret again; the secret does not belong to the key.",
        "InvalidApiKey": "Enter the key again, and check that it was made for this mode's exchange.",
        "MissingRole": "Give the API key the Trader role.",
        "ApiKeyIpFilteringFailure": "Add this machine's address to the API key's trusted addresses.",
        "InsufficientFunds": "Lower the amount, or cancel orders that hold funds.",
        "InvalidSymbol": "Use a symbol from the exchange's list.",
        "InvalidPrice": "Use a multiple of the price tick.",
        "InvalidQuantity": "Use a multiple of the amount step, at least the minimum.",
        "MarketNotOpen": "Wait until the market is open.",
        "Maintenance": "The exchange is under maintenance; wait.",
        "RateLimit": "Too many requests; wait a little.",
    }
)


class _Envelope(msgspec.Struct):
    result: str = ""
    reason: str = ""
    message: str = ""


_decode_envelope = msgspec.json.Decoder(_Envelope).decode


def envelope(body: bytes) -> tuple[str, str] | None:
    """Return the venue's `(reason, message)` when `body` is one of its error answers, else None."""
    try:
        found = _decode_envelope(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return (found.reason, found.message) if found.result == "error" and found.reason else None


def plain(text: str, hidden: str = "") -> str:
    """Return foreign text fit to show: one line, bounded, no control or direction marks, `hidden` blanked."""
    if hidden:
        text = text.replace(hidden, "<key>")
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[: 4 * _SHOWN])
    return " ".join(kept.split())[:_SHOWN]


def of_reply(call: Call, reply: Reply, hidden: str = "") -> VenueError:
    """Return the error that a reply other than a good answer means."""
    said = envelope(reply.body)
    reason, message = (plain(part, hidden) for part in said or ("", ""))
    detail = f"the exchange answered {call.name} with {reply.status}"
    if reason:
        detail = f"{detail} {reason}" + (f": {message}" if message else "")
    cure = CURES.get(reason, "")
    if reply.status == 429:
        return _too_fast(call, detail, reason or "RateLimit")
    if reason == "DuplicateOrder" or reply.status >= 500 or said is None:
        return _undecided(call, detail, cure, reason, reply.status)
    return VenueRejectedError("VENUE_REJECTED", detail, cure, reason=reason, status=reply.status)


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
        return error.reason == "InvalidNonce"
    return isinstance(error, VenueError | UnreachableError)


def _undecided(call: Call, detail: str, cure: str, reason: str, status: int) -> VenueError:
    if call.money in {Money.TRADES, Money.MOVES}:
        return OutcomeUnknownError("OUTCOME_UNKNOWN", detail, _LOOK, reason=reason, status=status)
    return VenueRetryableError("VENUE_TROUBLE", detail, cure or "Try again.", reason=reason, status=status)


def _too_fast(call: Call, detail: str, reason: str) -> VenueError:
    # A refusal for rate is definite: the venue queues what it will still do and answers 429 to the rest.
    kind = VenueRetryableError if call.is_repeatable else VenueRejectedError
    return kind("RATE_LIMITED", detail, CURES["RateLimit"], reason=reason, status=429)
