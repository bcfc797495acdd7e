"""Times and periods as people say them, in the configured time zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.clock import parse_rfc3339
from domain.errors import BadInputError

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", re.ASCII)
_DAYS = re.compile(r"([1-9][0-9]{0,3})d", re.ASCII)
Span = tuple[datetime | None, datetime | None]


def parse_period(text: str | None, now: datetime, zone: str) -> Span:
    """Return (start, end) of `today`, `yesterday`, `7d`, `all` or `START/END`; None is open-ended.

    Raises `BadInputError`.
    """
    if text is None or text == "all":
        return None, None
    local = now.astimezone(ZoneInfo(zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if text == "today":
        return midnight, None
    if text == "yesterday":
        return midnight - timedelta(days=1), midnight
    days = _DAYS.fullmatch(text)
    if days:
        return now - timedelta(days=int(days.group(1))), None
    start, slash, end = text.partition("/")
    if not slash:
        raise _bad_period(text)
    try:
        return parse_rfc3339(start), parse_rfc3339(end)
    except (ValueError, OverflowError) as error:
        raise _bad_period(text) from error


def parse_moment(text: str, now: datetime, zone: str) -> Span:
    """Return the span a spoken time means: `HH:MM` is that minute, the latest one that is not ahead.

    An RFC 3339 time is that minute too. Raises `BadInputError`.
    """
    clock = _CLOCK.fullmatch(text.strip())
    if clock:
        hour, minute = int(clock.group(1)), int(clock.group(2))
        local = now.astimezone(ZoneInfo(zone))
        start = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if start > local:
            start -= timedelta(days=1)
        return start, start + timedelta(minutes=1)
    try:
        moment = parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise BadInputError(
            "BAD_TIME", f"{text!r:.60} is no time", "Say 14:37, or 2026-11-20T14:37:00Z."
        ) from error
    start = moment.replace(second=0, microsecond=0)
    return start, start + timedelta(minutes=1)


def _bad_period(text: str) -> BadInputError:
    return BadInputError(
        "BAD_PERIOD",
        f"{text!r:.60} is no period",
        "Use today, yesterday, 7d, 30d, all, or START/END, two times such as 2026-11-20T00:00:00Z.",
    )
