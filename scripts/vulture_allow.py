"""What vulture cannot see used, each with its reason. `make check` reads this beside the code."""

from __future__ import annotations

from domain.instrument import InstrumentStatus
from guardrails.limits import KillPositions

ALLOWED_UNUSED = (
    InstrumentStatus.CANCEL_ONLY,  # a venue's word: read from its answers by value
    KillPositions.KEEP_STOP,  # a choice of limits.toml, read by value
)
