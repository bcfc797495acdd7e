"""`matrix.toml`: the one settings file, judged whole at start."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from domain.errors import BadInputError
from guardrails.snapshot import Mode
from loopback.files import write_private

SHIPPED = """\
# Settings of crypto-matrix. An unknown or misspelt key refuses to start and is named.

# Where orders go: "paper" (play money on the embedded exchange) or "sandbox" (Gemini's test exchange).
mode = "paper"

# Time zone of answers: "system" or a name such as "Europe/Zurich".
timezone = "system"

# Who answers in the chat: "auto" (Gemini when a Google key is set up, else the offline planner),
# "gemini" or "offline".
model = "auto"

# The web page's port on this machine.
port = 8420
"""

_CHOICES = {"mode": {"paper", "sandbox", "live"}, "model": {"auto", "gemini", "offline"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `matrix.toml` says; `timezone` is an IANA name."""

    mode: Mode
    timezone: str
    model: str
    port: int


def load(home: Path) -> Settings:
    """Read `matrix.toml` of `home`, writing the shipped one first when there is none.

    Raises `BadInputError` that lists every fault at once.
    """
    path = home / "matrix.toml"
    try:
        if not path.exists():
            write_private(path, SHIPPED)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            "SETTINGS_UNREADABLE", f"{path} cannot be read: {error}", "Check the file's owner and mode."
        ) from error
    return parse(text, str(path))


def parse(text: str, path: str = "matrix.toml") -> Settings:
    """Judge the text of a settings file."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError("SETTINGS_INVALID", f"{path} is not TOML: {error}", "Mend that line.") from error
    given = {**tomllib.loads(SHIPPED), **table}
    faults = [*_unknown_keys(table), *_wrong_values(given)]
    if faults:
        raise BadInputError(
            "SETTINGS_INVALID", f"{path}: " + "; ".join(faults), "Mend the file and start again."
        )
    zone = system_timezone() if given["timezone"] == "system" else given["timezone"]
    return Settings(mode=Mode(given["mode"]), timezone=zone, model=given["model"], port=given["port"])


def _unknown_keys(table: dict[str, object]) -> list[str]:
    known = list(tomllib.loads(SHIPPED))
    faults = []
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            faults.append(f"unknown key {key!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
    return faults


def _wrong_values(given: dict[str, object]) -> list[str]:
    faults = [
        f"{key} must be one of {', '.join(sorted(choices))}, not {given[key]!r}"
        for key, choices in _CHOICES.items()
        if given[key] not in choices
    ]
    port = given["port"]
    if type(port) is not int or not 1024 <= port <= 65535:
        faults.append(f"port must be a whole number from 1024 to 65535, not {port!r}")
    zone = given["timezone"]
    if not isinstance(zone, str) or (zone != "system" and zone not in available_timezones()):
        faults.append(f'timezone must be "system" or a name such as "Europe/Zurich", not {zone!r}')
    return faults


def system_timezone() -> str:
    """Return the machine's time zone as an IANA name, `UTC` when it does not say."""
    link = Path("/etc/localtime")
    try:
        target = str(link.resolve(strict=True))
    except OSError:
        return "UTC"
    _, found, name = target.partition("zoneinfo/")
    if not found:
        return "UTC"
    name = name.removeprefix("posix/").removeprefix("Etc/")
    try:
        ZoneInfo(name)
    except (ValueError, OSError):
        return "UTC"
    return name
