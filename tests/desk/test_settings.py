"""Settings, periods and strict JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from desk import settings, strict_json
from desk.limit_file import read_limits
from desk.periods import parse_moment, parse_period
from domain.errors import BadInputError
from guardrails.snapshot import Mode

NOW = datetime(2026, 11, 20, 14, 40, tzinfo=UTC)


def test_shipped_settings_are_written_and_valid(tmp_path) -> None:
    found = settings.load(tmp_path)
    assert found.mode is Mode.PAPER
    assert (tmp_path / "matrix.toml").read_text() == settings.SHIPPED


def test_misspelt_keys_and_bad_values_are_all_named_at_once() -> None:
    with pytest.raises(BadInputError) as caught:
        settings.parse('mod = "paper"\nport = 80\ntimezone = "Moon/Base"\nmodel = "gpt"\n')
    text = str(caught.value)
    for word in ("'mod'", "did you mean 'mode'", "port must be", "Moon/Base", "model must be"):
        assert word in text


def test_broken_toml_says_where() -> None:
    with pytest.raises(BadInputError, match="line 2"):
        settings.parse('mode = "paper"\nport = x\n')


def test_misspelt_limit_refuses_and_names_it(tmp_path) -> None:
    read_limits(tmp_path)
    path = tmp_path / "limits.toml"
    path.write_text(path.read_text().replace("per_order_usd", "per_oder_usd", 1))
    with pytest.raises(BadInputError, match="per_order_usd"):
        read_limits(tmp_path)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        (None, None, None),
        ("all", None, None),
        ("today", datetime(2026, 11, 20, tzinfo=UTC), None),
        ("yesterday", datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)),
        ("7d", NOW - timedelta(days=7), None),
        (
            "2026-11-01T00:00:00Z/2026-11-02T00:00:00Z",
            datetime(2026, 11, 1, tzinfo=UTC),
            datetime(2026, 11, 2, tzinfo=UTC),
        ),
    ],
)
def test_periods(text, start, end) -> None:
    assert parse_period(text, NOW, "UTC") == (start, end)


@pytest.mark.parametrize("text", ["tomorrow", "0d", "", "2026-11-01", "2026-11-01T00:00:00/x"])
def test_bad_periods_say_what_is_possible(text) -> None:
    with pytest.raises(BadInputError, match="today"):
        parse_period(text, NOW, "UTC")


def test_spoken_time_means_the_latest_such_minute_in_the_zone() -> None:
    assert parse_moment("14:37", NOW, "UTC")[0] == datetime(2026, 11, 20, 14, 37, tzinfo=UTC)
    assert parse_moment("14:45", NOW, "UTC")[0] == datetime(2026, 11, 19, 14, 45, tzinfo=UTC)
    assert parse_moment("14:37", NOW, "Europe/Zurich")[0] == datetime(2026, 11, 20, 13, 37, tzinfo=UTC)


@pytest.mark.parametrize("text", ["25:00", "noon", "2026-11-20T14:37:00"])
def test_bad_times_say_how(text) -> None:
    with pytest.raises(BadInputError, match="14:37"):
        parse_moment(text, NOW, "UTC")


@pytest.mark.parametrize("body", [b"\xff", b'{"a":1} x', b'{"a":Infinity}', b'{"a":1.5}', b"null"])
def test_strict_decoder_refuses(body) -> None:
    with pytest.raises(BadInputError):
        strict_json.decode(body)
