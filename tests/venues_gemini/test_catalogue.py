"""The table is whole, frozen, says what the venue's pages say, and its paths cannot be bent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import FrozenInstanceError

import pytest

from domain.errors import BadInputError
from scripts import list_endpoints
from tests.venues_gemini.endpoint_list import ENDPOINTS
from venues.gemini.catalogue import SHAPES, TABLE, Auth, Call, Host, Money, RateClass, Role
from venues.gemini.catalogue.kinds import Field, Kind, Word, fields, kind
from venues.gemini.catalogue.reasons import REASONS

REST = [row for row in TABLE.values() if row.host is Host.REST and row.method != "WS"]
UNKNOWN_AT_THE_VENUE = {
    "add_bank_cad",
    "all_symbol_details",
    "auction",
    "auction_history",
    "balances",
    "cancel_session",
    "candles",
    "fee_promos",
    "funding_amount_report",
    "funding_payment_report",
    "funding_payment_report_xlsx",
    "market_data",
    "my_trades",
    "notional_volume",
    "order_cancel",
    "order_events",
    "order_history",
    "order_new",
    "order_status",
    "positions",
    "stake",
    "staking_balances",
    "staking_history",
    "staking_rewards",
    "stream_order_cancel",
    "stream_order_place",
    "streams",
    "symbol_details",
    "trades",
    "transfers",
    "unstake",
    "withdraw_fee",
    "wrap",
}
SHORT = {Role.TRADER: "T", Role.FUND_MANAGER: "FM", Role.AUDITOR: "A", Role.ADMINISTRATOR: "Adm"}


def kinds_in(wanted: Kind) -> Iterator[Kind]:
    yield wanted
    inner = [wanted.array_of, wanted.map_of, *wanted.row_of, *wanted.any_of]
    for each in inner:
        if each is not None:
            yield from kinds_in(each)


def all_fields() -> Iterator[Field]:
    for row in TABLE.values():
        yield from (*row.query, *row.request)
    for wanted in SHAPES.values():
        yield from wanted


def all_kinds() -> Iterator[Kind]:
    for row in TABLE.values():
        yield from kinds_in(row.answer)
        yield from kinds_in(row.asks)
    for field in all_fields():
        yield from kinds_in(field.kind)


def written(row: Call) -> str:
    """Write a row as the list of endpoints in this folder writes it."""
    roles = "/".join(short for role, short in SHORT.items() if role in row.roles) or "any"
    who = "public" if row.auth is Auth.NONE else f"{'m:' if row.is_master_only else ''}{roles}"
    return f"{row.method} {row.path} {who} {row.scope or '-'} {row.money} {row.rate} {row.tier}"


def test_table_rows_are_those_of_the_list() -> None:
    assert [written(row) for row in TABLE.values() if row.host is Host.REST] == ENDPOINTS.split("\n")[1:-1]


def test_table_rows_consistent() -> None:
    for name, call in TABLE.items():
        assert call.name == name
        assert call.method in {"GET", "POST", "WS", "CALL"}
        assert call.auth is Auth.SIGNED or (not call.roles and not call.scope and not call.is_master_only)
        assert call.auth is Auth.SIGNED or call.money is Money.READS or call.host is Host.SITE
        assert (call.rate is RateClass.SOCKET) == (call.method in {"WS", "CALL"})
        assert call.method != "GET" or not call.request
        assert not call.sim or call.sim.endswith(".")
        assert call.money is not Money.MOVES or not call.is_repeatable
    for call in REST:
        assert call.path.startswith(("/v1/", "/v2/"))
        assert (call.rate is RateClass.PUBLIC) == (call.auth is Auth.NONE)
        assert not {"request", "nonce", "account"} & {field.name for field in call.request}


def test_table_money_is_where_it_moves() -> None:
    trading = {row.name for row in REST if row.money is Money.TRADES}
    assert trading == {"order_new", "order_cancel", "cancel_session", "cancel_all"}
    assert {row.name for row in TABLE.values() if row.money is Money.MOVES} == {
        "wrap",
        "instant_execute",
        "withdraw",
        "withdraw_v1",
        "add_bank",
        "add_bank_cad",
        "approve_address",
        "account_transfer",
        "clearing_new",
        "clearing_confirm",
        "broker_new",
        "stake",
        "unstake",
    }
    assert not TABLE["order_new"].is_repeatable
    assert not TABLE["stream_order_place"].is_repeatable
    assert TABLE["order_cancel"].is_repeatable


def test_table_rules_of_our_own_are_said() -> None:
    assert not sorted(name for name in UNKNOWN_AT_THE_VENUE if not TABLE[name].sim)


def test_table_says_what_every_call_answers() -> None:
    unsaid = [row.name for row in TABLE.values() if row.answer == Kind() and row.method != "CALL"]
    assert not unsaid


def test_table_changed_refused() -> None:
    with pytest.raises(TypeError):
        TABLE["order_new"] = TABLE["orders"]  # type: ignore[index]  # the point of the test
    with pytest.raises(TypeError):
        SHAPES["Order"] = ()  # type: ignore[index]  # the point of the test
    with pytest.raises(FrozenInstanceError):
        TABLE["order_new"].path = "/v1/withdraw/btc"  # type: ignore[misc]  # the point of the test


def test_table_each_path_finds_its_own_row_first() -> None:
    for row in REST:
        filled = re.sub(r"\{[a-z]+\}", "x", row.path)
        fitting = [
            other.name
            for other in REST
            if other.method == row.method
            and re.fullmatch(re.sub(r"\\\{[a-z]+\\\}", "[^/]+", re.escape(other.path)), filled)
        ]
        assert fitting[0] == row.name


@pytest.mark.parametrize(
    "symbol", ["../order/new", "btcusd/", "BTCUSD", "btc%2fusd", "btc usd", "", "btcuſd", "a?b=c"]
)
def test_at_part_that_is_no_symbol_refused(symbol: str) -> None:
    with pytest.raises(BadInputError):
        TABLE["book"].at(symbol=symbol)


def test_at_parts_filled_in() -> None:
    assert TABLE["book"].at(symbol="btcusd") == "/v1/book/btcusd"
    assert TABLE["withdraw"].at(network="bitcoin", ticker="btc") == "/v2/withdraw/bitcoin/btc"
    for parts in ({}, {"network": "bitcoin"}, {"network": "bitcoin", "ticker": "btc", "more": "x"}):
        with pytest.raises(BadInputError):
            TABLE["withdraw"].at(**parts)


def test_opens_to_needs_one_of_the_named_scopes() -> None:
    assert TABLE["orders"].opens_to(frozenset({"orders:read", "balances:read"}))
    assert not TABLE["orders"].opens_to(frozenset({"orders:create"}))
    for scope in ("addresses:read", "addresses:create"):
        assert TABLE["addresses"].opens_to(frozenset({scope}))
    assert TABLE["roles"].opens_to(frozenset())
    closed = [row for row in TABLE.values() if not row.scope]
    assert not any(row.opens_to(frozenset({"", "any", "orders:create"})) for row in closed)
    assert {"stake", "unstake", "account_transfer"} <= {row.name for row in closed}


def test_shapes_named_exist_and_existing_are_named() -> None:
    named = {each.shape for each in all_kinds() if each.shape}
    assert named - set(SHAPES) == set()
    assert set(SHAPES) - named == {"PlainRefusal"}
    assert not {each.word for each in all_kinds()} - set(Word)


def test_kinds_written_and_read_again_are_the_same() -> None:
    for each in all_kinds():
        assert kind(str(each)) == each
    for wanted in (*SHAPES.values(), *(row.request for row in TABLE.values())):
        assert fields(", ".join(map(str, wanted))) == wanted


@pytest.mark.parametrize(
    "text", ["", "decimals", "order", "[", "[nothing]", "map(nothing)", "Two Words", "<x>"]
)
def test_kind_that_is_none_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a kind"):
        kind(text)


@pytest.mark.parametrize("text", ["price", "price decimal", "9price: decimal", "a: int, a: int", "a**: int"])
def test_fields_malformed_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a field|named twice"):
        fields(text)


def test_reasons_have_a_status_of_an_error() -> None:
    assert len(REASONS) == 65
    assert all(statuses and all(400 <= each < 600 for each in statuses) for statuses in REASONS.values())


def test_page_of_endpoints_up_to_date() -> None:
    assert list_endpoints.PAGE.read_text(encoding="utf-8") == list_endpoints.page(), (
        "run: python scripts/list_endpoints.py"
    )
