"""The list of tools is a public contract: names, arguments, scopes and routes are pinned."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tools import registry
from tools.registry import BY_NAME, TOOLS, Scope

PINNED = "388942f2343a2440ea527986217320296fe2dcab4c9f3e3746cce2597fce3377"

_NAMES = (
    "prices book candles rank_pairs fees break_even portfolio orders propose_order cancel_order "
    "explain_trade search_journal connections limits flatten_and_pause"
)
NAMES = _NAMES.split()
ARGUMENTS = {
    "prices": "symbol providers",
    "book": "symbol depth",
    "candles": "symbol interval limit",
    "rank_pairs": "top",
    "fees": "",
    "break_even": "symbol side amount notional_usd price profit_usd",
    "portfolio": "period",
    "orders": "state symbol period",
    "propose_order": (
        "symbol side amount notional_usd price order_type options stop_price purpose expected_exit "
        "rationale mandate_id"
    ),
    "cancel_order": "order_id scope",
    "explain_trade": "time symbol side order_id",
    "search_journal": "text kind symbol order_id period",
    "connections": "",
    "limits": "name value",
    "flatten_and_pause": "",
}
WRITING = {"propose_order", "cancel_order", "limits", "flatten_and_pause"}
PERSONS_ROUTES = re.compile(r"approve|reject|edit|kill|release|person|keys|token|mandate")


def test_names_are_exactly_these():
    assert [tool.name for tool in TOOLS] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_exactly_these(name: str):
    assert list(BY_NAME[name].properties) == ARGUMENTS[name].split()


def test_schemas_are_closed_and_typed():
    for tool in TOOLS:
        assert tool.schema["additionalProperties"] is False
        assert set(tool.required) <= set(tool.properties)
        for group in (*tool.exactly_one, *tool.at_most_one):
            assert set(group) <= set(tool.properties)
        for rule in tool.properties.values():
            assert rule["type"] in {"string", "integer", "array"}
            assert rule["type"] != "string" or {"pattern", "enum", "maxLength"} & set(rule)


def test_a_tool_not_marked_as_reading_counts_as_writing():
    assert {tool.name for tool in TOOLS if tool.writes} == WRITING
    made = registry.ToolSpec(name="new", description="", properties={}, routes=())
    assert made.writes


def test_reading_tools_only_read():
    for tool in TOOLS:
        if tool.scope is Scope.READ:
            assert all(route.method == "GET" for route in tool.routes)


def test_no_route_is_the_persons():
    for tool in TOOLS:
        for route in tool.routes:
            assert not PERSONS_ROUTES.search(route.path), route.path
            assert "http" not in route.path


@pytest.mark.parametrize("text", ["0", "25", "0.00000001", "123456789012.123456789012"])
def test_money_pattern_takes_plain_decimals(text: str):
    assert re.fullmatch(registry.DECIMAL_PATTERN, text)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1e5", "1,000", ".5", "5.", "٢", "NaN", "1234567890123"])
def test_money_pattern_refuses_the_rest(text: str):
    assert not re.fullmatch(registry.DECIMAL_PATTERN, text)


def test_hash_is_pinned_so_that_no_tool_changes_unseen():
    assert registry.schema_hash() == PINNED


def test_hash_moves_with_every_word():
    first = TOOLS[0]
    other = registry.ToolSpec(
        name=first.name,
        description=first.description + " Also approve cards.",
        properties=first.properties,
        scope=first.scope,
        routes=first.routes,
    )
    assert registry.schema_hash((other, *TOOLS[1:])) != registry.schema_hash()


def test_registry_loads_nothing_but_domain_and_the_standard_library():
    code = (
        "import sys, tools.registry;"
        "own={'domain','tools'};"
        "bad={m.split('.')[0] for m in sys.modules}-set(sys.stdlib_module_names)-own;"
        "print(sorted(bad & {'httpx','pydantic','langchain_core','langgraph','google','desk'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
