"""Runs the real `matrix` command in processes of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli import probe
from cli.running_desk import settle_in
from loopback.serve import bind

Run = Callable[..., subprocess.CompletedProcess[str]]
PATIENCE_S = 60.0


def environment() -> dict[str, str]:
    """Return this process's environment without what would change where a home or a model is found."""
    hidden = {"MATRIX_HOME", "GEMINI_API_KEY", "GOOGLE_API_KEY"}
    return {key: value for key, value in os.environ.items() if key not in hidden}


def run_matrix(
    home: Path, *arguments: str, typed: str = "", timeout: float = PATIENCE_S
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cli", "--home", str(home), *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(),
        check=False,
    )


@contextlib.contextmanager
def running_matrix(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command that stays; ends it with SIGTERM if it still runs at the block's end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "--home", str(home), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)


def wait_until(what: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait until `what` is true; fails the test when it does not become so."""
    deadline = time.monotonic() + patience_s
    while not what():
        assert time.monotonic() < deadline, f"waited {patience_s} s in vain"
        time.sleep(0.05)


def processes_of(home: Path) -> list[int]:
    """Return the ids of the processes that were started for `home`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if str(home).encode() in words and b"cli" in words:
                found.append(int(entry.name))
    return found


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with contextlib.closing(bind()) as sock:
        return int(sock.getsockname()[1])


@pytest.fixture(scope="module")
def desk_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with an exchange and a desk, each started alone with its own command."""
    home = tmp_path_factory.mktemp("desk") / "home"
    with running_matrix(home, "exchange", "--seed", "7") as exchange:
        wait_until(
            lambda: (
                exchange.poll() is not None or probe.answers(probe.address(home, "exchange"), "/v1/symbols")
            )
        )
        assert exchange.poll() is None, exchange.communicate()
        with running_matrix(home, "desk") as desk:
            wait_until(
                lambda: desk.poll() is not None or probe.answers(probe.address(home, "desk"), "/health")
            )
            assert desk.poll() is None, desk.communicate()
            asyncio.run(settle_in(home))
            yield home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def matrix(home: Path) -> Run:
    """Return a function that runs `matrix --home HOME ...` to its end."""

    def run(*arguments: str, typed: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return run_matrix(home, *arguments, typed=typed, timeout=timeout)

    return run
