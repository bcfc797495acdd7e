"""How each process of the house is started, and how one sees that it is ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from cli import probe
from cli.child import ChildPlan
from domain.errors import ConflictError
from venues.gemini.catalogue import TABLE

EXCHANGE_HEALTH = TABLE["symbols"].path
DESK_HEALTH = "/health"
APP_HEALTH = "/healthz"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the embedded exchange shall be: a seed for its makers, a speed, a recording to follow."""

    seed: int | None = None
    speed: Decimal | None = None
    replay: Path | None = None

    def arguments(self) -> list[str]:
        """Return the options of `matrix exchange`."""
        speed = "max" if self.speed is not None and self.speed.is_infinite() else self.speed
        given = (("--seed", self.seed), ("--speed", speed), ("--replay", self.replay))
        return [word for name, value in given if value is not None for word in (name, str(value))]


def exchange_runs(home: Path) -> bool:
    """Say whether the exchange of this home answers."""
    return probe.answers(probe.address(home, "exchange"), EXCHANGE_HEALTH)


def desk_runs(home: Path) -> bool:
    """Say whether the desk of this home answers."""
    return probe.answers(probe.address(home, "desk"), DESK_HEALTH)


def refuse_second(home: Path) -> None:
    """Raise `ConflictError` when a process started alone serves this home; else clear old addresses."""
    for name, runs in (("exchange", exchange_runs), ("desk", desk_runs)):
        if runs(home):
            raise ConflictError(
                "ALREADY_RUNNING",
                f"the {name} of this home is already running at {probe.address(home, name)}",
                f"Stop it (it was started with `matrix {name}`), or choose another --home.",
            )
        (home / "run" / f"{name}.json").unlink(missing_ok=True)


def exchange_plan(home: Path, world: World) -> ChildPlan:
    """Plan the embedded exchange; after a restart it takes the port it had, where its clients look."""

    def arguments() -> Sequence[str]:
        last = probe.address(home, "exchange")
        port = urlsplit(last).port if last else None
        fixed = ["--port", str(port)] if port else []
        return _child(home, "exchange", *fixed, *world.arguments())

    return ChildPlan(name="exchange", arguments=arguments, is_ready=lambda _: exchange_runs(home))


def desk_plan(home: Path, mode: str) -> ChildPlan:
    """Plan the desk; ready when its health route answers with the child's own process id."""

    def is_ready(pid: int) -> bool:
        url = probe.address(home, "desk")
        found = probe.get(url, DESK_HEALTH) if url else None
        return found is not None and found[0] == 200 and found[1].get("pid") == pid

    return ChildPlan(
        name="desk",
        arguments=lambda: _child(home, "desk", "--mode", mode),
        is_ready=is_ready,
        after=("exchange",),
    )


def app_plan(home: Path, port: int) -> ChildPlan:
    """Plan the web app on its fixed port. It loads while the desk starts; ready when its page is drawn."""

    def is_ready(pid: int) -> bool:
        found = probe.get(f"http://127.0.0.1:{port}", APP_HEALTH)
        return found is not None and found[0] == 200 and found[1].get("pid") == pid and found[1].get("page")

    return ChildPlan(
        name="app",
        arguments=lambda: _child(home, "app", "--port", str(port)),
        is_ready=is_ready,
        holds_model_key=True,
    )


def _child(home: Path, name: str, *options: str) -> list[str]:
    return ["--home", str(home), "--json", name, "--supervised", *options]
