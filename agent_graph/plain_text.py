"""Text from outside made plain: no control, direction or invisible characters, bounded in length."""

from __future__ import annotations

import unicodedata

_KEPT_CONTROLS = frozenset("\n\t")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


def is_hidden(char: str) -> bool:
    """Say whether `char` is a control, direction, private, unassigned or zero-width character."""
    return unicodedata.category(char) in _HIDDEN_CATEGORIES and char not in _KEPT_CONTROLS


def plain(text: str) -> str:
    """Return `text` without hidden characters; line ends become newlines, tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if not is_hidden(char))


def ascii_digits(text: str) -> str:
    """Return `text` with the digits of every script as 0-9, wide forms folded."""
    if text.isascii():
        return text
    folded = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() and not char.isascii() else char for char in folded
    )
