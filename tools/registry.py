"""The only list of tools that the model sees: pure data, judged and served elsewhere.

Names and arguments are a public contract. A tool whose scope is not `READ` counts as writing.
Schemas are JSON Schema with `additionalProperties: false`; symbols are lower-case wire form and
money is text. What JSON Schema cannot say plainly (exactly one of two arguments) stands beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.instrument import Side
from domain.order import ExecutionOption, OrderType, Purpose

DECIMAL_PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,12})?$"
"""What `domain.money.parse_decimal` accepts."""
SYMBOL_PATTERN = r"^[a-z0-9]{4,20}$"
ID_PATTERN = r"^[A-Za-z0-9:_.#\-]{1,64}$"
PERIOD_PATTERN = r"^(today|yesterday|7d|30d|all|[0-9TZ:.+\-]{10,40}/[0-9TZ:.+\-]{10,40})$"
TIME_PATTERN = r"^([0-9]{1,2}:[0-9]{2}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(Z|[+\-][0-9]{2}:[0-9]{2}))$"
INTERVALS = ("1m", "5m", "15m", "30m", "1h", "6h", "1d")


class Scope(StrEnum):
    """Which token a tool's call needs at least."""

    READ = "read"
    PROPOSE = "propose"


class Shape(StrEnum):
    """How arguments travel: in the path and query, in the body, or as the body's `intent`."""

    QUERY = "query"
    BODY = "body"
    INTENT = "intent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A desk route. `{name}` in `path` takes that argument; `fixed` fields join every call.

    `needs`: the route is taken when these arguments are given (first match wins).
    `with_conversation`: the desk wants to know which conversation asked.
    """

    method: str
    path: str
    shape: Shape = Shape.QUERY
    needs: tuple[str, ...] = ()
    fixed: Mapping[str, str] = field(default_factory=dict)
    with_conversation: bool = False

    @property
    def is_write(self) -> bool:
        """Say whether a call of this route carries a request id."""
        return self.method != "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """An argument that picks rows of the reply's list `rows` by their `key`, on our side of the wire."""

    argument: str
    rows: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """One tool: what the model reads, and where the desk serves it."""

    name: str
    description: str
    properties: Mapping[str, Mapping[str, object]]
    required: tuple[str, ...] = ()
    exactly_one: tuple[tuple[str, ...], ...] = ()
    at_most_one: tuple[tuple[str, ...], ...] = ()
    depends: Mapping[str, str] = field(default_factory=dict)
    """Argument to the other argument that it makes no sense without."""
    scope: Scope = Scope.PROPOSE
    routes: tuple[Route, ...]
    row_filter: RowFilter | None = None

    @property
    def writes(self) -> bool:
        """Say whether it counts as writing: whatever is not marked as reading does."""
        return self.scope is not Scope.READ

    @property
    def schema(self) -> dict[str, object]:
        """Return the strict JSON Schema of the arguments."""
        return {
            "type": "object",
            "properties": {name: dict(rule) for name, rule in self.properties.items()},
            "required": list(self.required),
            "additionalProperties": False,
        }


def _text(description: str, limit: int = 200) -> dict[str, object]:
    return {"type": "string", "minLength": 1, "maxLength": limit, "description": description}


def _pattern(pattern: str, description: str) -> dict[str, object]:
    return {"type": "string", "pattern": pattern, "description": description}


def _enum(values: tuple[str, ...], description: str) -> dict[str, object]:
    return {"type": "string", "enum": list(values), "description": description}


def _integer(low: int, high: int, description: str) -> dict[str, object]:
    return {"type": "integer", "minimum": low, "maximum": high, "description": description}


_SYMBOL = _pattern(SYMBOL_PATTERN, "Pair in lower-case wire form, such as btcusd.")
_SIDE = _enum(tuple(Side), "Which way.")
_ORDER_ID = _pattern(ID_PATTERN, "The exchange's order id or our client order id.")
_PERIOD = _pattern(PERIOD_PATTERN, "today, yesterday, 7d, 30d, all, or START/END in RFC 3339.")


def _money(description: str) -> dict[str, object]:
    return _pattern(DECIMAL_PATTERN, f"{description} Decimal text: digits and at most one point.")


TOOLS: tuple[ToolSpec, ...] = (
    ToolSpec(
        name="prices",
        description="Current bid, ask, mid, spread and day change of one watched pair, or of all.",
        properties={
            "symbol": _SYMBOL,
            "providers": {
                "type": "array",
                "items": _pattern(r"^[a-z0-9_.\-]{1,32}$", "A price source's name."),
                "minItems": 1,
                "maxItems": 8,
                "description": "Only quotes of these sources; left out, all that are connected.",
            },
        },
        scope=Scope.READ,
        routes=(Route(method="GET", path="/prices"),),
        row_filter=RowFilter(argument="providers", rows="prices", key="source"),
    ),
    ToolSpec(
        name="book",
        description="Order book of one pair: best bids and asks with amounts.",
        properties={"symbol": _SYMBOL, "depth": _integer(1, 50, "Levels a side.")},
        required=("symbol",),
        scope=Scope.READ,
        routes=(Route(method="GET", path="/book/{symbol}"),),
    ),
    ToolSpec(
        name="candles",
        description="Open, high, low, close and volume of one pair, oldest first.",
        properties={
            "symbol": _SYMBOL,
            "interval": _enum(INTERVALS, "Length of one candle."),
            "limit": _integer(1, 200, "How many candles."),
        },
        required=("symbol", "interval"),
        scope=Scope.READ,
        routes=(Route(method="GET", path="/candles/{symbol}"),),
    ),
    ToolSpec(
        name="rank_pairs",
        description="Pairs ranked by expected move against this account's round-trip cost, spread and depth.",
        properties={"top": _integer(1, 20, "How many pairs.")},
        scope=Scope.READ,
        routes=(Route(method="GET", path="/pairs/rank"),),
    ),
    ToolSpec(
        name="fees",
        description="This account's own maker and taker fees and what a round trip costs.",
        properties={},
        scope=Scope.READ,
        routes=(Route(method="GET", path="/fees"),),
    ),
    ToolSpec(
        name="break_even",
        description=(
            "Break-even price after both fees, spread and slippage; with profit_usd also the target price. "
            "For a sell without amount and price it takes the held position. All arithmetic is done here."
        ),
        properties={
            "symbol": _SYMBOL,
            "side": _SIDE,
            "amount": _money("Units of the base currency."),
            "notional_usd": _money("US dollars."),
            "price": _money("Entry price."),
            "profit_usd": _money("Dollars to keep after all fees."),
        },
        required=("symbol",),
        at_most_one=(("amount", "notional_usd"),),
        scope=Scope.READ,
        routes=(Route(method="GET", path="/break-even"),),
    ),
    ToolSpec(
        name="portfolio",
        description=(
            "Cash, positions with average cost and profit or loss, today's figures, limits used. Results of "
            "other periods are not kept yet: leave period out, or say today."
        ),
        properties={"period": _PERIOD},
        scope=Scope.READ,
        routes=(Route(method="GET", path="/portfolio"),),
    ),
    ToolSpec(
        name="orders",
        description="Orders with state, price, filled amount and fees, newest first.",
        properties={
            "state": _enum(("open", "closed", "all"), "Which orders; left out, the open ones."),
            "symbol": _SYMBOL,
            "period": _PERIOD,
        },
        scope=Scope.READ,
        routes=(Route(method="GET", path="/orders"),),
    ),
    ToolSpec(
        name="propose_order",
        description=(
            "Ask the desk for an order. The desk checks it against every limit; then the person sees a card "
            "and decides. Nothing is sent without the person. Give exactly one of amount and notional_usd. "
            "A sell at a profit is take_profit; a sell that may lose is reduce or stop."
        ),
        properties={
            "symbol": _SYMBOL,
            "side": _SIDE,
            "amount": _money("Units of the base currency."),
            "notional_usd": _money("US dollars."),
            "price": _money("Limit price; left out, the desk takes one that fills now inside the collar."),
            "order_type": _enum(tuple(OrderType), "Left out, a limit order."),
            "options": {
                "type": "array",
                "items": _enum(tuple(ExecutionOption), "How it executes."),
                "maxItems": 1,
                "description": "At most one execution option.",
            },
            "stop_price": _money("Trigger of a stop-limit order."),
            "purpose": _enum(tuple(Purpose), "Why; decides which economic rule applies."),
            "expected_exit": _money("Price at which a buy is meant to be sold again."),
            "rationale": _text("Why, in a sentence for the card.", 500),
            "mandate_id": _pattern(ID_PATTERN, "A standing permission the person granted."),
        },
        required=("symbol", "side", "rationale"),
        exactly_one=(("amount", "notional_usd"),),
        routes=(Route(method="POST", path="/proposals", shape=Shape.INTENT, with_conversation=True),),
    ),
    ToolSpec(
        name="cancel_order",
        description="Cancel one open order by its id, or with scope session all orders of this session.",
        properties={"order_id": _ORDER_ID, "scope": _enum(("session",), "All orders of this session.")},
        exactly_one=(("order_id", "scope"),),
        routes=(Route(method="POST", path="/cancel", shape=Shape.BODY),),
    ),
    ToolSpec(
        name="explain_trade",
        description="Why an order was made and what became of it: the journal records from cause to effect.",
        properties={
            "time": _pattern(TIME_PATTERN, "HH:MM in the configured time zone, or RFC 3339."),
            "symbol": _SYMBOL,
            "side": _SIDE,
            "order_id": _ORDER_ID,
        },
        scope=Scope.READ,
        routes=(Route(method="GET", path="/explain"),),
    ),
    ToolSpec(
        name="search_journal",
        description="Search the journal's records by text, kind, pair, order or period, newest first.",
        properties={
            "text": _text("Words to look for."),
            "kind": _pattern(
                r"^[a-z][a-z0-9_]{0,30}(\.([a-z0-9_]{1,30}|\*))?$", "A record kind: fill, order.*."
            ),
            "symbol": _SYMBOL,
            "order_id": _ORDER_ID,
            "period": _PERIOD,
        },
        scope=Scope.READ,
        routes=(Route(method="GET", path="/journal/search"),),
    ),
    ToolSpec(
        name="connections",
        description="State of every connection: exchange, feeds, journal, clock.",
        properties={},
        scope=Scope.READ,
        routes=(Route(method="GET", path="/connections"),),
    ),
    ToolSpec(
        name="limits",
        description=(
            "The limits and how much of each is used. With name and value it puts up a card that asks the "
            "person to change that limit; nothing changes before the person approves."
        ),
        properties={
            "name": _pattern(r"^[a-z][a-z0-9_]{0,60}$", "A limit's name."),
            "value": _money("The wanted value; needs name."),
        },
        depends={"value": "name"},
        routes=(
            Route(
                method="POST",
                path="/limit-changes",
                shape=Shape.BODY,
                needs=("name", "value"),
                with_conversation=True,
            ),
            Route(method="GET", path="/limits"),
        ),
    ),
    ToolSpec(
        name="flatten_and_pause",
        description=(
            "Emergency stop, at once: cancels every order and halts the desk. Selling what is held is "
            "offered as a card. Use it whenever the person wants everything stopped; never ask back first."
        ),
        properties={},
        routes=(
            Route(
                method="POST",
                path="/flatten-and-pause",
                shape=Shape.BODY,
                fixed={"reason": "asked for in the conversation"},
            ),
        ),
    ),
)

BY_NAME: Mapping[str, ToolSpec] = {tool.name: tool for tool in TOOLS}


def schema_hash(tools: tuple[ToolSpec, ...] = TOOLS) -> str:
    """Return the SHA-256 hex of all that decides what a tool may be told to do.

    A test pins it, so that no tool, argument or route changes unseen.
    """
    facts = [
        {
            "name": tool.name,
            "description": tool.description,
            "schema": tool.schema,
            "exactly_one": [list(group) for group in tool.exactly_one],
            "at_most_one": [list(group) for group in tool.at_most_one],
            "depends": dict(tool.depends),
            "scope": tool.scope.value,
            "routes": [
                [r.method, r.path, r.shape.value, list(r.needs), dict(r.fixed), r.with_conversation]
                for r in tool.routes
            ],
        }
        for tool in tools
    ]
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
