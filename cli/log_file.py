"""What the rooms log while a command runs goes to `logs/cli.log`, not between a person's lines."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.capture import RotatingLog
from guardrails.redactor import redact


class JsonLines(logging.Handler):
    """Writes one redacted JSON object a record."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.INFO)
        self._log = RotatingLog(path)
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, its traceback included."""
        line = {
            "ts": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": redact(self.format(record)),
        }
        self._log.write(json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._log.close()
        super().close()


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Send all logging of this process to `path` inside the block."""
    handler, root = JsonLines(path), logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
