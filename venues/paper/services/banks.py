"""Banks: adding one, and what there is to pay with.

Our rules: a bank is linked as soon as it is added; the same account number of the same kind is the same bank.
Of the number only the last four characters and a digest are kept.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from venues.paper.call import Call
from venues.paper.exchange import Exchange
from venues.paper.matching.listings import FIAT
from venues.paper.matching.refusals import invalid_parameter
from venues.paper.matching.render import balances_json
from venues.paper.services.fields import checked

_KIND: Final = "bank"
_NUMBER: Final = re.compile(r"[A-Za-z0-9-]{4,34}", re.ASCII)
_FIRST_REFERENCE: Final = 18_000


def add_bank(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/payments/addbank`."""
    given = checked("add_bank", call)
    _check_number("routing", given["routing"])
    reference = _add(exchange, call, given["accountnumber"], given["routing"], given)
    return {"referenceId": f"BankAccountRefId({reference})"}


def add_bank_cad(exchange: Exchange, call: Call) -> dict[str, str]:
    """Answer `/v1/payments/addbank/cad`."""
    given = checked("add_bank_cad", call)
    _check_number("swiftcode", given["swiftcode"])
    _add(exchange, call, given["accountNumber"], given["swiftcode"], given)
    return {"result": "OK"}


def payment_methods(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Answer `/v1/payments/methods`: fiat balances and linked banks."""
    account = call.owner
    return {
        "balances": [row for row in balances_json(account) if row["currency"] in FIAT],
        "banks": [
            {"bank": body["bank"], "bankId": body["bankId"]}
            for body in exchange.documents.of(_KIND, account.name)
        ],
    }


def _add(exchange: Exchange, call: Call, number: str, routing: str, given: dict[str, Any]) -> int:
    _check_number("account number", number)
    account = call.owner
    kind = given["type"]
    digest = sha256(f"{account.name}|{routing}|{number}|{kind}".encode()).hexdigest()
    known = exchange.documents.get(_KIND, digest)
    if known is not None:
        return int(known["reference"])
    reference = _FIRST_REFERENCE + len(exchange.documents.of(_KIND)) + 1
    body = {
        "bank": f"{given['name']} {kind.capitalize()} - {number[-4:]}",
        "bankId": str(UUID(int=exchange.chance.getrandbits(128), version=4)),
        "reference": reference,
    }
    exchange.documents.put(_KIND, digest, account.name, body)
    return reference


def _check_number(name: str, value: str) -> None:
    if not _NUMBER.fullmatch(value):
        raise invalid_parameter(f"{name} must be 4 to 34 letters, digits and dashes")


HANDLERS = {
    "add_bank": add_bank,
    "add_bank_cad": add_bank_cad,
    "payment_methods": payment_methods,
}
