"""What the three processes hold at rest, and whether that grows."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.running_house import House, house, page

TARGET_MB = 900.0
TARGET_GROWTH_MB = 5.0
FULL_WINDOW_S = 600.0
QUICK_WINDOW_S = 30.0
SETTLE_S = 60.0
QUICK_SETTLE_S = 10.0
SAMPLES = 5
"""The median of so many readings stands for a moment: one garbage collection must not decide."""


def run(*, quick: bool = False) -> list[Figure]:
    """Start the house, let it settle, read its memory, wait, read again. The page is open as one visit."""
    window = QUICK_WINDOW_S if quick else FULL_WINDOW_S
    settle = QUICK_SETTLE_S if quick else SETTLE_S
    with (
        tempfile.TemporaryDirectory(prefix="matrix-bench-") as folder,
        house(Path(folder) / "home") as running,
    ):
        page(running.url)
        time.sleep(settle)
        before = resident(running)
        time.sleep(window)
        after = resident(running)
    total, growth = sum(before.values()), sum(after.values()) - sum(before.values())
    parts = ", ".join(f"{name} {size:.0f}" for name, size in before.items())
    return [
        Figure(
            name="resident memory at rest",
            shown=f"{total:.0f} MB ({parts})",
            target=f"<= {TARGET_MB:.0f} MB",
            met=total <= TARGET_MB,
            how=f"sum of RSS {settle:.0f} s after start",
        ),
        Figure(
            name=f"growth in {window / 60:g} min",
            shown=f"{growth:+.1f} MB",
            target=f"< {TARGET_GROWTH_MB:.0f} MB in 10 min",
            met=growth < TARGET_GROWTH_MB,
            how="shorter than the target's window" if quick else "market alive, nobody trades",
        ),
    ]


def resident(running: House) -> dict[str, float]:
    """Return each process's resident megabytes, the median of a few readings."""
    readings: dict[str, list[float]] = {}
    for _ in range(SAMPLES):
        for name, pid in running.pids().items():
            readings.setdefault(name, []).append(_rss_mb(pid))
        time.sleep(0.5)
    return {name: sorted(sizes)[len(sizes) // 2] for name, sizes in readings.items()}


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
    printed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=True, capture_output=True, text=True)
    return int(printed.stdout) / 1024
