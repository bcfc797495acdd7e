"""Every fault the exchange can make on demand: its fields and their bounds. `docs/faults.md` explains them.

A fault says where it strikes (a path, or a stream of a socket), when (from which match on, how often, with
what chance, in which window of time) and what it does. All of it is bounded: nothing waits longer than a
minute, and without a window a fault strikes once unless `count` says how often.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from venues.gemini.catalogue.reasons import REASONS

LONGEST_WAIT_MS = 60_000
MOST_STRIKES = 1_000_000

Count = Annotated[int, Meta(ge=1, le=MOST_STRIKES)]
WaitMs = Annotated[int, Meta(ge=0, le=LONGEST_WAIT_MS)]
TimeMs = Annotated[int, Meta(ge=0, le=10**12)]
Percent = Annotated[int, Meta(ge=1, le=100)]
PathPattern = Annotated[str, Meta(pattern=r"^(\*|/[^\s*?#]{0,200}\*?)$")]
EventName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]{0,40}$")]


class Stream(StrEnum):
    """The sockets, by what they carry."""

    ORDER_EVENTS = "order_events"
    MARKET_DATA = "market_data"
    MARKET_DATA_V1 = "market_data_v1"
    WEBSOCKET_API = "websocket_api"


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """When a fault strikes: from the `nth` match on, `count` times, each with a chance of `percent`.

    `from_ms` and `until_ms` bound a window in the exchange's time since the fault was armed. Without `count`
    it strikes once, or inside a window that ends as often as it can.
    """

    nth: Count = 1
    count: Count | None = None
    percent: Percent = 100
    from_ms: TimeMs = 0
    until_ms: TimeMs | None = None

    def __post_init__(self) -> None:
        """Refuse a window that ends before it begins."""
        if self.until_ms is not None and self.until_ms <= self.from_ms:
            raise ValueError("until_ms must be later than from_ms")

    @property
    def most(self) -> int:
        """Return how often it may strike."""
        if self.count is not None:
            return self.count
        return 1 if self.until_ms is None else MOST_STRIKES


class RequestFault(Fault, frozen=True, kw_only=True):
    """A fault of requests: `path` is one path, or the beginning of paths before a closing star."""

    path: PathPattern = "*"

    def matches(self, path: str) -> bool:
        """Say whether a request to `path` is one of its."""
        if self.path.endswith("*"):
            return path.startswith(self.path[:-1])
        return path == self.path


class Latency(RequestFault, frozen=True, kw_only=True, tag="latency"):
    """Holds the request, or the finished answer, for `low_ms` to `high_ms` of wall time."""

    low_ms: WaitMs
    high_ms: WaitMs
    side: Literal["request", "answer"] = "request"

    def __post_init__(self) -> None:
        """Refuse a range that is upside down."""
        super().__post_init__()
        if self.high_ms < self.low_ms:
            raise ValueError("high_ms must not be below low_ms")


class CutBefore(RequestFault, frozen=True, kw_only=True, tag="cut_before"):
    """Closes the connection; the request was never looked at."""


class CutAfter(RequestFault, frozen=True, kw_only=True, tag="cut_after"):
    """Carries the request out and closes the connection instead of answering."""


class ErrorAfter(RequestFault, frozen=True, kw_only=True, tag="error_after"):
    """Carries the request out and answers `status` all the same."""

    status: Literal[500, 502, 503, 504] = 500


class Storm(RequestFault, frozen=True, kw_only=True, tag="rate_limit_storm"):
    """Delays the first `queued` requests by `queue_ms` each and answers the others 429."""

    queued: Annotated[int, Meta(ge=0, le=100)] = 5
    queue_ms: WaitMs = 500
    retry_after_s: Annotated[int, Meta(ge=0, le=60)] = 3


class Maintenance(RequestFault, frozen=True, kw_only=True, tag="maintenance"):
    """Answers 503 `Maintenance` and does nothing else."""


class Refuse(RequestFault, frozen=True, kw_only=True, tag="refuse"):
    """Refuses the request for any documented reason, such as those of auctions, which are gone."""

    reason: str

    def __post_init__(self) -> None:
        """Refuse a reason that the venue does not have."""
        super().__post_init__()
        if self.reason not in REASONS:
            raise ValueError(f"reason must be one of the venue's, such as {', '.join(sorted(REASONS)[:3])}")


class TruncatedBody(RequestFault, frozen=True, kw_only=True, tag="truncated_body"):
    """Carries the request out and answers only the first part of its JSON."""

    keep_percent: Annotated[int, Meta(ge=1, le=99)] = 50


class EmptyBody(RequestFault, frozen=True, kw_only=True, tag="empty_body"):
    """Carries the request out and answers nothing but a status."""

    status: Annotated[int, Meta(ge=200, le=599)] = 200


class OtherBody(RequestFault, frozen=True, kw_only=True, tag="not_json"):
    """Carries the request out and answers a page instead of JSON."""

    status: Literal[200, 400, 403, 404, 429, 500, 502, 503, 504] = 502
    text: Annotated[str, Meta(max_length=4096)] = "<html><body><h1>502 Bad Gateway</h1></body></html>"


class ClockSkew(Fault, frozen=True, kw_only=True, tag="clock_skew"):
    """Sets a clock of the exchange wrong: that of the `Date` header, or the one that nonces are judged by."""

    seconds: Annotated[int, Meta(ge=-86_400, le=86_400)]
    clock: Literal["date", "nonce"]


class DuplicateIds(Fault, frozen=True, kw_only=True, tag="duplicate_client_order_id"):
    """Rules on a `client_order_id` that the account has used before."""

    policy: Literal["accept", "reject"]


class StreamFault(Fault, frozen=True, kw_only=True):
    """A fault of one socket's frames. `event` narrows it to frames of that type (`fill`, `l2_updates`).

    Acknowledgements and heartbeats count only when `event` names them.
    """

    stream: Stream = Stream.ORDER_EVENTS
    event: EventName = ""

    ALWAYS_SPARED: ClassVar[frozenset[str]] = frozenset({"heartbeat", "subscription_ack"})

    def matches(self, stream: Stream, event: str) -> bool:
        """Say whether a frame of this type is one of its."""
        return stream is self.stream and (
            event == self.event if self.event else event not in self.ALWAYS_SPARED
        )


class DropEvent(StreamFault, frozen=True, kw_only=True, tag="drop_event"):
    """Keeps a frame back for good; `silent` numbers the later ones as if it had never been."""

    silent: bool = False


class DuplicateEvent(StreamFault, frozen=True, kw_only=True, tag="duplicate_event"):
    """Sends a frame twice."""


class ReorderEvents(StreamFault, frozen=True, kw_only=True, tag="reorder_events"):
    """Sends a frame after the one that follows it."""


class SequenceGap(StreamFault, frozen=True, kw_only=True, tag="sequence_gap"):
    """Skips numbers of `socket_sequence` without losing a frame."""

    size: Annotated[int, Meta(ge=1, le=1000)] = 1


class CorruptFrame(StreamFault, frozen=True, kw_only=True, tag="corrupt_frame"):
    """Sends a frame whose JSON is broken off in the middle."""


class SlowReader(StreamFault, frozen=True, kw_only=True, tag="slow_reader"):
    """Waits before a frame as if the client were slow to read, so that the frames behind it pile up."""

    delay_ms: WaitMs


class CutStream(StreamFault, frozen=True, kw_only=True, tag="cut_stream"):
    """Closes the socket instead of sending a frame."""


AnyFault = (
    Latency | CutBefore | CutAfter | ErrorAfter | Storm | Maintenance | Refuse | TruncatedBody | EmptyBody
    | OtherBody | ClockSkew | DuplicateIds | DropEvent | DuplicateEvent | ReorderEvents | SequenceGap
    | CorruptFrame | SlowReader | CutStream
)  # fmt: skip
"""One table of a fault file, by its `kind`."""
