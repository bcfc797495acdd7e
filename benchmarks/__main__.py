"""`make bench`: run every benchmark here, print the figures, write them to `benchmarks/README.md`.

A benchmark is a module of this folder with `run(*, quick: bool) -> list[Figure]`, or `run()` without
the option. `python -m benchmarks [--quick] [NAME ...]` runs some of them and leaves the others' rows.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import platform
import re
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks.figures import Figure

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "README.md"
RUN = re.compile(r"^def run\(", re.MULTILINE)
SHOWN_VERSIONS = ("fastapi", "gradio", "httpx", "langgraph", "msgspec", "uvicorn", "websockets")
HEAD = ("Benchmark", "Figure", "Measured", "Target", "Met", "How", "Date")


def names() -> list[str]:
    """Return the modules of this folder that have `run`."""
    files = (path for path in HERE.glob("*.py") if path.stem != "__main__")
    return sorted(path.stem for path in files if RUN.search(path.read_text(encoding="utf-8")))


def measure(name: str, *, quick: bool) -> list[Figure]:
    """Run one benchmark."""
    run = importlib.import_module(f"benchmarks.{name}").run
    return list(run(quick=quick) if "quick" in inspect.signature(run).parameters else run())


def machine() -> str:
    """Return one line about this machine."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        named = [row for row in info.read_text(encoding="utf-8").splitlines() if row.startswith("model name")]
        if named:
            cpu = f"{len(named)} x {named[0].split(':', 1)[1].strip()}"
    return f"{cpu}, {platform.system()} {platform.release()}, CPython {platform.python_version()}"


def row(name: str, figure: Figure, day: str) -> tuple[str, ...]:
    """Return the cells of one figure."""
    met = "" if figure.met is None else "yes" if figure.met else "**no**"
    return (name, figure.name, figure.shown, figure.target, met, figure.how, day)


def kept_rows(measured: set[str]) -> list[tuple[str, ...]]:
    """Return the rows that stand in the results already and were not measured now."""
    if not RESULTS.is_file():
        return []
    cells = (
        tuple(cell.strip() for cell in line.strip("|").split(" | "))
        for line in RESULTS.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    )
    known = set(names())
    return [row for row in cells if len(row) == len(HEAD) and row[0] in known - measured]


def page(rows: list[tuple[str, ...]]) -> str:
    """Return the results as Markdown."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in SHOWN_VERSIONS)
    table = [HEAD, tuple("---" for _ in HEAD), *sorted(rows)]
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench`; figures are from one machine, and only the same machine's compare.",
            "",
            f"Machine: {machine()}.",
            f"Versions: {versions}.",
            "",
            *(f"| {' | '.join(cells)} |" for cells in table),
            "",
        ]
    )


def main() -> int:
    """Measure and write; return 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(names())}")
    parser.add_argument(
        "--quick", action="store_true", help="shorter windows; for a look, not for the record"
    )
    given = parser.parse_args()
    wanted = given.names or names()
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    day = datetime.now(UTC).date().isoformat()
    rows: list[tuple[str, ...]] = []
    missed = False
    for name in wanted:
        for figure in measure(name, quick=given.quick):
            print(f"{name}: {figure.name}: {figure.shown} (target {figure.target or 'none'})", flush=True)
            rows.append(row(name, figure, day))
            missed = missed or figure.met is False
    if given.quick:
        print("quick run: the results page is left as it is")
    else:
        RESULTS.write_text(page([*kept_rows(set(wanted)), *rows]), encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
