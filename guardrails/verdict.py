"""The gate's answer: every rule with its numbers, whether it passed or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule's result. `numbers` are plain text (decimals without exponents) for journal and card."""

    rule: str
    ok: bool
    code: str
    text: str
    numbers: Mapping[str, str]

    def as_json(self) -> dict[str, object]:
        """Return the shape that the API, the journal and the card show."""
        return {
            "rule": self.rule,
            "ok": self.ok,
            "code": self.code,
            "text": self.text,
            "numbers": dict(self.numbers),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All checks in fixed order. `warnings` are things a person should read that refuse nothing."""

    checks: tuple[Check, ...]
    warnings: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the refusal codes, without the one that only says that consent is still missing."""
        return tuple(c.code for c in self.checks if not c.ok and c.rule != "consent")

    @property
    def is_refused(self) -> bool:
        """Say whether a rule other than consent refuses."""
        return bool(self.codes)

    @property
    def may_send(self) -> bool:
        """Say whether every rule passed, consent included."""
        return all(c.ok for c in self.checks)

    def as_json(self) -> dict[str, object]:
        """Return `{"outcome": "refused"|"needs_person"|"allowed", "codes", "checks", "warnings"}`."""
        outcome = "refused" if self.is_refused else "allowed" if self.may_send else "needs_person"
        return {
            "outcome": outcome,
            "codes": list(self.codes),
            "checks": [c.as_json() for c in self.checks],
            "warnings": list(self.warnings),
        }
