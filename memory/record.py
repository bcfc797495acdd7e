r"""One journal record and its canonical line.

A line is UTF-8 JSON with sorted keys and no spaces. Besides what JSON itself asks for, characters that
hide, reorder or break text (C1 controls, bidi, zero-width, line separators, tags) are written as `\uXXXX`,
so that one record is one line for every reader and nothing in it is invisible. `hash` is the SHA-256 hex
of the line without its `hash` member; taking `"hash":"<64 hex>",` out of a line gives the hashed bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from domain.clock import rfc3339
from domain.errors import BadInputError
from domain.ids import RecordId
from domain.money import to_wire

COLUMNS = (
    "seq",
    "id",
    "ts",
    "prev",
    "hash",
    "kind",
    "mode",
    "venue",
    "symbol",
    "cause",
    "source",
    "payload_text",
    "headers_text",
    "decision_text",
    "result_json",
    "error_text",
    "latency_ms",
    "redacted",
)
"""The table's columns in the order of a row; the same names are the keys of a line."""

TEXT_COLUMNS = ("payload_text", "headers_text", "decision_text", "result_json", "error_text")
"""What a full-text search looks at."""

GENESIS_HASH = "0" * 64
RECORD_ID = re.compile(r"R-[0-9A-HJKMNP-TV-Z]{26}", re.ASCII)
MAX_DEPTH = 64
_MAX_SAFE_INT = 2**53 - 1
_HIDING = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_LINE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
_BEFORE_HASH = ("cause", "decision_text", "error_text")
_AFTER_HASH = ("headers_text", "id", "kind", "latency_ms", "mode", "payload_text", "prev", "redacted")
_AFTER_RESULT = ("seq", "source", "symbol", "ts", "venue")
_INT_COLUMNS = frozenset({"seq", "latency_ms", "redacted"})
_NULLABLE = frozenset({"symbol", "cause", "latency_ms", *TEXT_COLUMNS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One entry. `ts` is RFC 3339 UTC; `result_json` is the JSON value itself, never text of it."""

    id: RecordId
    ts: str
    seq: int
    prev: str
    hash: str
    kind: str
    mode: str
    venue: str
    symbol: str | None
    cause: RecordId | None
    source: str
    payload_text: str | None
    headers_text: str | None
    decision_text: str | None
    result_json: object
    error_text: str | None
    latency_ms: int | None
    redacted: bool

    def as_json(self) -> dict[str, object]:
        """Return the record as the API and the journal file show it: every key, always."""
        return {name: getattr(self, name) for name in COLUMNS}

    def line(self) -> bytes:
        """Return the canonical line, without a line end."""
        fields = self.as_json()
        unhashed = Unhashed.of(fields, encode(plain(self.result_json)))
        return unhashed.with_hash(self.hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unhashed:
    """A line in two halves, cut where the `hash` member belongs."""

    head: str
    tail: str

    @classmethod
    def of(cls, fields: Mapping[str, object], result_text: str) -> Unhashed:
        """Build it from a record's fields and the canonical text of its result."""
        head, middle, end = (_members(fields, names) for names in (_BEFORE_HASH, _AFTER_HASH, _AFTER_RESULT))
        return cls(head=f"{{{head}", tail=f'{middle},"result_json":{result_text},{end}}}')

    def digest(self) -> str:
        """Return the hash that the finished record must carry."""
        return sha256(f"{self.head},{self.tail}".encode()).hexdigest()

    def with_hash(self, digest: str) -> bytes:
        """Return the finished line."""
        return f'{self.head},"hash":{encode(digest)},{self.tail}'.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A record as the chain sees it; `digest` is the hash that its content asks for."""

    seq: int
    prev: str
    hash: str
    digest: str

    @classmethod
    def of(cls, fields: Mapping[str, object], unhashed: Unhashed) -> Link:
        """Build it from a record's fields and its line."""
        seq, prev, own = fields["seq"], fields["prev"], fields["hash"]
        if not isinstance(seq, int):
            raise ValueError("seq is not a whole number")  # noqa: TRY004 - tampered data, like any other here
        return cls(seq=seq, prev=str(prev), hash=str(own), digest=unhashed.digest())


def _members(fields: Mapping[str, object], names: Sequence[str]) -> str:
    return ",".join([f'"{name}":{encode(fields[name])}' for name in names])


def encode(value: object) -> str:
    """Write an already plain JSON value as canonical text."""
    text = _LINE.encode(value)
    if text.isascii() and "\x7f" not in text:
        return text
    return _HIDING.sub(_escaped, text)


def clean(text: str) -> str:
    r"""Return `text` with lone surrogates written out (`\ud800`), as they exist in no UTF-8 file."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain(value: object, depth: int = 0) -> object:
    """Turn a result into plain JSON: decimals and wide integers to text, aware times to RFC 3339.

    Raises `BadInputError` for floats, naive times, keys that are not text, other types, and nesting
    beyond `MAX_DEPTH`: nothing is rounded or guessed on its way into the journal.
    """
    if isinstance(value, str):
        return value if type(value) is str and value.isascii() else clean(str.__str__(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _plain_int(value)
    if depth >= MAX_DEPTH:
        raise _unfit("RESULT_TOO_DEEP", f"a result is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict | Mapping):
        return _plain_mapping(value, depth)
    if isinstance(value, list | Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [plain(item, depth + 1) for item in value]
    return _plain_scalar(value)


def row_record(row: Sequence[object]) -> Record:
    """Read a row (in the order of `COLUMNS`). Raises `ValueError` when a column was tampered with."""
    fields = _row_fields(row)
    text = fields["result_json"]
    fields["result_json"] = None if text is None else _load(str(text))
    return Record(**fields)  # type: ignore[arg-type]  # _row_fields checked every type


def row_link(row: Sequence[object]) -> Link:
    """Read of a row what the chain needs. Raises `ValueError` when a column holds what is never written."""
    fields, unhashed = _row_unhashed(row)
    return Link.of(fields, unhashed)


def row_line(row: Sequence[object]) -> bytes:
    """Return the line of a row. Raises `ValueError` as `row_link` does."""
    fields, unhashed = _row_unhashed(row)
    return unhashed.with_hash(str(fields["hash"]))


def record_link(record: Record) -> Link:
    """Return what the chain needs of a record. Raises `ValueError` for one that no line can hold."""
    fields = record.as_json()
    try:
        return Link.of(fields, Unhashed.of(fields, encode(plain(record.result_json))))
    except (BadInputError, UnicodeEncodeError) as error:
        raise ValueError(f"not a journal record: {error}") from error


def parse_line(line: bytes) -> Record:
    """Read a line. Raises `ValueError` unless it is a record in canonical form (its hash is not judged)."""
    try:
        fields = _load(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8") from error
    if not isinstance(fields, dict) or set(fields) != set(COLUMNS):
        raise ValueError("not a journal record: its keys are not those of one")
    for name in COLUMNS:
        if name != "result_json":
            _check_type(name, fields[name], bool if name == "redacted" else int)
    record = Record(**fields)
    try:
        canonical = record.line()
    except (BadInputError, UnicodeEncodeError) as error:
        raise ValueError(f"not a journal record: {error}") from error
    if canonical != line:
        raise ValueError("not in canonical form")
    return record


def _row_unhashed(row: Sequence[object]) -> tuple[dict[str, object], Unhashed]:
    fields = _row_fields(row)
    text = fields["result_json"]
    if text is None:
        return fields, Unhashed.of(fields, "null")
    try:
        # Judged by its stored bytes, so that not even another spelling of the same value goes unseen.
        is_canonical = text != "null" and encode(plain(_load(str(text)))) == text
    except (BadInputError, UnicodeEncodeError) as error:
        raise ValueError(f"result_json is not a result: {error}") from error
    if not is_canonical:
        raise ValueError("result_json is not in canonical form")
    return fields, Unhashed.of(fields, str(text))


def _row_fields(row: Sequence[object]) -> dict[str, object]:
    fields = dict(zip(COLUMNS, row, strict=True))
    for name, value in fields.items():
        _check_type(name, value, int)
    if fields["redacted"] not in {0, 1}:
        raise ValueError("redacted is neither 0 nor 1")
    fields["redacted"] = bool(fields["redacted"])
    return fields


def _check_type(name: str, value: object, number: type) -> None:
    if value is None and name in _NULLABLE:
        return
    wanted = number if name in _INT_COLUMNS else str
    if type(value) is not wanted:
        raise ValueError(f"{name} is {type(value).__name__}, not {wanted.__name__}")


def _load(text: str) -> object:
    try:
        return json.loads(text, parse_float=_refuse_number, parse_constant=_refuse_number)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse_number(text: str) -> object:
    raise ValueError(f"a number that no record holds: {text:.40}")


def _escaped(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _plain_int(value: int) -> int | str:
    if abs(value) <= _MAX_SAFE_INT:
        return int(value)
    try:
        return str(int(value))
    except ValueError as error:
        raise _unfit("NUMBER_TOO_WIDE", "a result holds an integer of thousands of digits") from error


def _plain_mapping(value: Mapping[object, object], depth: int) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _unfit("KEY_NOT_TEXT", f"a result has the key {key!r:.40}, which is not text")
        made[key if type(key) is str and key.isascii() else clean(str.__str__(key))] = plain(item, depth + 1)
    if len(made) != len(value):
        raise _unfit("KEYS_COLLIDE", "two keys of a result are the same once written as UTF-8")
    return made


_SCALARS: tuple[tuple[type, Callable[..., str]], ...] = ((Decimal, to_wire), (datetime, rfc3339))


def _plain_scalar(value: object) -> str:
    if isinstance(value, float):
        raise _unfit("FLOAT_IN_RECORD", f"a result holds the float {value!r}")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise _unfit("NAIVE_TIME", f"a result holds a time without an offset, {value.isoformat()}")
    for kind, write in _SCALARS:
        if isinstance(value, kind):
            try:
                return write(value)
            except ValueError as error:
                raise _unfit("BAD_NUMBER", f"a result holds {value}, which is not finite") from error
    raise _unfit("NOT_JSON", f"a result holds a {type(value).__name__}, which JSON cannot say")


def _unfit(code: str, message: str) -> BadInputError:
    return BadInputError(
        code, message, "Give the journal text, whole numbers, decimals, aware times, lists and objects only."
    )
