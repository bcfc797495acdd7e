"""A writer process for the crash test: appends effects and records until it is killed.

usage: python -m tests.memory.writer HOME
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

from domain.clock import SystemClock
from domain.ids import IdSource
from memory import words
from memory.journal import Journal, create
from memory.journal_files import JournalFiles
from tests.memory.journals import BASE, connect, redact


def main(home: Path) -> None:
    connection = connect(home / "desk.sqlite")
    create(connection)
    connection.execute("CREATE TABLE IF NOT EXISTS effect (seq INTEGER PRIMARY KEY)")
    clock = SystemClock()
    journal = Journal(connection, clock=clock, ids=IdSource(clock, Random()), redact=redact)
    files = JournalFiles(home / "journal")
    cause = None
    while True:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            record = journal.append("fill", **BASE, cause=cause, result={"note": "x" * 400}, order_keys=["k"])
            connection.execute("INSERT INTO effect VALUES (?)", (record.seq,))
            cause = record.id
        connection.execute("COMMIT")
        print(record.seq, flush=True)  # noqa: T201 - what the test has been told is durable
        files.catch_up(connection)
        words.index(connection)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
