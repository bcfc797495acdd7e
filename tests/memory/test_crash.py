"""kill -9 of a writer: what was committed is whole, the chain holds, the files catch up."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from random import Random

from memory import chain, journal_read, words
from memory.journal_files import JournalFiles, file_lines, verify_files
from tests.memory.journals import Desk

ROUNDS = 6


def run_and_kill(home: Path, pause_s: float) -> int:
    """Start a writer, kill it `pause_s` after its first commit, return the last number it called durable."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.memory.writer", str(home)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    told = [process.stdout.readline()]
    time.sleep(pause_s)
    process.kill()
    told += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    return int([line for line in told if line.endswith("\n")][-1])


def test_killed_writer_leaves_a_valid_chain_and_the_files_catch_up(tmp_path: Path):
    random = Random(7)
    for _ in range(ROUNDS):
        durable = run_and_kill(tmp_path, random.uniform(0, 0.15))
        desk = Desk(tmp_path / "desk.sqlite")
        head = chain.current_head(desk.connection)
        assert head.seq >= durable
        assert head.seq % 3 == 0
        assert desk.connection.execute("SELECT count(*), max(seq) FROM effect").fetchone() == (
            head.seq,
            head.seq,
        )
        key = chain.load_key(tmp_path / "journal-key")
        assert chain.verify_all(desk.connection, key.public_key()).checked == head.seq
        files = JournalFiles(tmp_path / "journal")
        assert files.catch_up(desk.connection).ok
        assert files.check(desk.connection).ok
        assert verify_files(tmp_path / "journal", head=head).ok
        assert sum(1 for _ in file_lines(tmp_path / "journal")) == head.seq
        while words.index(desk.connection):
            pass
        desk.connection.execute("INSERT INTO journal_words (journal_words) VALUES ('integrity-check')")
        assert journal_read.count(desk.connection, order_id="k") == head.seq
        assert chain.sign_head(desk.connection, key, desk.clock.now()) is not None
        desk.connection.close()
