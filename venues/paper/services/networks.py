"""Which networks carry what."""

from __future__ import annotations

from typing import Any

from venues.paper.call import Call
from venues.paper.exchange import Exchange
from venues.paper.matching.refusals import PlainRefusedError
from venues.paper.services.chains import CHAINS, chains_of


def network(_: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/network/{token}` and `/v2/network/{token}`."""
    token = call.path["token"]
    return {"token": token.upper(), "network": [chain.name for chain in chains_of(token)]}


def network_assets(_: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v2/networks/{network}/assets`."""
    name = call.path["network"]
    chain = CHAINS.get(name.lower())
    if chain is None:
        raise PlainRefusedError(
            f"Supplied value '{name[:40]}' is not a supported network. Supported are {', '.join(CHAINS)}."
        )
    return {"network": chain.name, "assets": sorted(chain.fees)}


HANDLERS = {"network_v1": network, "network": network, "network_assets": network_assets}
