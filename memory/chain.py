"""The journal's chain: what was recorded cannot be changed, moved, removed or slipped in unseen.

A chain alone does not show that its end was cut off or that all of it was written anew. Signed heads do:
at day's end and at stop the newest hash is signed with a key of the home, and later checks hold the chain
against every signed head.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.clock import rfc3339
from domain.errors import BadInputError, ConflictError
from loopback.files import private_dir, write_private
from memory.journal_read import rows_after
from memory.record import GENESIS_HASH, Link, Record, parse_line, record_link, row_link
from memory.transactions import one_picture, plain_cursor, transaction

_PURPOSE = b"crypto-matrix journal head v1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a chain: the newest record's number and hash."""

    seq: int
    hash: str


GENESIS = Head(seq=0, hash=GENESIS_HASH)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """A head with its Ed25519 signature; `public_key` and `signature` are hex."""

    seq: int
    hash: str
    ts: str
    public_key: str
    signature: str

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Say whether `key` made the signature over exactly these fields."""
        try:
            key.verify(bytes.fromhex(self.signature), _message(self.seq, self.hash, self.ts))
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What a check found. `checked`: records that hold, `head`: the hash of the last of them.

    `first_bad` is the number (seq) that the first faulty record should have, None when all hold.
    """

    ok: bool
    checked: int
    head: str
    first_bad: int | None
    detail: str

    def as_json(self) -> dict[str, object]:
        """Return the shape of the desk's `/journal/verify`."""
        return {
            "ok": self.ok,
            "checked": self.checked,
            "head": self.head,
            "first_bad": self.first_bad,
            "detail": self.detail,
        }


def verify(
    records: Iterable[Record | bytes], *, after: Head = GENESIS, head: Head | None = None
) -> ChainReport:
    """Check records or lines (without line ends) that should follow `after`, in order and without a gap.

    With `head` they must also end exactly there; that is how a cut shows.
    """
    links = (record_link(parse_line(r) if isinstance(r, bytes) else r) for r in records)
    pinned = {} if head is None else {head.seq: head.hash}
    report = _verify(links, after, pinned)
    if report.ok and head is not None and report.checked != head.seq - after.seq:
        return replace(report, ok=False, first_bad=head.seq + 1, detail="there are records after the head")
    return report


def verify_all(connection: sqlite3.Connection, key: Ed25519PublicKey) -> ChainReport:
    """Check the whole table from its first record, and every signed head against it."""
    with one_picture(connection):
        heads = signed_heads(connection)
        return _forged(heads, key) or _verify(_links(connection, 0), GENESIS, _pinned(heads))


def verify_since_last_head(connection: sqlite3.Connection, key: Ed25519PublicKey) -> ChainReport:
    """Check the last signed head, the record it names and all that follow: quick enough for a start."""
    with one_picture(connection):
        heads = signed_heads(connection)[-1:]
        start = GENESIS
        if heads and heads[0].seq > 1:
            # The record before the head only lends its hash; the head's own hash vouches for it.
            start = Head(seq=heads[0].seq - 1, hash=_hash_of(connection, heads[0].seq - 1))
        return _forged(heads, key) or _verify(_links(connection, start.seq), start, _pinned(heads))


def current_head(connection: sqlite3.Connection) -> Head:
    """Return the newest record's number and hash, or `GENESIS` when there is none."""
    row = (
        plain_cursor(connection).execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    )
    return GENESIS if row is None else Head(seq=row[0], hash=row[1])


def signed_heads(connection: sqlite3.Connection) -> list[SignedHead]:
    """Return all signed heads, oldest first."""
    rows = plain_cursor(connection).execute(
        "SELECT seq, hash, ts, public_key, signature FROM journal_heads ORDER BY seq"
    )
    return [
        SignedHead(seq=seq, hash=own, ts=ts, public_key=public, signature=signature)
        for seq, own, ts, public, signature in rows
    ]


def sign_head(connection: sqlite3.Connection, key: Ed25519PrivateKey, at: datetime) -> SignedHead | None:
    """Sign the newest record's hash, in the caller's transaction or one of its own.

    Returns None when there is nothing new to sign. Raises `ConflictError` when the newest record does not
    match its own hash: a signature would vouch for something that was changed.
    """
    with transaction(connection):
        head = current_head(connection)
        if head == GENESIS or any(signed.seq >= head.seq for signed in signed_heads(connection)[-1:]):
            return None
        report = _verify(
            _links(connection, head.seq - 1),
            Head(seq=head.seq - 1, hash=_hash_of(connection, head.seq - 1)),
            {},
        )
        if not report.ok:
            raise ConflictError(
                "JOURNAL_CHANGED",
                f"the newest journal record was changed: {report.detail}",
                "Run `matrix journal verify` and compare with the daily files.",
            )
        ts = rfc3339(at)
        signed = SignedHead(
            seq=head.seq,
            hash=head.hash,
            ts=ts,
            public_key=public_hex(key.public_key()),
            signature=key.sign(_message(head.seq, head.hash, ts)).hex(),
        )
        connection.execute(
            "INSERT INTO journal_heads (seq, hash, ts, public_key, signature) VALUES (?, ?, ?, ?, ?)",
            (signed.seq, signed.hash, signed.ts, signed.public_key, signed.signature),
        )
    return signed


def is_head_due(connection: sqlite3.Connection, now: datetime) -> bool:
    """Say whether the UTC day of an unsigned record is over, so that its head should be signed."""
    signed = signed_heads(connection)[-1:]
    row = (
        plain_cursor(connection)
        .execute(
            "SELECT ts FROM journal WHERE seq > ? ORDER BY seq LIMIT 1", (signed[0].seq if signed else 0,)
        )
        .fetchone()
    )
    return row is not None and row[0][:10] < rfc3339(now)[:10]


def public_hex(key: Ed25519PublicKey) -> str:
    """Return the 32 bytes of a public key in hex, to be noted down elsewhere."""
    return key.public_bytes_raw().hex()


def load_key(path: Path) -> Ed25519PrivateKey:
    """Read the signing key of this home, or make it (mode 0600) when there is none.

    Raises `BadInputError` when the file holds no Ed25519 key or cannot be read or written.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return _make_key(path)
    except OSError as error:
        raise _key_error(path, str(error)) from error
    try:
        key = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError) as error:
        raise _key_error(path, "it holds no private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _key_error(path, "its key is not Ed25519")
    return key


def _make_key(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    private_dir(path.parent)
    write_private(path, text.decode("ascii"))
    return key


def _key_error(path: Path, why: str) -> BadInputError:
    return BadInputError(
        "JOURNAL_KEY_UNREADABLE",
        f"the journal's key {path} cannot be used: {why}",
        "Restore it from a backup. If it is lost, move it away together with the signed heads it made.",
    )


def _message(seq: int, own: str, ts: str) -> bytes:
    return _PURPOSE + json.dumps({"hash": own, "seq": seq, "ts": ts}, sort_keys=True).encode()


def _pinned(heads: Iterable[SignedHead]) -> dict[int, str]:
    return {signed.seq: signed.hash for signed in heads}


def _forged(heads: Iterable[SignedHead], key: Ed25519PublicKey) -> ChainReport | None:
    for signed in heads:
        if not signed.is_signed_by(key):
            return _bad(GENESIS, 0, signed.seq, f"the signature of the head {signed.seq} is not this home's")
    return None


def _links(connection: sqlite3.Connection, after_seq: int) -> Iterator[Link]:
    try:
        for row in rows_after(connection, after_seq):
            yield row_link(row)
    except sqlite3.DatabaseError as error:
        raise ValueError(f"the database cannot be read: {error}") from error


def _hash_of(connection: sqlite3.Connection, seq: int) -> str:
    row = plain_cursor(connection).execute("SELECT hash FROM journal WHERE seq = ?", (seq,)).fetchone()
    return GENESIS_HASH if row is None else str(row[0])


def _verify(links: Iterator[Link], after: Head, pinned: Mapping[int, str]) -> ChainReport:
    last, checked = after, 0
    try:
        for link in links:
            fault = _fault(link, last) or _unpinned(link, pinned)
            if fault:
                return _bad(last, checked, last.seq + 1, fault)
            last, checked = Head(seq=link.seq, hash=link.hash), checked + 1
    except ValueError as error:
        return _bad(last, checked, last.seq + 1, f"record {last.seq + 1} is unreadable: {error}")
    end = max(pinned, default=0)
    if end > last.seq:
        return _bad(
            last, checked, last.seq + 1, f"the journal is cut: it ends at {last.seq}, its head is {end}"
        )
    return ChainReport(
        ok=True, checked=checked, head=last.hash, first_bad=None, detail=f"{checked} records hold"
    )


def _fault(link: Link, last: Head) -> str:
    expected = last.seq + 1
    if link.seq != expected:
        return f"record {expected} is missing or out of order: {link.seq} stands in its place"
    if link.hash != link.digest:
        return f"record {expected} was changed: its hash does not match its content"
    if link.prev != last.hash:
        return f"record {expected} does not follow record {last.seq}"
    return ""


def _unpinned(link: Link, pinned: Mapping[int, str]) -> str:
    if pinned.get(link.seq, link.hash) != link.hash:
        return f"record {link.seq} is not the one that was signed as the head: the journal was written anew"
    return ""


def _bad(last: Head, checked: int, first_bad: int, detail: str) -> ChainReport:
    return ChainReport(ok=False, checked=checked, head=last.hash, first_bad=first_bad, detail=detail)
