"""One measured figure and its target."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`shown` and `target` are texts with units; `met` is None where there is no target."""

    name: str
    shown: str
    target: str = ""
    met: bool | None = None
    how: str = ""
