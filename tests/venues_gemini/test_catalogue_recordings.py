"""What the venue really said fits the catalogue: each key known, each required one there, each kind right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.venues_gemini import recordings
from venues.gemini.catalogue import SHAPES, TABLE, Call
from venues.gemini.catalogue.fitting import Use, misfits
from venues.gemini.catalogue.kinds import kind
from venues.gemini.catalogue.reasons import REASONS

REFUSAL = kind("Refusal")


def read(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def row_of(method: str, path: str) -> Call:
    for row in TABLE.values():
        pattern = re.sub(r"\\\{[a-z]+\\\}", "[^/]+", re.escape(row.path))
        if row.method == method and re.fullmatch(pattern, path):
            return row
    raise AssertionError(f"no row for {method} {path}")


def with_lists(answer: Any) -> Any:
    """Undo the recorder: it wrote an empty list as null."""
    if answer is None:
        return []
    return [[]] if answer == [None] else answer


def recorded() -> Iterator[tuple[Call, Any]]:
    for path, methods in read(recordings.rest_raw())["routes"].items():
        for method, replies in methods.items():
            yield from ((row_of(method, path), with_lists(reply["data"])) for reply in replies)


def is_refusal(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("result") == "error"


def test_recorded_answers_fit() -> None:
    found = [
        (row.name, misfits(row.answer, answer, SHAPES))
        for row, answer in recorded()
        if not is_refusal(answer)
    ]
    assert len(found) == 26
    assert not [each for each in found if each[1]]


def test_recorded_refusals_fit_and_their_reasons_are_known() -> None:
    answers = [answer for _, answer in recorded() if is_refusal(answer)]
    assert len(answers) == 12
    assert not [answer for answer in answers if misfits(REFUSAL, answer, SHAPES)]
    assert {answer["reason"] for answer in answers} <= set(REASONS)


def test_recorded_requests_fit() -> None:
    for path, methods in read(recordings.rest_raw())["routes"].items():
        for reply in methods.get("POST", ()):
            sent = {n: v for n, v in read(reply["bodyParams"]).items() if n not in {"request", "nonce"}}
            if "side" in sent:  # the venue took BUY for buy
                sent["side"] = sent["side"].lower()
            if not is_refusal(reply["data"]):
                row = row_of("POST", path)
                assert not misfits(row.request, sent, SHAPES, use=Use.REQUEST), (row.name, sent)


def test_recorded_order_status_fits() -> None:
    lines = recordings.text("rest/gemini_order_status_2021.jsonl").splitlines()
    assert [misfits(TABLE["order_status"].answer, read(line), SHAPES) for line in lines] == [[], []]


def test_recorded_details_of_2026_fit() -> None:
    bodies = recordings.details_2026()
    assert len(bodies) == 347
    assert not [body for body in bodies if misfits(TABLE["symbol_details"].answer, read(body), SHAPES)]


def test_recorded_order_events_fit() -> None:
    lines = recordings.text("rest/gemini_order_events_ws_20230510.jsonl").splitlines()
    assert len(lines) == 6
    assert not [line for line in lines if misfits(TABLE["order_events"].answer, read(line), SHAPES)]


def test_recorded_market_data_fits() -> None:
    for frames in (recordings.frames_2021(), recordings.frames_2026()):
        assert len(frames) > 200
        bad = [
            found for frame in frames if (found := misfits(TABLE["market_data"].answer, read(frame), SHAPES))
        ]
        assert not bad
