"""What is kept of a key's nonces: the last one, and its kind; and the lock that keeps other processes away.

The file is one line, `incremental 1763627400000000` or `time 1763627400`. A line with a number alone is from
before the kind was written down, and incremental.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Final

from domain.errors import BadInputError, ConflictError, LockedError
from loopback.files import only_one, write_private

_STORED: Final = re.compile(r"(?:(incremental|time) )?([0-9]{1,18})\n?", re.ASCII)


class NonceKind(StrEnum):
    """How the venue judges a key's nonces; chosen when the key is made."""

    INCREMENTAL = "incremental"
    TIME = "time"


def nonce_path(folder: Path, api_key: str) -> Path:
    """Return the file of a key: its name is a hash, so that a folder's listing tells no key."""
    return folder / f"nonce-{hashlib.sha256(api_key.encode()).hexdigest()[:16]}"


class NonceFile:
    """The file of one key, held against other processes from here to `close`."""

    def __init__(self, path: Path, kind: NonceKind) -> None:
        self._path = path
        self._kind = kind
        self._held = ExitStack()
        self._hold()
        try:
            self.last = self._read()
        except BaseException:
            self._held.close()
            raise

    def write(self, last: int) -> None:
        """Write `last` down and flush it. Raises `BadInputError` when that fails."""
        write_private(self._path, f"{self._kind} {last}\n")

    def close(self, last: int | None) -> None:
        """Write `last` down, unless it is None, and let another process have the key."""
        try:
            if last is not None:
                self.write(last)
        finally:
            self._held.close()

    def _hold(self) -> None:
        lock = self._path.with_name(self._path.name + ".lock")
        try:
            self._held.enter_context(only_one(lock, "a signer for this key"))
        except ConflictError as error:
            raise LockedError(
                "NONCE_LOCKED",
                f"another process signs with the same key ({error.message})",
                "Stop it first: two signers of one key make each other's requests invalid.",
            ) from error

    def _read(self) -> int:
        try:
            found = _STORED.fullmatch(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable() from error
        if found is None:
            raise self._unreadable()
        stored = NonceKind(found[1] or NonceKind.INCREMENTAL)
        if stored is not self._kind:
            raise LockedError(
                "NONCE_KIND",
                f"this key has been used with {stored} nonces, so it cannot be used with {self._kind} ones",
                f"Enter the key as one with {stored} nonces, or make a new key at the exchange.",
            )
        return int(found[2])

    def _unreadable(self) -> BadInputError:
        return BadInputError(
            "NONCE_FILE",
            f"{self._path} does not hold a nonce",
            "If the clock is right, delete the file; the next nonce then starts from the time.",
        )
