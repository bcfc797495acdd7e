"""The dated model configuration: ids, settings and prices. No id and no price stands in code."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from domain.errors import BadInputError
from domain.money import to_wire

_FILE = Path(__file__).with_name("models.toml")
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens up to and including `until` (None: from then on)."""

    until: date | None
    input: Decimal
    cached: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model's settings."""

    id: str
    thinking_level: str
    max_output_tokens: int
    prices: tuple[Price, ...]

    def cost_usd(self, *, prompt: int, cached: int, output: int, on: date) -> str:
        """Return what a call cost as decimal text; `prompt` includes the cached tokens."""
        price = next((p for p in self.prices if p.until is None or on <= p.until), self.prices[-1])
        total = (prompt - cached) * price.input + cached * price.cached + output * price.output
        return to_wire(total / _MILLION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The whole file. `fallback` is asked when `default` cannot answer."""

    as_of: date
    base_url: str
    api_version: str
    default: str
    fallback: str
    models: dict[str, ModelEntry]

    def entry(self, name: str) -> ModelEntry:
        """Return a model's settings. Raises `BadInputError` for one that is not listed."""
        if name not in self.models:
            raise BadInputError(
                "NO_SUCH_MODEL", f"the model {name!r} is not configured", f"Listed: {', '.join(self.models)}."
            )
        return self.models[name]


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Read the shipped file."""
    raw = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    models = {
        name: ModelEntry(
            id=name,
            thinking_level=entry["thinking_level"],
            max_output_tokens=entry["max_output_tokens"],
            prices=tuple(
                Price(
                    until=date.fromisoformat(p["until"]) if "until" in p else None,
                    input=Decimal(p["input"]),
                    cached=Decimal(p["cached"]),
                    output=Decimal(p["output"]),
                )
                for p in entry["prices"]
            ),
        )
        for name, entry in raw["models"].items()
    }
    return Catalogue(
        as_of=date.fromisoformat(raw["as_of"]),
        base_url=raw["base_url"],
        api_version=raw["api_version"],
        default=raw["default"],
        fallback=raw["fallback"],
        models=models,
    )
