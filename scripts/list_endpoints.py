"""Write docs/endpoints.md out of the catalogue of endpoints."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from venues.gemini.catalogue import SHAPES, TABLE, Auth, Call, Host, Role

PAGE = Path(__file__).resolve().parents[1] / "docs" / "endpoints.md"
_HEADS = {
    "rest": "REST",
    "sockets": "Sockets",
    "methods": "Methods of the stream socket",
    "site": "The web site",
}
_SHORT = {Role.TRADER: "T", Role.FUND_MANAGER: "FM", Role.AUDITOR: "A", Role.ADMINISTRATOR: "Adm"}
_INTRODUCTION = """# Endpoints

Written by `scripts/list_endpoints.py` out of `venues/gemini/catalogue`; a test fails when it is old.

A star marks what must be there, slashes part the allowed words, brackets mean an array, `<...>` an array of
exactly these, `map(...)` an object with free keys, ` | ` parts kinds of which one fits, and a capital letter
names a shape from the end of this page. Every signed request has `request` and `nonce` besides, and `account`
for a group's key. Money: `-` reads, `w` writes what is no money, `$` trades, `$$` moves value out or across,
or opens a way out. Roles: T trader, FM fund manager, A auditor, Adm administrator, `m:` a group's key only.
Scope is that of an OAuth token; without one the call is closed to tokens.
"""


def page() -> str:
    """Return the page's text."""
    groups: dict[str, list[Call]] = {name: [] for name in _HEADS}
    for row in TABLE.values():
        by_method = {"WS": "sockets", "CALL": "methods"}
        groups["site" if row.host is Host.SITE else by_method.get(row.method, "rest")].append(row)
    parts = [_INTRODUCTION]
    for name, rows in groups.items():
        parts.append(f"## {_HEADS[name]}: {len(rows)}\n\n" + _table(rows))
    shapes = [f"- `{name}`: {_code(map(str, wanted))}\n" for name, wanted in sorted(SHAPES.items())]
    return "\n".join([*parts, f"## Shapes: {len(shapes)}\n\n" + "".join(shapes)])


def _table(rows: Iterable[Call]) -> str:
    head = "| Name | Call | Roles | Scope | Money | Rate | Tier | Takes | Answers | Rule of our own |\n"
    return head + "|---|---|---|---|---|---|---|---|---|---|\n" + "".join(map(_line, rows))


def _line(row: Call) -> str:
    roles = (
        "public"
        if row.auth is Auth.NONE
        else "/".join(short for role, short in _SHORT.items() if role in row.roles) or "any"
    )
    takes = [*map(str, row.query), *map(str, row.request)]
    if row.method in {"WS", "CALL"} and str(row.asks) != "null":
        takes.append(str(row.asks))
    call = row.path if row.method == "CALL" else f"{row.method} {row.path}"
    cells = (
        f"`{row.name}`",
        f"`{call}`",
        f"m:{roles}" if row.is_master_only else roles,
        row.scope or "-",
        row.money.value,
        row.rate.value,
        str(row.tier),
        _code(takes),
        _code([str(row.answer)]),
        row.sim,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _code(words: Iterable[str]) -> str:
    return f"`{', '.join(words)}`".replace("``", "-")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
