"""Reading: exact ids, words as data, filters together, causes."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import BadInputError, ConflictError
from memory import journal_read, words
from tests.memory.journals import BASE, START, Desk, connect

WITH_DESK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def found(desk: Desk, **filters) -> list[int]:
    records = journal_read.search(desk.connection, **filters)
    assert journal_read.count(desk.connection, **filters) == len(records)
    return [record.seq for record in records]


@pytest.fixture(params=["unindexed", "half indexed", "indexed", "without full text"])
def filled(desk: Desk, request, monkeypatch) -> Desk:
    """Six records, found in the same way wherever the word index stands."""
    desk.write("chat.message", payload_text="Buy $25 of BTC, please")
    desk.write("intent", symbol="btcusd", decision_text="the spread is small", order_keys=["P-1"])
    desk.write("order.sending", symbol="btcusd", result={"id": "m-01abc"}, order_keys=["P-1", "m-01abc"])
    if request.param == "half indexed":
        words.index(desk.connection)
    desk.clock.advance(60)
    desk.write("order.rejected", symbol="ethusd", error_text="InsufficientFunds: größer")
    desk.write(
        "fill", symbol="btcusd", result={"note": 'spread "wide"'}, order_keys=["m-01abc", "73797746498585286"]
    )
    desk.write("order.closed", symbol="btcusd", order_keys=["73797746498585286", "73797746498585286", ""])
    if request.param == "indexed":
        assert words.index(desk.connection) == 6
    if request.param == "without full text":
        monkeypatch.setattr(words, "has_fts5", lambda: False)
    return desk


def test_search_without_conditions_gives_the_newest_first(filled: Desk):
    assert found(filled) == [6, 5, 4, 3, 2, 1]
    assert [r.seq for r in journal_read.search(filled.connection, limit=2)] == [6, 5]


@pytest.mark.parametrize(
    ("text", "seqs"),
    [
        ("spread", [5, 2]),
        ("SPREAD wide", [5]),
        ("spread small the", [2]),
        ("insufficientfunds", [4]),
        ("größer", [4]),
        ("m-01abc", [3]),
        ("$25", [1]),
        ("nowhere", []),
        ("spread nowhere", []),
        ("  ", [6, 5, 4, 3, 2, 1]),
    ],
)
def test_every_word_must_occur(filled: Desk, text, seqs):
    assert found(filled, text=text) == seqs


@pytest.mark.parametrize(
    "text",
    [
        "spread OR nowhere",
        "nowhere NOT spread",
        "payload_text:nowhere",
        "{decision_text payload_text} : zzz",
        "NEAR(spread nowhere, 5)",
        "nowhere*",
        "^nowhere",
        '"nowhere',
        'nowhere" OR "spread',
        "'; DROP TABLE journal; --",
        "nowhere%",
        "nowhere\x00spread",
        "\ud800 nowhere",
        "( nowhere",
        "-nowhere",
    ],
)
def test_search_syntax_is_only_text(filled: Desk, text):
    assert found(filled, text=text) == []
    assert found(filled, text="spread") == [5, 2]


@pytest.mark.parametrize("text", ["***", "%", '""', "?!", "_", "(", "\x00", "\ud800"])
def test_text_of_signs_alone_is_looked_up_letter_by_letter(filled: Desk, text):
    assert found(filled, text=text) in ([], [6, 5, 4, 3, 2, 1], [5], [5, 3])


@WITH_DESK
@given(st.text(st.characters(), max_size=60))
def test_no_text_breaks_a_search(desk: Desk, text):
    if not journal_read.count(desk.connection):
        desk.write(decision_text="alpha beta")
    journal_read.search(desk.connection, text=text, kind=text, symbol=text, order_id=text)
    assert journal_read.get(desk.connection, text) is None
    assert journal_read.effects(desk.connection, text) == []


def test_too_long_text_is_refused_with_a_cure(filled: Desk):
    with pytest.raises(BadInputError) as caught:
        journal_read.search(filled.connection, text="x " * words.MAX_QUERY)
    assert caught.value.code == "TEXT_TOO_LONG"
    assert caught.value.cure


@pytest.mark.parametrize(
    ("order_id", "seqs"),
    [
        ("P-1", [3, 2]),
        ("m-01abc", [5, 3]),
        ("73797746498585286", [6, 5]),
        ("7379774649858528", []),
        ("m-01ab%", []),
        ("M-01ABC", []),
    ],
)
def test_order_id_matches_exactly(filled: Desk, order_id, seqs):
    assert found(filled, order_id=order_id) == seqs


@pytest.mark.parametrize(
    ("kind", "seqs"),
    [("fill", [5]), ("order.*", [6, 4, 3]), ("order", []), ("*", []), ("ord.*", []), (".*", [])],
)
def test_kind_is_exact_or_a_family(filled: Desk, kind, seqs):
    assert found(filled, kind=kind) == seqs


def test_conditions_hold_together(filled: Desk):
    assert found(filled, symbol="btcusd", kind="order.*", order_id="m-01abc") == [3]
    assert found(filled, text="spread", symbol="btcusd", start=START + timedelta(seconds=1)) == [5]


def test_start_counts_and_end_does_not(filled: Desk):
    later = START + timedelta(seconds=60)
    assert found(filled, start=later) == [6, 5, 4]
    assert found(filled, end=later) == [3, 2, 1]
    assert found(filled, start=START, end=later) == [3, 2, 1]
    assert found(filled, start=later, end=later) == []


def test_latest_and_get(filled: Desk):
    newest = journal_read.latest(filled.connection, "order.*", symbol="btcusd")
    assert newest is not None
    assert newest.seq == 6
    assert journal_read.get(filled.connection, newest.id) == newest
    assert journal_read.latest(filled.connection, "kill") is None


def test_tail_goes_on_after_a_number(filled: Desk):
    assert [r.seq for r in journal_read.tail(filled.connection, after_seq=4)] == [5, 6]
    assert [r.seq for r in journal_read.tail(filled.connection, limit=2)] == [1, 2]
    assert journal_read.tail(filled.connection, after_seq=99) == []


@pytest.mark.parametrize("limit", [0, -1, 10**9])
def test_impossible_limit_is_refused(desk: Desk, limit):
    with pytest.raises(BadInputError):
        journal_read.search(desk.connection, limit=limit)


@pytest.mark.parametrize("seq", [-1, 2**63])
def test_impossible_number_is_refused(desk: Desk, seq):
    with pytest.raises(BadInputError):
        journal_read.tail(desk.connection, after_seq=seq)


def test_effects_are_the_records_a_record_led_to(desk: Desk):
    root = desk.write("intent")
    first, second = desk.write("verdict", cause=root.id), desk.write("consent", cause=root.id)
    desk.write("order.sending", cause=second.id)
    assert journal_read.effects(desk.connection, root.id) == [first, second]


def test_search_reads_beside_a_writer_without_seeing_its_open_transaction(desk: Desk, tmp_path):
    reader = connect(tmp_path / "desk.sqlite")
    desk.write(decision_text="alpha")
    with desk.transaction():
        desk.journal.append("fill", **BASE, decision_text="alpha")
        assert len(journal_read.search(reader, text="alpha")) == 1
        assert len(journal_read.search(desk.connection, text="alpha")) == 2
    assert len(journal_read.search(reader, text="alpha")) == 2
    reader.close()


def test_search_indexes_a_long_backlog_by_itself(desk: Desk):
    with desk.transaction():
        for number in range(words.MAX_UNINDEXED + 1):
            desk.journal.append("fill", **BASE, decision_text=f"number{number}")
    assert found(desk, text="number77") == [78]
    assert words.mark(desk.connection) == words.MAX_UNINDEXED + 1


def test_backlog_is_searched_by_a_connection_that_may_not_write(desk: Desk, tmp_path):
    with desk.transaction():
        for number in range(words.MAX_UNINDEXED + 1):
            desk.journal.append("fill", **BASE, decision_text=f"number{number}")
    reader = sqlite3.connect(f"file:{tmp_path / 'desk.sqlite'}?mode=ro", uri=True, isolation_level=None)
    assert [r.seq for r in journal_read.search(reader, text="number77")] == [78]
    assert words.mark(reader) == 0
    reader.close()


def test_index_goes_in_steps_and_inside_a_transaction(desk: Desk):
    desk.write_many(5)
    assert words.index(desk.connection, limit=2) == 2
    with desk.transaction():
        assert words.index(desk.connection, limit=2) == 2
    assert words.index(desk.connection) == 1
    assert words.index(desk.connection) == 0
    assert found(desk, text="step 3") == [4]


def test_exact_searches_use_their_indexes(desk: Desk):
    desk.write_many(3)
    plans = {
        "SELECT seq FROM journal_order_keys WHERE order_key = ?": "PRIMARY KEY",
        "SELECT * FROM journal WHERE id = ?": "autoindex_journal_1",
        "SELECT * FROM journal WHERE cause = ?": "journal_cause",
        "SELECT * FROM journal WHERE symbol = ?": "journal_symbol",
    }
    for sql, index in plans.items():
        detail = desk.connection.execute(f"EXPLAIN QUERY PLAN {sql}", ("x",)).fetchone()[3]
        assert detail.startswith("SEARCH")
        assert index in detail


@pytest.mark.parametrize("column", ["result_json", "redacted", "ts"])
def test_damaged_row_is_told_with_a_cure(desk: Desk, column):
    record = desk.write(result={"n": 1})
    desk.tamper(f"UPDATE journal SET {column} = x'7b'")
    with pytest.raises(ConflictError) as caught:
        journal_read.get(desk.connection, record.id)
    assert caught.value.code == "JOURNAL_DAMAGED"
    assert caught.value.cure
