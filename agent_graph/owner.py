"""Whose turn it is: several processes may share one store, and each works only on its own turns.

An owner is a lock file that stays locked as long as its process lives; the system frees it however the
process ends. A turn whose owner is gone belongs to whoever claims it first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.errors import ConflictError
from loopback.files import only_one, private_dir

_SUFFIX = ".lock"
_SURELY_LOCKED_S = 60
"""An owner locks its file right after making it; an older unlocked one was left by a dead process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """This process's hold on a store. Make it with `owning`."""

    folder: Path
    name: str

    def is_alive(self, name: str) -> bool:
        """Say whether the process that this owner's name belongs to still holds the store open."""
        return name == self.name or _is_locked(self.folder / f"{name}{_SUFFIX}")


@contextmanager
def owning(folder: Path, name: str) -> Iterator[Owner]:
    """Be the owner `name` for the length of the block. Raises `ConflictError` when somebody is already."""
    private_dir(folder)
    _sweep(folder)
    path = folder / f"{name}{_SUFFIX}"
    with only_one(path, "this conversation store's owner"):
        try:
            yield Owner(folder=folder, name=name)
        finally:
            path.unlink(missing_ok=True)


def _is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with only_one(path, "an owner of turns"):
            return False
    except ConflictError:
        return True


def _sweep(folder: Path) -> None:
    """Remove what killed processes left."""
    for path in folder.glob(f"*{_SUFFIX}"):
        try:
            is_old = time.time() - path.stat().st_mtime > _SURELY_LOCKED_S
        except FileNotFoundError:  # its owner has just ended
            continue
        if is_old and not _is_locked(path):
            path.unlink(missing_ok=True)
