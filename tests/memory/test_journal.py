"""Appending: inside the caller's transaction, redacted, without gaps."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import BadInputError
from memory import chain, journal_read
from memory.journal import MAX_RESULT, MAX_TEXT, create
from memory.record import GENESIS_HASH, clean, plain
from tests.memory.journals import BASE, SECRET, START, Desk, connect
from tests.memory.test_record import JSON, TEXT

KEPT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_first_record_has_every_field_and_follows_genesis(desk: Desk):
    cause = desk.write("intent")
    record = desk.write(
        "fill",
        symbol="btcusd",
        cause=cause.id,
        payload_text="p",
        headers_text="h",
        decision_text="d",
        result={"price": Decimal("50000.10"), "at": START},
        error_text="e",
        latency_ms=3,
    )
    assert cause.prev == GENESIS_HASH
    assert (record.seq, record.prev, record.cause) == (2, cause.hash, cause.id)
    assert record.ts == "2026-11-20T23:59:50.000000Z"
    assert record.result_json == {"price": "50000.1", "at": "2026-11-20T23:59:50.000000Z"}
    assert not record.redacted
    assert list(record.as_json()) == [
        *["seq", "id", "ts", "prev", "hash", "kind", "mode", "venue", "symbol", "cause", "source"],
        *[
            "payload_text",
            "headers_text",
            "decision_text",
            "result_json",
            "error_text",
            "latency_ms",
            "redacted",
        ],
    ]


@KEPT
@given(st.lists(st.tuples(TEXT, JSON), min_size=1, max_size=4))
def test_any_text_and_result_come_back_as_they_went_in(desk: Desk, entries):
    made = [desk.write("chat.message", payload_text=text, result=result) for text, result in entries]
    for record, (text, result) in zip(made, entries, strict=True):
        back = journal_read.get(desk.connection, record.id)
        assert back == record
        assert back.payload_text == clean(text)
        assert back.result_json == plain(result)
    lines = [record.line() for record in made]
    before = chain.Head(seq=made[0].seq - 1, hash=made[0].prev)
    assert chain.verify(lines, after=before, head=chain.current_head(desk.connection)).ok


def test_huge_text_is_cut_and_says_by_how_much(desk: Desk):
    record = desk.write(payload_text="x" * (MAX_TEXT + 7))
    assert record.payload_text == "x" * MAX_TEXT + "… [cut here: 7 more characters]"
    assert journal_read.get(desk.connection, record.id) == record


def test_huge_result_is_refused_and_nothing_is_written(desk: Desk):
    with pytest.raises(BadInputError, match="does not fit") as caught:
        desk.write(result=["x" * MAX_RESULT])
    assert caught.value.code == "RECORD_TOO_LARGE"
    assert journal_read.count(desk.connection) == 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"kind": "Fill!"}, "BAD_KIND"),
        ({"kind": "fill\n"}, "BAD_KIND"),
        ({"cause": "R-1"}, "BAD_CAUSE"),
        ({"cause": "'; DROP TABLE journal; --"}, "BAD_CAUSE"),
        ({"latency_ms": 0.5}, "BAD_LATENCY"),
        ({"latency_ms": True}, "BAD_LATENCY"),
        ({"latency_ms": -1}, "BAD_LATENCY"),
        ({"latency_ms": 2**70}, "BAD_LATENCY"),
        ({"result": {"price": 0.1}}, "FLOAT_IN_RECORD"),
    ],
)
def test_bad_fields_are_refused_with_a_cure(desk: Desk, fields, code):
    with pytest.raises(BadInputError) as caught:
        desk.write(**fields)
    assert caught.value.code == code
    assert caught.value.cure
    assert desk.write().seq == 1


def test_append_outside_a_transaction_is_refused(desk: Desk):
    with pytest.raises(BadInputError) as caught:
        desk.journal.append("fill", **BASE)
    assert caught.value.code == "NO_TRANSACTION"


def test_rollback_leaves_no_gap_and_the_chain_goes_on(desk: Desk):
    first = desk.write()
    desk.connection.execute("BEGIN IMMEDIATE")
    lost = desk.journal.append("fill", **BASE)
    desk.journal.append("fill", **BASE)
    desk.connection.execute("ROLLBACK")
    second = desk.write()
    assert (lost.seq, second.seq, second.prev) == (2, 2, first.hash)
    assert chain.verify(journal_read.tail(desk.connection)).ok


def test_rollback_to_a_savepoint_takes_its_records_with_it(desk: Desk):
    with desk.transaction():
        kept = desk.journal.append("intent", **BASE)
        desk.connection.execute("SAVEPOINT part")
        desk.journal.append("verdict", **BASE)
        desk.connection.execute("ROLLBACK TO part")
        after = desk.journal.append("kill", **BASE)
    assert (after.seq, after.prev) == (2, kept.hash)
    assert [r.kind for r in journal_read.tail(desk.connection)] == ["intent", "kill"]


def test_effect_and_record_commit_together_or_not_at_all(desk: Desk):
    desk.connection.execute("CREATE TABLE effect (n INTEGER UNIQUE)")
    with desk.transaction():
        desk.connection.execute("INSERT INTO effect VALUES (1)")
        desk.journal.append("order.sending", **BASE)
    with pytest.raises(sqlite3.IntegrityError):
        send_again(desk)
    assert journal_read.count(desk.connection) == 1


def test_sequence_goes_on_after_a_restart(tmp_path):
    path = tmp_path / "desk.sqlite"
    first = Desk(path)
    last = first.write_many(3)[-1]
    first.connection.close()
    second = Desk(path, seed=2)
    record = second.write()
    assert (record.seq, record.prev) == (4, last.hash)
    second.connection.close()


def test_records_cannot_be_changed_or_deleted_by_accident(desk: Desk):
    desk.write()
    for sql in (
        "UPDATE journal SET kind = 'x'",
        "DELETE FROM journal",
        "INSERT OR REPLACE INTO journal SELECT * FROM journal",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            desk.connection.execute(sql)


def test_reader_sees_only_committed_records_while_a_writer_writes(desk: Desk, tmp_path):
    reader = connect(tmp_path / "desk.sqlite")
    desk.write()
    with desk.transaction():
        desk.journal.append("fill", **BASE)
        assert journal_read.count(reader) == 1
        assert chain.verify(journal_read.tail(reader)).checked == 1
    assert journal_read.count(reader) == 2
    reader.close()


def test_two_writers_take_turns_on_one_chain(desk: Desk, tmp_path):
    other = Desk(tmp_path / "desk.sqlite", seed=2)
    for number in range(6):
        (desk if number % 2 else other).write()
    assert chain.verify(journal_read.tail(desk.connection)).checked == 6
    other.connection.close()


def test_row_factory_of_the_desk_changes_nothing(desk: Desk):
    desk.connection.row_factory = lambda _cursor, row: {"row": row}
    create(desk.connection)
    record = desk.write(decision_text="hello", order_keys=["7"])
    assert journal_read.search(desk.connection, text="hello", order_id="7") == [record]


def test_create_twice_keeps_everything(desk: Desk):
    record = desk.write()
    create(desk.connection)
    assert journal_read.tail(desk.connection) == [record]


def test_create_refuses_a_newer_schema(desk: Desk):
    desk.connection.execute("INSERT INTO journal_schema (version) VALUES (99)")
    with pytest.raises(BadInputError) as caught:
        create(desk.connection)
    assert caught.value.code == "JOURNAL_TOO_NEW"


@pytest.mark.parametrize(
    "field", ["payload_text", "headers_text", "decision_text", "error_text", "symbol", "source"]
)
def test_secret_is_redacted_in_every_text(desk: Desk, field):
    record = desk.write(**{field: f"key {SECRET}!"})
    assert getattr(record, field) == "key [redacted]!"
    assert record.redacted
    assert_nowhere(desk, SECRET)


@pytest.mark.parametrize(
    "result",
    [
        SECRET,
        {"a": {"b": ["x", SECRET]}},
        {SECRET: 1},
        {"a": f'quoted "{SECRET}"', "b": "\u202e"},
        {"\u202e": SECRET, SECRET + "2": [SECRET]},
    ],
)
def test_secret_is_redacted_wherever_it_stands_in_a_result(desk: Desk, result):
    record = desk.write(result=result)
    assert record.redacted
    assert_nowhere(desk, SECRET)
    assert chain.verify([record]).ok


def test_secret_that_json_escapes_is_redacted_too(tmp_path):
    secret = 'pa"ss\\word\n12345'
    desk = Desk(tmp_path / "d.sqlite", redact=lambda text: text.replace(secret, "[redacted]"))
    record = desk.write(result={"note": f"it is {secret}"})
    assert record.result_json == {"note": "it is [redacted]"}
    desk.connection.close()


def test_result_that_redaction_breaks_stays_a_record(tmp_path):
    desk = Desk(tmp_path / "d.sqlite", redact=lambda text: text.replace('"api_secret":"', "[gone]"))
    record = desk.write(result={"api_secret": "abcdefgh12345678"})
    assert record.result_json == '{[gone]abcdefgh12345678"}'
    assert journal_read.get(desk.connection, record.id) == record
    assert chain.verify([record]).ok
    desk.connection.close()


def send_again(desk: Desk) -> None:
    with desk.transaction():
        desk.journal.append("order.sending", **BASE)
        desk.connection.execute("INSERT INTO effect VALUES (1)")


def assert_nowhere(desk: Desk, secret: str) -> None:
    """Scan the bytes of the database and its log."""
    desk.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    path = desk.connection.execute("PRAGMA database_list").fetchone()[2]
    for suffix in ("", "-wal"):
        assert secret.encode() not in Path(path + suffix).read_bytes()
