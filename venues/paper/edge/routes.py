"""The REST endpoints: what the catalogue says of each, joined with what answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from venues.gemini.catalogue import TABLE, Auth
from venues.gemini.catalogue import Call as Row
from venues.paper.call import Call
from venues.paper.calls import (
    accounts_api,
    funds_api,
    fx_api,
    group_api,
    instant_api,
    orders_api,
    perpetual_api,
    public_api,
    volumes_api,
    wrap_api,
)
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Role
from venues.paper.matching.refusals import endpoint_not_found
from venues.paper.services import (
    addresses,
    approved_addresses,
    auctions,
    banks,
    clearing,
    clearing_lists,
    custody,
    funding,
    margin,
    networks,
    staking,
    withdrawals,
)

Handler = Callable[[Exchange, Call], Any]

HANDLERS: Mapping[str, Handler] = {
    **public_api.HANDLERS,
    **orders_api.HANDLERS,
    **volumes_api.HANDLERS,
    **funds_api.HANDLERS,
    **instant_api.HANDLERS,
    **wrap_api.HANDLERS,
    **fx_api.HANDLERS,
    **perpetual_api.HANDLERS,
    **accounts_api.HANDLERS,
    **group_api.HANDLERS,
    **networks.HANDLERS,
    **addresses.HANDLERS,
    **approved_addresses.HANDLERS,
    **withdrawals.HANDLERS,
    **custody.HANDLERS,
    **banks.HANDLERS,
    **staking.HANDLERS,
    **clearing.HANDLERS,
    **clearing_lists.HANDLERS,
    **margin.HANDLERS,
    **funding.HANDLERS,
    **auctions.HANDLERS,
}
"""What answers each row of the catalogue, by the row's name."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row and its handler."""

    row: Row
    handler: Handler

    @property
    def roles(self) -> frozenset[Role] | None:
        """Return the roles that may call it: None for a public one, empty when every role may."""
        if self.row.auth is Auth.NONE:
            return None
        return frozenset(Role(role) for role in self.row.roles)


_BY_LENGTH: dict[tuple[str, int], list[tuple[Endpoint, list[str]]]] = {}
for _row in TABLE.values():
    if _row.name in HANDLERS:
        _parts = _row.path.split("/")
        _BY_LENGTH.setdefault((_row.method, len(_parts)), []).append(
            (Endpoint(_row, HANDLERS[_row.name]), _parts)
        )


def find_endpoint(method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    """Return the endpoint for a path and its variable parts; the catalogue's first match wins.

    Raises `RefusedError` with `EndpointNotFound`.
    """
    given = path.split("/")
    for endpoint, parts in _BY_LENGTH.get((method, len(given)), ()):
        if all(part == text or (part[:1] == "{" and text) for part, text in zip(parts, given, strict=True)):
            return endpoint, {
                part[1:-1]: text for part, text in zip(parts, given, strict=True) if part[:1] == "{"
            }
    raise endpoint_not_found(method, path)
