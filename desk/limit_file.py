"""`limits.toml` on disk: read at start, tightened at once, widened after a delay."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from desk.store import Store
from domain.clock import Clock, parse_rfc3339, rfc3339
from domain.errors import BadInputError
from guardrails import limits as limit_rules
from guardrails.limits import Limits
from loopback.files import write_private

_WIDENINGS = "limit_widenings"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChange:
    """One judged change; `new` is its canonical text."""

    name: str
    old: str
    new: str
    unit: str
    is_tightening: bool


def read_limits(home: Path) -> Limits:
    """Return the limits of `home`, writing the shipped file first when there is none.

    Raises `LimitsError` with every fault, or `BadInputError` when the file can't be read.
    """
    path = home / "limits.toml"
    try:
        if not path.exists():
            write_private(path, limit_rules.SHIPPED)
        return limit_rules.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            "LIMITS_UNREADABLE", f"{path} cannot be read: {error}", "Check the file's owner and mode."
        ) from error


class LimitFile:
    """The limits in force, and the widenings that wait."""

    def __init__(self, home: Path, store: Store, clock: Clock) -> None:
        self._path = home / "limits.toml"
        self._store = store
        self._clock = clock
        self._asked_at: dict[str, float] = {}
        self.limits = read_limits(home)

    def judge(self, name: str, value: str) -> LimitChange:
        """Return the change; raises `BadInputError` for an unknown name, a bad value or no change at all."""
        changed = self.limits.replace(name, value)
        old, new = self.limits.value(name), changed.value(name)
        if old == new:
            raise BadInputError("NO_CHANGE", f"{name} is {self.limits.text(name)} already", "")
        return LimitChange(
            name=name,
            old=self.limits.text(name),
            new=changed.text(name),
            unit=limit_rules.UNITS[name],
            is_tightening=limit_rules.is_tightening(name, old, new),
        )

    def digest(self, change: LimitChange, *, mode: str, account: str, expires_at: str) -> str:
        """Return the SHA-256 of the change's canonical bytes."""
        whole = {
            "account": account,
            "expires_at": expires_at,
            "limit": {change.name: change.new},
            "mode": mode,
        }
        return hashlib.sha256(json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def apply(self, name: str, value: str, *, cause: str) -> str:
        """Put an approved change in force: tighter now, wider after `widen_delay_s`. Returns the effect."""
        change = self.judge(name, value)
        if change.is_tightening:
            self._set(change, cause)
            return f"{name} is {change.new} from now on"
        effective = self._clock.now() + timedelta(seconds=self.limits.widen_delay_s)
        waiting = self.waiting()
        waiting[name] = {"value": change.new, "effective_at": rfc3339(effective), "cause": cause}
        self._asked_at[name] = self._clock.monotonic()
        with self._store.transaction():
            self._store.set_meta(_WIDENINGS, json.dumps(waiting))
            self._store.record(
                "limits.change",
                source="person",
                cause=cause,
                decision_text=f"{name} will widen from {change.old} to {change.new}",
                result={"name": name, "from": change.old, "to": change.new, "at": rfc3339(effective)},
            )
        return f"{name} becomes {change.new} at {rfc3339(effective)}"

    def apply_due(self) -> None:
        """Put every widening in force whose delay is over, by wall time and by time that cannot be set.

        After a restart the delay begins again, since nothing tells how long the machine was really off.
        """
        due = {name: widening for name, widening in self.waiting().items() if self._is_due(name, widening)}
        for name, widening in due.items():
            try:
                change = self.judge(name, widening["value"])
            except BadInputError:
                # Another change made it pointless or contradictory meanwhile.
                self._forget(name)
                continue
            self._set(change, widening["cause"])

    def _is_due(self, name: str, widening: dict[str, str]) -> bool:
        asked = self._asked_at.setdefault(name, self._clock.monotonic())
        waited = self._clock.monotonic() - asked
        is_past = parse_rfc3339(widening["effective_at"]) <= self._clock.now()
        return is_past and waited >= self.limits.widen_delay_s

    def _forget(self, name: str) -> None:
        waiting = self.waiting()
        waiting.pop(name, None)
        self._store.set_meta(_WIDENINGS, json.dumps(waiting))

    def _set(self, change: LimitChange, cause: str) -> None:
        limits = self.limits.replace(change.name, change.new)
        with self._store.transaction():
            # A widening that still waited is overtaken: the newest word of the person holds.
            self._forget(change.name)
            self._store.record(
                "limits.change",
                source="person",
                cause=cause,
                decision_text=f"{change.name} changed from {change.old} to {change.new}",
                result={"name": change.name, "from": change.old, "to": change.new},
            )
            write_private(self._path, limit_rules.to_toml(limits))
        self.limits = limits

    def waiting(self) -> dict[str, dict[str, str]]:
        """Return approved widenings that are not in force yet."""
        stored = self._store.get_meta(_WIDENINGS)
        return {} if stored is None else dict(json.loads(stored))

    def as_json(self, name: str | None, used: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
        """Return the rows of `/limits`; raises `BadInputError` for an unknown name."""
        names = [name] if name else list(limit_rules.UNITS)
        waiting = self.waiting()
        rows = []
        for each in names:
            row: dict[str, Any] = {
                "name": each,
                "value": self.limits.text(each),
                "unit": limit_rules.UNITS[each],
                "used": used.get(each, {}).get("used"),
            }
            if each in waiting:
                row["pending"] = {k: waiting[each][k] for k in ("value", "effective_at")}
            rows.append(row)
        return rows
