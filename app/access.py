"""Who may use the page: one-time codes that the terminal prints, and the sessions they become.

A code is a file named by its hash in `run/codes` (0600), so the command line can make one without the
app's help and redeeming is one atomic unlink: it works once. A session is a random cookie; only its
hash is stored, in `state/app-sessions.json` (0600), so a restart of the app keeps people signed in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path

from domain.clock import Clock, SystemClock, parse_rfc3339, rfc3339
from loopback.files import private_dir, write_private

CODE_LIFE = timedelta(minutes=10)
SESSION_LIFE = timedelta(days=30)
MAX_CODES = 32
MAX_SESSIONS = 64
MAX_BAD_CODES = 10
BAD_CODE_WINDOW_S = 60.0


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _codes_dir(home: Path) -> Path:
    return home / "run" / "codes"


def _expiry(path: Path) -> datetime | None:
    """Return when the code in `path` ends, or None if the file is gone or unreadable."""
    try:
        return parse_rfc3339(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return None


def _drop_stale(folder: Path, now: datetime) -> None:
    """Remove expired codes and, beyond `MAX_CODES`, the oldest."""
    alive: list[tuple[datetime, Path]] = []
    for path in folder.iterdir():
        expires = _expiry(path)
        if expires is None or expires <= now:
            path.unlink(missing_ok=True)
        else:
            alive.append((expires, path))
    for _, path in sorted(alive, key=lambda pair: pair[0])[: max(0, len(alive) - MAX_CODES + 1)]:
        path.unlink(missing_ok=True)


def new_code(home: Path, clock: Clock | None = None) -> str:
    """Return a fresh one-time code for the page of `home`; valid ten minutes, once.

    Raises `BadInputError("HOME_UNREADABLE", …)` when the home cannot be written.
    """
    now = (clock or SystemClock()).now()
    folder = _codes_dir(home)
    private_dir(folder)
    _drop_stale(folder, now)
    code = secrets.token_urlsafe(24)
    write_private(folder / _hash(code), rfc3339(now + CODE_LIFE))
    return code


class Door:
    """Redeems codes and keeps sessions. One per app process."""

    def __init__(self, home: Path, clock: Clock) -> None:
        self._codes = _codes_dir(home)
        self._path = home / "state" / "app-sessions.json"
        self._clock = clock
        self._bad: deque[float] = deque(maxlen=MAX_BAD_CODES)
        self._sessions = self._load()

    def _load(self) -> dict[str, str]:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        try:
            return {str(key): rfc3339(parse_rfc3339(end)) for key, end in stored.items()}
        except (AttributeError, TypeError, ValueError):
            return {}  # a damaged file signs everybody out; the terminal prints a new way in

    def throttled(self) -> bool:
        """Say whether too many wrong codes came within the last minute."""
        now = self._clock.monotonic()
        return len(self._bad) == MAX_BAD_CODES and now - self._bad[0] < BAD_CODE_WINDOW_S

    def redeem(self, code: str) -> str | None:
        """Turn a code into a session token, or return None; a wrong code counts towards the limit."""
        path = self._codes / _hash(code)
        expires = _expiry(path)
        try:
            path.unlink()
        except OSError:
            expires = None
        if expires is None or expires <= self._clock.now():
            self._bad.append(self._clock.monotonic())
            return None
        return self._open_session()

    def _open_session(self) -> str:
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        alive = {key: end for key, end in self._sessions.items() if parse_rfc3339(end) > now}
        newest = sorted(alive.items(), key=lambda pair: pair[1])[-(MAX_SESSIONS - 1) :]
        self._sessions = {**dict(newest), _hash(token): rfc3339(now + SESSION_LIFE)}
        private_dir(self._path.parent)
        write_private(self._path, json.dumps(self._sessions, sort_keys=True))
        return token

    def admits(self, token: str) -> bool:
        """Say whether `token` is the cookie of a living session."""
        end = self._sessions.get(_hash(token)) if token else None
        return end is not None and parse_rfc3339(end) > self._clock.now()


def csrf_token(token: str) -> str:
    """Return the value a session's own script sends as `x-csrf`; it cannot be had without the cookie."""
    return hmac.new(token.encode(), b"x-csrf", hashlib.sha256).hexdigest()[:32]
