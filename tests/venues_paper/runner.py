"""The exchange as a process of its own, to be killed."""

import json
import subprocess
import sys
import time
from pathlib import Path

_CODE = """
import sys
from decimal import Decimal
from pathlib import Path
from venues.paper.server import main
faults = Path(sys.argv[3]) if len(sys.argv) > 3 else None
sys.exit(main(home=Path(sys.argv[1]), seed=3, speed=Decimal(sys.argv[2]), faults=faults, supervised=True))
"""


class ExchangeProcess:
    """Starts at once; `address` is what it wrote into its home when it answered."""

    def __init__(self, home: Path, speed: str = "1", faults: Path | None = None) -> None:
        self.announcement = home / "run" / "exchange.json"
        self.announcement.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CODE, str(home), speed, *([] if faults is None else [str(faults)])],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 30
        while not self.announcement.exists():
            assert self.process.poll() is None, self.process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.address = json.loads(self.announcement.read_text())

    def kill(self) -> None:
        self.process.kill()
        self._reap()

    def end_stdin(self) -> int:
        self.process.stdin.close()
        return self._reap()

    def terminate(self) -> int:
        self.process.terminate()
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stderr):
            pipe.close()
        return code
