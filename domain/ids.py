"""Identifiers: ULIDs from an injected clock and seeded chance, and the types that keep ids apart."""

from __future__ import annotations

import re
from random import Random
from typing import NewType

from domain.clock import Clock, epoch_ms

RecordId = NewType("RecordId", str)
ProposalId = NewType("ProposalId", str)
ClientOrderId = NewType("ClientOrderId", str)

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CLIENT_ORDER_ID = re.compile(r"[:\-_.#a-zA-Z0-9]{1,36}", re.ASCII)
"""What Gemini accepts as a client order id (docs.gemini.com/client-order-id, 2026-09)."""


class IdSource:
    """Makes ids that sort by time; `random` is a seeded `Random` or `SystemRandom` from wiring."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._last = (0, 0)

    def ulid(self) -> str:
        """Return 26 Crockford characters, strictly rising within one source."""
        ms, tail = epoch_ms(self._clock.now()), self._random.getrandbits(80)
        last_ms, last_tail = self._last
        if ms <= last_ms:
            ms, tail = last_ms, (last_tail + 1) % (1 << 80)
        self._last = (ms, tail)
        value = (ms << 80) | tail
        return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -5, -5))

    def record(self) -> RecordId:
        """Return a journal record id, `R-` and a ULID."""
        return RecordId(f"R-{self.ulid()}")

    def proposal(self) -> ProposalId:
        """Return a proposal id, `P-` and a ULID."""
        return ProposalId(f"P-{self.ulid()}")

    def client_order(self) -> ClientOrderId:
        """Return a client order id, `m-` and a lower-case ULID (28 characters)."""
        return ClientOrderId(f"m-{self.ulid().lower()}")
