"""Nothing in the recorded socket traffic is lost unseen: every field is typed, or named with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest

from tests.venues_gemini import recordings
from venues.gemini.parsing import wire
from venues.gemini.parsing.market_parse import width_of

IGNORED: Mapping[str, str] = {
    # Order events.
    "event.account_name": "only a group's key sees it, and a feed belongs to one account",
    "event.api_session": "an API key; our own orders are known by their client order id",
    "event.cancel_command_id": "the cancel is known by its order",
    "event.is_hidden": "hidden orders are not placed by us",
    "event.total_spend": "market buys are not placed by us",
    "ack.accountId": "the account of the key",
    "ack.subscriptionId": "nothing refers to it",
    "ack.symbolFilter": "we filter nothing",
    "ack.apiSessionFilter": "we filter nothing",
    "ack.eventTypeFilter": "we filter nothing",
    "heartbeat.sequence": "socket_sequence counts heartbeats too",
    "heartbeat.timestampms": "our own clock says when it came",
    "heartbeat.trace_id": "for the venue's support",
    "heartbeat.timestamp": "our own clock says when it came",
    # Market data.
    "book.auction_events": "only marks a snapshot; auctions are not traded by us",
    "trade.type": "inside a snapshot it repeats where it stands",
    "error.message": "shown only where it is asked for over REST; the reason is kept",
}


def fields_of(kind: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


STRUCTS: Mapping[str, set[str]] = {
    "event": fields_of(wire.EventWire),
    "fill": fields_of(wire.FillWire),
    "ack": fields_of(wire.NoticeWire),
    "heartbeat": fields_of(wire.NoticeWire),
    "error": fields_of(wire.NoticeWire),
    "book": fields_of(wire.FrameWire) - {"auction_events"},
    "trade": fields_of(wire.SocketTradeWire),
    "candles": fields_of(wire.CandlesWire),
}


def parts(raw: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object of a frame with the struct that reads it."""
    if isinstance(raw, list):
        for event in raw:
            yield "event", event
            if "fill" in event:
                yield "fill", event["fill"]
        return
    kind = raw.get("type", "")
    if kind == "l2_updates":
        yield "book", raw
        for trade in raw.get("trades", []):
            yield "trade", trade
    elif width_of(kind):
        yield "candles", raw
    elif kind in {"trade", "heartbeat"}:
        yield kind, raw
    elif kind == "subscription_ack":
        yield "ack", raw
    elif raw.get("result") == "error":
        yield "error", raw
    else:
        yield "unread", raw


def lost(raws: list[Any]) -> tuple[set[str], set[str]]:
    """Return the fields that are neither typed nor ignored, and those of the list that were met."""
    unknown: set[str] = set()
    met: set[str] = set()
    for raw in raws:
        for name, found in parts(raw):
            for key in set(found) - STRUCTS[name]:
                full = f"{name}.{key}"
                (met if full in IGNORED else unknown).add(full)
    return unknown, met


def vendor_samples() -> list[Any]:
    rows = recordings.text("rest/gemini_ws_doc_samples.jsonl").splitlines()
    bodies = [json.loads(row)["body"] for row in rows]
    # The v1 market data socket (update) is not one of ours, and unsubscribe is what a client sends.
    return [b for b in bodies if isinstance(b, list) or b.get("type") not in {"update", "unsubscribe"}]


def test_every_field_of_every_frame_typed_or_named() -> None:
    everything = [
        *map(json.loads, recordings.frames_2021()),
        *map(json.loads, recordings.frames_2026()),
        *map(json.loads, recordings.text("rest/gemini_order_events_ws_20230510.jsonl").splitlines()),
        *vendor_samples(),
    ]
    unknown, met = lost(everything)
    assert unknown == set()
    assert met == set(IGNORED), "the list names what no recording has"
    assert len(everything) > 1200


@pytest.mark.parametrize(
    "raw",
    [
        {"type": "l2_updates", "symbol": "BTCUSD", "changes": [], "sequence": 1},
        [{"type": "fill", "order_id": "1", "fill": {"rebate": "1"}}],
    ],
)
def test_a_new_field_fails(raw: Any) -> None:
    unknown, _ = lost([raw])
    assert len(unknown) == 1


def test_a_new_kind_of_frame_fails() -> None:
    with pytest.raises(KeyError):
        lost([{"type": "top_of_book_updates"}])
