"""The exchange's OpenAPI document is valid, whole, served, and agrees with the catalogue on every value."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues_gemini import recordings
from tests.venues_gemini.test_catalogue_fitting import object_of
from tests.venues_paper.signed import Client
from venues.gemini.catalogue import SHAPES, TABLE, Auth, Call, Host
from venues.gemini.catalogue.fitting import misfits
from venues.gemini.catalogue.kinds import Kind
from venues.gemini.catalogue.reasons import REASONS
from venues.paper.edge.openapi import SPREADSHEET, document
from venues.paper.server import RunningExchange

DOCUMENT = document("http://127.0.0.1:8421")
REST = [row for row in TABLE.values() if row.host is Host.REST and row.method != "WS"]
NAMED = sorted(DOCUMENT["components"]["schemas"])


def operation(row: Call) -> dict[str, Any]:
    return dict(DOCUMENT["paths"][row.path][row.method.lower()])


def validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def test_document_is_valid_openapi() -> None:
    schema = schemathesis.openapi.from_dict(document("http://127.0.0.1:8421"))
    schema.validate()
    assert schema.statistic.operations.total == len(REST) == 82


def test_document_has_an_operation_for_every_row_and_no_other() -> None:
    described = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == {(row.path, row.method.lower()) for row in REST}
    assert {operation(row)["operationId"] for row in REST} == {row.name for row in REST}


@pytest.mark.parametrize("row", REST, ids=lambda row: row.name)
def test_operation_says_what_its_row_says(row: Call) -> None:
    said = operation(row)
    named = {(each["name"], each["in"], each["required"]) for each in said["parameters"]}
    assert named == {(name, "path", True) for name in row.path_parts} | {
        (field.name, "query", field.is_required) for field in row.query
    }
    assert ("security" in said) == said.get("x-payload", False) == (row.auth is Auth.SIGNED)
    assert ("requestBody" in said) == (row.method == "POST")
    if row.method == "POST":
        body = said["requestBody"]["content"]["application/json"]["schema"]
        assert set(body["properties"]) == {field.name for field in row.request}
        assert set(body.get("required", ())) == {field.name for field in row.request if field.is_required}
    assert said["x-money"] == row.money
    assert {"200", "400", "404", "429", "500", "503"} <= set(said["responses"])
    assert ({"401", "403", "406"} <= set(said["responses"])) == (row.auth is Auth.SIGNED)
    assert (SPREADSHEET in said["responses"]["200"]["content"]) == row.path.endswith(".xlsx")


def test_document_names_every_reason_at_its_status() -> None:
    found: dict[str, tuple[int, ...]] = {}
    for name, response in DOCUMENT["components"]["responses"].items():
        schema = response["content"]["application/json"]["schema"]
        schema = schema["anyOf"][0] if "anyOf" in schema else schema
        for reason in schema["allOf"][1]["properties"]["reason"]["enum"]:
            found[reason] = (*found.get(reason, ()), int(name.removeprefix("Error")))
    assert {reason: tuple(sorted(statuses)) for reason, statuses in found.items()} == dict(REASONS)


@given(data=st.data(), name=st.sampled_from(NAMED))
@settings(max_examples=60, deadline=None)
def test_schema_and_catalogue_agree_on_any_object(data: st.DataObject, name: str) -> None:
    judge = validator({"$ref": f"#/components/schemas/{name}"})
    value = data.draw(object_of(SHAPES[name]))
    spoilt = [{**value, "none_such": 1}, *({k: v for k, v in value.items() if k != gone} for gone in value)]
    for each in (value, *spoilt):
        plain = json.loads(json.dumps(each, default=float))
        assert judge.is_valid(plain) == (not misfits(Kind(shape=name), each, SHAPES))


def test_recorded_answers_are_valid() -> None:
    judge = validator(
        operation(TABLE["all_symbol_details"])["responses"]["200"]["content"]["application/json"]["schema"]
    )
    routes = json.loads(recordings.rest_raw())["routes"]
    assert judge.is_valid(routes["/v1/symbols/details/all"]["GET"][0]["data"])
    judge = validator({"$ref": "#/components/schemas/Order"})
    assert all(
        judge.is_valid(json.loads(line))
        for line in recordings.text("rest/gemini_order_status_2021.jsonl").splitlines()
    )
    refused = validator(
        DOCUMENT["components"]["responses"]["Error400"]["content"]["application/json"]["schema"]
    )
    assert refused.is_valid(routes["/v1/pubticker/bla"]["GET"][0]["data"])


async def test_document_is_served(running: RunningExchange, http: httpx.AsyncClient) -> None:
    answer = await http.get(f"{running.url}/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document(running.url)


async def test_document_describes_what_the_exchange_answers(desk: Client) -> None:
    order = await desk.order(client_order_id="mine")
    answers = {
        "symbol_details": await desk.get("/v1/symbols/details/btcusd"),
        "book": await desk.get("/v1/book/btcusd"),
        "trades": await desk.get("/v1/trades/btcusd"),
        "ticker": await desk.get("/v2/ticker/btcusd"),
        "candles": await desk.get("/v2/candles/btcusd/1m"),
        "balances": await desk.post("/v1/balances"),
        "order_new": order,
        "orders": await desk.post("/v1/orders"),
        "order_status": await desk.post("/v1/order/status", order_id=order["order_id"]),
        "notional_volume": await desk.post("/v1/notionalvolume"),
    }
    for name, answer in answers.items():
        schema = operation(TABLE[name])["responses"]["200"]["content"]["application/json"]["schema"]
        assert not list(validator(schema).iter_errors(answer)), name
