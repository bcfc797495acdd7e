"""No route and no call stands beside the catalogue, and what moves money has one door: the person's."""

from __future__ import annotations

import ast
import asyncio
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import httpx
import pytest
from websockets.asyncio.client import connect

from desk.api import needed_scope
from domain.clock import SystemClock
from tools.registry import TOOLS
from venues.gemini.catalogue import TABLE, Host, Money
from venues.gemini.catalogue.reasons import REASONS
from venues.paper.edge.routes import HANDLERS, find_endpoint
from venues.paper.matching.refusals import RefusedError
from venues.paper.server import running_exchange
from venues.paper.sockets import socket_routes

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("cli", "app", "agent_graph", "desk", "tools", "venues", "memory", "loopback", "guardrails", "domain")
CATALOGUE = "venues/gemini/catalogue/"
DOOR = "venues.gemini.person_calls"
"""The only module through which a call that moves money can be made."""
DOOR_FILE = f"{DOOR.replace('.', '/')}.py"
CHANNEL = "desk.venue_calls"
"""The only module that opens the door; it serves the desk's routes for a person and nothing else."""
ANY_ROW = {DOOR_FILE, f"{CHANNEL.replace('.', '/')}.py"}
"""A person may name any row; these look it up, and judge it before anything is sent."""
WITHOUT_A_WAY = ("agent_graph", "tools", "desk.client", "desk.read_routes", "desk.propose_routes")
"""Where the conversation, its tools and what serves them live; strategies will stand among the tools."""

MOVES = {row.name for row in TABLE.values() if row.money is Money.MOVES}
TRADES = {row.name for row in TABLE.values() if row.money is Money.TRADES}


@cache
def source(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def sources(*rooms: str) -> Iterator[tuple[str, ast.Module]]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(CATALOGUE):
                yield name, source(path)


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree))


def texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the texts of a module that are no docstrings: parts of f-strings and bytes too."""
    told = {id(node.value) for node in nodes(tree) if isinstance(node, ast.Expr)}
    for node in nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in told:
            yield node


def table_keys(tree: ast.Module) -> Iterator[str | None]:
    """Yield what a module takes from the table by name, None for any other use of the table."""
    keyed = {
        id(node.value): node.slice.value
        for node in nodes(tree)
        if isinstance(node, ast.Subscript)
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
    }
    for node in nodes(tree):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name == "TABLE":
            yield keyed.get(id(node))


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOMS, include_external_packages=True, cache_dir=None)


# Routes.


def test_exchange_every_rest_row_has_a_handler_and_every_handler_a_row() -> None:
    rest = {row.name for row in TABLE.values() if row.host is Host.REST and row.method != "WS"}
    assert rest - set(HANDLERS) == set()
    assert set(HANDLERS) - rest == set()


def test_exchange_every_row_is_found_at_its_path_and_only_by_its_method() -> None:
    for row in TABLE.values():
        if row.name in HANDLERS:
            filled = row.path.format(**dict.fromkeys(row.path_parts, "x"))
            endpoint, parts = find_endpoint(row.method, filled)
            assert endpoint.row is row
            assert set(parts) == set(row.path_parts)
            for method in {"GET", "POST", "PUT", "DELETE", "WS"} - {row.method}:
                with pytest.raises(RefusedError):
                    find_endpoint(method, filled)


def test_exchange_every_socket_row_has_a_server_and_every_server_a_row() -> None:
    sockets = {row.name for row in TABLE.values() if row.method == "WS"}
    assert set(socket_routes.SERVERS) == sockets


async def test_exchange_serves_every_method_of_the_stream_socket_and_no_trade_to_strangers(
    tmp_path: Path,
) -> None:
    methods = [row for row in TABLE.values() if row.method == "CALL"]
    unsupported = {"code": -1020, "msg": "Unsupported operation"}
    async with (
        running_exchange(home=tmp_path / "home", seed=11, clock=SystemClock()) as running,
        connect(running.url.replace("http", "ws", 1), proxy=None) as socket,
    ):
        for name in [row.path for row in methods] + ["order.amend"]:
            await socket.send(json.dumps({"id": name, "method": name}))
            answer = json.loads(await asyncio.wait_for(socket.recv(), 10))
            assert answer["id"] == name
            assert (answer.get("error") == unsupported) == (name == "order.amend")
            assert (answer["status"] == 401) == (name.startswith("order.") and name != "order.amend")
    assert {row.path for row in methods if row.money is Money.TRADES} == {
        row.path for row in methods if row.roles
    }


async def test_exchange_serves_every_page_of_the_site(tmp_path: Path) -> None:
    site = [row for row in TABLE.values() if row.host is Host.SITE]
    assert len(site) == 3
    async with (
        running_exchange(home=tmp_path / "home", seed=11, clock=SystemClock()) as running,
        httpx.AsyncClient(trust_env=False, timeout=20) as client,
    ):
        for row in site:
            answer = await client.request(row.method, f"{running.url}/web{row.path}")
            assert answer.status_code in {200, 400, 401}, (row.name, answer.text)
        assert (await client.get(f"{running.url}/web/elsewhere")).status_code == 404


def test_paths_of_the_venue_stand_in_the_catalogue_only() -> None:
    found = {
        f"{name}:{node.lineno} {node.value!r}"
        for name, tree in sources(*ROOMS)
        for node in texts(tree)
        if any(mark in str(node.value) for mark in ("/v1/", "/v2/"))
    }
    assert found == set()


def test_hosts_of_the_venue_stand_in_the_lock_only() -> None:
    found = {
        name for name, tree in sources(*ROOMS) for node in texts(tree) if "gemini.com" in str(node.value)
    }
    assert found == {"guardrails/sandbox_lock.py"}


# Calls.


def test_calls_take_their_rows_from_the_table_by_name() -> None:
    asked = {
        (name, key)
        for name, tree in sources(*ROOMS)
        for key in table_keys(tree)
        if not name.startswith("venues/paper/") and name not in ANY_ROW
    }
    assert {(name, key) for name, key in asked if key not in TABLE} == set()
    assert len(asked) > 20


def test_calls_are_built_in_the_catalogue_only() -> None:
    built = {
        f"{name}:{node.lineno}"
        for name, tree in sources(*ROOMS)
        if imports_call(tree)
        for node in nodes(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Call", "catalogue.Call", "kinds.Call"}
    }
    assert built == set()


def imports_call(tree: ast.Module) -> bool:
    """Say whether a module means the catalogue's `Call` by that name."""
    return any(
        (node.module or "").startswith("venues.gemini.catalogue") and each.asname is None
        for node in nodes(tree)
        if isinstance(node, ast.ImportFrom)
        for each in node.names
        if each.name in {"Call", "kinds"}
    )


def test_requests_leave_through_two_modules_of_the_client() -> None:
    in_rooms = {
        importer
        for importer in imports().find_modules_that_directly_import("httpx")
        if importer.startswith(("venues", "tools", "agent_graph"))
    }
    assert in_rooms == {"venues.gemini.transport"}
    connecting = {
        name
        for name, tree in sources("venues", "tools", "desk", "agent_graph")
        for node in nodes(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("websockets")
        if any(each.name == "connect" for each in node.names)
    }
    assert connecting == {"venues/gemini/feed.py"}


# Money.


def test_trading_rows_are_asked_for_by_the_order_path_only() -> None:
    asked = {(name, key) for name, tree in sources(*ROOMS) for key in table_keys(tree) if key in TRADES}
    assert {name for name, _ in asked} <= {"venues/gemini/client.py", "tools/order_builder.py"}
    assert {key for _, key in asked} <= {"order_new", "order_cancel", "cancel_all", "cancel_session"}


def test_moving_rows_are_asked_for_behind_the_persons_door_only() -> None:
    assert (ROOT / DOOR_FILE).is_file()
    asked = {name for name, tree in sources(*ROOMS) for key in table_keys(tree) if key in MOVES}
    assert asked <= {DOOR_FILE}
    named = {
        name
        for name, tree in sources("cli", "app", "agent_graph", "desk", "tools", "memory")
        for node in texts(tree)
        if node.value in MOVES - {"stake", "unstake", "wrap", "withdraw"}
    }
    assert named == set()


def test_persons_door_is_opened_by_the_persons_channel_only() -> None:
    graph = imports()
    assert graph.find_modules_that_directly_import(DOOR) == {CHANNEL}
    assert graph.find_modules_that_directly_import(CHANNEL) == {"desk.person_routes"}
    for room in WITHOUT_A_WAY:
        assert not {DOOR, CHANNEL} & graph.find_upstream_modules(room, as_package=True), room


def routes_of(module: str) -> set[tuple[str, str]]:
    """Return method and path of every route that a module of the desk adds to its API."""
    return {
        (node.func.attr.upper(), str(node.args[0].value))
        for node in nodes(source(ROOT / module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if ast.unparse(node.func.value) == "app" and node.func.attr in {"get", "post", "put", "delete"}
        if isinstance(node.args[0], ast.Constant)
    }


def test_tools_every_route_is_one_that_cannot_move_money() -> None:
    open_to_tools = routes_of("desk/read_routes.py") | routes_of("desk/propose_routes.py")
    persons = routes_of("desk/person_routes.py")
    assert persons
    assert len(open_to_tools) > 20
    assert not open_to_tools & persons
    taken = {(route.method, route.path) for tool in TOOLS for route in tool.routes}
    assert taken <= open_to_tools
    for method, path in open_to_tools:
        assert needed_scope(path, method) in {"read", "propose"}
    for method, path in persons:  # what may be read of them is what there is to ask for
        assert needed_scope(path, method) == ("read" if method == "GET" else "person")
    assert {path for method, path in persons if method == "GET"} == {"/venue-calls"}


def test_tools_name_and_description_offer_no_moving_of_money() -> None:
    offered = {name for tool in TOOLS for name in (tool.name, *tool.properties)}
    assert not offered & MOVES
    assert not {
        name for name in offered if any(word in name for word in ("withdraw", "transfer", "stake", "bank"))
    }


# Reasons.


def refusals() -> Iterator[tuple[str, str, int | None]]:
    """Yield where the exchange refuses, the reason, and the status, None for one found while it runs."""
    for name, tree in sources("venues/paper"):
        for node in nodes(tree):
            if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("RefusedError"):
                continue
            given = [*node.args, *(each.value for each in node.keywords if each.arg == "status")]
            status = given[2] if len(given) > 2 else ast.Constant(400)
            if given and isinstance(given[0], ast.Constant) and isinstance(given[0].value, str):
                number = status.value if isinstance(status, ast.Constant) else None
                yield f"{name}:{node.lineno}", given[0].value, number


def test_exchange_refuses_for_documented_reasons_at_their_statuses() -> None:
    found = list(refusals())
    assert len(found) > 40
    strange = [
        (place, reason, status)
        for place, reason, status in found
        if reason not in REASONS or status not in {*REASONS[reason], None}
    ]
    assert strange == []


def test_exchange_knows_every_documented_reason() -> None:
    said = {str(node.value) for _, tree in sources("venues/paper") for node in texts(tree)}
    gone = {"AuctionNotOpen", "IneligibleTiming", "GTSTradeIDMustBeString"}
    elsewhere = {"NoSSL"}  # plain HTTP on loopback is what this exchange speaks
    synonym = {"Internal Server Error"}  # for System
    # These can be had on demand only: the fault `refuse` gives every reason of the table.
    assert set(REASONS) - said == gone | elsewhere | synonym
