"""The chain: whatever is changed, moved, removed, slipped in, cut or written anew is seen."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInputError, ConflictError
from memory import chain, journal_read
from memory.record import COLUMNS, TEXT_COLUMNS, Record, record_link
from tests.memory.journals import BASE, SECRET, START, Desk


def a_chain(count: int = 12) -> list[Record]:
    desk = Desk()
    made = desk.write_many(count - 1)
    made.append(
        desk.write(
            "order.rejected",
            symbol="btcusd",
            cause=made[-1].id,
            payload_text='{"price":"1.10"}\n\x1f\u202e',
            headers_text=f"X: {SECRET}",
            decision_text="größer \ud800",
            result={"price": "1.10", "checks": [{"ok": True, "n": 7}, None], "s": 'a"\\\x1f\u2028é'},
            error_text="InsufficientFunds",
            latency_ms=17,
        )
    )
    desk.connection.close()
    return made


CHAIN = a_chain()
HEAD = chain.Head(seq=len(CHAIN), hash=CHAIN[-1].hash)
LINES = [record.line() for record in CHAIN]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def test_untouched_chain_holds_as_records_and_as_lines():
    for given_chain in (CHAIN, LINES):
        report = chain.verify(given_chain, head=HEAD)
        assert report.as_json() == {
            "ok": True,
            "checked": 12,
            "head": CHAIN[-1].hash,
            "first_bad": None,
            "detail": "12 records hold",
        }
    assert CHAIN[-1].redacted


def test_every_single_bit_flip_of_a_line_is_detected():
    line = LINES[-1]
    before = chain.Head(seq=11, hash=CHAIN[-2].hash)
    assert chain.verify([line], after=before, head=HEAD).ok
    for position in range(len(line) * 8):
        flipped = bytearray(line)
        flipped[position // 8] ^= 1 << (position % 8)
        report = chain.verify([bytes(flipped)], after=before, head=HEAD)
        assert not report.ok, (position, bytes(flipped))
        assert report.first_bad == 12


@pytest.mark.parametrize("victim", range(len(LINES)))
def test_a_flip_in_any_record_names_that_record(victim):
    lines = list(LINES)
    lines[victim] = lines[victim].replace(b'"mode":"paper"', b'"mode":"pape2"')
    report = chain.verify(lines, head=HEAD)
    assert (report.ok, report.first_bad, report.checked) == (False, victim + 1, victim)


@pytest.mark.parametrize("victim", range(len(LINES)))
def test_every_deletion_is_detected(victim):
    report = chain.verify(LINES[:victim] + LINES[victim + 1 :], head=HEAD)
    assert (report.ok, report.first_bad) == (False, victim + 1)


@given(st.lists(st.integers(0, len(LINES) - 1), max_size=2 * len(LINES)))
def test_any_other_arrangement_of_the_same_records_is_detected(order):
    report = chain.verify([LINES[i] for i in order], head=HEAD)
    assert report.ok == (order == list(range(len(LINES))))


@pytest.mark.parametrize("left", range(len(LINES) - 1))
def test_every_swap_and_every_repeat_is_detected(left):
    swapped = list(LINES)
    swapped[left], swapped[left + 1] = swapped[left + 1], swapped[left]
    assert chain.verify(swapped, head=HEAD).first_bad == left + 1
    repeated = [*LINES[: left + 1], *LINES[left:]]
    assert chain.verify(repeated, head=HEAD).first_bad == left + 2


def test_insertion_of_a_wellformed_record_is_detected():
    forged = replace(CHAIN[4], seq=6, prev=CHAIN[4].hash, decision_text="approved by the person")
    forged = replace(forged, hash=record_link(forged).digest)
    report = chain.verify([*CHAIN[:5], forged, *CHAIN[5:]], head=HEAD)
    assert (report.ok, report.first_bad) == (False, 7)


def test_extra_record_behind_the_head_is_detected():
    report = chain.verify(CHAIN, head=chain.Head(seq=11, hash=CHAIN[10].hash))
    assert (report.ok, report.first_bad) == (False, 12)


def rewritten() -> list[Record]:
    """Return the chain as someone would leave it who changed record 3 and mended every hash after it."""
    made, prev = [], chain.GENESIS.hash
    for record in CHAIN:
        text = "nothing happened" if record.seq == 3 else record.decision_text
        forged = replace(record, prev=prev, decision_text=text)
        forged = replace(forged, hash=record_link(forged).digest)
        made.append(forged)
        prev = forged.hash
    return made


def test_a_whole_rewrite_only_shows_against_the_head():
    assert chain.verify(rewritten()).ok
    report = chain.verify(rewritten(), head=HEAD)
    assert not report.ok
    assert "written anew" in report.detail


def test_record_that_no_line_can_hold_is_a_fault_and_no_crash():
    report = chain.verify([replace(CHAIN[0], result_json={"price": 0.1})])
    assert (report.ok, report.first_bad) == (False, 1)


@pytest.fixture
def signed(desk: Desk) -> Desk:
    """Five records, signed, then three more."""
    desk.write_many(5)
    assert chain.sign_head(desk.connection, KEY, desk.clock.now()) is not None
    desk.write_many(3)
    return desk


def both(desk: Desk, key: Ed25519PrivateKey = KEY) -> tuple[chain.ChainReport, chain.ChainReport]:
    public = key.public_key()
    return chain.verify_all(desk.connection, public), chain.verify_since_last_head(desk.connection, public)


def test_signed_journal_holds_and_a_start_checks_only_from_the_head(signed: Desk):
    full, since = both(signed)
    assert (full.ok, full.checked) == (True, 8)
    assert (since.ok, since.checked) == (True, 4)


def test_empty_journal_holds(desk: Desk):
    assert [report.ok for report in both(desk)] == [True, True]
    assert chain.sign_head(desk.connection, KEY, START) is None


def test_head_of_the_first_record_alone_holds(desk: Desk):
    desk.write()
    chain.sign_head(desk.connection, KEY, START)
    assert [(report.ok, report.checked) for report in both(desk)] == [(True, 1), (True, 1)]


def test_signing_again_without_a_new_record_does_nothing(signed: Desk):
    assert chain.sign_head(signed.connection, KEY, START) is not None
    assert chain.sign_head(signed.connection, KEY, START) is None
    assert [head.seq for head in chain.signed_heads(signed.connection)] == [5, 8]


def test_signing_joins_the_transaction_of_the_caller(desk: Desk):
    desk.write()
    desk.connection.execute("BEGIN")
    assert chain.sign_head(desk.connection, KEY, START) is not None
    desk.connection.execute("ROLLBACK")
    assert chain.signed_heads(desk.connection) == []


def test_changed_newest_record_is_not_signed(signed: Desk):
    signed.tamper("UPDATE journal SET decision_text = 'x' WHERE seq = 8")
    with pytest.raises(ConflictError, match="changed"):
        chain.sign_head(signed.connection, KEY, START)


@pytest.mark.parametrize("column", COLUMNS)
def test_change_of_any_column_of_the_table_is_detected(signed: Desk, column):
    before = signed.connection.execute(f"SELECT {column} FROM journal WHERE seq = 7").fetchone()[0]
    values: list[object] = [70] if column == "seq" else ["x", "", b"x", 7, 0.5]
    if column in {"symbol", "cause", "latency_ms", *TEXT_COLUMNS}:
        values.append(None)
    for value in (value for value in values if value != before):
        signed.tamper("SAVEPOINT untouched")
        signed.tamper(f"UPDATE journal SET {column} = ? WHERE seq = 7", value)
        assert [(r.ok, r.first_bad) for r in both(signed)] == [(False, 7), (False, 7)], value
        signed.tamper("ROLLBACK TO untouched")
        signed.tamper("RELEASE untouched")
    assert [report.ok for report in both(signed)] == [True, True]


@pytest.mark.parametrize(
    "spelling",
    [
        '{"n": 1,"price":"50000.00"}',
        '{"price":"50000.00","n":1}',
        '{"n":1,"price":"50000.0\\u0030"}',
        "null",
        "1e5",
        "[" * 9999,
    ],
)
def test_another_spelling_of_a_result_in_the_table_is_detected(signed: Desk, spelling):
    signed.tamper("UPDATE journal SET result_json = ? WHERE seq = 7", spelling)
    assert [report.first_bad for report in both(signed)] == [7, 7]


def test_text_that_is_not_utf8_in_the_table_is_detected(signed: Desk):
    signed.tamper("UPDATE journal SET decision_text = CAST(x'ff' AS TEXT) WHERE seq = 7")
    assert [report.first_bad for report in both(signed)] == [7, 7]


@pytest.mark.parametrize("sql", ["DELETE FROM journal WHERE seq = 6", "DELETE FROM journal WHERE seq = 5"])
def test_deleted_row_is_detected(signed: Desk, sql):
    signed.tamper(sql)
    assert [report.ok for report in both(signed)] == [False, False]


@pytest.mark.parametrize("kept", range(5))
def test_table_cut_below_its_signed_head_is_detected(signed: Desk, kept):
    signed.tamper("DELETE FROM journal WHERE seq > ?", kept)
    for report in both(signed):
        assert not report.ok
        assert report.detail


def test_rewritten_table_is_detected_by_its_signed_head(desk: Desk, tmp_path):
    desk.write_many(5)
    chain.sign_head(desk.connection, KEY, START)
    forger = Desk(tmp_path / "forged.sqlite", seed=9)
    forger.write_many(5)
    desk.tamper("DELETE FROM journal")
    rows = forger.connection.execute(f"SELECT {', '.join(COLUMNS)} FROM journal").fetchall()
    desk.connection.executemany(
        f"INSERT INTO journal ({', '.join(COLUMNS)}) VALUES ({','.join('?' * 18)})", rows
    )
    full, since = both(desk)
    assert "written anew" in full.detail
    assert not since.ok
    forger.connection.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE journal_heads SET signature = '00' || substr(signature, 3)",
        "UPDATE journal_heads SET hash = substr(hash, 2) || '0'",
        "UPDATE journal_heads SET ts = '2026-11-21T00:00:00.000000Z'",
        "UPDATE journal_heads SET seq = 4",
        "UPDATE journal_heads SET signature = 'not hex'",
        "UPDATE journal_heads SET hash = x'00'",
    ],
)
def test_forged_head_is_detected(signed: Desk, sql):
    signed.connection.execute(sql)
    assert [report.ok for report in both(signed)] == [False, False]


def test_head_signed_with_another_key_is_detected(signed: Desk):
    for report in both(signed, OTHER_KEY):
        assert not report.ok
        assert "not this home's" in report.detail


def test_head_is_due_when_the_day_of_an_unsigned_record_is_over(desk: Desk):
    assert not chain.is_head_due(desk.connection, START)
    desk.write()
    assert not chain.is_head_due(desk.connection, START)
    tomorrow = START + timedelta(seconds=10)
    assert chain.is_head_due(desk.connection, tomorrow)
    chain.sign_head(desk.connection, KEY, tomorrow)
    assert not chain.is_head_due(desk.connection, tomorrow)


def test_key_is_made_once_private_and_found_again(tmp_path):
    path = tmp_path / "state" / "journal-key"
    made = chain.load_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert chain.public_hex(chain.load_key(path).public_key()) == chain.public_hex(made.public_key())


def not_a_key() -> bytes:
    return b"hello"


def a_foreign_key() -> bytes:
    key = generate_private_key(SECP256R1())
    formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*formats)


@pytest.mark.parametrize("content", [not_a_key, a_foreign_key])
def test_file_that_is_no_ed25519_key_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "journal-key"
    path.write_bytes(content())
    before = path.read_bytes()
    with pytest.raises(BadInputError) as caught:
        chain.load_key(path)
    assert caught.value.code == "JOURNAL_KEY_UNREADABLE"
    assert caught.value.cure
    assert path.read_bytes() == before


def test_folder_in_the_place_of_the_key_is_refused(tmp_path):
    with pytest.raises(BadInputError) as caught:
        chain.load_key(tmp_path)
    assert caught.value.code == "JOURNAL_KEY_UNREADABLE"


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_random_surgery_on_lines_is_always_detected(data):
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[at])))
        lines[at] = lines[at][:cut] + data.draw(st.binary(max_size=3)) + lines[at][cut:]
    assert chain.verify(lines, head=HEAD).ok == (lines == LINES)


def test_line_says_the_same_as_the_record():
    assert [json.loads(line) for line in LINES] == [record.as_json() for record in CHAIN]
    assert BASE.items() <= CHAIN[0].as_json().items()


def test_verification_reads_beside_a_writer(signed: Desk, tmp_path):
    reader = Desk(tmp_path / "desk.sqlite", seed=3)
    with signed.transaction():
        signed.journal.append("kill", **BASE)
        assert chain.verify_all(reader.connection, KEY.public_key()).checked == 8
    assert chain.verify_all(reader.connection, KEY.public_key()).checked == 9
    assert journal_read.latest(reader.connection, "kill") is not None
    reader.connection.close()
