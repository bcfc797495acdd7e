"""Rotating files for what the child processes print."""

from __future__ import annotations

import os
from pathlib import Path

from domain.errors import BadInputError

MAX_BYTES = 5_000_000
KEPT_FILES = 5
_TAIL_BYTES = 8_000


class RotatingLog:
    """Appends bytes to `path`; at `MAX_BYTES` it becomes `path.1`, and so on up to `path.5`."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._tail = b""
        try:
            self._file = self._open()
        except OSError as error:
            raise BadInputError(
                "LOG_UNWRITABLE",
                f"{path} cannot be written: {error.strerror}",
                f"Run `chmod -R u+rwX {path.parent}`.",
            ) from error

    def write(self, data: bytes) -> None:
        """Append `data` at once; rotates first when the file is full."""
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
        if os.fstat(self._file).st_size + len(data) > self._max_bytes:
            self._rotate()
        os.write(self._file, data)

    def last_lines(self, count: int) -> list[str]:
        """Return the last lines written through this object, oldest first."""
        return self._tail.decode("utf-8", errors="replace").splitlines()[-count:]

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _rotate(self) -> None:
        os.close(self._file)
        for number in range(KEPT_FILES - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._file = self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
