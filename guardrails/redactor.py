"""Takes secrets out of text: for the journal, logs, exceptions, the chat and whatever a model reads.

Pure. Found are secrets by their shape, by a word that names them, by sheer randomness, and the values
that the key store holds, in plain, hex, base64 and URL form, down to eight characters in a row.
Ids, digests, prices and times stay. Redacting twice changes nothing, and JSON stays JSON.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

from guardrails import secret_shapes as shapes

KINDS = ("gemini_key", "google_key", "api_key", "private_key", "password", "secret", "token", "known")
"""Every kind that a finding can name."""

_PLACEHOLDER = re.compile(rf"\[redacted:(?:{'|'.join(KINDS)})\]")
_ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])|%[0-9a-fA-F]{2}')
_ESCAPED = {'"': '"', "\\": "\\", "/": "/", "b": " ", "f": "\n", "n": "\n", "r": "\n", "t": "\t"}
_NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*")
_PREFIX = re.compile(r"(?:account|master|sk|AIza|gh[a-z]_)-?")
_LAYERS = 4
_PASSES = 8
_RUN = 8
_SHORTEST_KNOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A secret at `text[start:end]`; `kind` is one of `KINDS`. The secret itself is not repeated here."""

    kind: str
    start: int
    end: int


def redact(text: str, known: Iterable[str] = ()) -> str:
    """Return `text` with every secret replaced by `[redacted:kind]`.

    `known` are values that the key store holds; eight characters of one in a row are too many.
    """
    forms = _known_forms(tuple(known))
    for _ in range(_PASSES):
        findings = _find(text, forms)
        if not findings:
            break
        text = _replace(text, findings)
    return text


def find(text: str, known: Iterable[str] = ()) -> list[Finding]:
    """Return the secrets in `text`, in order and without overlaps."""
    return _find(text, _known_forms(tuple(known)))


class _Layer:
    """The text with escapes undone; where its characters began in the original is worked out when asked."""

    def __init__(self, text: str, outer: _Layer | None) -> None:
        self.text = text
        self._outer = outer

    @cached_property
    def escapes(self) -> list[tuple[int, int]]:
        """The bounds of the escapes that this layer still has."""
        return [match.span() for match in _ESCAPE.finditer(self.text)]

    @cached_property
    def at(self) -> Sequence[int]:
        """For each character, and for the end, where it began in the original."""
        if self._outer is None:
            return range(len(self.text) + 1)
        old = self._outer.at
        at: list[int] = []
        here = 0
        for start, end in self._outer.escapes:
            at.extend(old[here : start + 1])
            here = end
        at.extend(old[here:])
        return at

    @cached_property
    def _inside(self) -> dict[int, tuple[int, int]]:
        return {i: span for span in self.escapes for i in range(span[0] + 1, span[1])}

    def place(self, kind: str, start: int, end: int) -> Finding:
        """Return the finding in the original; an escape is taken out whole or not at all."""
        start = self._inside.get(start, (start, start))[0]
        end = self._inside.get(end, (end, end))[1]
        return Finding(kind=kind, start=self.at[start], end=self.at[end])


def _find(text: str, forms: _Forms) -> list[Finding]:
    found: list[Finding] = []
    for layer in _layers(text):
        found.extend(layer.place(*hit) for hit in forms.hits(layer.text))
        found.extend(layer.place(*hit) for hit in _hits(layer.text))
    return _merge(found) if found else found


def _layers(text: str) -> Iterator[_Layer]:
    """Give the text, then the text with one more layer of JSON and URL escapes undone each time."""
    layer = _Layer(_PLACEHOLDER.sub(lambda match: "\x00" * len(match[0]), text), None)
    yield layer
    for _ in range(_LAYERS):
        if "\\" not in layer.text and "%" not in layer.text:
            return
        undone, count = _ESCAPE.subn(_unescaped, layer.text)
        if not count:
            return
        layer = _Layer(undone, layer)
        yield layer


def _unescaped(match: re.Match[str]) -> str:
    mark = match[0]
    if mark[0] == "\\" and mark[1] != "u":
        return _ESCAPED[mark[1]]
    return chr(int(mark[2:] if mark[1] == "u" else mark[1:], 16))


def _hits(text: str) -> Iterator[tuple[str, int, int]]:
    scan = shapes.Scan.of(text)
    for shape, match in scan.shaped():
        yield shape.kind, match.start(shape.group), match.end(shape.group)
    for match in scan.venue_keys():
        if shapes.is_random(match["tail"], 12):
            yield "gemini_key", match.start(), match.end()
    for match in scan.authorizations():
        value = match["secret"]
        if shapes.is_random(value) or ":" in (shapes.readable(value) or ""):
            yield "token", match.start("secret"), match.end("secret")
    if signs := scan.signs():
        yield from _assigned(scan, signs)
    yield from _tokens(scan)


def _assigned(scan: shapes.Scan, signs: list[int]) -> Iterator[tuple[str, int, int]]:
    for match in scan.assigned(shapes.STRONG, signs):
        value, is_spoken = match["secret"], match["sign"][0].isalpha()
        if not shapes.is_placeholder(value) and (shapes.is_password_like(value) or not is_spoken):
            yield "secret", match.start("secret"), match.end("secret")
    for match in scan.assigned(shapes.MEDIUM, signs):
        value = match["secret"].rstrip(".")
        if shapes.is_random(value, 8) and not shapes.is_identifier(value):
            yield "token", match.start("secret"), match.end("secret")


def _tokens(scan: shapes.Scan) -> Iterator[tuple[str, int, int]]:
    for match in scan.candidates():
        token = match[0]
        if shapes.is_identifier(token) or not shapes.is_random(token):
            continue
        said = shapes.readable(token)
        if said is not None:
            is_secret = next(_hits(said), None) is not None
        else:
            is_secret = shapes.is_bare_secret(token) or scan.is_named_secret(match.start())
        if is_secret and not scan.is_named_id(match.start()):
            yield "secret", match.start(), match.end()


class _Aligned:
    """Pieces of a known value that all hold, wherever they begin, one of `words` at a multiple of `width`.

    A piece of 2 x `width` - 1 characters or more has whole words of the text in it, so looking up each of
    the text's words, as the machine integers that its bytes are, misses none.
    """

    def __init__(self, width: int, code: Literal["I", "Q"]) -> None:
        self._width = width
        self._code: Literal["I", "Q"] = code
        self._words: set[int] = set()
        self._pieces: dict[int, set[str]] = {}

    def add(self, piece: str) -> None:
        """Take in one piece."""
        self._pieces.setdefault(len(piece), set()).add(piece)
        coded = _one_byte_each(piece)
        for i in range(len(piece) - self._width + 1):
            self._words.update(memoryview(coded[i : i + self._width]).cast(self._code))

    def hits(self, text: str, coded: bytes) -> Iterator[tuple[str, int, int]]:
        """Give the places of all pieces in the text, of which `coded` has one byte a character."""
        words = memoryview(coded)[: len(coded) // self._width * self._width].cast(self._code)
        if self._words.isdisjoint(words):
            return
        for at in [i * self._width for i, word in enumerate(words) if word in self._words]:
            for size, pieces in self._pieces.items():
                for start in range(max(0, at + self._width - size), at + 1):
                    if text[start : start + size] in pieces:
                        yield "known", start, start + size


class _Forms:
    """What gives the known values away."""

    def __init__(self) -> None:
        self._shorts: set[str] = set()
        self._aligned = {4: _Aligned(4, "I"), 8: _Aligned(8, "Q")}

    def add(self, value: str, run: int) -> None:
        """Take in all pieces of `run` characters, or the whole of a shorter value."""
        size = min(run, len(value))
        if size < _SHORTEST_KNOWN:
            return
        for i in range(len(value) - size + 1):
            piece = value[i : i + size]
            if size < 2 * 4 - 1:
                self._shorts.add(piece)
            else:
                self._aligned[4 if size < 2 * 8 - 1 else 8].add(piece)

    def hits(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Give the places of all pieces in the text."""
        coded = _one_byte_each(text)
        for aligned in self._aligned.values():
            yield from aligned.hits(text, coded)
        for short in self._shorts:
            start = text.find(short)
            while start >= 0:
                yield "known", start, start + len(short)
                start = text.find(short, start + 1)


def _one_byte_each(text: str) -> bytes:
    """Return one byte a character; equal texts give equal bytes, and the places stay."""
    return text.encode("latin-1", "replace")


@lru_cache(maxsize=8)
def _known_forms(known: tuple[str, ...]) -> _Forms:
    """Return the pieces that give a known value away; kept in memory, as the values themselves are."""
    forms = _Forms()
    for value in known:
        prefix = _PREFIX.match(value)
        core = value[prefix.end() :] if prefix and len(value) - prefix.end() >= _RUN else value
        forms.add(core, _RUN)
        raw = core.encode("utf-8", "surrogatepass")
        if not core.isascii():
            # Undoing URL escapes gives single bytes.
            forms.add(raw.decode("latin-1"), _RUN)
        if len(raw) < _RUN:
            continue
        forms.add(raw.hex(), 2 * _RUN)
        forms.add(raw.hex().upper(), 2 * _RUN)
        for shift in range(3):
            # Inside a longer base64 text the value can begin at each of three places.
            coded = base64.b64encode(b"\0" * shift + raw).decode("ascii").rstrip("=")
            inner = coded[(0, 2, 3)[shift] : len(coded) - 1]
            forms.add(inner, 10)
            forms.add(inner.replace("+", "-").replace("/", "_"), 10)
    return forms


def _merge(found: list[Finding]) -> list[Finding]:
    merged: list[Finding] = []
    for each in sorted(found, key=lambda f: (f.start, -f.end)):
        last = merged[-1] if merged else None
        if last is not None and each.start < last.end:
            if each.end > last.end:
                merged[-1] = Finding(kind=last.kind, start=last.start, end=each.end)
        elif each.end > each.start:
            merged.append(each)
    return merged


def _replace(text: str, findings: list[Finding]) -> str:
    parts: list[str] = []
    here = 0
    for each in findings:
        start, end, mark = each.start, each.end, f"[redacted:{each.kind}]"
        if number := _whole_number(text, start, end):
            start, end, mark = *number, f'"{mark}"'
        parts += [text[here : max(here, start)], mark]
        here = end
    parts.append(text[here:])
    return "".join(parts)


def _whole_number(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the bounds of a bare JSON number around the finding; it becomes a string, so JSON stays JSON."""
    while start > 0 and text[start - 1] in "0123456789.eE+-":
        start -= 1
    while end < len(text) and text[end] in "0123456789.eE+-":
        end += 1
    before, after = text[:start].rstrip()[-1:], text[end:].lstrip()[:1]
    if (
        not _NUMBER.fullmatch(text, start, end)
        or before not in {":", "[", ","}
        or after not in {",", "]", "}"}
    ):
        return None
    return start, end
