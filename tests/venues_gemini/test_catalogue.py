"""The table is whole, frozen, and paths cannot be bent."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

import venues.gemini
from domain.errors import BadInputError
from venues.gemini.catalogue import TABLE, Auth, Money, RateClass, Role


def test_table_rows_consistent() -> None:
    for name, call in TABLE.items():
        assert call.name == name
        assert call.path.startswith(("/v1/", "/v2/"))
        assert (call.auth is Auth.SIGNED) == (call.method == "POST" or name == "order_events")
        assert (call.rate is RateClass.PUBLIC) == (call.method == "GET")
        assert call.auth is Auth.SIGNED or (call.money is Money.READS and not call.roles)
    trading = {name for name, call in TABLE.items() if call.money is Money.TRADES}
    assert trading == {"order_new", "order_cancel", "cancel_session"}
    assert all(TABLE[name].roles == {Role.TRADER} for name in trading)
    assert [name for name, call in TABLE.items() if not call.is_repeatable] == ["order_new"]
    assert [name for name, call in TABLE.items() if call.money is Money.WRITES] == ["heartbeat"]
    assert not any(call.money is Money.MOVES for call in TABLE.values())
    assert not any(Role.ADMINISTRATOR in call.roles for call in TABLE.values())


def test_table_changed_refused() -> None:
    with pytest.raises(TypeError):
        TABLE["order_new"] = TABLE["orders"]  # type: ignore[index]  # the point of the test
    with pytest.raises(FrozenInstanceError):
        TABLE["order_new"].path = "/v1/withdraw/btc"  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize(
    "symbol", ["../order/new", "btcusd/", "BTCUSD", "btc%2fusd", "btc usd", "", "btcuſd", "a?b=c"]
)
def test_at_part_that_is_no_symbol_refused(symbol: str) -> None:
    with pytest.raises(BadInputError):
        TABLE["book"].at(symbol=symbol)


def test_paths_outside_the_table_absent() -> None:
    folder = Path(venues.gemini.__file__).parent
    paths = {call.path for call in TABLE.values()}
    for file in folder.glob("*.py"):
        if file.name != "catalogue.py":
            literals = re.findall(r'["\'](/v[12]/[^"\']*)["\']', file.read_text(encoding="utf-8"))
            assert not set(literals) & paths, file.name
            assert not literals, file.name
