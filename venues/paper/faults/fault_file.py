"""Reading a plan of faults, strictly: from a TOML or JSON file or from a request to the control route.

A plan has `seed`, tables `[[fault]]` with a `kind` each, and tables `[[status]]` that set an instrument's
trading status at a time. A key that is not known is refused by name.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from domain.errors import BadInputError
from domain.instrument import InstrumentStatus
from venues.paper.faults.fault_kinds import AnyFault, TimeMs

MOST_BYTES = 1024 * 1024
_CURE = "Correct it; docs/faults.md lists every kind of fault with its keys."


class StatusChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sets the trading status of `symbol` (lower case, `*` for all) `at_ms` after the plan was armed."""

    symbol: Annotated[str, Meta(pattern=r"^([a-z0-9]{2,24}|\*)$")]
    status: InstrumentStatus
    at_ms: TimeMs = 0


class FaultPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shall go wrong; the seed decides every chance in it."""

    seed: Annotated[int, Meta(ge=0, le=2**53)] = 0
    faults: tuple[AnyFault, ...] = field(default=(), name="fault")
    statuses: tuple[StatusChange, ...] = field(default=(), name="status")


def plan_from_json(text: bytes) -> FaultPlan:
    """Read a plan from JSON. Raises `BadInputError("FAULTS_REFUSED", ...)`."""
    try:
        return msgspec.json.decode(text, type=FaultPlan)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _refused("the plan of faults", error) from error


def read_plan(path: Path) -> FaultPlan:
    """Read the plan in a `.toml` or `.json` file. Raises `BadInputError("FAULTS_REFUSED", ...)`."""
    if path.suffix not in {".toml", ".json"}:
        raise BadInputError(
            "FAULTS_REFUSED",
            f"{path} is neither a .toml nor a .json file",
            "Name the plan of faults by its format.",
        )
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES)
        if path.suffix == ".json":
            return msgspec.json.decode(text, type=FaultPlan)
        return msgspec.convert(tomllib.loads(text.decode("utf-8")), type=FaultPlan)
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise _refused(str(path), error) from error


def _refused(what: str, error: Exception) -> BadInputError:
    return BadInputError("FAULTS_REFUSED", f"{what} cannot be used: {error!s:.300}", _CURE)
