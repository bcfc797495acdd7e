"""The Google key for the chat's model: taken from the environment, kept from every process but the app."""

from __future__ import annotations

from collections.abc import Mapping

NAMES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")


def gemini_key(environment: Mapping[str, str]) -> str | None:
    """Return the key that the environment gives, None without one."""
    return next((environment[name] for name in NAMES if environment.get(name)), None)


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for processes that must not hold the key."""
    return {name: value for name, value in environment.items() if name not in NAMES}
