"""The control route: tests arm faults, set trading statuses and look at queues while the exchange runs.

Only an exchange that was started with faults serves it, on loopback like everything else, and only to the
token in `run/exchange-control.token`, which is new at every start. No API key opens it, and what it does is
not part of the venue's wire.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from domain.errors import BadInputError
from domain.money import to_wire
from venues.paper.exchange import Exchange
from venues.paper.faults.fault_file import FaultPlan, plan_from_json
from venues.paper.faults.strikes import Armed
from venues.paper.matching.engine import ALL
from venues.paper.matching.refusals import RefusedError, endpoint_not_found, invalid_parameter
from venues.paper.world.queue_position import queue_position

PREFIX = "/control/"
TOKEN_FILE = "exchange-control.token"  # noqa: S105 - a file's name
_NUMBERED = re.compile(r"/control/(faults|orders)/([0-9]{1,19})", re.ASCII)


class Control:
    """The control route of one exchange and its token."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.token = secrets.token_urlsafe(32)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        """Answer one request. Raises `RefusedError`."""
        given = headers.get("authorization", "")
        if not hmac.compare_digest(given.encode("latin-1", "replace"), f"Bearer {self.token}".encode()):
            raise RefusedError(
                "RemoteAddressForbidden",
                f"The control route needs the token in run/{TOKEN_FILE} as a bearer token",
                403,
            )
        match (method, path):
            case ("GET", "/control/faults"):
                return {"faults": [_shown(armed) for armed in self._exchange.faults.armed()]}
            case ("POST", "/control/faults"):
                return self._arm(body)
            case ("DELETE", "/control/faults"):
                return {"cleared": self._exchange.faults.clear()}
        numbered = _NUMBERED.fullmatch(path)
        if numbered is None:
            raise endpoint_not_found(method, path)
        return self._answer_numbered(method, numbered[1], int(numbered[2]))

    def _answer_numbered(self, method: str, what: str, number: int) -> Any:
        if (method, what) == ("DELETE", "faults"):
            return {"cleared": self._exchange.faults.clear(number)}
        if (method, what) == ("GET", "orders"):
            return self._position(number)
        raise endpoint_not_found(method, f"/control/{what}/{number}")

    def _arm(self, body: bytes) -> Any:
        try:
            plan = plan_from_json(body)
        except BadInputError as error:
            raise invalid_parameter(str(error)) from error
        return {"armed": arm(self._exchange, plan)}

    def _position(self, order_id: int) -> Any:
        order = self._exchange.engine.live.get(order_id)
        if order is None:
            raise RefusedError("OrderNotFound", f"Order {order_id} is not open", 404)
        place = queue_position(self._exchange.engine.markets[order.symbol], order)
        if place is None:
            return {"order_id": str(order_id), "rests": False}
        return {
            "order_id": str(order_id),
            "rests": True,
            "ahead": to_wire(place.ahead),
            "recorded_ahead": to_wire(place.recorded_ahead),
            "behind": to_wire(place.behind),
        }


def arm(exchange: Exchange, plan: FaultPlan) -> list[int]:
    """Put a plan in force. Raises `RefusedError` for a symbol that is not listed."""
    for change in plan.statuses:
        if change.symbol != ALL and change.symbol not in exchange.engine.markets:
            raise RefusedError(
                "InvalidSymbol", f"status: {change.symbol!r} is not listed; the list of symbols says what is"
            )
    numbers = exchange.faults.arm(plan)
    with exchange.operation():
        exchange.apply_due_statuses()
    return numbers


def _shown(armed: Armed) -> dict[str, Any]:
    return {
        "number": armed.number,
        "seen": armed.seen,
        "struck": armed.struck,
        **msgspec.to_builtins(armed.fault),
    }
