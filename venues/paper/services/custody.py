"""What a custody account was charged: the network's fee of each of its withdrawals, and nothing else.

Our rule, as is that an exchange account is answered with an empty list.
"""

from __future__ import annotations

from typing import Any

from venues.paper.call import Call
from venues.paper.exchange import Exchange
from venues.paper.services.fields import checked, within


def custody_fees(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v1/custodyaccountfees`, newest first; with a timestamp the oldest ones from it."""
    given = checked("custody_fees", call)
    limit = within(given, "limit_transfers", 10, 50)
    since = given.get("timestamp")
    found = exchange.documents.of("custody_fee", call.owner.name)
    if since is not None:
        return [body for body in found if body["txTime"] >= since][:limit][::-1]
    return found[-limit:][::-1]


HANDLERS = {"custody_fees": custody_fees}
