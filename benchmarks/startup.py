"""How long a person waits: `matrix up` on a home that was used before, until its page is served."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.running_house import house, page

TARGET_S = 8.0


def run() -> list[Figure]:
    """Measure the first start and the second one."""
    with tempfile.TemporaryDirectory(prefix="matrix-bench-") as folder:
        home = Path(folder) / "home"
        first = _until_served(home)
        second = _until_served(home)
    how = "new processes, from exec to the page's last byte"
    return [
        Figure(name="first start on an empty home", shown=f"{first:.1f} s", how=how),
        Figure(
            name="second start to page served",
            shown=f"{second:.1f} s",
            target=f"<= {TARGET_S:.0f} s",
            met=second <= TARGET_S,
            how=how,
        ),
    ]


def _until_served(home: Path) -> float:
    begun = time.monotonic()
    with house(home) as running:
        page(running.url)
        return time.monotonic() - begun
