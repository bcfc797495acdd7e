"""The supervisor with real child processes: failed starts, children that keep dying, order and ports."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from cli import probe, supervisor
from cli.child import ChildPlan
from cli.home import prepare
from cli.plans import World, exchange_plan, refuse_second
from cli.supervisor import Supervisor
from domain.errors import BadInputError, ConflictError, UnreachableError
from tests.cli.conftest import processes_of, running_matrix, wait_until


def plan(home: Path, *arguments: str, ready: bool) -> ChildPlan:
    words = ["--home", str(home), "--json", *arguments]
    return ChildPlan(name="probe", arguments=lambda: words, is_ready=lambda _: ready)


async def test_start_of_a_child_that_reports_a_fault_raises_that_fault(home: Path) -> None:
    prepare(home)
    house = Supervisor([plan(home, "journal", "tail", "-n", "x", ready=False)], home, print)
    with pytest.raises(BadInputError, match="'x' is not a count"):
        await house.start()


async def test_start_when_the_second_child_fails_stops_the_first(home: Path) -> None:
    prepare(home)
    plans = [exchange_plan(home, World(seed=1)), plan(home, "fly", ready=False)]
    with pytest.raises(BadInputError, match="invalid choice: 'fly'"):
        await Supervisor(plans, home, print).start()
    assert processes_of(home) == []


async def test_keep_with_a_child_that_keeps_dying_gives_up_and_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(home)
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.01, 0.02))
    said: list[str] = []
    house = Supervisor([plan(home, "--help", ready=True)], home, said.append)
    await house.start()
    with pytest.raises(UnreachableError, match="ended 3 times in a row"):
        await house.keep()
    await house.stop()
    assert sum("starting it again" in line for line in said) == 2


async def test_keep_restarts_the_exchange_on_its_port_with_its_key(home: Path) -> None:
    prepare(home)
    said: list[str] = []
    house = Supervisor([exchange_plan(home, World(seed=1))], home, said.append)
    await house.start()
    before = (home / "run" / "exchange.json").read_text(encoding="utf-8")
    keeping = asyncio.create_task(house.keep())
    (pid,) = processes_of(home)
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(wait_until, lambda: "the exchange is back" in said)
    assert (home / "run" / "exchange.json").read_text(encoding="utf-8") == before
    house.request_stop()
    await keeping
    await house.stop()
    assert processes_of(home) == []


def test_second_house_beside_a_lone_exchange_is_refused(home: Path) -> None:
    with running_matrix(home, "exchange", "--seed", "1"):
        wait_until(lambda: probe.answers(probe.address(home, "exchange"), "/v1/symbols"))
        with pytest.raises(ConflictError, match="exchange of this home is already running"):
            refuse_second(home)
    refuse_second(home)
