"""The daily files: `YYYY/MM/DD/events.jsonl` under the journal folder, written from the table after commits.

The table is the truth, the files are the copy a person reads, archives and checks elsewhere. Lines are
only ever added. A last line that was cut (a crash in the middle of a write) is completed from the table;
whatever else differs is reported and left as it is, because it is evidence.
"""

from __future__ import annotations

import heapq
import os
import re
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

from domain.errors import BadInputError
from memory.chain import ChainReport, Head, current_head, verify
from memory.journal_read import rows_after
from memory.record import COLUMNS, row_line
from memory.transactions import one_picture, plain_cursor

MAX_FAULTS = 100
"""Faults told one by one in a report; the rest is only counted."""

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})T", re.ASCII)
_DAY_FILE = re.compile(r"\d{4}/\d{2}/\d{2}/events\.jsonl", re.ASCII)
_TS = COLUMNS.index("ts")
_SEQ = COLUMNS.index("seq")
_SEQ_MEMBER = re.compile(rb',"seq":([1-9]\d{0,17}),"source":')
_BLOCK = 65_536
_OF_DAY = f"SELECT {', '.join(COLUMNS)} FROM journal WHERE ts >= ? AND ts < ?"  # noqa: S608 - own names
_NEXT_OF_DAY = f"{_OF_DAY} AND seq > ? ORDER BY seq LIMIT 1"
_REST_OF_DAY = f"{_OF_DAY} AND seq > ? AND seq <= ? ORDER BY seq"
_NEWEST_OF_DAY = "SELECT seq FROM journal WHERE ts >= ? AND ts < ? ORDER BY ts DESC LIMIT 1"
_ONE = f"SELECT {', '.join(COLUMNS)} FROM journal WHERE seq = ?"  # noqa: S608 - own names

_Turn = tuple[int, Path, bytes, Iterator[tuple[int, bytes]]]


@dataclass(slots=True, kw_only=True)
class FilesReport:
    """What a pass over the files did and found. `through`: the last record number that is in a file.

    `repaired`: cut last lines that were completed. `faults`: what differs from the table, up to
    `MAX_FAULTS` of `fault_count`.
    """

    through: int = 0
    appended: int = 0
    checked: int = 0
    repaired: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0

    @property
    def ok(self) -> bool:
        """Say whether no file differs from the table."""
        return not self.fault_count

    def add_fault(self, text: str) -> None:
        """Count a fault and keep its text while there are not too many."""
        self.fault_count += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(text)


class JournalFiles:
    """Keeps the files under `root` up with the table. One instance is the only writer of its folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._through: int | None = None

    def catch_up(self, connection: sqlite3.Connection) -> FilesReport:
        """Add every committed record that the files lack, each batch flushed to the disk.

        The first call looks at the end of every file, repairs cut lines and finds where to go on.
        Raises `BadInputError` inside an open transaction, and `OSError` when a file cannot be written:
        nothing is lost, the table has every record, and the next call starts by looking again.
        """
        if connection.in_transaction:
            raise BadInputError(
                "OPEN_TRANSACTION",
                "the journal's files were about to be written inside a transaction",
                "Commit first: a file must never hold what may still be rolled back.",
            )
        report = FilesReport()
        with one_picture(connection):
            start = self._resume(connection, report) if self._through is None else self._through
            report.through, self._through = start, None
            self._append_missing(connection, report)
        self._through = report.through
        return report

    def check(self, connection: sqlite3.Connection) -> FilesReport:
        """Compare every line of every file with the table, both ways; changes nothing."""
        report = FilesReport()
        with one_picture(connection):
            for line in file_lines(self._root):
                report.checked += 1
                seq = _matching(connection, line)
                if not seq:
                    report.add_fault(f"a line is not what the table holds: {line[:120]!r}")
                elif seq <= report.through:
                    report.add_fault(f"record {seq} stands again behind record {report.through}")
                else:
                    _expect(seq, report)
                    report.through = seq
            _expect(current_head(connection).seq + 1, report)
        return report

    def _resume(self, connection: sqlite3.Connection, report: FilesReport) -> int:
        _durable_dir(self._root)
        lasts = {path: _settle(connection, path, report) for path in day_files(self._root)}
        through = max(lasts.values(), default=0)
        for path, last in lasts.items():
            _fill(connection, path, last, through, report)
        return through

    def _append_missing(self, connection: sqlite3.Connection, report: FilesReport) -> None:
        rows = rows_after(connection, report.through)
        for day, group in groupby(rows, key=lambda row: _day_of(row[_TS])):
            if day is None:
                report.add_fault("the table holds a record without a readable time; it was not written")
                continue
            path = self._root.joinpath(*day, "events.jsonl")
            for depth in range(1, len(day) + 1):
                _durable_dir(self._root.joinpath(*day[:depth]))
            with closing(_Appender(path)) as file:
                for row in group:
                    line = _line_of(row, report)
                    if line is not None:
                        file.add(line + b"\n")
                        report.appended += 1
                    report.through = int(str(row[_SEQ]))


def day_files(root: Path) -> list[Path]:
    """Return the daily files, oldest day first."""
    found = (path for path in root.glob("*/*/*/events.jsonl") if path.is_file())
    return sorted(path for path in found if _DAY_FILE.fullmatch(path.relative_to(root).as_posix()))


def file_lines(root: Path) -> Iterator[bytes]:
    """Yield the lines of all files in record order, without line ends; a cut last line keeps its cut.

    Days follow each other, but a clock that was set back lets two files take turns; so files that
    overlap are merged by record number.
    """
    waiting = sorted((_first_seq(path), path) for path in day_files(root))
    waiting.reverse()
    active: list[_Turn] = []
    while waiting or active:
        if waiting and (not active or waiting[-1][0] <= active[0][0]):
            _, path = waiting.pop()
            _push(active, path, _numbered(path))
            continue
        _, path, line, rest = heapq.heappop(active)
        yield line
        _push(active, path, rest)


def verify_files(root: Path, *, head: Head | None = None) -> ChainReport:
    """Check the chain in the files alone, as someone who has nothing but an archive of them would."""
    return verify(file_lines(root), head=head)


class _Appender:
    """Adds lines to one file; a missing file is made with mode 0600."""

    def __init__(self, path: Path) -> None:
        is_new = not path.exists()
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        os.fchmod(self._handle, 0o600)
        self._waiting: list[bytes] = []
        self._size = 0
        if is_new:
            _sync_dir(path.parent)

    def add(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= _BLOCK:
            self._write()

    def close(self) -> None:
        try:
            self._write()
            os.fsync(self._handle)
        finally:
            os.close(self._handle)

    def _write(self) -> None:
        data = memoryview(b"".join(self._waiting))
        self._waiting, self._size = [], 0
        while data:
            data = data[os.write(self._handle, data) :]


def _settle(connection: sqlite3.Connection, path: Path, report: FilesReport) -> int:
    """Put the end of one file in order and return the last record number it holds."""
    name = path.as_posix()
    line, end, rest = _tail(path)
    last = 0 if line is None else _matching(connection, line)
    if line is not None and not last:
        report.add_fault(f"{name}: its last line is not what the table holds: {line[:120]!r}")
        last = max((_matching(connection, each) for _, each in _numbered(path)), default=0)
    if not rest:
        return last
    row = plain_cursor(connection).execute(_NEXT_OF_DAY, (*_span_of(path), last)).fetchone()
    wanted = (_line_of(row, report) or b"") + b"\n" if row else b""
    kept = rest.rstrip(b"\0")
    if not wanted.startswith(kept):
        report.add_fault(f"{name}: it ends in a piece that is not in the table: {rest[:120]!r}")
        _complete(path, None, b"\n")
        return last
    _complete(path, end + len(kept) if kept != rest else None, wanted[len(kept) :])
    report.repaired.append(f"{name}: its last line was cut and has been completed from the table")
    return int(row[_SEQ]) if row else last


def _fill(connection: sqlite3.Connection, path: Path, last: int, through: int, report: FilesReport) -> None:
    """Add what a file lacks at its end although another file holds later records."""
    span = _span_of(path)
    newest = plain_cursor(connection).execute(_NEWEST_OF_DAY, span).fetchone()
    if newest is None or newest[0] <= last:
        return
    rows = plain_cursor(connection).execute(_REST_OF_DAY, (*span, last, through))
    with closing(_Appender(path)) as file:
        for row in rows:
            line = _line_of(row, report)
            if line is not None:
                file.add(line + b"\n")
                report.appended += 1


def _tail(path: Path) -> tuple[bytes | None, int, bytes]:
    """Return the last complete line, the offset behind it, and what follows without a line end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        data, start = b"", size
        while start and data.count(b"\n", 0, data.rfind(b"\n")) < 1:
            start = max(0, start - _BLOCK)
            file.seek(start)
            data = file.read(size - start)
    complete, found, rest = data.rpartition(b"\n")
    if not found:
        return None, 0, data
    return complete.rpartition(b"\n")[2], start + len(complete) + 1, rest


def _complete(path: Path, cut_at: int | None, data: bytes) -> None:
    with closing(_Appender(path)) as file:
        if cut_at is not None:
            os.truncate(path, cut_at)
        file.add(data)


def _matching(connection: sqlite3.Connection, line: bytes) -> int:
    """Return the record number of a line that the table holds exactly so, else 0."""
    seq = _seq_of(line)
    row = plain_cursor(connection).execute(_ONE, (seq,)).fetchone() if seq else None
    try:
        return seq if row is not None and row_line(row) == line else 0
    except ValueError:
        return 0


def _seq_of(line: bytes) -> int:
    """Return the number in a line, 0 when there is none. Nothing but short text follows it in a line."""
    found = _SEQ_MEMBER.match(line, max(line.rfind(b',"seq":'), 0))
    return int(found[1]) if found else 0


def _numbered(path: Path) -> Generator[tuple[int, bytes], None, None]:
    last = 0
    with path.open("rb") as file:
        for line in file:
            bare = line.removesuffix(b"\n")
            last = _seq_of(bare) or last
            yield last, bare


def _first_seq(path: Path) -> int:
    with closing(_numbered(path)) as lines:
        return next((seq for seq, _ in lines if seq), 0)


def _expect(seq: int, report: FilesReport) -> None:
    missing = seq - report.through - 1
    if missing > 0:
        report.add_fault(f"{missing} records after {report.through} are missing in the files")


def _push(active: list[_Turn], path: Path, rest: Iterator[tuple[int, bytes]]) -> None:
    following = next(rest, None)
    if following is not None:
        heapq.heappush(active, (following[0], path, following[1], rest))


def _line_of(row: tuple[object, ...], report: FilesReport) -> bytes | None:
    try:
        return row_line(row)
    except ValueError as error:
        report.add_fault(f"record {row[_SEQ]} of the table is damaged and was not written: {error}")
        return None


def _day_of(ts: object) -> tuple[str, ...] | None:
    found = _DAY.match(str(ts))
    return found.groups() if found else None


def _span_of(path: Path) -> tuple[str, str]:
    day = date(*(int(part) for part in path.parts[-4:-1]))
    return f"{day.isoformat()}T", f"{(day + timedelta(days=1)).isoformat()}T"


def _durable_dir(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        _sync_dir(folder.parent)


def _sync_dir(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
