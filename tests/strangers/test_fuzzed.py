"""A stranger's fuzzer on the exchange's own document: every call is answered well, and none fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
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

WANTED = 20
REPEATED = "derivatives"
"""The area that is fuzzed twice."""

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


def fuzzed(opened_home: Path, home: Path, area: str) -> Fuzzer:
    """Fuzz the calls of one area on an exchange of its own."""
    shutil.copytree(opened_home, home)
    with (
        pytest.MonkeyPatch.context() as patch,
        exchange_on(home) as running,
        requests.Session() as session,
    ):
        patch.setenv("NO_PROXY", "127.0.0.1")
        world = World(running, session)
        fuzzer = Fuzzer(world, schemathesis.openapi.from_url(f"{running.url}/openapi.json"))
        with signing(world.signer):
            for name in NAMES[area]:
                fuzzer.fuzz(name)
    return fuzzer


@pytest.fixture(scope="module")
def run(opened_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Fuzzer]:
    """Return the fuzzing of an area, which is done once."""

    @cache
    def first_run(area: str) -> Fuzzer:
        return fuzzed(opened_home, tmp_path_factory.mktemp(area) / "home", area)

    return first_run


def test_areas_and_lives_cover_every_operation() -> None:
    rows = {row.name for row in TABLE.values() if row.host is Host.REST and row.method != "WS"}
    assert {name for names in NAMES.values() for name in names} == rows == set(LIVES)


@pytest.mark.parametrize("area", AREAS)
def test_every_operation_is_answered_as_documented(run: Callable[[str], Fuzzer], area: str) -> None:
    fuzzer = run(area)
    assert not fuzzer.problems, "\n".join(fuzzer.problems[:40])
    tallies = {name: fuzzer.tallies[name] for name in NAMES[area]}
    assert {name: tally for name, tally in tallies.items() if tally.reached < WANTED} == {}
    too_few = {name: tally for name, tally in tallies.items() if tally.good < WANTED}
    assert too_few.keys() == NEVER_GOOD.keys() & tallies.keys(), too_few
    assert all(tally.good == 0 for tally in too_few.values())


def test_same_requests_are_answered_the_same(
    run: Callable[[str], Fuzzer], opened_home: Path, tmp_path: Path
) -> None:
    again = fuzzed(opened_home, tmp_path / "home", REPEATED)
    assert again.transcript.hexdigest() == run(REPEATED).transcript.hexdigest()
