"""What secrets look like, and what only looks like one: shapes, words around them, and randomness.

Pure, standard library only. Every pattern is linear in the text. Nearly all text that is looked at holds no
secret, so a `Scan` first finds, by plain comparisons, the few places where a pattern can match at all.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import operator
import re
import string
from collections.abc import Iterator
from typing import NamedTuple


class Shape(NamedTuple):
    """A pattern whose group `secret` (or whole match) is a secret of this kind.

    It matches only where one of `hints` occurs: beside a long token if `is_token`, else anywhere in the
    folded text.
    """

    kind: str
    hints: tuple[str, ...]
    is_token: bool
    pattern: re.Pattern[str]
    group: str | int


def _shape(kind: str, hints: str, pattern: str) -> Shape:
    compiled = re.compile(pattern, re.ASCII)
    group = "secret" if "secret" in compiled.groupindex else 0
    is_token = pattern.startswith((_START, _DIGITS))
    return Shape(kind, tuple(hints.split()), is_token, compiled, group)


_START = r"(?<![A-Za-z0-9_-])"
_DIGITS = r"(?<![0-9A-Za-z])[0-9]{8,10}"
_PEM = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"

SHAPES: tuple[Shape, ...] = (
    _shape("private_key", "-----begin", _PEM + r"[A-Za-z0-9+/=\s:,.-]{0,8192}?-----END [A-Z0-9 ]{0,40}-----"),
    _shape("private_key", "-----begin", _PEM + r"[A-Za-z0-9+/=\s]*"),
    _shape("google_key", "AIza", _START + r"AIza[0-9A-Za-z_-]{20,}"),
    _shape("google_key", "AQ.Ab ya29. GOCSPX-", _START + r"(?:AQ\.Ab|ya29\.|GOCSPX-)[0-9A-Za-z_-]{16,}"),
    _shape(
        "api_key",
        "sk- sk_ rk- rk_ pk- pk_",
        _START + r"(?:sk|rk|pk)[-_][0-9A-Za-z_-]{0,20}(?=[0-9A-Za-z_-]*[0-9])[0-9A-Za-z_-]{16,}",
    ),
    _shape(
        "api_key",
        "gho_ ghp_ ghs_ ghu_ ghr_ github_pat_ glpat- hf_ npm_ pypi- lsv2_",
        _START + r"(?:gh[opsur]_|github_pat_|glpat-|hf_|npm_|pypi-|lsv2_)[0-9A-Za-z_-]{16,}",
    ),
    _shape("api_key", "xox", _START + r"xox[abeoprs]-[0-9A-Za-z-]{10,}"),
    _shape("api_key", "AKIA ASIA", _START + r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"),
    _shape("api_key", ":AA", _DIGITS + r":AA[0-9A-Za-z_-]{30,}"),
    _shape("token", "eyJ", _START + r"eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*)?"),
    _shape("password", "://", r"(?i:[a-z])://[^\s/:@\"'\x00]{0,80}:(?P<secret>[^\s/@\"'\[\]\x00]{3,200})@"),
    _shape(
        "token",
        "x-gemini-signature",
        r"(?i:x-gemini-signature)[\"']?\s*[:=]\s*[\"']?(?P<secret>[0-9a-fA-F]{64,})",
    ),
    _shape(
        "secret",
        "mnemonic phrase",
        r"(?i:mnemonic|seed[ _-]?phrase|recovery[ _-]?phrase)\W{1,5}(?:is\W{1,3})?"
        r"(?P<secret>(?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8})",
    ),
)

VENUE_KEY = re.compile(_START + r"(?:account|master)-(?P<tail>[0-9A-Za-z]{12,64})(?![0-9A-Za-z_-])", re.ASCII)
"""Gemini's key ids; the tail decides, because `account-settings` is only a word."""

AUTHORIZATION = re.compile(r"\b(?i:Bearer|Basic)\s{1,4}(?P<secret>[0-9A-Za-z._~+/=-]{8,4096})", re.ASCII)

_STRONG = (
    r"(?:api|app|client|shared|consumer|access|signing|account|master|webhook)?[ _-]?secret"
    r"(?:[ _-]?(?:access|api))?(?:[ _-]?key)?"
    r"|(?:private|signing|encryption)[ _-]?key|pass(?:word|wd|phrase|code)|pwd|mnemonic|seed[ _-]?phrase"
    r"|passwort|kennwort|geheimnis|contraseña|senha|mot de passe|пароль|секрет"
    r"|密码|密碼|密钥|パスワード|비밀번호"
)
_MEDIUM = (
    r"x-gemini-apikey|(?:api|access|auth)[ _-]?key"
    r"|(?:access|refresh|auth|session|bearer|csrf|person|propose|read|id)?[ _-]?token"
    r"|credentials?|authorization|cookie|schlüssel|clé|clave|chave|chiave|ключ|токен|キー|钥匙"
)
_GAP = (
    r"[\"']?\s{0,3}(?P<sign>:=|=>|==|=|:|\bis\b|\bist\b|\best\b|\bes\b|\bé\b|→|->|—|是|は)"
    r"\s{0,3}(?:\bnow\b\s)?[\"'`]?"
)
_VALUE = r"(?P<secret>[^\s\"'`,;{}\[\]<>()&\\\x00]{4,512})"


class Naming(NamedTuple):
    """`assigned` matches a naming word, a sign such as `=` and a value; `before` what precedes the sign."""

    before: re.Pattern[str]
    assigned: re.Pattern[str]


def _naming(words: str) -> Naming:
    return Naming(
        re.compile(rf"(?:{words})[\"']?\s{{0,3}}\Z"),
        re.compile(f"(?:{words}){_GAP}{_VALUE}", re.IGNORECASE),
    )


STRONG, MEDIUM = _naming(_STRONG), _naming(_MEDIUM)

_WORD_ENDS = (
    "secret|key|token|access|api|phrase|pass(?:word|wd|code|wort|e)|pwd|mnemonic|kennwort|geheimnis|senha"
    "|credentials?|authorization|cookie|clave|chave|chiave"
)
_FOREIGN_ENDS = (
    "contraseña|пароль|секрет|密码|密碼|密钥|パスワード|비밀번호|schlüssel|clé|ключ|токен|キー|钥匙"
)
_SIGN_SOON = r"[\"']?\s{0,3}(?P<sign>[:=→—是は]|->|\b(?:ist?|est?|é)\b)"
_NAMED_ASCII = re.compile(f"(?:{_WORD_ENDS}){_SIGN_SOON}")
_NAMED_ANY = re.compile(f"(?:{_WORD_ENDS}|{_FOREIGN_ENDS}){_SIGN_SOON}")
"""Part of all that is `assigned`, in folded text: the end of a naming word, and its sign."""

NAME_REACH = 32
"""A naming word begins at most so many characters before its sign."""

_NEAR_HINTS = re.compile(f"{_WORD_ENDS}|{_FOREIGN_ENDS}")

_ODD_CASES = (
    ("\u0130", "i"),
    ("\u0131", "i"),
    ("\u017f", "s"),
    ("\u1c82", "о"),
    ("\u1c83", "с"),
    ("\u1c84", "т"),
    ("\u1c85", "т"),
)
"""Letters that `re.IGNORECASE` takes for one of a naming word while `str.lower` does not."""

NEAR_WORD = re.compile(rf"(?:{_STRONG}|{_MEDIUM}|\bkeys?\b|\btokens?\b|\bsecrets?\b)", re.IGNORECASE)
"""A word shortly before a random token that makes it a secret."""

NAMED_AS_ID = re.compile(
    r"(?:(?:^|[\"'\s_.,{(-])(?:[a-z0-9]{1,30}[_-]){0,4}"
    r"(?:ids?|hash|digest|sha256|sha|prev|head|etag|cursor|nonce|seq|commit|txid|tx|address|checksum|fingerprint"
    r"|thought[_-]?signature|sec-websocket-(?:key|accept))[\"']?\s{0,3}[:=#]?\s{0,3}[\"'`]?"
    r"|(?:msg|toolu|call|req|resp|run|chatcmpl|evt|order|trade|txn)[_-])$",
    re.IGNORECASE,
)
"""What stands right before a random token that is an id."""

CANDIDATE = re.compile(r"(?<![0-9A-Za-z+/_-])[0-9A-Za-z+/_-]{16,512}={0,2}(?![0-9A-Za-z+/_=-])", re.ASCII)

_TOKEN_CHARS = frozenset(f"{string.ascii_letters}{string.digits}+/_-".encode())
_TO_RUNS = bytes(ord("x") if code in _TOKEN_CHARS else ord(" ") for code in range(256))
_RUN = b"x" * 11
"""No token of `SHAPES` has fewer characters of `CANDIDATE`'s alphabet in a row."""

_BEFORE_RUN = 5
"""The part of a token's prefix that can stand outside the run, such as `ya29.`."""

_CANDIDATE_LENGTH = 16

WINDOW = 64
"""So many characters before a random token can say what it is."""

_ULID = re.compile(r"(?:[RPm]-)?[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII | re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_HEX = re.compile(r"(?:0x)?[0-9a-f]+", re.ASCII | re.IGNORECASE)
_DIGESTS = frozenset({32, 40, 64, 96, 128})
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PLAIN_WORD = re.compile(
    r"(?:none|null|nil|true|false|unset|set|empty|missing|required|invalid|wrong|expired|unknown|hidden|masked"
    r"|redacted|removed|changed|optional|needed|correct|incorrect|stored|safe|here|there|not|never|string|str"
    r"|bearer|basic|read|propose|person|example|your[_-].*|my[_-].*|x{3,}.*|\*+.*|\.{3,}.*|…+.*|\$\{?[A-Za-z_].*)",
    re.IGNORECASE,
)
_JOINED_WORDS = re.compile(r"[a-z]*(?:[A-Z]{1,5}[a-z]{2,})*[A-Z]{0,5}|[A-Z]+")
_LETTERS_LENGTH = 20
_BARE_LENGTH = 24
_BARE_LIMIT = 128


class Scan(NamedTuple):
    """A text and where secrets can be in it; the exact patterns decide there.

    `folded` is the text in small letters, `runs` are the bounds of its long tokens, and `beside` holds
    these with the characters right before them.
    """

    text: str
    folded: str
    runs: list[tuple[int, int]]
    beside: str

    @classmethod
    def of(cls, text: str) -> Scan:
        """Look the text over once."""
        runs = list(_runs(text))
        beside = " ".join([text[max(0, start - _BEFORE_RUN) : end] for start, end in runs])
        return cls(text, fold(text), runs, beside)

    def shaped(self) -> Iterator[tuple[Shape, re.Match[str]]]:
        """Give all matches of `SHAPES`."""
        for shape in SHAPES:
            place = self.beside if shape.is_token else self.folded
            if not place:
                continue
            for hint in shape.hints:
                if hint in place:
                    for match in shape.pattern.finditer(self.text):
                        yield shape, match
                    break

    def venue_keys(self) -> Iterator[re.Match[str]]:
        """Give all matches of `VENUE_KEY`."""
        if "account-" in self.beside or "master-" in self.beside:
            yield from VENUE_KEY.finditer(self.text)

    def authorizations(self) -> Iterator[re.Match[str]]:
        """Give all matches of `AUTHORIZATION`."""
        if "bearer" in self.folded or "basic" in self.folded:
            yield from AUTHORIZATION.finditer(self.text)

    def signs(self) -> list[int]:
        """Return where a sign such as `=` follows the end of a naming word."""
        named = _NAMED_ASCII if self.folded.isascii() else _NAMED_ANY
        return [match.start("sign") for match in named.finditer(self.folded)]

    def assigned(self, naming: Naming, signs: list[int]) -> Iterator[re.Match[str]]:
        """Give all matches of `naming.assigned`, as its `finditer` would."""
        here = 0
        for sign in signs:
            word = naming.before.search(self.folded, max(here, sign - NAME_REACH), max(here, sign))
            # What follows the sign is the same wherever the word begins, so one try is enough.
            match = naming.assigned.match(self.text, word.start()) if word else None
            if match:
                here = match.end()
                yield match

    def candidates(self) -> Iterator[re.Match[str]]:
        """Give all matches of `CANDIDATE`."""
        for start, end in self.runs:
            if end - start >= _CANDIDATE_LENGTH and (match := CANDIDATE.match(self.text, start)):
                yield match

    def is_named_secret(self, start: int) -> bool:
        """Say whether a word shortly before the random token at `start` makes it a secret."""
        window = max(0, start - WINDOW)
        if not _NEAR_HINTS.search(self.folded, window, start):
            return False
        return NEAR_WORD.search(self.text[window:start]) is not None

    def is_named_id(self, start: int) -> bool:
        """Say whether what stands right before the random token at `start` makes it an id."""
        return NAMED_AS_ID.search(self.text[max(0, start - WINDOW) : start]) is not None


def fold(text: str) -> str:
    """Return the text in small letters, of the same length, so that a naming word is found by comparing."""
    if not text.isascii():
        for odd, plain in _ODD_CASES:
            text = text.replace(odd, plain)
    return text.lower()


def _runs(text: str) -> Iterator[tuple[int, int]]:
    # One byte a character, so that places stay; what Latin-1 lacks becomes "?" and belongs to no token.
    mapped = text.encode("latin-1", "replace").translate(_TO_RUNS)
    start = mapped.find(_RUN)
    while start >= 0:
        end = mapped.find(b" ", start)
        end = len(mapped) if end < 0 else end
        yield start, end
        start = mapped.find(_RUN, end)


def is_random(token: str, least: int = 16) -> bool:
    """Say whether a token looks drawn by chance: long, varied, its kinds of characters well mixed."""
    core = token.rstrip("=")
    if len(core) < least or len(set(core)) < min(10, len(core) * 3 // 5):
        return False
    kinds = _kinds(core)
    if "0" in kinds and any(c.isalpha() for c in core):
        return _changes(kinds) * 4 >= len(core)
    return len(core) >= _LETTERS_LENGTH and core.isalpha() and not _JOINED_WORDS.fullmatch(core)


def is_identifier(token: str) -> bool:
    """Say whether a token has the shape of an id or a digest, kept unless a strong word names it."""
    if token.isdigit() or _ULID.fullmatch(token) or _UUID.fullmatch(token):
        return True
    return bool(_HEX.fullmatch(token)) and len(token.removeprefix("0x")) in _DIGESTS


def is_bare_secret(token: str) -> bool:
    """Say whether a token is so random, in all three kinds of characters, that it needs no word beside it."""
    core = token.rstrip("=")
    if not _BARE_LENGTH <= len(core) <= _BARE_LIMIT or _HEX.fullmatch(core):
        return False
    if not is_random(token, _BARE_LENGTH) or not _is_mixed(core):
        return False
    return readable(token) is None and not _is_address(core)


def is_placeholder(value: str) -> bool:
    """Say whether an assigned value is a word about a secret and not one."""
    return _PLAIN_WORD.fullmatch(value.rstrip(".!?:")) is not None


def is_password_like(value: str) -> bool:
    """Say whether a value after "password is" can be one: not merely a lower-case word."""
    return len(value) >= 6 and not re.fullmatch(r"[A-Za-z]?[^\W\d_]+[.!?:]*", value)


def readable(token: str) -> str | None:
    """Return what a base64 token says if that is plain text, else None."""
    core = token.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        text = base64.b64decode(core + "=" * (-len(core) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return text if all(c.isprintable() or c in "\r\n\t" for c in text) else None


def _kinds(core: str) -> str:
    """Return the text with each character replaced by its kind: `0`, `a`, `A` or `+`."""
    if core.isascii():
        return core.translate(_ASCII_KINDS)
    return "".join(map(_kind, core))


def _kind(c: str) -> str:
    return "0" if c.isdigit() else "a" if c.islower() else "A" if c.isupper() else "+"


_ASCII_KINDS = "".join(_kind(chr(code)) for code in range(128))


def _changes(kinds: str) -> int:
    return sum(map(operator.ne, kinds, kinds[1:]))


def _is_mixed(core: str) -> bool:
    """Say whether capitals and small letters alternate more than joined words do."""
    if not any(c.islower() for c in core) or not any(c.isupper() for c in core):
        return False
    # A capital followed by a small letter is how words are joined, so it does not count here.
    joins = len(re.findall("[A-Z][a-z]", core))
    return (_changes(_kinds(core)) - joins) * 100 >= 27 * len(core)


def _is_address(core: str) -> bool:
    """Say whether it is a Bitcoin address, by its own checksum."""
    if not 26 <= len(core) <= 35 or any(c not in _BASE58 for c in core):
        return False
    number = 0
    for c in core:
        number = number * 58 + _BASE58.index(c)
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]
