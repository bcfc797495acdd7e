"""Takes secrets out of text: for the journal, logs, exceptions, the chat and whatever a model reads.

Pure. Found are secrets by their shape, by a word that names them, by sheer randomness, and the values
that the key store holds, in plain, hex, base64 and URL form, down to eight characters in a row.
Ids, digests, prices and times stay. Redacting twice changes nothing, and JSON stays JSON.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

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
_WINDOW = 64
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
    forms = _known_forms(known)
    for _ in range(_PASSES):
        findings = _find(text, forms)
        if not findings:
            break
        text = _replace(text, findings)
    return text


def find(text: str, known: Iterable[str] = ()) -> list[Finding]:
    """Return the secrets in `text`, in order and without overlaps."""
    return _find(text, _known_forms(known))


class _Layer:
    """The text with escapes undone; `at[i]` is where character i began in the original."""

    def __init__(self, text: str, at: list[int] | None) -> None:
        self.text = text
        self.at = at
        self.escapes = [match.span() for match in _ESCAPE.finditer(text)]
        self._inside = {i: span for span in self.escapes for i in range(span[0] + 1, span[1])}

    def place(self, kind: str, start: int, end: int) -> Finding:
        """Return the finding in the original; an escape is taken out whole or not at all."""
        start = self._inside.get(start, (start, start))[0]
        end = self._inside.get(end, (end, end))[1]
        if self.at is None:
            return Finding(kind=kind, start=start, end=end)
        return Finding(kind=kind, start=self.at[start], end=self.at[end])


def _find(text: str, forms: dict[int, frozenset[str]]) -> list[Finding]:
    found: list[Finding] = []
    for layer in _layers(text):
        found.extend(layer.place(*hit) for hit in _known_hits(layer.text, forms))
        found.extend(layer.place(*hit) for hit in _hits(layer.text))
    return _merge(found)


def _layers(text: str) -> Iterator[_Layer]:
    """Give the text, then the text with one more layer of JSON and URL escapes undone each time."""
    blank = _PLACEHOLDER.sub(lambda match: "\x00" * len(match[0]), text)
    layer = _Layer(blank, None)
    yield layer
    for _ in range(_LAYERS):
        if not layer.escapes:
            return
        layer = _undo(layer)
        yield layer


def _undo(layer: _Layer) -> _Layer:
    old = layer.at or list(range(len(layer.text) + 1))
    parts: list[str] = []
    at: list[int] = []
    here = 0
    for match in _ESCAPE.finditer(layer.text):
        parts.append(layer.text[here : match.start()])
        at.extend(old[here : match.start()])
        mark = match[0]
        digits = mark[2:] if mark[1] == "u" else mark[1:]
        parts.append(_ESCAPED[mark[1]] if mark[0] == "\\" and mark[1] != "u" else chr(int(digits, 16)))
        at.append(old[match.start()])
        here = match.end()
    parts.append(layer.text[here:])
    at.extend(old[here:])
    return _Layer("".join(parts), at)


def _hits(text: str) -> Iterator[tuple[str, int, int]]:
    for shape in shapes.SHAPES:
        for match in shape.pattern.finditer(text):
            group: str | int = "secret" if "secret" in shape.pattern.groupindex else 0
            yield shape.kind, match.start(group), match.end(group)
    for match in shapes.VENUE_KEY.finditer(text):
        if shapes.is_random(match["tail"], 12):
            yield "gemini_key", match.start(), match.end()
    for match in shapes.AUTHORIZATION.finditer(text):
        value = match["secret"]
        if shapes.is_random(value) or ":" in (shapes.readable(value) or ""):
            yield "token", match.start("secret"), match.end("secret")
    if shapes.has_naming_word(text):
        yield from _assigned(text)
    yield from _tokens(text)


def _assigned(text: str) -> Iterator[tuple[str, int, int]]:
    for match in shapes.ASSIGNED_STRONG.finditer(text):
        value, is_spoken = match["secret"], match["sign"][0].isalpha()
        if not shapes.is_placeholder(value) and (shapes.is_password_like(value) or not is_spoken):
            yield "secret", match.start("secret"), match.end("secret")
    for match in shapes.ASSIGNED_MEDIUM.finditer(text):
        value = match["secret"].rstrip(".")
        if shapes.is_random(value, 8) and not shapes.is_identifier(value):
            yield "token", match.start("secret"), match.end("secret")


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    for match in shapes.CANDIDATE.finditer(text):
        token = match[0]
        if shapes.is_identifier(token) or not shapes.is_random(token):
            continue
        before = text[max(0, match.start() - _WINDOW) : match.start()]
        if shapes.NAMED_AS_ID.search(before):
            continue
        said = shapes.readable(token)
        if said is not None:
            if next(_hits(said), None):
                yield "secret", match.start(), match.end()
        elif shapes.is_bare_secret(token) or shapes.NEAR_WORD.search(before):
            yield "secret", match.start(), match.end()


def _known_forms(known: Iterable[str]) -> dict[int, frozenset[str]]:
    """Return, by length, the pieces that give a known value away."""
    pieces: dict[int, set[str]] = {}

    def add(value: str, run: int) -> None:
        size = min(run, len(value))
        if size >= _SHORTEST_KNOWN:
            pieces.setdefault(size, set()).update(value[i : i + size] for i in range(len(value) - size + 1))

    for value in known:
        prefix = _PREFIX.match(value)
        core = value[prefix.end() :] if prefix and len(value) - prefix.end() >= _RUN else value
        add(core, _RUN)
        raw = core.encode("utf-8", "surrogatepass")
        if not core.isascii():
            # Undoing URL escapes gives single bytes.
            add(raw.decode("latin-1"), _RUN)
        if len(raw) < _RUN:
            continue
        add(raw.hex(), 2 * _RUN)
        add(raw.hex().upper(), 2 * _RUN)
        for shift in range(3):
            # Inside a longer base64 text the value can begin at each of three places.
            coded = base64.b64encode(b"\0" * shift + raw).decode("ascii").rstrip("=")
            inner = coded[(0, 2, 3)[shift] : len(coded) - 1]
            add(inner, 10)
            add(inner.replace("+", "-").replace("/", "_"), 10)
    return {size: frozenset(found) for size, found in pieces.items()}


def _known_hits(text: str, forms: dict[int, frozenset[str]]) -> Iterator[tuple[str, int, int]]:
    for size, pieces in forms.items():
        for start in range(len(text) - size + 1):
            if text[start : start + size] in pieces:
                yield "known", start, start + size


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
