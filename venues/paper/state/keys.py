"""API keys: whom they act for, what they may do, and how their nonces are judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from venues.paper.matching.ledger import Account, Role


class NonceMode(StrEnum):
    """How the nonces of a key are judged: strictly rising, or epoch seconds near the exchange's clock."""

    INCREMENTAL = "incremental"
    TIME = "time"


@dataclass(slots=True, kw_only=True, eq=False)
class ApiKey:
    """One key, which is one session: its nonce and its orders are its own.

    `account` is None for a master key, which acts on every account of its `group`. `trusted_addresses` are
    the peers it is accepted from; an empty one admits all. `scopes` is None for a key that signs; for an
    OAuth grant it says what the token may do, and `secret` is empty. `last_seen_ms` is the exchange's time of
    the last authenticated message.
    """

    api_key: str
    secret: str = field(repr=False)
    label: str
    group: str
    account: Account | None
    roles: frozenset[Role] = frozenset({Role.TRADER})
    nonce_mode: NonceMode = NonceMode.INCREMENTAL
    requires_heartbeat: bool = False
    trusted_addresses: tuple[str, ...] = ()
    scopes: frozenset[str] | None = None
    last_nonce: Decimal | None = None
    last_seen_ms: int = 0

    def __post_init__(self) -> None:
        """Raise `ValueError` for a key that the venue does not issue."""
        if Role.AUDITOR in self.roles and len(self.roles) > 1:
            raise ValueError("the Auditor role cannot be combined with others")
        if Role.ADMINISTRATOR in self.roles and not self.is_master:
            raise ValueError("only a master key can have the Administrator role")
        if self.requires_heartbeat and self.is_master:
            raise ValueError("a master key cannot require heartbeats")

    @property
    def is_master(self) -> bool:
        """Say whether it acts on a group instead of one account."""
        return self.account is None
