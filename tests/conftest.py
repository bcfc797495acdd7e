"""What tests share: recordings, a home, the embedded exchange over sockets, and the real desk."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stack import DeskStack, desk_on, exchange_on

pytest_plugins = ["tests.no_skips", "tests.soak_option"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A fresh home with its folders."""
    folder = tmp_path / "home"
    for name in ("run", "state", "journal", "logs"):
        (folder / name).mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded traffic."""
    root = os.environ.get("MATRIX_RECORDINGS")
    if not root:
        pytest.skip("MATRIX_RECORDINGS is not set: no recorded traffic to read")
    return Path(root)


@pytest.fixture
async def stack(home: Path) -> AsyncIterator[DeskStack]:
    """A seeded exchange over real sockets and the whole desk, reconciled and ready to trade."""
    async with exchange_on(home, seed=7) as exchange, desk_on(home, exchange) as running:
        await running.until_ready()
        yield running
