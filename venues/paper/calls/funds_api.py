"""The signed calls about balances and about money that came or went."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.money import ZERO
from venues.paper.call import Call
from venues.paper.exchange import Exchange
from venues.paper.matching.ledger import Account
from venues.paper.matching.listings import DOLLARS, FIAT_USD
from venues.paper.matching.refusals import invalid_parameter
from venues.paper.matching.render import balances_json, funds_text
from venues.paper.services.fields import checked, within

TRANSFER = "transfer"
"""The kind of the documents with what `/v2/transfers` shows, as it shows it."""


def balances(exchange: Exchange, call: Call) -> list[dict[str, str]]:
    """Answer `/v1/balances`, on request with what is on its way in and out."""
    rows = balances_json(call.owner)
    if not checked("balances", call).get("showPendingBalances", False):
        return rows
    pending = _pending(exchange, call.owner)
    return [
        {
            **row,
            "pendingWithdrawal": funds_text(
                pending.get(("Withdrawal", row["currency"]), ZERO), row["currency"]
            ),
            "pendingDeposit": funds_text(pending.get(("Deposit", row["currency"]), ZERO), row["currency"]),
        }
        for row in rows
    ]


def _pending(exchange: Exchange, account: Account) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for body in exchange.documents.of(TRANSFER, account.name):
        if body["status"] == "Pending":
            key = body["type"], body["currency"]
            found[key] = found.get(key, ZERO) + Decimal(body["amount"])
    return found


def notional_balances(exchange: Exchange, call: Call) -> list[dict[str, str]]:
    """Answer `/v1/notionalbalances/{currency}`: balances with their worth in fiat or in a dollar coin."""
    wanted = call.path["currency"].upper()
    if wanted not in DOLLARS and wanted not in FIAT_USD:
        raise invalid_parameter(
            f"'{call.path['currency'][:20]}' is not a currency that balances are valued in; use "
            f"{', '.join(sorted(DOLLARS | set(FIAT_USD))).lower()}"
        )
    engine = exchange.engine
    per_unit = engine.usd_rate(wanted)
    shown = []
    for row in balances_json(call.owner):
        rate = engine.usd_rate(row["currency"]) / per_unit
        worth = {
            f"{name}Notional": funds_text(Decimal(row[name]) * rate, wanted)
            for name in ("amount", "available", "availableForWithdrawal")
        }
        shown.append({**row, **worth})
    return shown


def transfers(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Answer `/v2/transfers`: newest first; with a timestamp the oldest ones from it, newest first.

    Our rule: a page with a start never ends inside a moment, even if that takes it beyond the limit.
    """
    given = checked("transfers", call)
    limit, since_ms = within(given, "limit_transfers", 10, 50), given.get("timestamp")
    with_advances = given.get("show_completed_deposit_advances", False)
    found = [
        body
        for body in exchange.documents.of(TRANSFER, call.owner.name)
        if given.get("currency") in {None, body["currency"].upper()}
        and given.get("network") in {None, body.get("network")}
        and (with_advances or body["status"] != "Advanced")
        and body["timestampms"] >= (since_ms or 0)
    ]
    found.sort(key=lambda body: (body["timestampms"], body["eid"]))
    if since_ms is None:
        return found[: -limit - 1 : -1]
    last_ms = found[:limit][-1]["timestampms"] if found else 0
    return [body for body in reversed(found) if body["timestampms"] <= last_ms]


HANDLERS = {
    "balances": balances,
    "notional_balances": notional_balances,
    "transfers": transfers,
    "transfers_v1": transfers,
}
