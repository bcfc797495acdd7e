"""Where the real recordings are, and how their lines are read."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

_ROOT = os.environ.get("MATRIX_RECORDINGS")


def text(name: str) -> str:
    """Return a recording's text; the test that asks for it is skipped where there are none."""
    if _ROOT is None:
        pytest.skip("MATRIX_RECORDINGS is not set")
    path = Path(_ROOT) / "recordings" / name
    raw = path.read_bytes()
    return (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()


def frames_2021() -> list[bytes]:
    rows = text("ws/gemini_v2_20210417.txt.gz").splitlines()
    return [row.split(": ", 1)[1].encode() for row in rows if row[:1].isdigit()]


def frames_2026() -> list[bytes]:
    rows = [json.loads(row) for row in text("ws/gemini_v2_20260809_a.jsonl.gz").splitlines()]
    return [row["data"].encode() for row in rows if row["t"] == "recv"]


def details_2026() -> list[bytes]:
    rows = [json.loads(row) for row in text("ws/gemini_v2_20260809_a.jsonl.gz").splitlines()]
    return [row["data"].encode() for row in rows if row["t"] == "http" and "/details/" in row["url"]]


def rest_raw() -> str:
    return text("rest/gemini_rest_recorded.json.gz")
