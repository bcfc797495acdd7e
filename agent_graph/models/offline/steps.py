"""What a plan works with and what it can answer: say something, or call tools first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent_graph.models.offline import coins
from agent_graph.models.offline.slots import Slots

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Say:
    """The answer. `asks` is true when it asks for what is missing."""

    text: str
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """Tool calls to make now; `text` stands before a card that they put up."""

    calls: Sequence[tuple[str, dict[str, Any]]]
    text: str = ""


Step = Say | Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One finished call of this turn."""

    name: str
    args: Json
    data: Json

    @property
    def error(self) -> Json | None:
        """Return the call's error."""
        found = self.data.get("error")
        return found if isinstance(found, Mapping) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request: its slots, what the desk says about itself, what was said and done before."""

    slots: Slots
    context: Json
    window: Sequence[tuple[str, str]] = ()
    earlier: Sequence[Done] = ()
    done: Sequence[Done] = field(default_factory=tuple)

    def last(self, name: str) -> Done | None:
        """Return this turn's newest call of a tool."""
        return next((item for item in reversed(self.done) if item.name == name), None)

    @property
    def zone(self) -> str:
        """Return the configured time zone's name."""
        return str(self.context.get("timezone") or "UTC")

    def recent_symbol(self) -> str | None:
        """Return the pair that the person talked about last, else the one a tool was asked about."""
        for role, text in reversed(self.window):
            found = coins.find(text) if role == "person" else []
            if found:
                return found[-1].symbol
        for item in reversed(self.earlier):
            symbol = item.args.get("symbol")
            if symbol:
                return str(symbol)
        return None
