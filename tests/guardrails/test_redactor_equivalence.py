"""The redactor skips what cannot match; here it is compared with one that tries everything everywhere."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import redactor
from guardrails import secret_shapes as shapes
from guardrails.redactor import Finding, find, redact
from tests.guardrails.test_redactor import KEPT, SECRETS, VENUE_KEY, VENUE_SECRET

TOKEN = "Wq3xT7_pLm9-Zr2vB6nK4sHd8yFc1gJ5aEuRo0iQwXy"
WORDY = "swordfish-and-chips"
FOREIGN = "ünïcödé—geheim密"
SHORTS = ("4711", "s3cre", "hunte7", "seven77")
KNOWN = (VENUE_KEY, VENUE_SECRET, TOKEN, WORDY, FOREIGN, *SHORTS)


class SlowLayer:
    """The text with escapes undone and where each character came from, always worked out in full."""

    def __init__(self, text: str, at: list[int]) -> None:
        self.text, self.at = text, at
        self.escapes = [match.span() for match in redactor._ESCAPE.finditer(text)]
        self.inside = {i: span for span in self.escapes for i in range(span[0] + 1, span[1])}

    def place(self, kind: str, start: int, end: int) -> Finding:
        start = self.inside.get(start, (start, start))[0]
        end = self.inside.get(end, (end, end))[1]
        return Finding(kind=kind, start=self.at[start], end=self.at[end])

    def undone(self) -> SlowLayer:
        text, at, here = "", [], 0
        for start, end in self.escapes:
            mark = self.text[start:end]
            digits = mark[2:] if mark[1] == "u" else mark[1:]
            is_named = mark[0] == "\\" and mark[1] != "u"
            text += self.text[here:start] + (redactor._ESCAPED[mark[1]] if is_named else chr(int(digits, 16)))
            at += [*self.at[here:start], self.at[start]]
            here = end
        return SlowLayer(text + self.text[here:], at + self.at[here:])


def slow_find(text: str, known: Iterable[str]) -> list[Finding]:
    pieces = slow_pieces(known)
    blank = redactor._PLACEHOLDER.sub(lambda match: "\x00" * len(match[0]), text)
    layer = SlowLayer(blank, list(range(len(blank) + 1)))
    found: list[Finding] = []
    for left in range(redactor._LAYERS, -1, -1):
        found += [layer.place(*hit) for hit in slow_known(layer.text, pieces)]
        found += [layer.place(*hit) for hit in slow_hits(layer.text)]
        if not layer.escapes or not left:
            break
        layer = layer.undone()
    return redactor._merge(found)


def slow_redact(text: str, known: Iterable[str]) -> str:
    for _ in range(redactor._PASSES):
        findings = slow_find(text, known)
        if not findings:
            break
        text = redactor._replace(text, findings)
    return text


def slow_pieces(known: Iterable[str]) -> set[str]:
    pieces: set[str] = set()

    def add(value: str, run: int) -> None:
        size = min(run, len(value))
        if size >= 4:
            pieces.update(value[i : i + size] for i in range(len(value) - size + 1))

    for value in known:
        prefix = re.match(r"(?:account|master|sk|AIza|gh[a-z]_)-?", value)
        core = value[prefix.end() :] if prefix and len(value) - prefix.end() >= 8 else value
        add(core, 8)
        raw = core.encode()
        if not core.isascii():
            add(raw.decode("latin-1"), 8)
        if len(raw) < 8:
            continue
        add(raw.hex(), 16)
        add(raw.hex().upper(), 16)
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
            inner = coded[(0, 2, 3)[shift] : len(coded) - 1]
            add(inner, 10)
            add(inner.replace("+", "-").replace("/", "_"), 10)
    return pieces


def slow_known(text: str, pieces: set[str]) -> Iterator[tuple[str, int, int]]:
    for size in {len(piece) for piece in pieces}:
        for start in range(len(text) - size + 1):
            if text[start : start + size] in pieces:
                yield "known", start, start + size


def slow_hits(text: str) -> Iterator[tuple[str, int, int]]:
    for shape in shapes.SHAPES:
        for match in shape.pattern.finditer(text):
            yield shape.kind, match.start(shape.group), match.end(shape.group)
    for match in shapes.VENUE_KEY.finditer(text):
        if shapes.is_random(match["tail"], 12):
            yield "gemini_key", match.start(), match.end()
    for match in shapes.AUTHORIZATION.finditer(text):
        value = match["secret"]
        if shapes.is_random(value) or ":" in (shapes.readable(value) or ""):
            yield "token", match.start("secret"), match.end("secret")
    yield from slow_assigned(text)
    for match in shapes.CANDIDATE.finditer(text):
        token, before = match[0], text[max(0, match.start() - 64) : match.start()]
        if shapes.is_identifier(token) or not shapes.is_random(token) or shapes.NAMED_AS_ID.search(before):
            continue
        said = shapes.readable(token)
        if said is not None:
            if next(slow_hits(said), None):
                yield "secret", match.start(), match.end()
        elif shapes.is_bare_secret(token) or shapes.NEAR_WORD.search(before):
            yield "secret", match.start(), match.end()


def slow_assigned(text: str) -> Iterator[tuple[str, int, int]]:
    for match in shapes.STRONG.assigned.finditer(text):
        value, is_spoken = match["secret"], match["sign"][0].isalpha()
        if not shapes.is_placeholder(value) and (shapes.is_password_like(value) or not is_spoken):
            yield "secret", match.start("secret"), match.end("secret")
    for match in shapes.MEDIUM.assigned.finditer(text):
        value = match["secret"].rstrip(".")
        if shapes.is_random(value, 8) and not shapes.is_identifier(value):
            yield "token", match.start("secret"), match.end("secret")


def slow_is_random(token: str, least: int) -> bool:
    core = token.rstrip("=")
    if len(core) < least or len(set(core)) < min(10, len(core) * 3 // 5):
        return False
    if any(c.isdigit() for c in core) and any(c.isalpha() for c in core):
        kinds = ["0" if c.isdigit() else "a" if c.islower() else "A" if c.isupper() else "+" for c in core]
        return sum(a != b for a, b in pairwise(kinds)) * 4 >= len(core)
    return len(core) >= 20 and core.isalpha() and not shapes._JOINED_WORDS.fullmatch(core)


def written(piece: str) -> st.SearchStrategy[str]:
    """The piece in one of the ways in which a secret can be written down."""
    raw = piece.encode()
    return st.sampled_from(
        [
            piece,
            piece,
            piece.upper(),
            raw.hex(),
            raw.hex().upper(),
            *(base64.b64encode(b"x" * pad + raw + b"yz").decode() for pad in range(3)),
            base64.urlsafe_b64encode(raw).decode(),
            "".join(f"%{byte:02X}" for byte in raw),
            "".join(f"\\u{ord(c):04x}" for c in piece),
            json.dumps(json.dumps(piece)),
        ]
    )


def part(value: str) -> st.SearchStrategy[str]:
    """A piece of the value, near the length that is too much."""
    length = st.integers(6, 12) | st.just(len(value))
    return st.tuples(st.integers(0, len(value) - 1), length).map(lambda cut: value[cut[0] : cut[0] + cut[1]])


NAMES = (
    *(
        "webhook secret access key",
        "API_SECRET",
        "x-gemini-apikey",
        "passwd",
        "passe",
        "mot de passe",
        "Secret",
    ),
    *("KEY", "api_key", "api\u212aey", "ACCESS token", "credentİals", "clé", "CLÉ", "schlüssel", "пароль"),
    *(
        "п\u1c82роль",
        "пар\u1c82ль",
        "\u1c83екрет",
        "т\u1c82кен",
        "密钥",
        "パスワード",
        "contraseÑa",
        "passcode",
    ),
    *("mnemonıc", "seed phrase", "recovery phrase", "cookie", "propose_token", "geheimnis", "passphrase"),
)
SIGNS = (
    *(":", "=", "==", ":=", " => ", " is ", " ist ", " est ", "es", " é ", "是", " は ", "→", " — "),
    '":"',
)
VALUES = ("hunter2!", "k9Xw2Qp7", "none", "Zr2vB6nK4sHd8yFc", "your_key", "patience", "ab")
AROUND = (
    *(
        " ",
        "",
        '"',
        "'",
        "\\",
        "\n",
        ",",
        "=",
        "==",
        "é",
        "—",
        "密",
        "\x00",
        "/",
        "+",
        "-",
        "_",
        ".",
        "%",
        "🙂",
    ),
    *(
        "account-",
        "master-",
        "AIza",
        "ya29.",
        "AQ.Ab",
        "sk-",
        "ghp_",
        "xoxb-",
        "AKIA",
        "eyJ",
        "Bearer ",
        "basic ",
    ),
    *(
        "123456789:AA",
        "https://bob:",
        "@host",
        "x-gemini-signature: ",
        "-----BEGIN EC PRIVATE KEY-----",
        "ya29",
    ),
    *(
        "order_id: ",
        "hash ",
        "msg_",
        "[redacted:token]",
        "%2",
        "\\u00",
        "key",
        "token",
        "abcdefghijk",
        "0" * 513,
    ),
)
PLANTED = st.sampled_from([value for value in KNOWN if len(value) > 7]).flatmap(part).flatmap(written)
PIECES = st.one_of(
    PLANTED,
    PLANTED,
    st.sampled_from(AROUND),
    st.sampled_from(SHORTS),
    st.sampled_from([*KEPT, *(text for text, _ in SECRETS)]),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(SIGNS), st.sampled_from(VALUES)).map("".join),
    st.text("aZ09+/_-=.: \"'", max_size=24),
    st.text(max_size=8),
)
TEXTS: Any = st.lists(PIECES, max_size=9).flatmap(
    lambda pieces: st.sampled_from(["".join(pieces), " ".join(pieces), json.dumps({"text": pieces})])
)


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_nothing_is_found_more_or_less_than_by_trying_everything(text: str) -> None:
    assert find(text, KNOWN) == slow_find(text, KNOWN)
    assert redact(text, KNOWN) == slow_redact(text, KNOWN)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from([*NAMES, *SIGNS, *VALUES, " ", "_", "s"]), max_size=14).map("".join))
def test_assignments_run_together_are_told_apart_alike(text: str) -> None:
    assert find(text) == slow_find(text, ())


@pytest.mark.parametrize("text", ["keyestoken=k9Xw2Qp7", "keyesecret=k9Xw2Qp7!", "tokenissecret=k9Xw2Qp7!"])
def test_a_sign_inside_a_word_hides_no_assignment(text: str) -> None:
    assert find(text) == slow_find(text, ())
    assert "k9Xw2Qp7" not in redact(text)


@pytest.mark.parametrize("value", [VENUE_SECRET, TOKEN, WORDY, FOREIGN])
@pytest.mark.parametrize("filler", ["~", "密", " ", "9"])
def test_eight_in_a_row_are_found_at_every_place(value: str, filler: str) -> None:
    for offset in range(9):
        for start in range(len(value) - 7):
            piece = value[start : start + 8]
            text = f"{filler * offset}{piece}{filler * (8 - offset)}"
            assert piece not in redact(text, [value])
            assert find(text, [value]) == slow_find(text, [value])


@pytest.mark.parametrize("value", [VENUE_SECRET, TOKEN, WORDY])
def test_eight_in_hex_are_found_at_every_place(value: str) -> None:
    for offset in range(9):
        for start in range(len(value) - 7):
            piece = value[start : start + 8].encode().hex()
            assert piece not in redact(f"{'~' * offset}{piece} {piece.upper()}", [value])
            assert piece.upper() not in redact(f"{'~' * offset}{piece} {piece.upper()}", [value])


@settings(max_examples=300, deadline=None)
@given(
    st.text("abcXYZ0189_-+=é²ªǅ密ß ", max_size=40) | st.text(max_size=40), st.sampled_from([8, 12, 16, 24])
)
def test_randomness_is_judged_alike(token: str, least: int) -> None:
    assert shapes.is_random(token, least) == slow_is_random(token, least)


def test_folding_keeps_places_and_agrees_with_ignoring_case() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    folded = shapes.fold(everything)
    assert len(folded) == len(everything)
    letters = "".join(sorted(set(re.findall(r"\w", shapes._STRONG + shapes._MEDIUM))))
    for letter in re.findall(f"[{letters}]", everything, re.IGNORECASE):
        assert re.fullmatch(letter, shapes.fold(letter), re.IGNORECASE)
        assert shapes.fold(letter) in letters
    is_word = re.compile(r"\w")
    assert all(
        bool(is_word.match(a)) == bool(is_word.match(b)) for a, b in zip(everything, folded, strict=True)
    )


@pytest.mark.parametrize("naming", [shapes.STRONG, shapes.MEDIUM])
def test_naming_word_reaches_no_further_than_is_looked_at(naming: shapes.Naming) -> None:
    _, longest = re._parser.parse(naming.before.pattern).getwidth()  # type: ignore[attr-defined]  # undocumented
    assert longest <= shapes.NAME_REACH


def test_values_known_before_do_not_stay_when_others_are_given() -> None:
    assert redact(f"x {WORDY} x", [WORDY]) == "x [redacted:known] x"
    assert redact(f"x {WORDY} x", [TOKEN]) == f"x {WORDY} x"
    assert redact(f"x {WORDY} x", iter([TOKEN, WORDY])) == "x [redacted:known] x"


@pytest.mark.parametrize(
    "text", ["swor" * 500, "seven7 " * 300, "key=" * 500, "aB3dE6gH9jK2mN5p " * 60, "4711" * 300]
)
def test_nearly_matching_everywhere_changes_nothing(text: str) -> None:
    assert redact(text, KNOWN) == slow_redact(text, KNOWN)
