"""Private files and folders, and the lock that lets only one process own a home."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from domain.errors import BadInputError, ConflictError

_PRIVATE_DIR = 0o700
_PRIVATE_FILE = 0o600


def write_private(path: Path, text: str) -> None:
    """Replace `path` with `text` in one step: readers see the old file or the new one, never a part.

    The file has mode 0600, and file and folder are flushed to disk before this returns.
    Raises `BadInputError("CANNOT_WRITE", ...)`; the old file then still stands.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), _PRIVATE_FILE)
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with suppress(FileNotFoundError):  # gone after a good replace
            temporary.unlink()


def private_dir(path: Path) -> Path:
    """Make sure that `path` is a folder that only we can use (0700, parents made too) and return it.

    Raises `BadInputError` with `HOME_NOT_A_FOLDER`, `HOME_FOREIGN` (somebody else's) or `HOME_UNREADABLE`.
    """
    try:
        path.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)
        info = path.stat()
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInputError(
            "HOME_NOT_A_FOLDER",
            f"{path} is not a folder",
            "Choose another one with --home, or move the file away.",
        ) from error
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if info.st_uid != os.geteuid():
        raise BadInputError(
            "HOME_FOREIGN",
            f"{path} belongs to user {info.st_uid}, not to you (user {os.geteuid()})",
            "Choose a folder of your own with --home, or start as its owner.",
        )
    mode = stat.S_IMODE(info.st_mode)
    if mode & _PRIVATE_DIR != _PRIVATE_DIR or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise _unreadable(path, f"its mode is {mode:04o}")
    if mode != _PRIVATE_DIR:
        path.chmod(_PRIVATE_DIR)
    return path


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path` for the length of the block; the system frees it when the process dies.

    Raises `ConflictError("ALREADY_RUNNING", ...)` when another holder, here or in another process, has it.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _PRIVATE_FILE)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
        os.close(handle)
        raise ConflictError(
            "ALREADY_RUNNING",
            f"{what} already runs{f' as process {holder}' if holder.isdigit() else ''} ({path} is locked)",
            "Use the one that runs, stop it first, or choose another --home.",
        ) from error
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cannot_write(path: Path, error: OSError) -> BadInputError:
    return BadInputError(
        "CANNOT_WRITE",
        f"{path} cannot be written: {error.strerror or error}",
        "Check that the folder exists, is yours and has free space.",
    )


def _unreadable(path: Path, why: str) -> BadInputError:
    return BadInputError(
        "HOME_UNREADABLE",
        f"{path} cannot be used: {why}",
        f"Run: chmod 700 {path} - or choose another --home.",
    )
