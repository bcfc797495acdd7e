"""What secrets look like, and what only looks like one: shapes, words around them, and randomness.

Pure, standard library only. Every pattern is linear in the text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from itertools import pairwise
from typing import NamedTuple


class Shape(NamedTuple):
    """A pattern whose group `secret` (or whole match) is a secret of this kind."""

    kind: str
    pattern: re.Pattern[str]


def _shape(kind: str, pattern: str, flags: re.RegexFlag = re.NOFLAG) -> Shape:
    return Shape(kind, re.compile(pattern, flags | re.ASCII))


_START = r"(?<![A-Za-z0-9_-])"
_PEM = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"

SHAPES: tuple[Shape, ...] = (
    _shape("private_key", _PEM + r"[A-Za-z0-9+/=\s:,.-]{0,8192}?-----END [A-Z0-9 ]{0,40}-----"),
    _shape("private_key", _PEM + r"[A-Za-z0-9+/=\s]*"),
    _shape("google_key", _START + r"AIza[0-9A-Za-z_-]{20,}"),
    _shape("google_key", _START + r"(?:AQ\.Ab|ya29\.|GOCSPX-)[0-9A-Za-z_-]{16,}"),
    _shape(
        "api_key", _START + r"(?:sk|rk|pk)[-_][0-9A-Za-z_-]{0,20}(?=[0-9A-Za-z_-]*[0-9])[0-9A-Za-z_-]{16,}"
    ),
    _shape("api_key", _START + r"(?:gh[opsur]_|github_pat_|glpat-|hf_|npm_|pypi-|lsv2_)[0-9A-Za-z_-]{16,}"),
    _shape("api_key", _START + r"xox[abeoprs]-[0-9A-Za-z-]{10,}"),
    _shape("api_key", _START + r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"),
    _shape("api_key", r"(?<![0-9A-Za-z])[0-9]{8,10}:AA[0-9A-Za-z_-]{30,}"),
    _shape("token", _START + r"eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*)?"),
    _shape("password", r"(?i:[a-z])://[^\s/:@\"'\x00]{0,80}:(?P<secret>[^\s/@\"'\[\]\x00]{3,200})@"),
    _shape("token", r"(?i:x-gemini-signature)[\"']?\s*[:=]\s*[\"']?(?P<secret>[0-9a-fA-F]{64,})"),
    _shape(
        "secret",
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

ASSIGNED_STRONG = re.compile(f"(?:{_STRONG}){_GAP}{_VALUE}", re.IGNORECASE)
ASSIGNED_MEDIUM = re.compile(f"(?:{_MEDIUM}){_GAP}{_VALUE}", re.IGNORECASE)

_STEMS = re.compile(
    r"secret|key|pass|pwd|kennwort|geheimnis|contraseña|senha|mot de|mnemonic|seed|token|credential"
    r"|authorization|cookie|schlüssel|clé|clave|chave|chiave|пароль|секрет|ключ|токен|密|钥匙|パスワード|キー|비밀번호"
)

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


def has_naming_word(text: str) -> bool:
    """Say whether any word that could name a secret occurs at all; most text has none and is done quickly."""
    return _STEMS.search(text.lower()) is not None


def is_random(token: str, least: int = 16) -> bool:
    """Say whether a token looks drawn by chance: long, varied, its kinds of characters well mixed."""
    core = token.rstrip("=")
    if len(core) < least or len(set(core)) < min(10, len(core) * 3 // 5):
        return False
    has_digit, has_letter = any(c.isdigit() for c in core), any(c.isalpha() for c in core)
    if has_digit and has_letter:
        return _changes(core) * 4 >= len(core)
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


def _changes(core: str) -> int:
    kinds = ["0" if c.isdigit() else "a" if c.islower() else "A" if c.isupper() else "+" for c in core]
    return sum(a != b for a, b in pairwise(kinds))


def _is_mixed(core: str) -> bool:
    """Say whether capitals and small letters alternate more than joined words do."""
    if not any(c.islower() for c in core) or not any(c.isupper() for c in core):
        return False
    # A capital followed by a small letter is how words are joined, so it does not count here.
    joins = len(re.findall("[A-Z][a-z]", core))
    return (_changes(core) - joins) * 100 >= 27 * len(core)


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
