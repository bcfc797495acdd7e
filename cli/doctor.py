"""`matrix doctor`: looks at everything a person could have wrong, and says what to do about it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli import command, probe
from cli.command import Context, Subparsers
from cli.exits import Exit
from domain.errors import MatrixError, UnreachableError

Json = dict[str, Any]
_LOW_DISK = 1_000_000_000
_NO_DISK = 100_000_000
_STEP_S = 2.0
_EARLIEST = 1_760_000_000
"""2025-10-09: a clock before this stands wrong, and every signature and record would carry it."""
_SECRETS = ("run/tokens/*", "run/codes/*", "run/exchange.json", "state/*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: `state` is ok, warn or fail; `cure` is empty when all is well."""

    name: str
    state: str
    detail: str
    cure: str = ""


def register(commands: Subparsers) -> None:
    """Add `doctor`."""
    command.add(commands, "doctor", run_doctor, "check the machine, the home and the running processes")


def run_doctor(context: Context) -> int:
    """Print every finding; exit with 0, 2 for a wrong set-up, 3 for no desk, 4 for a halted one."""
    findings = [finding for check in _CHECKS for finding in _guarded(check, context.home)]
    for finding in findings:
        cure = f"\n      {finding.cure}" if finding.cure else ""
        shown = {"name": finding.name, "state": finding.state, "detail": finding.detail, "cure": finding.cure}
        context.terminal.data(shown, f"{finding.state:<4}  {finding.name}: {finding.detail}{cure}")
    failed = [finding.name for finding in findings if finding.state == "fail"]
    if not failed:
        is_halted = any(f.name == "kill" and f.state == "warn" for f in findings)
        return Exit.HALTED if is_halted else Exit.OK
    return Exit.NOT_REACHABLE if set(failed) <= {"desk", "exchange", "app"} else Exit.BAD_INPUT


def _guarded(check: Callable[[Path], Iterator[Finding]], home: Path) -> Iterator[Finding]:
    try:
        yield from check(home)
    except UnreachableError as error:
        yield Finding(name="desk", state="fail", detail=error.message, cure=error.cure)
    except MatrixError as error:
        yield Finding(name=check.__name__.strip("_"), state="fail", detail=error.message, cure=error.cure)
    except OSError as error:
        name = check.__name__.strip("_")
        yield Finding(name=name, state="fail", detail=str(error), cure="Check the file's owner and mode.")


def _python(_: Path) -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding(name="python", state="ok", detail=f"{version} at {sys.executable}")


def _clock(_: Path) -> Iterator[Finding]:
    wall, steady = time.time(), time.monotonic()
    time.sleep(0.05)
    slip = abs((time.time() - wall) - (time.monotonic() - steady))
    if time.time() < _EARLIEST or slip > _STEP_S:
        detail = f"the clock reads {time.strftime('%Y-%m-%d %H:%M:%SZ', time.gmtime())}"
        cure = "Set it, for example with `timedatectl set-ntp true`."
        yield Finding(name="clock", state="fail", detail=detail, cure=cure)
    else:
        yield Finding(name="clock", state="ok", detail=time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime()))


def _home(home: Path) -> Iterator[Finding]:
    if not home.exists():
        yield Finding(
            name="home", state="warn", detail=f"{home} is not there yet", cure="`matrix up` makes it."
        )
        return
    mode = stat.S_IMODE(home.stat().st_mode)
    if not home.is_dir() or not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        cure = f"Run `chmod 700 {home}`, or choose another folder with --home."
        yield Finding(name="home", state="fail", detail=f"{home} cannot be read and written", cure=cure)
    elif mode & 0o077:
        cure = f"Run `chmod 700 {home}`."
        yield Finding(
            name="home", state="warn", detail=f"others may look into {home} ({mode:04o})", cure=cure
        )
    else:
        yield Finding(name="home", state="ok", detail=str(home))


def _disk(home: Path) -> Iterator[Finding]:
    place = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    state = "fail" if free < _NO_DISK else "warn" if free < _LOW_DISK else "ok"
    cure = "" if state == "ok" else f"Free some space on the disk of {place}; a full disk pauses trading."
    yield Finding(name="disk", state=state, detail=f"{free / 1e9:.1f} GB free", cure=cure)


def _settings(home: Path) -> Iterator[Finding]:
    from desk import settings

    path = home / "matrix.toml"
    if not path.exists():
        yield Finding(name="settings", state="ok", detail="no matrix.toml yet; the first start writes it")
        return
    found = settings.parse(path.read_text(encoding="utf-8"), str(path))
    yield Finding(
        name="settings", state="ok", detail=f"mode {found.mode}, model {found.model}, port {found.port}"
    )


def _limits(home: Path) -> Iterator[Finding]:
    from cli.home import check_limits

    check_limits(home)
    written = (home / "limits.toml").exists()
    detail = "limits.toml is valid" if written else "no limits.toml yet; the shipped limits hold"
    yield Finding(name="limits", state="ok", detail=detail)


def _secrets(home: Path) -> Iterator[Finding]:
    open_files = [
        path
        for pattern in _SECRETS
        for path in home.glob(pattern)
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    for path in open_files:
        yield Finding(
            name="secrets",
            state="fail",
            detail=f"{path} can be read by others",
            cure=f"Run `chmod 600 {path}`.",
        )
    if not open_files:
        yield Finding(name="secrets", state="ok", detail="tokens, keys and databases are private")


def _processes(home: Path) -> Iterator[Finding]:
    from cli.plans import APP_HEALTH, desk_runs, exchange_runs

    up = "Start it with `make run` or `matrix up`."
    if desk_runs(home):
        yield Finding(name="desk", state="ok", detail=f"answers at {probe.address(home, 'desk')}")
    else:
        yield Finding(name="desk", state="fail", detail="does not answer", cure=up)
    if exchange_runs(home):
        yield Finding(name="exchange", state="ok", detail=f"answers at {probe.address(home, 'exchange')}")
    else:
        yield Finding(name="exchange", state="warn", detail="the embedded exchange does not answer", cure=up)
    if probe.answers(probe.address(home, "app"), APP_HEALTH):
        yield Finding(name="app", state="ok", detail=f"answers at {probe.address(home, 'app')}")
    else:
        yield Finding(name="app", state="warn", detail="the web page does not answer", cure=up)


def _desk(home: Path) -> Iterator[Finding]:
    from cli.desk_access import as_reader
    from cli.plans import desk_runs

    if not desk_runs(home):
        return
    status = as_reader(home, lambda desk: desk.read("/status"))
    halted = status["kill_state"] != "active"
    yield Finding(
        name="kill",
        state="warn" if halted else "ok",
        detail=f"{status['kill_state']}" + (f": {status['kill_reason']}" if halted else ""),
        cure="When you are sure, run `matrix release`." if halted else "",
    )
    for light in status["lights"]:
        if light["name"] == "Trading":
            continue  # the latch, told above
        state = {"ok": "ok", "slow": "warn", "off": "ok"}.get(light["state"], "fail")
        detail = f"{light['state']}: {light['detail']}"
        cure = "" if state == "ok" else "It reconnects by itself; `matrix journal tail` shows what happened."
        yield Finding(name=f"light {light['name']}", state=state, detail=detail, cure=cure)
    chain = as_reader(home, lambda desk: desk.read("/journal/verify"))
    cure = (
        "" if chain["ok"] else "Stop trading, keep the home as it is, and restore the last backup beside it."
    )
    detail = f"{chain['checked']} records" + ("" if chain["ok"] else f", broken at {chain['first_bad']}")
    yield Finding(name="journal", state="ok" if chain["ok"] else "fail", detail=detail, cure=cure)


def _supervisor(home: Path) -> Iterator[Finding]:
    try:
        written: Json = json.loads((home / "run" / "up.json").read_text(encoding="utf-8"))
        pids = {name: pid for name, pid in written["children"].items() if pid}
    except (OSError, ValueError, KeyError, AttributeError):
        return
    dead = [name for name, pid in {"up": written["pid"], **pids}.items() if not _is_alive(pid)]
    detail = ", ".join(f"{name} {pid}" for name, pid in pids.items())
    yield Finding(
        name="supervisor",
        state="warn" if dead else "ok",
        detail=f"not running any more: {', '.join(dead)}"
        if dead
        else f"process {written['pid']} keeps {detail}",
        cure="Start again: make run, or matrix up." if dead else "",
    )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


_CHECKS = (_python, _clock, _home, _disk, _settings, _limits, _secrets, _processes, _desk, _supervisor)
