"""Is a process there? Asked over its own health route, on loopback only, without proxies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 2.0
_MAX_BODY = 1_000_000


def address(home: Path, name: str) -> str | None:
    """Return the address that `run/NAME.json` holds, None when there is none."""
    try:
        written = json.loads((home / "run" / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    url = written.get("url") if isinstance(written, dict) else None
    return url if isinstance(url, str) else None


def get(url: str, path: str) -> tuple[int, Any] | None:
    """GET `path` from a loopback address; return status and JSON (or None), or None when nobody answers."""
    import http.client

    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "localhost"} or not parts.port:
        return None
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        body = reply.read(_MAX_BODY)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    try:
        return reply.status, json.loads(body)
    except ValueError:
        return reply.status, None


def answers(url: str | None, path: str) -> bool:
    """Say whether `path` answers 200 there."""
    found = get(url, path) if url else None
    return found is not None and found[0] == 200
