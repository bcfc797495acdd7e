"""A stranger's fuzzer on the exchange's own document: every call is answered well, and none fails."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
import requests
import schemathesis

from tests.strangers.fuzz_runs import LIVES, NEVER_GOOD, Fuzzer
from tests.strangers.fuzz_signing import signing
from tests.strangers.fuzz_world import World, exchange_on
from venues.gemini.catalogue import (
    TABLE,
    Host,
    account_rows,
    clearing_rows,
    derivative_rows,
    fund_rows,
    market_rows,
    order_rows,
)
from venues.paper.faults.fault_file import FaultPlan, plan_from_json

WANTED = 20
REPEATED = ("order_new", "clearing_confirm")
"""Calls that are fuzzed twice, as chance has much to say in them."""

AREAS = {
    "market": market_rows.ROWS,
    "orders": order_rows.ROWS,
    "funds": fund_rows.ROWS,
    "derivatives": derivative_rows.ROWS,
    "clearing": clearing_rows.ROWS,
    "accounts": account_rows.ROWS,
}
NAMES = {
    area: [row.name for row in rows if row.host is Host.REST and row.method != "WS"]
    for area, rows in AREAS.items()
}


@pytest.fixture(scope="module")
def opened_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an exchange that was opened once, so that the others need not draw its past again."""
    home = tmp_path_factory.mktemp("opened") / "home"
    with exchange_on(home):
        pass
    return home


def fuzzed(opened_home: Path, home: Path, names: Iterable[str], faults: FaultPlan | None = None) -> Fuzzer:
    """Fuzz some calls on an exchange of their own."""
    shutil.copytree(opened_home, home)
    with (
        pytest.MonkeyPatch.context() as patch,
        exchange_on(home, faults) as running,
        requests.Session() as session,
    ):
        patch.setenv("NO_PROXY", "127.0.0.1")
        world = World(running, session)
        fuzzer = Fuzzer(world, schemathesis.openapi.from_url(f"{running.url}/openapi.json"))
        with signing(world.signer):
            for name in names:
                fuzzer.fuzz(name)
    return fuzzer


def test_areas_and_lives_cover_every_operation() -> None:
    rows = {row.name for row in TABLE.values() if row.host is Host.REST and row.method != "WS"}
    assert {name for names in NAMES.values() for name in names} == rows == set(LIVES)


@pytest.mark.parametrize("area", AREAS)
def test_every_operation_is_answered_as_documented(opened_home: Path, tmp_path: Path, area: str) -> None:
    fuzzer = fuzzed(opened_home, tmp_path / "home", NAMES[area])
    assert not fuzzer.problems, "\n".join(fuzzer.problems[:40])
    tallies = {name: fuzzer.tallies[name] for name in NAMES[area]}
    assert {name: tally for name, tally in tallies.items() if tally.reached < WANTED} == {}
    too_few = {name: tally for name, tally in tallies.items() if tally.good < WANTED}
    assert too_few.keys() == NEVER_GOOD.keys() & tallies.keys(), too_few
    assert all(tally.good == 0 for tally in too_few.values())


def test_failing_exchange_is_found_out(opened_home: Path, tmp_path: Path) -> None:
    planned = [
        {"kind": "error_after", "status": 502, "nth": 2},
        {"kind": "maintenance", "nth": 4},
        {"kind": "not_json", "status": 200, "nth": 6},
        {"kind": "empty_body", "status": 200, "nth": 8},
    ]
    plan = plan_from_json(
        json.dumps({"fault": [{"path": "/v1/heartbeat"} | each for each in planned]}).encode()
    )
    fuzzer = fuzzed(opened_home, tmp_path / "home", ["heartbeat"], plan)
    found = Counter(problem.partition(": ")[2].partition(":")[0] for problem in fuzzer.problems)
    assert found["ServerError"] == 2
    assert found["MissingContentType"] + found["UndefinedContentType"] == 2
    assert found["MalformedJson"] >= 1


def test_same_requests_are_answered_the_same(opened_home: Path, tmp_path: Path) -> None:
    first, second = (fuzzed(opened_home, tmp_path / name, REPEATED) for name in ("first", "second"))
    assert first.transcript.hexdigest() == second.transcript.hexdigest()
