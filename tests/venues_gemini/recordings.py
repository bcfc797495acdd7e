"""Where the real recordings are, and how their lines are read."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

_ROOT = os.environ.get("MATRIX_RECORDINGS")
NEEDED = pytest.mark.skipif(_ROOT is None, reason="MATRIX_RECORDINGS is not set")


def text(name: str) -> str:
    path = Path(_ROOT or "") / "recordings" / name
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
